"""What the commands share: the option for the home, how they print, how they refuse, and what stops each of them.

Belongs here: what two modules of commands need. Does not belong here: a command.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from orchestration.landing.receipts import DamagedReceiptError
from orchestration.landing.storage import StorageError

HOME_HELP = "Home folder; else FLYWHEEL_HOME, else data/ in a checkout and ~/flywheel for an installed package."
HomeOption = Annotated[Path | None, typer.Option("--home", help=HOME_HELP)]


class Commands(TyperGroup):
    """Commands that end with a plain message and 1 where a file of landing is damaged, or S3 can't be used."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (DamagedReceiptError, StorageError) as error:
            print_plain(Console(file=sys.stdout), str(error))
            raise typer.Exit(1) from None


def print_plain(console: Console, words: str) -> None:
    """Print words that may hold what a source sent, which is no markup."""
    console.print(words, markup=False, highlight=False, soft_wrap=True)


def exit_with_usage_error(console: Console, message: str) -> NoReturn:
    """Print why a command does nothing, and exit with 2."""
    console.print(f"[red]{message}[/]", soft_wrap=True)
    raise typer.Exit(2)
