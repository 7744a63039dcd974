"""Runs floor.sql: the figures of Flywheel from the Parquet files it would be sent, into one DuckDB file.

floor.py OUT.duckdb EVENTS.parquet… --as-of 2026-02-01
"""

import argparse
from pathlib import Path

import duckdb

SCRIPT = Path(__file__).with_name("floor.sql")


def run_floor(out: Path, events: list[Path], as_of: str) -> None:
    """Write north_star_monthly, time_to_value and time_to_value_curve into a new DuckDB file."""
    out.unlink(missing_ok=True)
    with duckdb.connect(str(out)) as db:
        db.execute("set timezone = 'UTC'")
        db.execute("set variable events = $1", [[str(path) for path in events]])
        db.execute("set variable as_of = cast($1 as timestamptz)", [as_of])
        db.execute(SCRIPT.read_text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("events", type=Path, nargs="+")
    parser.add_argument("--as-of", required=True)
    given = parser.parse_args()
    run_floor(given.out, given.events, given.as_of)
