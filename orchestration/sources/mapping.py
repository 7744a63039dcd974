"""Runs a source's SQL over its records: one SELECT, in a database that can reach nothing else.

Belongs here: what a mapping may say, running it, naming where it fails. Does not belong here: reading records
(records.py), comparing events (statement.py).

The parsed tree decides what is refused, never the text: a name in a string or a comment is no call.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.contracts.odcs import load_layer
from orchestration.landing.check import wire_columns
from orchestration.sources.declaration import SourceError
from orchestration.sources.statement import ENGINE_COLUMNS, Event

SECONDS = 300
MEMORY = "4GB"
# DuckDB knows the volatile functions; these change too, and it calls them consistent within a query, or nothing
CHANGING = {
    *("age", "ago", "current_date", "current_localtime", "current_localtimestamp", "current_time"),
    *("current_timestamp", "get_current_time", "get_current_timestamp", "localtime", "localtimestamp", "now"),
    *("pg_conf_load_time", "pg_postmaster_start_time", "reservoir_quantile", "today", "transaction_timestamp"),
    "txid_current",
}
TABLE_FUNCTIONS = {"generate_series", "json_each", "json_tree", "range", "unnest"}  # the others read what is outside
SAME_EACH_TIME = "a mapping gives the same events each time; take the time from the records"
# of a column that DuckDB returns: how it is written as JSON, by type; every other type is refused
_INSTANT = "regexp_replace(strftime({}, '%Y-%m-%dT%H:%M:%S.%f'), '\\.0+$', '')"
_WRITTEN = {
    "TIMESTAMP WITH TIME ZONE": _INSTANT.format("timezone('UTC', {0})") + " || 'Z'",
    "TIMESTAMP": _INSTANT.format("{0}"),
    "DATE": "cast({0} as varchar)",
    "VARCHAR": "{0}",
    "VARCHAR[]": "{0}",
    "BOOLEAN": "{0}",
    '"NULL"': "cast({0} as varchar)",
}
_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
)


def event_columns() -> set[str]:
    """The columns that a mapping may return."""
    contracts = load_layer("landing")
    of_landing = {contract.custom.get("eventTypeColumn") for contract in contracts.values()}
    return wire_columns(contracts) - of_landing - set(ENGINE_COLUMNS)


class Mapping:
    """One source's SELECT, ready to run over any records; `tables` are all that it can read.

    Raises SourceError with file, line and column for what a mapping may not say.
    """

    def __init__(self, path: Path, tables: dict[str, pa.Table], seconds: float = SECONDS, memory: str = MEMORY) -> None:
        self.path, self.seconds, self.memory = path, seconds, memory
        if not path.exists():
            raise SourceError(f"{path} is missing: write one SELECT there that returns events.")
        self.sql = path.read_bytes().decode("utf-8", "replace")
        self._db = duckdb.connect(
            config={
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "memory_limit": memory,
                "temp_directory": "",
                "threads": 1,  # the order of rows, and with it any_value or limit, is the same each time
            }
        )
        for name, table in tables.items():
            self._load(name, table)
        for setting in ("TimeZone = 'UTC'", "errors_as_json = true", "enable_external_access = false"):
            self._db.execute(f"set {setting}")
        self._db.execute("set lock_configuration = true")
        self._check(set(tables))

    def __enter__(self) -> "Mapping":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def events(self) -> list[Event]:
        """The events that it returns, in its own order; raises SourceError."""
        timer = threading.Timer(self.seconds, self._db.interrupt)
        timer.start()
        try:
            types = self._types()
            return self._written(types, self._db.sql(self.sql).to_arrow_table())
        except duckdb.InterruptException:
            raise SourceError(f"{self.path}: took longer than {self.seconds:g} seconds and was stopped.") from None
        except duckdb.OutOfMemoryException:
            raise SourceError(f"{self.path}: needs more than {self.memory} of memory and was stopped.") from None
        except duckdb.Error as error:
            raise self._refuse(*_reason(error)) from None
        finally:
            timer.cancel()

    def kinds(self, expression: str) -> list[str]:
        """The value of an expression for each record, in order; raises SourceError."""
        try:
            rows = self._db.execute(f"select cast(({expression}) as varchar) from records").fetchall()
        except duckdb.Error as error:
            words, _ = _reason(error)
            raise SourceError(f"record_kind {expression!r}: {words}") from None
        return [kind if kind is not None else "none" for (kind,) in rows]

    def events_of_record(self, number: int) -> list[Event]:
        """The events that it returns when the record at this place, from 0, is the only one."""
        self._db.execute(f"create or replace view records as from _records where rowid = {number}")
        try:
            return self.events()
        finally:
            self._db.execute("create or replace view records as from _records")

    def _load(self, name: str, table: pa.Table) -> None:
        self._db.register("given", table)
        types = {"received_at": "timestamptz", "body": "json"} if name == "records" else {}
        casts = [f"cast({c} as {t}) as {c}" for c, t in types.items() if c in table.column_names]
        replaced = f"replace ({', '.join(casts)})" if casts else ""
        self._db.execute(f'create table "_{name}" as select * {replaced} from given')
        self._db.execute(f'create view "{name}" as from "_{name}"')
        self._db.unregister("given")

    def _check(self, tables: set[str]) -> None:
        try:
            statements = duckdb.extract_statements(self.sql)
        except duckdb.Error:
            statements = None  # where the mistake is, the tree says
        if statements is not None and (found := [s.type.name for s in statements]) != ["SELECT"]:
            raise SourceError(f"{self.path}: holds {', '.join(found) or 'nothing'}; write exactly one SELECT.")
        row = self._db.execute("select json_serialize_sql($1)", [self.sql]).fetchone()
        tree = json.loads(row[0]) if row else {}
        if tree["error"]:
            raise self._refuse(_sentence(tree["error_message"]), tree.get("position"))
        refused = {name for (name,) in self._db.execute(_VOLATILE).fetchall()} | CHANGING
        nodes = list(_nodes(tree["statements"]))
        known = tables | {entry["key"] for node in nodes for entry in (node.get("cte_map") or {}).get("map", ())}
        for node in nodes:
            if words := _fault(node, refused, {name.lower() for name in known}, tables):
                raise self._refuse(words, node.get("query_location"))

    def _types(self) -> dict[str, str]:
        """{column that it returns: its type}; raises SourceError for columns that no event has."""
        try:
            described = self._db.execute(_DESCRIBE + self.sql).fetchall()
        except duckdb.Error as error:
            words, position = _reason(error)
            raise self._refuse(words, position and int(position) - len(_DESCRIBE)) from None
        names = [name for name, *_ in described]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise SourceError(f"{self.path}: returns {', '.join(repeated)} more than once.")
        if own := [name for name in names if name in ENGINE_COLUMNS]:
            raise SourceError(f"{self.path}: returns {', '.join(own)}, which Flywheel sets itself; leave it out.")
        if unknown := sorted(set(names) - event_columns()):
            words = ", ".join(sorted(event_columns()))
            raise SourceError(f"{self.path}: returns {', '.join(unknown)}; an event's columns are {words}.")
        if missing := [name for name in ("event_id", "event_type") if name not in names]:
            raise SourceError(f"{self.path}: returns no {' and no '.join(missing)}; every event has them.")
        return {name: kind for name, kind, *_ in described}

    def _written(self, types: dict[str, str], returned: pa.Table) -> list[Event]:
        """Rows as they go on the wire: without nulls, times as text."""
        columns = ", ".join(f'{self._as_json(name, kind)} as "{name}"' for name, kind in types.items())
        self._db.register("returned", returned)
        rows = self._db.execute(f"select {columns} from returned").fetchall()
        self._db.unregister("returned")
        return [{n: v for n, v in zip(types, row, strict=True) if v is not None} for row in rows]

    def _as_json(self, name: str, kind: str) -> str:
        if kind == "JSON":
            raise SourceError(
                f"{self.path}: {name} is JSON; write ->> for a text, or from_json({name}, '[\"VARCHAR\"]') for a list."
            )
        if kind.startswith("DECIMAL") or kind == "HUGEINT":
            return f'cast("{name}" as varchar)'
        if kind not in _WRITTEN and kind not in _NUMBERS:
            raise SourceError(f"{self.path}: {name} is {kind}, which no event has; cast it to varchar.")
        return _WRITTEN.get(kind, "{0}").format(f'"{name}"')

    def _refuse(self, words: str, position: object) -> SourceError:
        """An error at a position in the SQL, in bytes from its start; without line and column where it has none."""
        at = int(str(position)) if position is not None else 1 << 63
        before = self.sql.encode()[:at].decode("utf-8", "ignore")
        if at > len(self.sql.encode()):
            return SourceError(f"{self.path}: {words}")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        return SourceError(f"{self.path} line {line} column {column}: {words}")


_DESCRIBE = "describe "
_VOLATILE = "select distinct function_name from duckdb_functions() where stability = 'VOLATILE'"


def _nodes(tree: Any) -> Iterator[dict]:
    """Every object of a parsed tree."""
    if isinstance(tree, dict):
        yield tree
    below: Iterable = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for part in below:
        yield from _nodes(part)


def _fault(node: dict, refused: set[str], known: set[str], tables: set[str]) -> str | None:
    """Why a node of the tree is refused; None where it isn't."""
    kind = node.get("type")
    is_call = kind == "FUNCTION" and node["function_name"].lower() in refused
    if is_call and (node["function_name"].lower() != "age" or len(node["arguments"]) == 1):  # of two times: no clock
        return f"{node['function_name']}() is refused: {SAME_EACH_TIME}."
    if kind == "COLUMN_REF" and len(names := node["column_names"]) == 1 and names[0].lower() in CHANGING:
        return f"{names[0]} is refused: {SAME_EACH_TIME}."
    if node.get("sample"):
        return f"a sample is refused: {SAME_EACH_TIME}."
    if kind == "TABLE_FUNCTION" and (name := node["function"].get("function_name", "").lower()) not in TABLE_FUNCTIONS:
        return f"{name}() is refused: a mapping reads records and declared tables only."
    if kind == "BASE_TABLE" and (node["schema_name"] or node["table_name"].lower() not in known):
        return f"there is no table {node['table_name']}; a mapping reads {', '.join(sorted(tables))}."
    return None


def _reason(error: duckdb.Error) -> tuple[str, str | None]:
    """(what DuckDB says, the position in the SQL that it says it of)."""
    kind, _, text = str(error).partition(": ")
    try:
        found = json.loads(text)
    except ValueError:
        return _sentence(str(error)), None
    return _sentence(found.get("exception_message", kind)), found.get("position")


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".!") + "."
