"""Reads a database: each declared query runs there, and its rows are the records of that name.

Belongs here: what a query may be, connecting, one read-only transaction, errors without secrets. Does not belong here:
what differs between databases (dialects.py), what a row means (a source's SQL).

All queries of a pull run in one transaction: they see one state of the database, where it has such transactions. Rows
come in batches into a file and are sorted there: memory does not grow with them, and the same rows are one content.
"""

import logging
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
import sqlglot
from psycopg.types.string import TextLoader
from sqlglot import exp

from orchestration.contracts.strict_yaml import compose, line_of, read_bounded
from orchestration.home import sha256
from orchestration.sources import received
from orchestration.sources.databases.dialects import DATABASES, SPELLINGS, Database, batch_of, schema_of
from orchestration.sources.declaration import VARIABLE, Source, SourceError
from orchestration.sources.records import MAX_BYTES

ROWS, BATCH_BYTES = 2_048, 8 << 20  # of a batch at most, as far as its rows are like those before
SORT_MEMORY = "1GB"  # more goes to disk
GRACE_SECONDS = 5  # for the server to stop a statement itself, before the connection is cut
EXAMPLE = "postgresql://reader:${PASSWORD}@host:5432/lake"
WRITES = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock)
AS_TEXT = ("interval", "json", "jsonb", "time", "timetz")  # what psycopg would make of them in Python says less
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what is refused here


def receive(source: Source, now: datetime) -> tuple[str, ...]:
    """Keep the rows of the declared queries, as Parquet, one file each. Raises SourceError, and keeps nothing."""
    folder = source.received / ".reading"
    shutil.rmtree(folder, ignore_errors=True)  # of a pull that was killed
    folder.mkdir(parents=True)
    try:
        files = read(source, folder).items()
        received.keep(source, {name: received.add_content(source, name, f, _version(f)) for name, f in files}, {}, now)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ()


def read(source: Source, folder: Path) -> dict[str, Path]:
    """{name: file} of the rows of each query, written into a folder; raises SourceError without any secret."""
    url = _url(source)
    database = DATABASES.get(url.get_backend_name(), Database())
    queries = {name: source.resolve(sql) for name, sql in source.settings["queries"].items()}
    for name, sql in queries.items():
        _check(source, name, sql, database.grammar)
    deadline = time.monotonic() + source.settings["timeout"]
    files = {}
    with _connection(source, url, database) as connection:
        for name, sql in queries.items():
            with _refusals(source, url, deadline, name, connection):
                files[f"{name}/rows.parquet"] = _rows(connection, sql, folder / name, deadline)
    return files


def _version(path: Path) -> int:
    """A number of its content, below 2^53, in place of a time of change: each pull writes the file anew."""
    return int(sha256(path)[:13], 16)


def _url(source: Source) -> sa.URL:
    """Its address; a value of the environment is one part of it as it is, unless it begins the address."""
    where = source.where

    def value(found: Any) -> str:
        before, after = where[: found.start()], where[found.end() :]
        is_part = "://" in before and ("@" in after or "?" in before)
        text = source.variables[found[1]]
        return quote(text, safe="") if is_part else text

    try:
        url = sa.make_url(VARIABLE.sub(value, where))
    except (sa.exc.ArgumentError, ValueError):
        words = f"{where} is no address of a database; write one such as {EXAMPLE}"
        raise SourceError(f"{_at(source, ['where'])}: {words}.") from None
    return url.set(drivername=SPELLINGS.get(url.drivername, url.drivername))


