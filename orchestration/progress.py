"""Reports the progress of a run's steps to the terminal that started it.

Belongs here: passing messages from steps to listeners. Does not belong here: logs (Dagster keeps those).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, str, bool], None]  # (step, message, whether the step has ended)

_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send every message in this process to `listener`; runs of the Dagster UI have none."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def report(step: str, message: str, is_end: bool = False) -> None:
    """Report how far a step is or, with `is_end`, its result."""
    for listener in _listeners:
        listener(step, message, is_end)
