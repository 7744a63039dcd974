"""Measures whole Flywheel runs against a hand-written floor, in two shapes, and a small batch on top of one.

Belongs here: running things one after the other, each alone in its own processes; that both got the same numbers; one
table. Does not belong here: limits that fail a build. Time on a shared machine is no test; ratios taken in one run are.

    bench.py [--events 5000000] [--increment 10000] [--products 20000] [--timeout 1200] [--work FOLDER]

1. `flywheel run` on 100 events: the fixed cost of a run. 2. Of many data products and 3. of many uses of few, each: the
floor (floor.sql) twice, the better counts; `flywheel run` on the same file in a new home. Of the first also the
increment on top, and the floor again on both files: it shows whether the machine was as free as before.
Exits with 1 when the floor and Flywheel disagree by more than 1e-9, and then gives no ratio; with 2 when a command
fails or takes longer than --timeout seconds.
"""

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
from generate import AS_OF, write_both, write_events, write_usage
from measuring import Measured, in_folder, measure

HERE = Path(__file__).resolve().parent
FLYWHEEL = Path(sys.executable).with_name("flywheel")
AS_OF_TEXT = AS_OF.isoformat()
TOLERANCE = 1e-9
KEYS = {
    "north_star_monthly": ["month_starting"],
    "time_to_value": ["interval_id", "domain", "estimator"],
    "time_to_value_curve": ["interval_id", "domain", "day"],
}
SLOWEST = 12
TINY = 100  # events
AIMS = {"products": "2.5 at most", "usage": "12 at most"}


def differences(floor: Path, serving: Path) -> list[str]:
    """Where the floor's tables and the served ones hold other rows or numbers; one line a table and column."""
    with duckdb.connect() as db:
        db.execute(f"attach '{floor}' as floor (read_only)")
        db.execute(f"attach '{serving}' as serving (read_only)")
        return [line for table, keys in KEYS.items() for line in _table_differences(db, table, keys)]


def _table_differences(db: duckdb.DuckDBPyConnection, table: str, keys: list[str]) -> list[str]:
    columns = [row[0] for row in db.execute(f"describe floor.main.{table}").fetchall()]
    served = f"serving.authoritative.{table}"
    if table == "time_to_value":
        served = (
            f"(select * from {served} where cohort = 'all' and estimator in (select estimator from floor.main.{table}))"
        )
    joined = f"floor.main.{table} as f full join {served} as s using ({', '.join(keys)})"
    found = []
    alone = db.execute(
        f"select count(*) from {joined} where f.{columns[-1]} is null and f.{keys[0]} is null"
    ).fetchone()[0]
    missing = db.execute(f"select count(*) from {joined} where s.{keys[0]} is null").fetchone()[0]
    if alone or missing:
        found.append(f"{table}: {alone} rows only served, {missing} rows only in the floor")
    for column in columns:
        if column in keys:
            continue
        is_other = f"""(f.{column} is null) <> (s.{column} is null)
            or abs(f.{column} - s.{column}) > {TOLERANCE} * greatest(1, abs(f.{column}))"""
        count, example = db.execute(
            f"""select count(*), any_value(({", ".join(keys)}, f.{column}, s.{column})) from {joined}
            where f.{keys[0]} is not null and s.{keys[0]} is not null and ({is_other})"""
        ).fetchone()
        if count:
            found.append(f"{table}.{column}: {count} rows differ, such as {example}")
    return found


def report(fixed: Measured, shapes: list["Shape"]) -> None:
    """A table of all that ran, and what is aimed at."""
    print(f"\n{'':<36}{'seconds':>9}{'CPU s':>8}{'peak MiB':>10}{'rows/s':>12}")
    for m, count in [(fixed, TINY), *(row for shape in shapes for row in shape.rows())]:
        print(f"{m.name:<36}{m.seconds:>9.1f}{m.cpu_seconds:>8.1f}{m.peak_mib:>10,.0f}{count / m.seconds:>12,.0f}")
    print(f"\n{'ratio of':<36}{'seconds':>9}{'CPU s':>8}")
    for shape in shapes:
        _print_ratio(f"{shape.name}: flywheel / floor", shape.full, shape.best, AIMS[shape.name])
        if shape.later:
            _print_ratio(f"{shape.name}: increment / full", shape.later, shape.full, "a whole build: 1")
            _print_ratio(f"{shape.name}: floor after / before", shape.floors[-1], shape.best, "1, a machine as free")
    print(f"\n{'a million events beyond a run of ' + str(TINY):<36}{'seconds':>9}{'CPU s':>8}")
    for shape in shapes:
        million = (shape.events - TINY) / 1e6
        beyond = [(one - two) / million for one, two in zip(_costs(shape.full), _costs(fixed), strict=True)]
        print(f"{shape.name:<36}{beyond[0]:>9.2f}{beyond[1]:>8.2f}  aim: 4 s at most")
    peak = max(shape.full.peak_mib for shape in shapes) / 1024
    print(f"\n{'peak':<36}{peak:>5.1f} GiB  aim: below 4 GiB")


def _costs(m: Measured) -> tuple[float, float]:
    return m.seconds, m.cpu_seconds