def _check(source: Source, name: str, sql: str, grammar: str) -> None:
    """Raise SourceError, with its place, for a query that is anything else than one SELECT."""
    try:
        found = [statement for statement in sqlglot.parse(sql, dialect=grammar or None) if statement]
    except sqlglot.errors.ParseError as error:
        first = error.errors[0]
        near = first["highlight"] or ""
        column = first["col"] - max(len(near) - 1, 0)  # it counts to the end of what it shows
        words = f"{first['description']}, near {near!r}"
        raise SourceError(f"{_place(source, name, first['line'], column)}: {words}.") from None
    except sqlglot.errors.TokenError as error:
        raise SourceError(f"{_place(source, name)}: {error}.") from None
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        kinds = ", ".join(statement.key.upper() for statement in found) or "nothing"
        raise SourceError(f"{_place(source, name)}: holds {kinds}; write exactly one SELECT.")
    if writing := next(found[0].find_all(*WRITES), None):
        raise SourceError(f"{_place(source, name)}: holds {writing.key.upper()}; a query here only reads.")


@contextmanager
def _connection(source: Source, url: sa.URL, database: Database) -> Iterator[sa.Connection]:
    """A read-only transaction; cut off where it lasts longer than the source allows."""
    seconds = source.settings["timeout"]
    deadline = time.monotonic() + seconds
    with _refusals(source, url, deadline):
        engine = _engine(url, database, seconds)
        connection = engine.connect().execution_options(**(database.options or {}))
    own = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        for kind in AS_TEXT:
            own.adapters.register_loader(kind, TextLoader)
    timer = threading.Timer(seconds + GRACE_SECONDS, _hang_up, [own])
    timer.daemon = True
    timer.start()
    try:
        with _refusals(source, url, deadline):
            for statement in database.session:
                connection.exec_driver_sql(statement.format(seconds=seconds, milliseconds=seconds * 1000))
        yield connection
    finally:
        timer.cancel()
        connection.invalidate()  # without a rollback, for which a lost server would be asked
        engine.dispose()


def _engine(url: sa.URL, database: Database, seconds: int) -> sa.Engine:
    name = url.get_backend_name()
    try:
        engine = sa.create_engine(
            url, poolclass=sa.pool.NullPool, hide_parameters=True, connect_args=database.connect(seconds)
        )
    except (sa.exc.NoSuchModuleError, ModuleNotFoundError):
        if database.extra:
            words = f"the driver of {name} is not installed: pip install 'flywheel-metrics[{database.extra}]'"
        else:
            words = f"there is no driver of {url.drivername}; the databases are {', '.join(DATABASES)}"
        raise SourceError(f"{words}.") from None
    if name == "sqlite" and not Path(url.database or "").is_file():
        raise SourceError("the database is no file.")  # else SQLite makes one
    sa.event.listen(engine, "before_cursor_execute", _note_cursor)
    return engine


