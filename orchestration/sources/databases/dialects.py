"""What differs between databases: drivers, statements that make a session read-only and short, types of columns.

Belongs here: a table for each of these, values to Arrow. Does not belong here: connecting and reading (database.py).

A column has the type that the database describes, whatever its values: one of nulls alone has it too. What has no type
here, such as uuid, json, time, interval, an array or a number without limits, is text; bytes are hexadecimal digits,
lists and objects JSON.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

CONNECT_SECONDS = 30


@dataclass(frozen=True)
class Database:
    """How to read one database, by SQLAlchemy's name of it."""

    extra: str = ""  # what brings its driver: flywheel-metrics[extra]
    grammar: str = ""  # sqlglot's name of its SQL
    session: tuple[str, ...] = ()  # statements before the first query
    options: dict[str, Any] | None = None  # of the transaction
    connect: Callable[[int], dict[str, Any]] = lambda seconds: {}  # arguments of its driver


def _postgresql(seconds: int) -> dict[str, Any]:
    connect = {"connect_timeout": min(seconds, CONNECT_SECONDS), "application_name": "flywheel"}
    return connect | {"keepalives_idle": CONNECT_SECONDS, "tcp_user_timeout": seconds * 1000}


_MYSQL = Database(
    "mysql",
    "mysql",
    ("set time_zone = '+00:00'", "start transaction with consistent snapshot, read only"),
    None,
    lambda seconds: {"connect_timeout": min(seconds, CONNECT_SECONDS), "read_timeout": seconds},
)
DATABASES = {
    "postgresql": Database(
        "",
        "postgres",
        (
            "set local statement_timeout = '{seconds}s'",
            "set local timezone = 'UTC'",
            "set local cursor_tuple_fraction = 1",  # all rows will be read: no plan for the first of them
        ),
        {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        _postgresql,
    ),
    "redshift": Database("redshift", "redshift", ("set statement_timeout = {milliseconds}",)),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "snowflake": Database(
        "snowflake",
        "snowflake",
        ("alter session set statement_timeout_in_seconds = {seconds}", "alter session set timezone = 'UTC'"),
        None,
        lambda seconds: {"login_timeout": min(seconds, CONNECT_SECONDS)},
    ),
    "bigquery": Database("bigquery", "bigquery"),
    "databricks": Database(
        "databricks",
        "databricks",
        ("set statement_timeout = {seconds}", "set time zone 'UTC'"),
        None,
        lambda seconds: {
            "_socket_timeout": seconds,
            "_retry_stop_after_attempts_duration": min(seconds, CONNECT_SECONDS),
        },
    ),
    "trino": Database(
        "trino",
        "trino",
        ("set session query_max_run_time = '{seconds}s'", "set time zone 'UTC'"),
        None,
        lambda seconds: {"request_timeout": min(seconds, CONNECT_SECONDS)},
    ),
    "sqlite": Database("", "sqlite", ("pragma query_only = 1",)),
}
SPELLINGS = {  # of an address without a driver, or with one that is not among the extras
    **dict.fromkeys(("postgres", "postgresql", "postgresql+psycopg2"), "postgresql+psycopg"),
    **{"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql", "redshift": "redshift+redshift_connector"},
}

LOCAL, INSTANT = pa.timestamp("us"), pa.timestamp("us", "UTC")
DECIMAL = "decimal"  # its precision and scale decide
MAX_DIGITS, WHOLE_DIGITS = 38, 18  # of a decimal, and of one that an int64 holds
_WHOLE, _FLOAT, _TRUTH, _DAY = pa.int64(), pa.float64(), pa.bool_(), pa.date32()

# the object identifiers of PostgreSQL's types
_POSTGRESQL = {16: _TRUTH, 20: _WHOLE, 21: _WHOLE, 23: _WHOLE, 26: _WHOLE, 700: _FLOAT, 701: _FLOAT, 1700: DECIMAL}
_POSTGRESQL |= {1082: _DAY, 1114: LOCAL, 1184: INSTANT}
_NAMED = {
    **dict.fromkeys(("bigint", "int", "int64", "integer", "smallint", "tinyint"), _WHOLE),
    **dict.fromkeys(("double", "float", "float64", "real"), _FLOAT),
    **dict.fromkeys(("bool", "boolean"), _TRUTH),
    **{"date": _DAY, "datetime": LOCAL, "timestamp_ntz": LOCAL, "decimal": DECIMAL},
    **{"timestamp": INSTANT, "timestamp with time zone": INSTANT},
}
# {SQLAlchemy's name of the database: {what a description of a column has as its type: the type}}
TYPES: dict[str, dict[Any, Any]] = {
    "postgresql": _POSTGRESQL,
    "redshift": _POSTGRESQL,
    "bigquery": _NAMED,
    "databricks": _NAMED,
    "trino": _NAMED | {"timestamp": LOCAL},
    "snowflake": {0: DECIMAL, 1: _FLOAT, 3: _DAY, 4: LOCAL, 6: INSTANT, 7: INSTANT, 8: LOCAL, 13: _TRUTH},
    "mysql": dict.fromkeys((1, 2, 3, 8, 9, 13), _WHOLE) | {4: _FLOAT, 5: _FLOAT, 7: INSTANT, 10: _DAY, 12: LOCAL},
}
TYPES["mariadb"] = TYPES["mysql"]


def schema_of(database: str, description: Iterable[Sequence[Any]]) -> pa.Schema:
    """The columns of a query, by the description that its cursor has (PEP 249); text where a type is not known."""
    types = TYPES.get(database, {})
    return pa.schema([(str(column[0]), _type(types, column)) for column in description])


def batch_of(schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Rows as the types of their columns; raises ValueError, with the column, for a value that its type can't hold."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return pa.record_batch([_array(*pair) for pair in zip(schema, columns, strict=True)], schema=schema)


def _type(types: dict[Any, Any], column: Sequence[Any]) -> pa.DataType:
    code = column[1]
    if isinstance(code, str):  # as "timestamp(3) with time zone"
        before, _, after = code.lower().partition("(")
        code = before + after.partition(")")[2]
    found = types.get(code, pa.string())
    return _decimal(column[4], column[5]) if found is DECIMAL else found


def _decimal(precision: int | None, scale: int | None) -> pa.DataType:
    """Of a number without limits, and of one with more digits than Arrow has, text: nothing of it is lost."""
    if precision is None or scale is None or not 0 <= scale <= precision <= MAX_DIGITS or precision == 0:
        return pa.string()
    return _WHOLE if scale == 0 and precision <= WHOLE_DIGITS else pa.decimal128(precision, scale)


def _array(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array([_text(v) for v in values] if field.type == pa.string() else values, field.type)
    except (pa.ArrowException, OverflowError, TypeError) as error:
        raise ValueError(f"column {field.name}: {error}; cast it to text in the query") from None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_text)
    return str(value)
