"""`flywheel engine install`: makes the environment in which an engine other than DuckDB runs its half of a build.

Belongs here: arguments, words, exit codes. Does not belong here: what is installed (build/engines/environment.py).
"""

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from orchestration.terminal import Commands, print_plain

app = typer.Typer(cls=Commands, no_args_is_help=True, help="The engines that can make things out of events.")


class Installable(StrEnum):
    """The engines that need an environment of their own."""

    sail = "sail"
    spark = "spark"


@app.callback()
def engine() -> None:
    """The engines that can make things out of events."""


@app.command()
def install(
    name: Annotated[Installable, typer.Argument(help="sail (700 MB) or spark, which needs Java 17 as well.")],
) -> None:
    """Make the engine's own environment, from a locked file; `engine:` in flywheel.yml then chooses it."""
    from orchestration.build.engines.environment import EngineError, check_java, install_engine

    console = Console(file=sys.stdout)
    print_plain(console, f"Installing {name.value}; this takes a minute or two.")
    try:
        folder = install_engine(name.value)
    except EngineError as error:
        print_plain(console, str(error))
        raise typer.Exit(1) from None
    print_plain(console, f"Installed in {folder}. In flywheel.yml, engine.name: {name.value} chooses it.")
    if name is Installable.spark:
        try:
            check_java()
        except EngineError as error:
            print_plain(console, f"{error} A server of Spark Connect (sc://HOST:PORT) needs none here.")
