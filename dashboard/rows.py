"""Served rows as data, and a connection to the serving file.

Belongs here: what every module that reads served rows needs. Does not belong here: which rows are read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]  # column: value as served, None for NULL
EVERYONE = "all"


def connect(serving: Path) -> duckdb.DuckDBPyConnection:
    """The serving file read-only, in a new connection, so that it reads the newest file at that path."""
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    db.execute("attach '{}' as serving (read_only)".format(str(serving).replace("'", "''")))
    db.execute("use serving")
    return db


def select(db: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """The rows of a SELECT; of the parameters those that it names ("$name")."""
    named = {name: value for name, value in (parameters or {}).items() if f"${name}" in sql}
    result = db.execute(sql, named)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def grouped(rows: list[Row], *columns: str) -> dict[Any, list[Row]]:
    """{(value of each column): rows}, in order; of one column {its value: rows}."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        values = tuple(row[column] for column in columns)
        groups.setdefault(values[0] if len(columns) == 1 else values, []).append(row)
    return groups


def last_complete(rows: list[Row]) -> Row | None:
    """The latest complete period, None where there is none."""
    return next((row for row in reversed(rows) if row["is_complete"]), None)
