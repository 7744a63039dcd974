"""What the commands do about an inbox and a landing in S3: bring them up to date, and say what can't be.

Belongs here: words, and what a command does without a network. Does not belong here: syncing (landing/mirrors.py).
"""

import typer
from rich.console import Console

from orchestration.home import Home
from orchestration.landing.mirrors import address, sync
from orchestration.landing.storage import StorageError
from orchestration.run_output import NOT_PUBLISHED
from orchestration.settings import SettingsError
from orchestration.terminal import exit_with_usage_error, print_plain

SHOWN_OBJECTS = 5
NO_SAMPLE = (
    "Put files into the inbox, or: flywheel run --events FILE. The sample needs a home without storage: --home NEW."
)


def sync_or_warn(console: Console, home: Home) -> None:
    """Bring inbox and landing up to date; where they can't be reached, say so, and go on with what the home has."""
    try:
        _print_left_out(console, sync(home))
    except StorageError as error:
        print_plain(console, f"Warning: {error} What follows is the home's copy, as it was last brought.")
    except SettingsError:
        pass  # a command that needs settings says what is wrong with them


def sync_or_stop(console: Console, home: Home, is_said: bool = True) -> None:
    """Bring inbox and landing up to date, and print which objects are left out; where that fails, exit with 1."""
    try:
        left = sync(home)
    except StorageError as error:
        console.print(NOT_PUBLISHED)
        print_plain(console, f"✗ {error}")
        raise typer.Exit(1) from None
    if is_said:
        _print_left_out(console, left)


def refuse_sample(console: Console, home: Home) -> None:
    """Exit with 2 where inbox or landing are in S3: other homes would take the sample's events for real ones."""
    if found := [place for what in ("inbox", "landing") if (place := address(home, what))]:
        words = (
            f"{home.root} has its events in {' and '.join(found)}: the made-up sample organisation would mix with them."
        )
        exit_with_usage_error(console, f"{words} {NO_SAMPLE}")


def _print_left_out(console: Console, left: list[str]) -> None:
    for words in left[:SHOWN_OBJECTS]:
        print_plain(console, f"Left out of the inbox: {words}. Give the object another name.")
    if len(left) > SHOWN_OBJECTS:
        print_plain(console, f"So are {len(left) - SHOWN_OBJECTS:,} more objects.")
