"""The command `flywheel try`: a dbt repository, without any declaration.

Belongs here: arguments, words, exit codes (1: there is nothing to measure). Does not belong here: work.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.home import Home
from orchestration.sources.declaration import SourceError
from orchestration.terminal import print_plain


def try_repository(
    path: Annotated[str, typer.Argument(help="A folder of a clone, or of a dbt project in one; or its address.")],
    root: Annotated[
        Path | None, typer.Option("--home", help="A folder for the results, else NAME-flywheel in the current one.")
    ] = None,
    as_of: Annotated[str, typer.Option(help="Look back: publish as of this date.")] = "",
    project: Annotated[str, typer.Option(help="The folder of one of several dbt projects, in PATH.")] = "",
) -> None:
    """Measure a dbt project by its history in git: a home with a source, what was assumed, and the page."""
    from orchestration import cli
    from orchestration.sources.repositories import try_dbt

    console = Console(file=sys.stdout)
    try:
        root = (root or try_dbt.default_home(path)).expanduser().resolve()
        Home(root).dates(as_of)
        home, tried = try_dbt.set_up(root, path, project or None)
    except SourceError as error:
        console.print(Text(str(error), "red"), soft_wrap=True)
        raise typer.Exit(1) from None
    except ValueError as error:  # no date
        raise typer.BadParameter(str(error)) from None
    print_plain(console, f"Home: {home.root}")
    if tried:
        table = Table("", "what was assumed", "to change it", box=None, padding=(0, 2, 0, 0))
        for row in try_dbt.assumptions(tried):
            table.add_row(*map(Text, row))
        console.print(table)
    else:
        print_plain(console, f"{home.sources} has dbt.yml and dbt.sql already; they are yours, and stay.")
    cli.run(as_of=as_of, root=home.root)
    page = home.folder_for(home.dates(as_of)).dashboard / "index.html"
    print_plain(console, f"To change what was assumed: edit {home.sources / 'dbt.sql'}, then try again.\nOpen {page}")
