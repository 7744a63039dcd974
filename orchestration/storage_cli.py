"""What the commands do about an inbox and a landing in S3: bring them up to date, and say what can't be.

Belongs here: words, and what a command does without a network. Does not belong here: syncing (landing/mirrors.py).
"""

from rich.console import Console

from orchestration.home import Home
from orchestration.landing.mirrors import addresses, sync
from orchestration.landing.storage import StorageError
from orchestration.settings import SettingsError
from orchestration.terminal import exit_with_usage_error, print_plain

SHOWN_OBJECTS = 5


def sync_or_warn(console: Console, home: Home) -> None:
    """Bring inbox and landing up to date; where they can't be reached, say so, and go on with what the home has."""
    try:
        _print_left_out(console, sync(home))
    except StorageError as error:
        print_plain(console, f"Warning: {error} What follows is the home's copy, as it was last brought.")
    except SettingsError:
        pass  # a command that needs settings says what is wrong with them


def sync_and_print(console: Console, home: Home) -> None:
    """Bring inbox and landing up to date, and print which objects are left out; raises StorageError."""
    _print_left_out(console, sync(home))


def refuse_sample(console: Console, home: Home) -> None:
    """Exit with 2 where inbox or landing are in S3: other homes would take the sample's events for real ones."""
    if found := addresses(home):
        words = f"{home.root} has its events in {', '.join(found)}, so no made-up sample organisation is put there."
        exit_with_usage_error(console, f"{words} Put files into the inbox, or: flywheel run --events FILE.")


def _print_left_out(console: Console, left: list[str]) -> None:
    for words in left[:SHOWN_OBJECTS]:
        print_plain(console, f"Left out of the inbox: {words}. Give the object another name.")
    if len(left) > SHOWN_OBJECTS:
        print_plain(console, f"So are {len(left) - SHOWN_OBJECTS:,} more objects.")
