"""Writes tables of a serving file as Parquet, each with its descriptions.

Belongs here: the files and their metadata. Does not belong here: which tables are served, where the files go.
"""

import json
from pathlib import Path

import duckdb

from orchestration.build.builds import sql_text
from orchestration.home import seal


def write_tables(serving: Path, folder: Path, schemas: tuple[str, ...]) -> None:
    """Write each table of these schemas to `<folder>/<table>.parquet`, in the order of its rows in the serving file."""
    with duckdb.connect() as db:
        db.execute(f"attach {sql_text(serving)} as serving (read_only)")
        tables = db.execute(
            "select schema_name, table_name, coalesce(comment, '') from duckdb_tables() "
            "where database_name = 'serving' and list_contains($1, schema_name) order by all",
            [list(schemas)],
        ).fetchall()
        for schema, name, description in tables:
            path = folder / f"{name}.parquet"
            about = _key_values(description, _columns(db, schema, name))
            table = f"serving.{schema}.{name}"
            db.execute(f"copy {table} to {sql_text(path)} (format parquet, kv_metadata {{{about}}})")
            seal(path)


def _columns(db: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str]:
    """{column: description}, of those that have one."""
    return dict(
        db.execute(
            "select column_name, comment from duckdb_columns() where database_name = 'serving' and schema_name = $1 "
            "and table_name = $2 and comment is not null order by column_index",
            [schema, table],
        ).fetchall()
    )


def _key_values(description: str, columns: dict[str, str]) -> str:
    """The descriptions as Parquet's key-value metadata, in SQL: what DuckDB, pyarrow and, as `attrs`, pandas show.

    Not as metadata of Arrow's fields: only Arrow reads those, and DuckDB writes none.
    """
    about = {"description": description, "columns": columns}
    texts = {"description": description, "columns": _json(columns), "PANDAS_ATTRS": _json(about)}
    return ", ".join(f"{key}: {sql_text(text)}" for key, text in texts.items())


def _json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False)
