"""Reads files of records, of any format, into one table.

Belongs here: bytes to records, and where a file can't be read. Does not belong here: which files (received.py), what a
record means (a source's SQL).

Formats by name: JSON Lines (.jsonl, .ndjson), JSON (.json: one value, an array, or one value a line), CSV (.csv, .tsv),
each also gzipped (.gz); Parquet (.parquet). A record of JSON is the column `body`, a row of CSV or Parquet has its own
columns. A record that can't be read makes the whole file unreadable: without it, its events would be retracted.
Deliveries (.deliveries.jsonl, .deliveries.parquet) have `kind`, `delivery_id`, `body`, and each its own `received_at`.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.sources.declaration import SourceError

FIRST_COLUMNS = ("file_name", "record_number", "received_at")
MAX_BYTES = 2 << 30  # of all records of a source, in memory
MAX_FIELD = 1 << 27  # bytes of a field of CSV
DELIVERIES = re.compile(r"\.deliveries\.(jsonl|parquet)(\.gz)?$", re.IGNORECASE)
DELIVERY_COLUMNS = ("received_at", "kind", "delivery_id", "body")


def records_table(files: Iterable[tuple[str, Path, str]]) -> pa.Table:
    """The records of files, (name, path, RFC 3339 time of receipt) each, one after the other.

    Columns: `file_name`, `record_number` (from 1), `received_at` (text), `body` (JSON as text), and those of CSV and
    Parquet. Raises SourceError.
    """
    tables, size = [], 0
    for name, path, received_at in files:
        tables.append(_with_place(name, read_records(name, path), received_at))
        size += tables[-1].nbytes
        if size > MAX_BYTES:
            raise SourceError(
                f"its records have more than {MAX_BYTES:,} bytes up to {name}. Narrow `pattern`, `requests`, "
                "`queries` or what the sender sends; or write `records: current` and `vanished: keep`, and take files "
                "away once they are pulled."
            )
    spellings: dict[str, str] = {}  # DuckDB's names have no case
    same = [t.rename_columns([spellings.setdefault(c.lower(), c) for c in t.column_names]) for t in tables]
    first = pa.schema([("file_name", pa.string()), ("record_number", pa.int64()), ("received_at", pa.string())])
    try:
        return pa.concat_tables(
            [first.append(pa.field("body", pa.string())).empty_table(), *same], promote_options="permissive"
        )
    except pa.ArrowException as error:
        raise SourceError(f"the files have columns of one name and different types: {error}") from None


def read_records(name: str, path: Path) -> pa.Table:
    """The records of one file, by the format that its name gives; raises SourceError with the line."""
    reader = reader_for(name)
    if reader is None:
        raise SourceError(f"{name}: its format is not known; the formats are {', '.join(_READERS)}.")
    try:
        return reader(path)
    except _UnreadableError as error:
        raise SourceError(f"{name} {error}. The records that came before it stay in place.") from None
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise SourceError(f"{name}: can't be read in the format that its name gives: {error}.") from None


def reader_for(name: str) -> Callable[[Path], pa.Table] | None:
    """The reader of the format that a name gives; None where it gives none."""
    plain = name.lower().removesuffix(".gz")
    if plain.endswith(".deliveries.jsonl"):
        return _read_deliveries
    return next((reader for suffix, reader in _READERS.items() if plain.endswith(suffix)), None)


class _UnreadableError(ValueError):
    """Where and why a file can't be read, without its name."""


def _with_place(name: str, table: pa.Table, received_at: str) -> pa.Table:
    times = pa.repeat(received_at, table.num_rows).cast(pa.string())
    if DELIVERIES.search(name):
        times = pc.fill_null(table["received_at"], received_at)
        table = table.drop_columns("received_at")
    count, own = table.num_rows, _apart([*FIRST_COLUMNS, *table.column_names])[len(FIRST_COLUMNS) :]
    places = {
        "file_name": pa.repeat(name, count).cast(pa.string()),
        "record_number": pa.array(range(1, count + 1), pa.int64()),
        "received_at": times,
    }
    return pa.table(places | dict(zip(own, table.columns, strict=True)))


