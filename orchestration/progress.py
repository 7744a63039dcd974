"""Tells whoever started the run what it is doing, in one line a step.

Belongs here: the hand-over from steps to the terminal. Does not belong here: logs (Dagster keeps those).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, str, bool], None]  # (step, words, whether the step has ended)

_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send every word on progress in this process to `listener`; the Dagster UI has none."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(step: str, words: str, is_end: bool = False) -> None:
    """Say how far a step is, or with `is_end` what came of it."""
    for listener in _listeners:
        listener(step, words, is_end)
