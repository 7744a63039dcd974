"""The command `flywheel map`: Wardley maps as OWM text and as SVG.

Belongs here: arguments, words, exit codes (1: there is nothing to map). Does not belong here: what is on a map.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console

from orchestration.home import Home, write_whole
from orchestration.terminal import HomeOption, exit_with_usage_error, print_plain


class Which(StrEnum):
    """The maps by name."""

    DATA_PRODUCTS = "data_products"
    CAPABILITIES = "capabilities"


def write_maps(
    which: Annotated[Which | None, typer.Argument(help="One of the maps; both if not given.")] = None,
    to: Annotated[Path | None, typer.Option(help="The folder to write into, else maps/ next to the tables.")] = None,
    as_of: Annotated[str, typer.Option(help="Of the look back as of this date, which `flywheel run` published.")] = "",
    known_at: Annotated[str, typer.Option(help="Of the look back that counts what had been recorded by then.")] = "",
    root: HomeOption = None,
) -> None:
    """Write Wardley maps of what is published, as OWM text for onlinewardleymaps.com and as SVG."""
    from dashboard import maps, owm, tables
    from dashboard.charts.wardley import wardley_file
    from dashboard.words import maps as words

    console, home = Console(file=sys.stdout), Home.at(root)
    try:
        published = home.folder_for(home.dates(as_of, known_at))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not published.serving.exists():
        print_plain(console, words.NOT_PUBLISHED.format(root=published.root))
        raise typer.Exit(1)
    try:
        data = tables.read_figures(published.serving)
    except duckdb.Error:
        print_plain(console, words.NOT_READABLE.format(file=published.serving))
        raise typer.Exit(1) from None
    folder = to or published.root / "maps"
    drawn = {name: found for name, found in maps.all_maps(data).items() if which in (None, name)}
    try:
        for found in drawn.values():
            if found:
                folder.mkdir(parents=True, exist_ok=True)
                write_whole(folder / f"{found.name}.owm", owm.owm_text(found).encode())
                write_whole(folder / f"{found.name}.svg", wardley_file(found).encode())
                print_plain(console, f"Wrote {folder / found.name}.owm and {folder / found.name}.svg")
    except OSError as error:
        exit_with_usage_error(
            console, f"{folder} can't be written: {error.strerror}. Choose another folder: --to FOLDER"
        )
    for name, found in drawn.items():
        if not found:
            print_plain(console, words.missing(data, name))
    if not any(drawn.values()):
        raise typer.Exit(1)
