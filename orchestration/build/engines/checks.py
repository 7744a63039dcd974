"""Whether what an engine left is what it made: all things, every row and value, of this build.

The grain of each thing is checked by dbt once it is in the build, as it is where DuckDB makes them.

Belongs here: those checks, and what each failure means. Does not belong here: making things (things.py), the SQL of a
hash (content.py).
"""

import json
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build.builds import DBT_PROJECT, Build, one_row, sql_text
from orchestration.build.engines.content import content_sql
from orchestration.build.engines.environment import ENGINES, EngineError
from orchestration.settings import Engine

FOLDERS = ("curated/events", "curated/products")
LEFT_TO_DUCKDB = ("rows_refused", "quarantined_events")  # what was refused is in the build already


def thing_names() -> set[str]:
    """The names of the tables that an engine makes: in these folders, what is no table says so itself."""
    models = [path for folder in FOLDERS for path in (DBT_PROJECT / "models" / folder).glob("*.sql")]
    return {path.stem for path in models if "materialized=" not in path.read_text()}.difference(LEFT_TO_DUCKDB)


def check_things(build: Build, engine: Engine) -> dict[str, int]:
    """{thing: rows}, once the files hold the rows that the engine says it made; raises EngineError."""
    name = ENGINES[engine.name]
    try:
        about = json.loads((build.things / "things.json").read_text())
        made, of_build = about["things"], about["build"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"{name} left no list of the things it made in {build.things}. Run again.") from error
    if of_build != build.id:
        raise EngineError(f"{build.things} holds the things of build {of_build}, not of {build.id}. Run again.")
    if missing := sorted(thing_names().symmetric_difference(made)):
        raise EngineError(
            f"{name} did not make what the build takes over, or more than that: {', '.join(missing)}. Run again."
        )
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        for thing, its in made.items():
            _check(db, build.things / thing, its, name)
    return {thing: its["rows"] for thing, its in made.items()}


def _check(db: duckdb.DuckDBPyConnection, folder: Path, about: dict[str, Any], engine: str) -> None:
    """Raise EngineError unless a thing's files hold the rows that the engine read back of it."""
    expected = f"the {about['rows']:,} that {engine} made"
    files = sorted(folder.glob("*.parquet"))
    if not files:
        if about["rows"]:
            raise EngineError(
                f"{folder} has no Parquet file, where {engine} made {about['rows']:,} rows: they were deleted, or its "
                "server does not see this home's folder under the same path. Run again."
            )
        return
    relation = f"read_parquet({sql_text(folder / '*.parquet')})"
    try:
        columns = [row[0] for row in db.execute(f"describe from {relation}").fetchall()]
        if sorted(columns) != sorted(about["columns"]):
            raise EngineError(f"{folder} has other columns than {engine} made: {', '.join(columns)}. Run again.")
        found = one_row(db.execute(content_sql(relation, about["columns"], "duckdb")))
        not_finite = _not_finite(db, relation, about["columns"])
    except duckdb.Error as error:
        raise EngineError(f"{folder} can't be read: {str(error).splitlines()[0]}. Run again.") from error
    if found != (about["rows"], about["hash"]):
        raise EngineError(
            f"{folder} holds {found[0]:,} rows that are not {expected}: files were changed, or are not all there. Run "
            "again."
        )
    if not_finite:
        raise EngineError(f"{folder} holds numbers that are none (NaN or infinity) in {', '.join(not_finite)}.")


def _not_finite(db: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, str]) -> list[str]:
    """The columns in which some number is NaN or infinite."""
    doubles = sorted(name for name, kind in columns.items() if kind == "double")
    if not doubles:
        return []
    counts = ", ".join(f'count_if(not isfinite("{name}"))' for name in doubles)
    found = one_row(db.execute(f"select {counts} from {relation}"))
    return [name for name, count in zip(doubles, found, strict=True) if count]
