"""Things made by an engine: starts its half of a build in its own environment, and checks what it left.

Things are the tables of curated/events and curated/products; they go to `builds/<id>/things/<table>/*.parquet`, from
where dbt takes them over into the build (macro `taken_over`) instead of making them.

Belongs here: what the engine is given, its process, its words, the checks of what it made. Does not belong here: what
happens inside the engine (worker.py), its environment (environment.py).
"""

import hashlib
import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.build.builds import DBT_PROJECT, Build, one_row, sql_text
from orchestration.build.engines.checks import FOLDERS, LEFT_TO_DUCKDB, check_things
from orchestration.build.engines.environment import EngineError, check_java, python_of
from orchestration.build.engines.process import run_worker, unreachable
from orchestration.home import Home
from orchestration.settings import Engine, SettingsError, load_settings

SELECTED = ("path:models/raw", *(f"path:models/{folder}" for folder in FOLDERS))
REACH_SECONDS = 10
SPARK_CONNECT_PORT = 15002
SPARK_TYPES = {
    "string": "string",
    "large_string": "string",
    "bool": "boolean",
    "int32": "int",
    "int64": "bigint",
    "double": "double",
    "date32[day]": "date",
}


def make_things(
    home: Home, build: Build, engine: Engine, environment: dict[str, str], tell: Callable[[str], None]
) -> None:
    """Have the engine make the things of a build, and check them; `tell` gets its progress in words.

    Raises EngineError: the engine is missing or unreachable, a model failed, or what it left is not what it made.
    """
    python = python_of(engine.name)
    if engine.needs_java:
        check_java()
    if engine.address:
        reach(engine)
    things = build.things
    things.mkdir(parents=True)
    job = {
        "build": build.id,
        "engine": engine.name,
        "address": engine.address,
        "project": str(DBT_PROJECT),
        "target_path": str(home.dbt_target / engine.name),
        "things": str(things),
        "schemas": _schemas(home),
        "threads": 2,
        "select": [*SELECTED, "--exclude", *LEFT_TO_DUCKDB],
        "sources": _sources(home, build),
    }
    (things.parent / "job.json").write_text(json.dumps(job))
    try:
        run_worker(python, things.parent / "job.json", engine, environment, tell)
    finally:
        shutil.rmtree(things.parent / "scratch", ignore_errors=True)  # what Spark spills, and leaves where it is killed
    check_things(build, engine)


def _schemas(home: Home) -> str:
    """How this home's schemas begin on an engine, which other homes, and others altogether, may use as well."""
    return f"flywheel_{hashlib.sha256(f'{socket.gethostname()} {home.root}'.encode()).hexdigest()[:12]}_"


def chosen_engine(home: Home) -> str:
    """The name of the home's engine; DuckDB where its settings can't be used, so that a run can start and report it."""
    try:
        return load_settings(home).engine.name
    except SettingsError:
        return "duckdb"


def is_thing(node: dict[str, Any]) -> bool:
    """Whether an engine makes the table of a dbt node, as the macro `is_thing` has it."""
    if node.get("resource_type") != "model" or node["config"]["materialized"] != "table":
        return False
    return "/".join(node["fqn"][1:3]) in FOLDERS and node["name"] not in LEFT_TO_DUCKDB


def reach(engine: Engine) -> None:
    """Raise EngineError unless something takes connections at the address of a server, soon."""
    place = urlsplit(str(engine.address))
    if not place.hostname:
        return
    try:
        socket.create_connection((place.hostname, place.port or SPARK_CONNECT_PORT), REACH_SECONDS).close()
    except OSError as error:
        raise EngineError(unreachable(engine, error)) from error


def _sources(home: Home, build: Build) -> dict[str, dict[str, Any]]:
    """{schema.table: {columns in Spark's types, path of a folder of Parquet, rows}}.

    Of the landing tables as the build sees them, its batches, and the declared tables.
    """
    found = {}
    for path in home.build_landing.resolve().glob("*/_empty.parquet"):
        if path.parent.name not in ("batches", "quarantined_events", "dismissals"):
            found[f"landing.{path.parent.name}"] = (pq.read_schema(path), path.parent)
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach {sql_text(build.path)} as build (read_only)")
        names = db.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'build' "
            "and (schema_name = 'declared' or (schema_name, table_name) = ('landing', 'batches'))"
        ).fetchall()
        for (name,) in names:
            folder = build.things.parent / "own" / name
            folder.mkdir(parents=True)
            db.execute(f"copy build.{name} to {sql_text(folder / 'rows.parquet')} (format parquet)")
            found[name] = (pq.read_schema(folder / "rows.parquet"), folder)
        return {
            name: {"columns": _columns(schema), "path": str(path), "rows": _row_count(db, path)}
            for name, (schema, path) in found.items()
        }


def _row_count(db: duckdb.DuckDBPyConnection, folder: Path) -> int:
    files = sql_text(folder / "*.parquet")
    return one_row(db.execute(f"select coalesce(sum(num_rows), 0) from parquet_file_metadata({files})"))[0]


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {_spark_type(field.type)}" for field in schema)


def _spark_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_list(kind):
        return f"array<{_spark_type(kind.value_type)}>"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    return SPARK_TYPES[str(kind)]
