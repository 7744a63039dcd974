"""Things made by an engine: starts its half of a build in its own environment, and checks what it left.

Things are the tables of curated/events and curated/products; they go to `builds/<id>/things/<table>/*.parquet`, from
where dbt takes them over into the build (macro `duckdb__create_table_as`) instead of making them.

Belongs here: what the engine is given, its process, its words, the checks of what it made. Does not belong here: what
happens inside the engine (worker.py), its environment (environment.py).
"""

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.build.builds import DBT_PROJECT, Build, one_row, sql_text
from orchestration.build.engines.environment import ENGINES, EngineError, python_of
from orchestration.home import Home
from orchestration.settings import Engine, SettingsError, load_settings

WORKER = Path(__file__).with_name("worker.py")
SELECTED = ("path:models/raw", "path:models/curated/events", "path:models/curated/products")
LEFT_TO_DUCKDB = ("rows_refused", "quarantined_events")  # what was refused is in the build already
CONNECT_SECONDS = 20
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
    if engine.address:
        reach(engine)
    things = build.things
    things.mkdir(parents=True)
    job = {
        "engine": engine.name,
        "address": engine.address,
        "project": str(DBT_PROJECT),
        "target_path": str(home.dbt_target / engine.name),
        "things": str(things),
        "threads": 2,
        "select": [*SELECTED, "--exclude", *LEFT_TO_DUCKDB],
        "sources": _sources(home, build),
    }
    (things.parent / "job.json").write_text(json.dumps(job))
    _run(python, things.parent / "job.json", engine, environment, tell)
    check_things(build, engine)


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
    return node["fqn"][1:3] in (["curated", "events"], ["curated", "products"]) and node["name"] not in LEFT_TO_DUCKDB


def reach(engine: Engine) -> None:
    """Raise EngineError unless something answers at the address of a server, soon."""
    scheme, _, rest = str(engine.address).partition("://")
    if scheme != "sc":
        return
    host, _, port = rest.partition("/")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{ENGINES[engine.name]} does not answer at {engine.address} ({error}). Start it, or correct "
            "engine.address in flywheel.yml; with `name: duckdb` there, this machine builds everything."
        ) from error


def _sources(home: Home, build: Build) -> dict[str, dict[str, str]]:
    """{schema.table: its columns in Spark's types, the folder of its Parquet}.

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
    return {name: {"columns": _columns(schema), "path": str(path)} for name, (schema, path) in found.items()}


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


def _run(python: Path, job: Path, engine: Engine, environment: dict[str, str], tell: Callable[[str], None]) -> None:
    """Run the worker to its end, its log next to the job; raises EngineError with its own words."""
    name, done, error, log = ENGINES[engine.name], 0, "", job.with_name("engine.log")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    with log.open("w") as file, tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [str(python), str(WORKER), str(job)],
            stdin=subprocess.PIPE,  # it ends when this process does
            stdout=subprocess.PIPE,
            stderr=file,
            env=inherited | environment | {"TZ": "UTC"},
            cwd=folder,  # Spark writes files of its own where it is started
            text=True,
        )
        try:
            for words in _lines(process.stdout, file):
                error = words.get("error", error)
                done += "node" in words
                tell(f"{done} tables done on {name}" if done else f"{name} started")
            code = process.wait()
        finally:
            process.kill()
    if code or error:
        raise EngineError(f"{name} could not make the things: {error or f'it ended with {code}'}. Log: {log}")


def _lines(output: IO[str] | None, log: IO[str]) -> Any:
    """The worker's lines of JSON; all others go to its log."""
    for line in output or ():
        try:
            words = json.loads(line)
        except ValueError:
            words = None
        if isinstance(words, dict):
            yield words
        else:
            log.write(line)


def check_things(build: Build, engine: Engine) -> dict[str, int]:
    """{thing: rows}, once the files hold the rows that the engine says it made; raises EngineError."""
    try:
        made = json.loads((build.things / "things.json").read_text())["things"]
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(f"{ENGINES[engine.name]} left no list of the things it made in {build.things}.") from error
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        for name, about in made.items():
            rows, total = _hash(db, build.things / name, about["columns"])
            if (rows, total) != (about["rows"], int(about["hash"])):
                raise EngineError(
                    f"{build.things / name} holds {rows:,} rows that are not the {about['rows']:,} that "
                    f"{ENGINES[engine.name]} made: the files were changed or are not all there. Run again."
                )
    return {name: about["rows"] for name, about in made.items()}


def _hash(db: duckdb.DuckDBPyConnection, folder: Path, columns: dict[str, str]) -> tuple[int, int]:
    """(rows, the sum of a hash of each) of a thing's Parquet, as worker.py computes it on the engine."""
    if not [*folder.glob("*.parquet")]:
        return 0, 0
    texts = ", ".join(f"coalesce({_as_text(name, kind)}, chr(31))" for name, kind in sorted(columns.items()))
    number = f"cast('0x' || substr(md5(concat_ws(chr(30), {texts})), 1, 12) as hugeint)"
    files = sql_text(folder / "*.parquet")
    return one_row(db.execute(f"select count(*), coalesce(sum({number}), 0) from read_parquet({files})"))


def _as_text(name: str, kind: str) -> str:
    if kind == "timestamp":
        return f"cast(epoch_us({name}) as varchar)"
    if kind == "double":
        return f"cast(cast(floor({name} * 1000000) as bigint) as varchar)"
    if kind.startswith("array"):
        return f"array_to_string({name}, chr(30))"
    return f"cast({name} as varchar)"
