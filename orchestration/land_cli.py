"""`flywheel land`, `replay` and `erase`: what changes landing and builds nothing.

Belongs here: arguments, words, exit codes. Does not belong here: how files land (landing/).
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from orchestration.home import Home
from orchestration.landing import locks, mirrors
from orchestration.landing.inbox import files_to_place, is_in_inbox, is_marker, place_in_inbox
from orchestration.landing.mirrors import sync
from orchestration.landing.receipts import receipts
from orchestration.settings import SettingsError
from orchestration.terminal import HomeOption, exit_with_usage_error, print_plain

EventsOption = Annotated[list[Path] | None, typer.Option("--events", help="Files or folders to put into the inbox.")]
MARKER = "holds no events: an operating system or a tool writes such a file next to data. Name the data file."
GONE = "the inbox no longer holds this file as it was refused. Send it again, or dismiss it."
READ = "can be read now: {rows_landed:,} rows landed, {rows_quarantined:,} quarantined."
LANDED = "{rows_landed:,} rows landed, {rows_quarantined:,} quarantined."
SHOWN_FILES = 20


def land(events: EventsOption = None, root: HomeOption = None) -> None:
    """Land what is in the inbox, and build nothing. Several may run at once, also while a run builds."""
    from orchestration.contracts.contract import ContractError
    from orchestration.declared import DeclarationError
    from orchestration.landing.land import land_inbox
    from orchestration.sample.home import other_files

    console, home = Console(file=sys.stdout), Home.at(root)
    place_events(console, home, events or [])
    if others := other_files(home):
        exit_with_usage_error(console, escape(others))
    try:
        new = land_inbox(home)
    except (ContractError, DeclarationError, SettingsError) as error:
        exit_with_usage_error(console, escape(str(error)))
    for receipt in new[:SHOWN_FILES]:
        print_plain(console, f"{receipt['file_name']}: {LANDED.format(**receipt)}")
    if not new:
        console.print("Nothing new in the inbox.")
        return
    total = {name: sum(receipt[name] for receipt in new) for name in ("rows_landed", "rows_quarantined")}
    console.print(f"{len(new):,} files: {LANDED.format(**total)} `flywheel run` publishes them.")


def place_events(console: Console, home: Home, events: list[Path]) -> bool:
    """Put files of events into the inbox; whether there were any. Exits with 2 for one that can't be."""
    if missing := [str(path) for path in events if not path.exists()]:
        exit_with_usage_error(console, f"no such file: {escape(', '.join(missing))}")
    if markers := [str(path) for path in events if not path.is_dir() and is_marker(path.name)]:
        exit_with_usage_error(console, f"{escape(', '.join(markers))} {MARKER}")
    files = [file for path in events for file in files_to_place(path)]
    if files and home.sample():
        exit_with_usage_error(
            console, f"{home.root} holds sample events; give your own a home of their own: --home NEW"
        )
    with locks.placing(home):
        for path, name in files:
            place_in_inbox(home, path, name)
    return bool(files)


def replay(root: HomeOption = None) -> None:
    """Read quarantined rows, and files refused whole, again with today's contracts; land what now passes, once."""
    from orchestration.contracts.contract import ContractError
    from orchestration.declared import DeclarationError
    from orchestration.landing import quarantine
    from orchestration.landing.land import land_again

    console, home = Console(file=sys.stdout), Home.at(root)
    with home.lock():
        try:
            sync(home)
            files, gone = land_again(home)
            receipt = quarantine.replay(home)
        except (ContractError, DeclarationError, SettingsError) as error:
            exit_with_usage_error(console, escape(str(error)))
        left = quarantine.quarantined(home).num_rows
    lines = [f"{name}: {GONE}" for name in gone]
    lines += [f"{f['file_name']}: {READ.format(**f)}" for f in files]
    for line in lines:
        print_plain(console, line)
    if new := files + ([receipt] if receipt else []):
        landed = sum(each["rows_landed"] for each in new)
        console.print(f"{landed:,} rows landed; {left:,} wait on. `flywheel run` publishes them.")
    elif left:
        console.print(f"No quarantined row keeps its contract yet; {left:,} wait.")
    else:
        console.print("Nothing waits in quarantine.")


def erase(
    name: Annotated[
        str, typer.Argument(help="A file as it was in the inbox, or the first 8 or more digits of a batch.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it the batches are only listed.")] = False,
    root: HomeOption = None,
) -> None:
    """Delete what a file has landed, for good: its rows, those in quarantine too, and its receipt."""
    from orchestration.landing.compaction import erase as erase_batch

    console, home = Console(file=sys.stdout), Home.at(root)
    sync(home)
    mine = [r for r in receipts(home) if r["file_name"] == name or (len(name) >= 8 and r["batch_id"].startswith(name))]
    if not mine:
        exit_with_usage_error(console, f"{escape(name)}: no such file or batch has landed.")
    if left := [r["file_name"] for r in mine if not r["is_replay"] and is_in_inbox(home, r["file_name"])]:
        place = mirrors.address(home, "inbox") or home.inbox
        exit_with_usage_error(console, f"{escape(', '.join(left))} would land again: delete it from {place} first.")
    with home.lock():
        for receipt in mine:
            print_plain(console, f"{receipt['file_name']}: {LANDED.format(**receipt)} Batch {receipt['batch_id']}.")
            if yes:
                erase_batch(home, receipt["batch_id"])
    console.print("Erased; `flywheel run` publishes without them." if yes else "`--yes` erases them.")