def _rows(connection: sa.Connection, sql: str, path: Path, deadline: float) -> Path:
    """Write the rows of a query into a file, sorted by all their columns; returns it."""
    # a cursor of the server; % and : in the SQL stay as they are
    options = {"stream_results": True, "max_row_buffer": ROWS, "no_parameters": True}
    result = connection.exec_driver_sql(sql.rstrip("; \r\n\t"), execution_options=options)
    schema, size, count = schema_of(connection.dialect.name, result.cursor.description), 0, 32
    with pq.ParquetWriter(path, schema) as writer:
        while rows := result.fetchmany(count):
            batch = batch_of(schema, rows)
            count = max(1, min(ROWS, count * BATCH_BYTES // (batch.nbytes + 1)))
            size += batch.nbytes
            if size > MAX_BYTES:
                raise ValueError(f"its rows have more than {MAX_BYTES:,} bytes; let it aggregate, or read fewer")
            if time.monotonic() > deadline:
                raise TimeoutError  # the server's limit is that of one batch
            writer.write_table(pa.Table.from_batches([batch]))  # write_batch keeps a million rows in memory
    result.close()
    return _sorted(path)


def _sorted(path: Path) -> Path:
    """The file with its rows sorted on disk: a query without an order gives another one each time."""
    target = path.with_suffix(".parquet")
    limits: dict[str, Any] = {"memory_limit": SORT_MEMORY, "temp_directory": str(path.parent / ".sort"), "threads": 1}
    with duckdb.connect(config=limits) as db:
        try:
            db.from_parquet(str(path)).order("all").write_parquet(str(target), row_group_size=ROWS)
        except duckdb.OutOfMemoryException:
            raise ValueError(f"its rows need more than {SORT_MEMORY} to be sorted; leave out columns") from None
    path.unlink()
    return target


@contextmanager
def _refusals(
    source: Source, url: sa.URL, deadline: float, query: str = "", connection: sa.Connection | None = None
) -> Iterator[None]:
    """Turn what fails into SourceError: where, and what the database says, without the password in any spelling."""
    try:
        yield
    except Exception as error:  # each driver has its own
        cause = getattr(error, "orig", None) or error
        seconds = source.settings["timeout"]
        sql = source.resolve(source.settings["queries"].get(query, ""))
        at = _place(source, query, *_position(sql, cause, connection)) if query else _at(source, ["where"])
        if isinstance(cause, SourceError):
            words = str(cause)
        elif time.monotonic() > deadline:
            words = f"took longer than {seconds} seconds and was stopped; narrow the query, or raise `timeout`."
        else:
            words = _sentence(cause)
            words = words if query else f"the database can't be read: {words}"
        raise SourceError(_hidden(source, url, f"{at}: {words}")) from None


def _sentence(error: BaseException) -> str:
    """What a driver says, without its pointers into the SQL and where to read more."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    lines = [line.strip() for line in (primary or str(error) or type(error).__name__).splitlines()]
    hint = getattr(getattr(error, "diag", None), "message_hint", None)
    text = " ".join([*(line for line in lines if line), *([f"({hint})"] if hint else [])])
    return text if text.endswith("?") else text.rstrip(".") + "."


def _hidden(source: Source, url: sa.URL, text: str) -> str:
    """A text without the values of the environment and the password, in any spelling of an address."""
    parts = [("password", url.password), *url.query.items()]
    secrets = {str(value): "***" for key, value in parts if value and re.search("pass|token|key|secret", key)}
    return source.hide(text, secrets)


def _note_cursor(connection: sa.Connection, cursor: Any, *_: object) -> None:
    """Remember the cursor's name: PostgreSQL counts the position of an error from the DECLARE that has it."""
    connection.info["cursor"] = getattr(cursor, "name", None)


def _position(sql: str, error: Any, connection: sa.Connection | None) -> tuple[int, int]:
    """(line, column) in a query of what PostgreSQL's error is about, from 1; (0, 0) where it has none."""
    diagnosis = getattr(error, "diag", None)
    if not connection or not diagnosis or not diagnosis.statement_position:
        return 0, 0
    declared = f'DECLARE "{connection.info["cursor"]}" CURSOR FOR '
    before = sql[: int(diagnosis.statement_position) - 1 - len(declared)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _place(source: Source, query: str, line: int = 0, column: int = 0) -> str:
    """Where in the source's file a line and column of a query stand; the query alone where they are not known."""
    path = source.home.sources / f"{source.name}.yml"
    at = line_of(compose(path, read_bounded(path))[1], ["queries", query])
    lines = path.read_text().splitlines()
    is_block = lines[at - 1].rstrip().endswith(("|", "|-", "|+", ">", ">-"))
    name = f"{path} line {at + (line if is_block else 0)}"
    if not line:
        return f"{name}: queries.{query}"
    if is_block:
        mine = source.settings["queries"][query].splitlines()[line - 1 : line] or [""]
        column += max("".join(lines[at + line - 1 : at + line]).find(mine[0]), 0)
        name += f" column {column}"
    return f"{name}: queries.{query}"


def _at(source: Source, setting: list[str]) -> str:
    path = source.home.sources / f"{source.name}.yml"
    return f"{path} line {line_of(compose(path, read_bounded(path))[1], setting)}"


def _hang_up(connection: Any) -> None:
    """End a connection whose server does not answer, so that what waits for it goes on."""
    if hasattr(connection, "fileno"):
        with socket.socket(fileno=os.dup(connection.fileno())) as own:
            own.shutdown(socket.SHUT_RDWR)