def _print_ratio(name: str, one: Measured, other: Measured, aim: str) -> None:
    seconds, cpu = (a / b for a, b in zip(_costs(one), _costs(other), strict=True))
    print(f"{name:<36}{seconds:>9.2f}{cpu:>8.2f}  aim: {aim}")


def split(run: Measured, dbt_results: list[tuple[str, float]]) -> None:
    """Where a run's time went, as far as it says: its steps, and dbt's slowest models and tests."""
    for step, words, seconds in re.findall(r"^✓ (\S+)\s+(.*?)\s+([\d.]+) s$", run.output, re.MULTILINE):
        print(f"{float(seconds):>9.1f} s  {step}: {words}")
    for name, seconds in dbt_results[:SLOWEST]:
        print(f"{seconds:>9.1f} s  dbt: {name}")


def dbt_results(home: Path) -> list[tuple[str, float]]:
    """(model or test, seconds) of the home's last `dbt build`, slowest first."""
    path = home / "dbt" / "run_results.json"
    results = json.loads(path.read_text())["results"] if path.exists() else []
    names = [(r["unique_id"].split(".", 2)[2], r["execution_time"]) for r in results]
    return sorted(names, key=lambda item: -item[1])


@dataclass
class Shape:
    """What was measured of one file of events."""

    name: str
    events: int
    floors: list[Measured]  # before, before, and after the increment
    full: Measured
    wrong: list[str]  # where the numbers differ
    later: Measured | None = None
    increment: int = 0

    @property
    def best(self) -> Measured:
        """The faster one of the floors on the file alone."""
        return min(self.floors[:2], key=lambda m: m.seconds)

    def rows(self) -> list[tuple[Measured, int]]:
        """(what ran, on how many events)."""
        rows = [*((m, self.events) for m in self.floors[:2]), (self.full, self.events)]
        later = [(self.later, self.increment), (self.floors[-1], self.events + self.increment)] if self.later else []
        return rows + later


@dataclass(frozen=True)
class Bench:
    """Where to work, and how long a command may take."""

    folder: Path
    timeout: float

    def floor(self, name: str, shape: str, *files: Path) -> Measured:
        """Run the floor on files of events."""
        command = [sys.executable, HERE / "floor.py", self.folder / f"{shape}.duckdb", *files, "--as-of", AS_OF_TEXT]
        return measure(f"{shape}: {name}", command, self.folder, self.timeout)

    def flywheel(self, name: str, shape: str, events: Path) -> Measured:
        """Run Flywheel on a file of events, in the shape's home."""
        command = [FLYWHEEL, "run", "--as-of", AS_OF_TEXT, "--home", self.folder / shape, "--events", events]
        run = measure(f"{shape}: {name}", command, self.folder, self.timeout)
        split(run, dbt_results(self.folder / shape))
        return run

    def wrong(self, shape: str) -> list[str]:
        """Where the floor and the shape's home hold other numbers."""
        return [
            f"{shape}: {line}" for line in differences(self.folder / f"{shape}.duckdb", served(self.folder / shape))
        ]

    def shape(self, name: str, file: Path, events: int, more: Path | None = None, increment: int = 0) -> Shape:
        """Measure all of one shape."""
        floors = [self.floor(f"floor, run {i}", name, file) for i in (1, 2)]
        full = self.flywheel("flywheel", name, file)
        shape = Shape(name, events, floors, full, self.wrong(name))
        if more:
            shape.later, shape.increment = self.flywheel("flywheel, the increment", name, more), increment
            floors.append(self.floor("floor, both files", name, file, more))
            shape.wrong += self.wrong(name)
        return shape


def served(home: Path) -> Path:
    """The serving file of a run that looked back to AS_OF, or of one that published."""
    back = home / "as_of" / f"{AS_OF:%Y-%m-%d}" / "serving.duckdb"
    return back if back.exists() else home / "serving.duckdb"


def bench(given: argparse.Namespace, folder: Path) -> int:
    """All of it; returns the exit code."""
    print(f"{given.events:,} events a shape; in {folder}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    run = Bench(folder, given.timeout)
    tiny, usage = folder / "tiny.parquet", folder / "usage.parquet"
    write_events(tiny, TINY)
    history, more = write_both(folder, given.events, given.increment)
    write_usage(usage, given.events, given.products)

    fixed = run.flywheel("flywheel", "tiny", tiny)
    shapes = [
        run.shape("products", history, given.events, more, given.increment),
        run.shape("usage", usage, given.events),
    ]
    if wrong := [line for shape in shapes for line in shape.wrong]:
        print("\nNo ratio: the floor and Flywheel disagree.", *wrong, sep="\n  ")
        return 1
    print(f"\nThe floor's three tables and the served ones hold the same numbers, to {TOLERANCE}, in both shapes.")
    report(fixed, shapes)
    return 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--increment", type=int, default=10_000)
    parser.add_argument("--products", type=int, default=20_000, help="of the usage shape")
    parser.add_argument("--timeout", type=float, default=1200, help="seconds for each command")
    parser.add_argument("--work", type=Path, help="an empty folder to work in and keep; else a temporary one")
    given = parser.parse_args()
    return in_folder(given.work, lambda folder: bench(given, folder))


if __name__ == "__main__":
    sys.exit(main())
