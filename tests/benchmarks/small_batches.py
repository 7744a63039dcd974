"""Measures many small files against one file of the same rows: landing, compaction, and what follows.

Belongs here: homes of the same rows, commands one after the other, each alone; one table. Does not belong here: limits
that fail a build.

    small_batches.py [--files 5000] [--rows 10] [--timeout 1200] [--work FOLDER]

Three homes of the same rows: `one` file; `many` files that land together; `apart`, many files that landed each in files
of its own, as by earlier versions or one command a file. Of each: the first landing (of `apart` the compaction), the
landing of one more file, a build, and a run with nothing new. Exits with 1 where the homes serve other figures.
"""

import argparse
import os
import sys
from pathlib import Path

import duckdb
from bench import FLYWHEEL, KEYS
from generate import AS_OF, write_events
from measuring import Measured, in_folder, measure

HOMES = ("one", "many", "apart")
# lands every file in files of its own, and compacts nothing
APART = """
import sys
from orchestration.home import Home
from orchestration.landing import batch, compaction, land
batch.TOGETHER, compaction.SPARED_FILES = 1 << 30, 1 << 30
land.land_inbox(Home.at(sys.argv[1]), count=1)
"""


def write_inboxes(folder: Path, files: int, rows: int) -> None:
    """The inboxes of the three homes, and `more.jsonl`."""
    write_events(folder / "events.parquet", files * rows + rows)
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"copy (from '{folder}/events.parquet') to '{folder}/events.jsonl' (format json)")
    lines = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    more, lines = lines[:rows], lines[rows:]
    (folder / "more.jsonl").write_text("".join(more))
    for home in HOMES:
        inbox = folder / home / "inbox"
        inbox.mkdir(parents=True)
        size = len(lines) if home == "one" else rows
        for k in range(0, len(lines), size):
            path = inbox / f"part-{k:07}.jsonl"
            path.write_text("".join(lines[k : k + size]))
            os.utime(path, (1_750_000_000, 1_750_000_000))


def of_home(folder: Path, home: str, timeout: float) -> dict[str, Measured]:
    """Each command of one home, measured."""
    place = ["--home", folder / home]
    found = {}

    def run(name: str, *command) -> None:
        print(f"{home}: {name} …", flush=True)
        found[name] = measure(name, list(map(str, command)), folder, timeout)

    if home == "apart":
        run("landed apart", sys.executable, "-c", APART, folder / home)
    run("first landing", FLYWHEEL, "land", *place)
    run("one more file", FLYWHEEL, "land", "--events", folder / "more.jsonl", *place)
    run("build", FLYWHEEL, "run", "--as-of", AS_OF.isoformat(), *place)
    run("nothing new", FLYWHEEL, "run", "--as-of", AS_OF.isoformat(), *place)
    return found


def differences(folder: Path) -> list[str]:
    """The tables of which the homes serve other rows."""
    with duckdb.connect() as db:
        for home in HOMES:
            [served] = (folder / home / "as_of").glob("*/serving.duckdb")
            db.execute(f"attach '{served}' as {home} (read_only)")
        return [
            f"{table} of {home}"
            for table in KEYS
            for home in HOMES[1:]
            if db.execute(
                f"(from one.authoritative.{table} except all from {home}.authoritative.{table}) union all "
                f"(from {home}.authoritative.{table} except all from one.authoritative.{table})"
            ).fetchall()
        ]


def bench(folder: Path, given: argparse.Namespace) -> int:
    """All of it; returns the exit code."""
    write_inboxes(folder, given.files, given.rows)
    found = {home: of_home(folder, home, given.timeout) for home in HOMES}
    print(f"\n{given.files:,} files of {given.rows} rows, against one file; CPU seconds (seconds)")
    for name in ("landed apart", "first landing", "one more file", "build", "nothing new"):
        cells = [f"{m.cpu_seconds:6.1f} ({m.seconds:5.1f})" if (m := found[h].get(name)) else "" for h in HOMES]
        print(f"{name:<14}", *(f"{home} {cell:<16}" for home, cell in zip(HOMES, cells, strict=True)))
    for home in HOMES:
        print(f"{home}: {sum(1 for _ in (folder / home / 'landing').glob('*/*.parquet'))} files in landing")
    if wrong := differences(folder):
        print("The homes serve other figures:", *wrong)
        return 1
    return 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--rows", type=int, default=10, help="of each file")
    parser.add_argument("--timeout", type=float, default=1200, help="seconds for each command")
    parser.add_argument("--work", type=Path, help="an empty folder to work in and keep; else a temporary one")
    given = parser.parse_args()
    return in_folder(given.work, lambda folder: bench(folder, given))


if __name__ == "__main__":
    sys.exit(main())