def _apart(names: list[str]) -> list[str]:
    """Column names, the second of a name as name_1, the third as name_2; letters' case makes no other name."""
    taken: set[str] = set()
    found = []
    for name in names:
        new, number = name, 0
        while new.lower() in taken:
            number += 1
            new = f"{name}_{number}"
        taken.add(new.lower())
        found.append(new)
    return found


def _text(path: Path) -> str:
    """A file's text: UTF-8, or UTF-16 where its first bytes say so."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _UnreadableError(f"line {line}: has bytes that are not UTF-8; export it as UTF-8") from None


def _bodies(texts: list[str]) -> pa.Table:
    return pa.table({"body": pa.array(texts, pa.string())})


def _read_json_lines(path: Path) -> pa.Table:
    lines = [
        (number, line.removesuffix("\r")) for number, line in enumerate(_text(path).split("\n"), 1) if line.strip()
    ]
    for number, line in lines:
        try:
            orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise _UnreadableError(f"line {number} column {error.colno}: not JSON: {error.msg}") from None
    return _bodies([line for _, line in lines])


def _read_deliveries(path: Path) -> pa.Table:
    """One object a line, with `body`, and where it has them `kind`, `delivery_id` and `received_at`."""
    rows = [json.loads(text) for text in _read_json_lines(path)["body"].to_pylist()]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or "body" not in row or set(row) - set(DELIVERY_COLUMNS):
            words = f"a delivery has body, and may have {', '.join(DELIVERY_COLUMNS[:3])}"
            raise _UnreadableError(f"record {number}: {words}")
    bodies = [row | {"body": json.dumps(row["body"], ensure_ascii=False)} for row in rows]
    return pa.table({name: pa.array([row.get(name) for row in bodies], pa.string()) for name in DELIVERY_COLUMNS})


def _read_json(path: Path) -> pa.Table:
    """One value; the values of one array; or, where the text is no single value, one a line."""
    text = _text(path)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        first = text.lstrip().split("\n", 1)[0]
        if _is_object(first):
            return _read_json_lines(path)
        raise _UnreadableError(f"line {error.lineno} column {error.colno}: not JSON: {error.msg}") from None
    if not isinstance(value, list):
        return _bodies([text])
    # orjson would round whole numbers of more than 64 bits
    return _bodies([json.dumps(element, ensure_ascii=False) for element in json.loads(text)])


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _read_csv(path: Path) -> pa.Table:
    """Fields as text, empty ones null; repeated names of the header numbered as `_apart` does."""
    text = _text(path)
    header = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=header.count)
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not row or not any(row):
                continue
            if rows and len(row) != len(rows[0]):
                words = f"has {len(row)} fields where the header has {len(rows[0])}"
                raise _UnreadableError(f"line {reader.line_num}: {words}")
            rows.append(row)
    except csv.Error as error:
        raise _UnreadableError(f"line {reader.line_num}: {error}") from None
    if not rows:
        raise _UnreadableError("line 1: has no header")
    names = _apart([name.strip() or f"column_{n}" for n, name in enumerate(rows[0], 1)])
    columns = zip(*rows[1:], strict=True) if len(rows) > 1 else [()] * len(names)
    values = [pa.array([value or None for value in column], pa.string()) for column in columns]
    return pa.table(dict(zip(names, values, strict=True)))


def _read_parquet(path: Path) -> pa.Table:
    table = pq.read_table(pa.BufferReader(path.read_bytes()))
    return table.rename_columns(_apart(table.column_names))


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json,
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
}

_SUFFIX = re.compile(r"(\.[a-z0-9]+)(\.gz)?$", re.IGNORECASE)


def suffix_of(name: str) -> str:
    """The end of a name that gives its format, such as .jsonl.gz."""
    found = _SUFFIX.search(name)
    return found[0].lower() if found else ""
