"""Measures the same usage events on DuckDB, Sail and Spark in one sitting, and compares all that they served.

Belongs here: one landing for all engines; per engine the half from events to things and the whole run, each alone in
its processes; one table. Does not belong here: how a command is measured (measuring.py), one step of a run (steps.py).

    engines.py [--events 50000000] [--products 20000] [--engines duckdb sail spark] [--timeout 1200] [--memory 3]
               [--whole] [--work FOLDER]

1. Lands the events once, unless --work has a landing of as many. 2. For each engine the half from events to things, and
with --whole a whole `flywheel run`. 3. The rows of each, as a multiset, against those of the first engine. What fails
or takes longer than --timeout seconds is a line of the table, with what it took until then. --memory is what DuckDB and
Spark may take for their data, in GB. `engines.json` in --work has each figure as soon as it is known. Exits with 1
where tables differ.
"""

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb
from generate import AS_OF, write_usage_files
from measuring import Measured, attempt, in_folder

from orchestration.build.builds import one_row

HERE = Path(__file__).resolve().parent
FLYWHEEL = Path(sys.executable).with_name("flywheel")
LANDING_TIMEOUT = 7_200
GIB = 1_024  # MiB


@dataclass
class Line:
    """One step on one engine, and whether its rows are those of the first engine."""

    engine: str
    step: str
    took: Measured
    rows: dict[str, int] = field(default_factory=dict)  # of each table
    disk_mib: float = 0.0  # of what it leaves: the build, the things, what is served
    unequal: list[str] | None = None  # tables; None where there is nothing to compare with

    def cells(self) -> list[str]:
        """The line of the Markdown table."""
        took = self.took
        equal = "" if self.unequal is None else "no: " + ", ".join(self.unequal) if self.unequal else "yes"
        figures = [took.peak_mib / GIB, took.spilled_mib / GIB, self.disk_mib / GIB]
        return [
            self.engine,
            self.step,
            f"{took.seconds:,.0f}",
            f"{took.cpu_seconds:,.0f}",
            *(f"{figure:.1f}" for figure in figures),
            f"{sum(self.rows.values()):,}",
            took.failure or equal,
        ]


HEADER = ["engine", "step", "seconds", "CPU s", "peak GiB", "spilled GiB", "left on disk GiB", "rows", "equal"]


