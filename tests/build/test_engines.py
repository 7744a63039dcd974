"""Things that another engine makes are DuckDB's, row by row; one that fails or is out of reach stops the run."""

import json
import shutil
import socket
from pathlib import Path

import duckdb
import pytest
from conftest import SETS
from pipeline import build_file, published, sample_home

from orchestration.build.builds import Build
from orchestration.build.dbt import dbt_environment, fresh_manifest
from orchestration.build.engines.environment import EngineError, python_of
from orchestration.build.engines.things import check_things, is_thing, make_things, reach
from orchestration.home import Home
from orchestration.settings import Engine

SAIL = Engine("sail")


def is_missing(engine: str) -> str:
    """Why an engine can't be used here; empty where it can."""
    try:
        python_of(engine)
    except EngineError as error:
        return str(error)
    return ""


needs_sail = pytest.mark.skipif(bool(is_missing("sail")), reason=is_missing("sail"))


def copy_of(home: Home, folder) -> tuple[Home, Build]:
    """A home with the landing and the last approved build of another."""
    copy = Home.at(folder)
    shutil.copytree(home.landing, copy.landing, dirs_exist_ok=True)
    return copy, Build(Path(shutil.copy(build_file(home.root), copy.builds)))


def made(home: Home, build: Build, engine: Engine = SAIL) -> set[str]:
    """Have the engine make the things of a build; the names of those that are not the build's own."""
    environment = dbt_environment(home, build, build.dates) | {"FLYWHEEL_THINGS": str(build.things)}
    make_things(home, build, engine, environment, lambda words: None)
    things = json.loads((build.things / "things.json").read_text())["things"]
    assert things.keys() == tables_of_things(home)
    with duckdb.connect() as db:
        db.execute(f"set TimeZone = 'UTC'; attach '{build.path}' as build (read_only)")
        return {name for name, about in things.items() if not is_equal(db, name, build.things / name, about["rows"])}


def tables_of_things(home: Home) -> set[str]:
    """The tables of events and products, by dbt's manifest."""
    nodes = json.loads(fresh_manifest(home).read_text())["nodes"].values()
    return {node["name"] for node in nodes if is_thing(node)}


def is_equal(db, name: str, folder, row_count: int) -> bool:
    """Whether a thing's Parquet has the rows of the build's table, and no others."""
    own = f"from build.curated.{name}"
    if db.execute(f"select count(*) {own}").fetchone() != (row_count,):
        return False
    columns = ", ".join(f'cast("{c[0]}" as {c[1]}) as "{c[0]}"' for c in db.execute(f"describe {own}").fetchall())
    own, its = f"select {columns} {own}", f"select {columns} from read_parquet('{folder}/*.parquet')"
    both_ways = f"(({own}) except all ({its})) union all (({its}) except all ({own}))"
    return row_count == 0 or not db.execute(both_ways).fetchall()


@needs_sail
@pytest.mark.slow
def test_the_things_of_the_sample_are_the_same_on_sail(tmp_path):
    home, build = copy_of(Home(sample_home()), tmp_path / "home")
    assert made(home, build) == set()
    check_things(build, SAIL)
    part = next((build.things / "data_products").glob("*.parquet"))
    with duckdb.connect() as db:
        db.execute(f"copy (from read_parquet('{part}') limit 5) to '{part}' (format parquet)")
    with pytest.raises(EngineError, match=r"data_products holds \d+ rows that are not the 408 that Sail made"):
        check_things(build, SAIL)


@needs_sail
@pytest.mark.soak
@pytest.mark.parametrize("name", SETS)
def test_the_things_of_real_events_are_the_same_on_sail(name, shared, tmp_path):
    events = shared / "datasets" / name / "events.jsonl"
    home, build = copy_of(Home(published(name, events, as_of=SETS[name])), tmp_path / "home")
    assert made(home, build) == set()


def test_an_engine_that_nobody_can_reach_is_named_with_what_to_do():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nothing listens there
        address = f"sc://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(EngineError, match=r"Apache Spark does not answer at sc://.*correct engine.address"):
            reach(Engine("spark", address))


def test_things_without_a_list_were_not_all_made(tmp_path):
    with pytest.raises(EngineError, match="Sail left no list of the things it made"):
        check_things(Build(tmp_path / "000001-a.duckdb"), SAIL)
