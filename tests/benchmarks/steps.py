"""One step of a run, alone in its process, so that it can be measured: landing, or the half from events to things.

    steps.py land HOME
    steps.py things HOME

Belongs here: a step as a run calls it. Does not belong here: measuring it (measuring.py), comparing (engines.py).
The last line that a step prints is JSON: the rows landed, or {thing: rows}.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from generate import AS_OF

from orchestration.build import builds
from orchestration.build.builds import Build, one_row
from orchestration.build.dbt import dbt_environment, fresh_manifest, run_dbt
from orchestration.build.engines.checks import LEFT_TO_DUCKDB
from orchestration.build.engines.things import SELECTED, make_things
from orchestration.home import Dates, Home
from orchestration.landing.land import land_inbox
from orchestration.settings import load_settings

LANDED_AT = datetime(2026, 1, 31, tzinfo=UTC)  # before AS_OF, so that a look back knows all of it


def land(home: Home) -> int:
    """Land the inbox; returns the rows of all batches."""
    return sum(receipt["rows_landed"] for receipt in land_inbox(home, LANDED_AT))


def things(home: Home) -> dict[str, int]:
    """Make the things of a new build with the home's engine; returns {thing: rows}."""
    build = builds.begin(home, "half", Dates(AS_OF, None, f"{AS_OF:%Y-%m-%d}"))
    fresh_manifest(home, build.about["settings"])
    engine = load_settings(home).engine
    if engine.name == "duckdb":
        nodes = run_dbt(home, build, build.dates, [f"{path},resource_type:model" for path in SELECTED])
        if failed := [node for node in nodes if node.has_failed]:
            raise RuntimeError("; ".join(f"{node.unique_id}: {node.message}" for node in failed))
        return _rows(build)
    environment = dbt_environment(home, build, build.dates) | {"FLYWHEEL_THINGS": str(build.things)}
    make_things(home, build, engine, environment, lambda words: print(words, flush=True))
    made = json.loads((build.things / "things.json").read_text())["things"]
    return {name: about["rows"] for name, about in made.items()}


def _rows(build: Build) -> dict[str, int]:
    with duckdb.connect() as db:
        db.execute(f"attach '{build.path}' as build (read_only)")
        tables = "select table_name from duckdb_tables() where database_name = 'build' and schema_name = 'curated'"
        names = {name for (name,) in db.execute(tables).fetchall()} - {*LEFT_TO_DUCKDB}
        return {name: one_row(db.execute(f"select count(*) from build.curated.{name}"))[0] for name in sorted(names)}


if __name__ == "__main__":
    step, home = {"land": land, "things": things}[sys.argv[1]], Home.at(Path(sys.argv[2]))
    with home.lock():
        print(json.dumps(step(home)), flush=True)