@dataclass
class Sitting:
    """Where to work, and within which limits."""

    folder: Path
    timeout: float
    memory: float  # GB
    lines: list[Line] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The home of all engines."""
        return self.folder / "home"

    def kept(self, engine: str, step: str) -> Path:
        """Where the tables of a step stay to be compared."""
        return self.folder / f"{engine}-{step}"

    def land(self, events: int, products: int) -> None:
        """Write and land the events, unless they have landed."""
        if self._landed() == events:
            print(f"{events:,} rows have landed in {self.home} already.")
            return
        shutil.rmtree(self.home, ignore_errors=True)
        write_usage_files(self.home / "inbox", events, products)
        took = self._attempt("land", [sys.executable, HERE / "steps.py", "land", self.home], LANDING_TIMEOUT)
        self._add(Line("", "landing", took, {"landing": self._landed()}, _mib(self.home / "landing")))
        if self._landed() != events:
            raise SystemExit(f"{events:,} rows did not land:\n{took.output[-4_000:]}")

    def _landed(self) -> int:
        receipts = [*self.home.glob("landing/batches/*.parquet")]
        if not receipts:
            return 0
        query = "select coalesce(sum(rows_landed), 0)::bigint from read_parquet($1, union_by_name = true)"
        return one_row(duckdb.execute(query, [[str(path) for path in receipts]]))[0]

    def things(self, engine: str) -> None:
        """The half from events to things; its tables stay as a DuckDB file or as Parquet."""
        self._choose(engine)
        took = self._attempt(f"{engine}: things", [sys.executable, HERE / "steps.py", "things", self.home])
        line = Line(engine, "events to things", took)
        if not took.failure:
            line.rows = json.loads(took.output.strip().splitlines()[-1])
            build = next(self.home.glob("builds/*-half.duckdb"))
            made = build if engine == "duckdb" else build.with_suffix("") / "things"
            line.disk_mib = _mib(made)
            _keep(made, self.kept(engine, "things"))
        self._sweep()
        self._add(line)

    def whole(self, engine: str) -> None:
        """A whole run; its serving file stays."""
        self._choose(engine)
        command = [FLYWHEEL, "run", "--rebuild", "--home", self.home, "--as-of", AS_OF.isoformat()]
        took = self._attempt(f"{engine}: whole", command)
        line = Line(engine, "whole run", took)
        published = self.home / "as_of" / f"{AS_OF:%Y-%m-%d}"
        if not took.failure:
            line.disk_mib = _mib(published) + _mib(self.home / "builds")
            _keep(published / "serving.duckdb", self.kept(engine, "whole"))
            line.rows = _served_rows(self.kept(engine, "whole"))
        shutil.rmtree(published, ignore_errors=True)
        self._sweep()
        self._add(line)

    def compare(self, first: str) -> None:
        """Compare the tables of each line with those of the first engine."""
        for line in self.lines:
            step = "things" if line.step == "events to things" else "whole"
            one, other = self.kept(first, step), self.kept(line.engine, step)
            if line.engine not in ("", first) and line.unequal is None and one.exists() and other.exists():
                line.unequal = unequal(one, other, line.rows, self.folder)
                self._write()

    def _attempt(self, name: str, command: list, timeout: float | None = None) -> Measured:
        spill = self.folder / "spill"
        shutil.rmtree(spill, ignore_errors=True)
        spill.mkdir()
        folders = [(self.home / "builds", "*.tmp"), (spill, "*")]
        took = attempt(name, command, self.folder, timeout or self.timeout, folders, **limits(self.memory, spill))
        shutil.rmtree(spill, ignore_errors=True)
        return took

    def _choose(self, engine: str) -> None:
        (self.home / "flywheel.yml").write_text(f"engine:\n  name: {engine}\n")

    def _sweep(self) -> None:
        shutil.rmtree(self.home / "builds", ignore_errors=True)

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        print(" | ".join(line.cells()), flush=True)
        if line.took.failure:
            print(line.took.output[-3_000:], flush=True)
        self._write()

    def _write(self) -> None:
        words = [asdict(line) for line in self.lines]
        for each in words:
            each["took"].pop("output")
        (self.folder / "engines.json").write_text(json.dumps(words, indent=1))


def limits(gigabytes: float, spill: Path) -> dict[str, str]:
    """The environment in which DuckDB and Spark take so much memory for their data, and all spill into a folder.

    Sail gets no limit: its pools count memory that texts share several times, and refuse 7.7 GB for 20,000 groups.
    """
    return {
        "TMPDIR": str(spill),
        "FLYWHEEL_MEMORY": f"{gigabytes:g}GB",
        "SPARK_LOCAL_DIRS": str(spill),
        "SPARK_DRIVER_MEMORY": f"{gigabytes * 10**9 / 2**20:.0f}m",
    }


def unequal(one: Path, other: Path, tables: dict[str, int], folder: Path) -> list[str]:
    """The tables that have other rows, or not as often: what `except all` finds both ways, in one pass."""
    with duckdb.connect() as db:
        db.execute(f"set TimeZone = 'UTC'; set memory_limit = '6GB'; set temp_directory = '{folder / 'compare.tmp'}'")
        db.execute("set preserve_insertion_order = false")
        for name, path in (("one", one), ("other", other)):
            if path.is_file():
                db.execute(f"attach '{path}' as {name} (read_only)")
        return [
            table for table in sorted(tables) if _differs(db, _rows(one, "one", table), _rows(other, "other", table))
        ]


def _rows(path: Path, alias: str, table: str) -> str:
    if path.is_file():
        return f"{alias}.{table}" if "." in table else f"{alias}.curated.{table}"
    return f"read_parquet('{path}/{table}/*.parquet')"


def _differs(db: duckdb.DuckDBPyConnection, one: str, other: str) -> bool:
    if "read_parquet" in other and not db.execute(f"select 1 from glob('{other.split(chr(39))[1]}')").fetchone():
        return one_row(db.execute(f"select count(*) from {one}"))[0] > 0  # an engine writes no file for no rows
    columns = db.execute(f"describe from {one}").fetchall()
    if {c[0] for c in columns} != {c[0] for c in db.execute(f"describe from {other}").fetchall()}:
        return True
    cast = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind, *_ in columns)
    both = f"select {cast}, 1 as n from {one} union all select {cast}, -1 as n from {other}"
    return bool(db.execute(f"select 1 from ({both}) group by all having sum(n) <> 0 limit 1").fetchone())


def _served_rows(serving: Path) -> dict[str, int]:
    with duckdb.connect() as db:
        db.execute(f"attach '{serving}' as served (read_only)")
        tables = "select schema_name || '.' || table_name from duckdb_tables() where schema_name <> 'main'"
        names = [name for (name,) in db.execute(f"{tables} and database_name = 'served' order by 1").fetchall()]
        return {name: one_row(db.execute(f"select count(*) from served.{name}"))[0] for name in names}


def _keep(made: Path, kept: Path) -> None:
    shutil.rmtree(kept, ignore_errors=True)
    kept.unlink(missing_ok=True)
    shutil.move(made, kept)


def _mib(path: Path) -> float:
    """Of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files) / 2**20


def sit(given: argparse.Namespace, folder: Path) -> int:
    """All of it; returns the exit code."""
    print(f"{given.events:,} events in {folder}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    sitting = Sitting(folder, given.timeout, given.memory)
    sitting.land(given.events, given.products)
    for step in [sitting.things, *([sitting.whole] if given.whole else [])]:
        for engine in given.engines:
            step(engine)
            sitting.compare(given.engines[0])
    print("\n" + "\n".join(f"| {' | '.join(row)} |" for row in [HEADER, ["---"] * len(HEADER)]))
    for line in sitting.lines:
        print(f"| {' | '.join(line.cells())} |")
    return 1 if any(line.unequal for line in sitting.lines) else 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=50_000_000)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--engines", nargs="+", default=["duckdb", "sail", "spark"])
    parser.add_argument("--timeout", type=float, default=1200, help="seconds for each step of an engine")
    parser.add_argument("--memory", type=float, default=3, help="GB that DuckDB and Spark may take for their data")
    parser.add_argument("--whole", action="store_true", help="whole runs as well")
    parser.add_argument("--work", type=Path, help="a folder to work in and keep; else a temporary one")
    given = parser.parse_args()
    return in_folder(given.work, lambda folder: sit(given, folder))


if __name__ == "__main__":
    sys.exit(main())
