"""What a run prints while it works, and why it stopped.

Belongs here: words about steps and checks. Does not belong here: what was published (summary.py), running.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from orchestration.progress import listening

if TYPE_CHECKING:  # Dagster takes seconds to import
    import dagster as dg
    from dagster._core.execution.plan.objects import StepFailureData

NOT_PUBLISHED = "[bold red]Not published.[/] The last good tables stay in place."


@contextmanager
def progress_on(console: Console) -> Iterator[None]:
    """A live line for each step; without a terminal, a plain line when the step ends."""
    started: dict[str, float] = {}
    with console.status("starting") as line:

        def listen(step: str, message: str, is_end: bool) -> None:
            started.setdefault(step, time.monotonic())
            line.update(f"{step}: {message}")
            if is_end:
                console.print(f"[green]✓[/] {step:<11} {message}  [dim]{time.monotonic() - started[step]:.1f} s[/]")

        with listening(listen):
            yield


def print_failure(console: Console, result: "dg.ExecuteInProcessResult", log: Path) -> None:
    """Print which check stopped the run, why, and what to do."""
    keys = [event.asset_key for event in result.get_asset_materialization_events()]
    if any(key.path[0] == "serving" for key in keys if key):
        console.print("[bold red]The tables are published, the page is not.[/] The last good page stays in place.")
    else:
        console.print(NOT_PUBLISHED)
    stopped = [e for e in result.get_asset_check_evaluations() if not e.passed and e.severity.value == "ERROR"]
    for check in stopped:
        console.print(f"✗ {check.asset_key.to_user_string()}: {check.check_name}", markup=False, soft_wrap=True)
        console.print(f"  {check.description}", markup=False, soft_wrap=True)
        if rows := getattr(check.metadata.get("rows"), "md_str", None):
            console.print(rows, markup=False, soft_wrap=True)
    if not stopped:
        for event in result.get_step_failure_events():
            console.print(f"✗ {event.step_key}: {_why(event.step_failure_data)}", markup=False, soft_wrap=True)
    console.print(f"Full log: {log}", soft_wrap=True)


def _why(failure: "StepFailureData") -> str:
    """The words of a dg.Failure, else those of the first cause."""
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else "failed"
