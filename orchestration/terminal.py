"""What the commands share: the option for the home, how they print and how they refuse.

Belongs here: what two modules of commands need. Does not belong here: a command.
"""

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

HOME_HELP = "Home folder; else FLYWHEEL_HOME, else data/ in a checkout and ~/flywheel for an installed package."
HomeOption = Annotated[Path | None, typer.Option("--home", help=HOME_HELP)]


def print_plain(console: Console, words: str) -> None:
    """Print words that may hold what a source sent, which is no markup."""
    console.print(words, markup=False, highlight=False, soft_wrap=True)


def exit_with_usage_error(console: Console, message: str) -> NoReturn:
    """Print why a command does nothing, and exit with 2."""
    console.print(f"[red]{message}[/]", soft_wrap=True)
    raise typer.Exit(2)
