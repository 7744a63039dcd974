"""Measures a whole Flywheel run against a hand-written floor, and a small batch on top of it.

Belongs here: running things one after the other, each alone in its own processes; that both got the same numbers; one
table. Does not belong here: limits that fail a build. Time on a shared machine is no test; ratios taken in one run are.

    bench.py [--events 5000000] [--increment 10000] [--work FOLDER]

1. floor (floor.sql) twice, the better counts; 2. `flywheel run` on the same file in a new home; 3. the increment on
top; 4. the floor again, on both files: it shows whether the machine was as free as before, and checks the increment.
Exits with 1 when the floor and Flywheel disagree by more than 1e-9, and then gives no ratio.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from generate import AS_OF, write_both

HERE = Path(__file__).resolve().parent
FLYWHEEL = Path(sys.executable).with_name("flywheel")
AS_OF_TEXT = AS_OF.isoformat()
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
TOLERANCE = 1e-9
KEYS = {
    "north_star_monthly": ["month_starting"],
    "time_to_value": ["interval_id", "domain", "estimator"],
    "time_to_value_curve": ["interval_id", "domain", "day"],
}
SLOWEST = 12


@dataclass
class Measured:
    """One command, alone."""

    name: str
    seconds: float
    cpu_seconds: float  # user and system, of it and everything it started and waited for
    peak_mib: float  # the most that its processes held together, seen every 0.2 s
    output: str


def measure(name: str, command: list, cwd: Path) -> Measured:
    """Run a command to its end; raises SystemExit with its words when it fails."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=cwd)
        peak, done = [0.0], threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, peak, done))
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        done.set()
        watcher.join()
        output.seek(0)
        words = output.read()
    if process.returncode:
        raise SystemExit(f"{name} failed with {process.returncode}:\n{words[-4000:]}")
    print(f"  {name}: {seconds:.1f} s", flush=True)
    return Measured(name, seconds, usage.ru_utime + usage.ru_stime, peak[0], words)


def _watch(root: int, peak: list[float], done: threading.Event) -> None:
    while not done.wait(0.2):
        peak[0] = max(peak[0], sum(_resident(pid) for pid in _tree(root)))


def _tree(root: int) -> set[int]:
    """The process and all that descend from it, as /proc has them now."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it has ended
    found, size = {root}, 0
    while size < len(found):
        size = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MIB
    except (OSError, IndexError):
        return 0.0


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


def report(floors: list[Measured], full: Measured, later: Measured, events: int, increment: int) -> None:
    """The small table, and the ratios."""
    best = min(floors[:-1], key=lambda m: m.seconds)
    rows = [*((m, events) for m in floors[:-1]), (full, events), (later, increment), (floors[-1], events + increment)]
    print(f"\n{'':<28}{'seconds':>9}{'CPU s':>8}{'peak MiB':>10}{'rows/s':>12}")
    for m, count in rows:
        print(f"{m.name:<28}{m.seconds:>9.1f}{m.cpu_seconds:>8.1f}{m.peak_mib:>10,.0f}{count / m.seconds:>12,.0f}")
    ratios = [
        ("full / floor", full, best, "4 at most"),
        ("increment / full", later, full, "0.15 at most"),
        ("floor after / before", floors[-1], best, "1, a machine as free as before"),
    ]
    for name, one, other, aim in ratios:
        seconds, cpu = one.seconds / other.seconds, one.cpu_seconds / other.cpu_seconds
        print(f"{name:<28}{seconds:>9.2f}{cpu:>8.2f}  aim: {aim}")


def split(title: str, run: Measured, dbt_results: list[tuple[str, float]]) -> None:
    """Where a run's time went, as far as it says: its steps, and dbt's slowest models and tests."""
    print(f"\n{title}, by step:")
    for step, words, seconds in re.findall(r"^✓ (\S+)\s+(.*?)\s+([\d.]+) s$", run.output, re.MULTILINE):
        print(f"{float(seconds):>9.1f} s  {step}: {words}")
    print(f"{title}, slowest in dbt:")
    for name, seconds in dbt_results[:SLOWEST]:
        print(f"{seconds:>9.1f} s  {name}")


def dbt_results(home: Path) -> list[tuple[str, float]]:
    """(model or test, seconds) of the home's last `dbt build`, slowest first."""
    path = home / "dbt" / "run_results.json"
    results = json.loads(path.read_text())["results"] if path.exists() else []
    names = [(r["unique_id"].split(".", 2)[2], r["execution_time"]) for r in results]
    return sorted(names, key=lambda item: -item[1])


def bench(folder: Path, events: int, increment: int) -> int:
    """All of it; returns the exit code."""
    print(
        f"{events:,} events, then {increment:,}; in {folder}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    history, more = write_both(folder, events, increment)
    home, out = folder / "home", folder / "floor.duckdb"
    floor = [sys.executable, HERE / "floor.py", out, "--as-of", AS_OF_TEXT]
    flywheel = [FLYWHEEL, "run", "--as-of", AS_OF_TEXT, "--home", home, "--events"]

    floors = [measure(f"floor, run {i}", [*floor, history], folder) for i in (1, 2)]
    full = measure("flywheel, all of it", [*flywheel, history], folder)
    wrong = differences(out, home / "serving.duckdb")
    full_dbt = dbt_results(home)
    later = measure("flywheel, the increment", [*flywheel, more], folder)
    floors.append(measure("floor again, both files", [*floor, history, more], folder))
    wrong += [f"after the increment: {line}" for line in differences(out, home / "serving.duckdb")]

    split("flywheel, all of it", full, full_dbt)
    split("flywheel, the increment", later, dbt_results(home))
    if wrong:
        print("\nNo ratio: the floor and Flywheel disagree.", *wrong, sep="\n  ")
        return 1
    print(f"\nThe floor's three tables and the served ones hold the same numbers, to {TOLERANCE}, before and after.")
    report(floors, full, later, events, increment)
    return 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--increment", type=int, default=10_000)
    parser.add_argument("--work", type=Path, help="an empty folder to work in and keep; else a temporary one")
    given = parser.parse_args()
    if given.work:
        given.work.mkdir(parents=True, exist_ok=True)
        return bench(given.work.resolve(), given.events, given.increment)
    with tempfile.TemporaryDirectory(prefix="flywheel-bench-") as folder:
        return bench(Path(folder), given.events, given.increment)


if __name__ == "__main__":
    sys.exit(main())
