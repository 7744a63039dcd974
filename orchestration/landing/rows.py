"""Rows as they are read from a file: a chunk of them, one that could not be read, and collecting rows into chunks.

Belongs here: the verdict on one row's text, the position of each row, limits of size. Does not belong here: how a
file is cut into rows (formats.py), whether a row keeps its contract (check.py).

Every text row gets its verdict from one parser, orjson, because parsers differ on duplicate keys, NaN and bad bytes.
An object with `specversion` is a CloudEvents 1.0 event.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

MAX_LINE_BYTES = 1 << 20
KEPT_BYTES = 4096  # of a line that is too long
KEPT_DEPTH = 250  # orjson reads 1,024 levels of nesting and writes 254
CHUNK_BYTES = 8 << 20  # Python's objects take ten times their text
CHUNK_ROWS = 50_000

EVENT_KEY = ("source", "event_id")  # rows with the same pair are versions of one event
CLOUD_EVENT_COLUMNS = {"id": "event_id", "time": "occurred_at", "subject": "data_product_id"}
CLOUD_EVENT_ENVELOPE = {"specversion", "type", "datacontenttype", "dataschema", "data", "data_base64"}

csv.field_size_limit(MAX_LINE_BYTES)  # of the whole process; its default of 131,072 is less than a line may have


class UnreadableFile(ValueError):
    """A file of which no row can be trusted; the message gives the reason."""


@dataclass(frozen=True)
class Unreadable:
    """A row that could not be read at all."""

    row: int | None  # its place among the rows of the file, from 1; None for the file itself
    line: int | None
    column: int | None
    reason: str
    message: str
    text: str
    is_whole_text: bool = True  # only then can it be tried again
    event_key: tuple[str | None, str | None] = (None, None)  # its EVENT_KEY, as far as it can be read


@dataclass
class Chunk:
    """Some rows of a file. `columns` holds each known column (a list, or an Arrow array), `extras` the others."""

    rows: list[int] | range  # their places among the rows of the file, from 1: a JSON array may hold many on one line
    lines: list[int | None] | range  # None for a row read again from quarantine
    columns: dict[str, Any]
    extras: list[dict[str, Any] | None]  # empty where no row has any
    text: Callable[[int], str]
    header: str | None = None
    unreadable: list[Unreadable] = field(default_factory=list)
    size: int = 0  # bytes in memory


class CsvLayout(NamedTuple):
    """Columns and delimiter of a CSV, from its header."""

    names: list[str]
    delimiter: str

    def values(self, record: bytes) -> list[str]:
        """The fields of a record; raises csv.Error or UnicodeDecodeError."""
        return next(csv.reader([record.decode()], delimiter=self.delimiter, strict=True), [])

    def fits(self, record: bytes) -> bool:
        """Whether it reads as one whole record."""
        try:
            return len(self.values(record.decode("utf-8", "replace").encode())) == len(self.names)
        except csv.Error:
            return False


def csv_layout(header: str, known: set[str]) -> CsvLayout:
    """The layout that a CSV's first line states; raises UnreadableFile where that is no header of these columns."""
    delimiter = max(",;\t|", key=header.count)
    try:
        fields = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error as error:
        raise UnreadableFile(f"its first line is not a header: {error}") from None
    names = [name.strip() or f"column_{n}" for n, name in enumerate(fields, 1)]
    key = {"event_id"} & known or known
    if key.isdisjoint(names):
        raise UnreadableFile(f"its first line is not a header: it names no {' or '.join(sorted(key))} column")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise UnreadableFile(f"its header names {', '.join(repeated)[:200]} more than once")
    return CsvLayout(names, delimiter)


class RowCollector:
    """Collects rows into a chunk."""

    def __init__(self, known: set[str], header: str | None = None) -> None:
        self.known, self.header, self.last_row = known, header, 0
        self._clear()

    def _clear(self) -> None:
        self.numbers: list[int] = []
        self.lines: list[int | None] = []
        self.rows: list[dict[str, Any]] = []
        self.texts: list[bytes] = []
        self.unreadable: list[Unreadable] = []
        self.size = 0  # bytes

    def add_json(self, line: int | None, text: bytes, starts_line: bool = True) -> None:
        """Add the row that a JSON text holds."""
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            reason = "invalid_utf8" if "UTF-8" in error.msg else "malformed_json"
            line = line + error.lineno - 1 if line else None
            column = error.colno if starts_line or error.lineno > 1 else None
            self.refuse(line, column, reason, f"not JSON: {error.msg}", text)
            return
        if not isinstance(row, dict):
            self.refuse(line, 1, "not_an_object", 'an event is a JSON object, like {"event_id": …}', text)
            return
        sent = row
        if "specversion" in row:
            row = _from_cloud_event(row)
            if row is None:
                self.refuse(line, 1, "cloud_event_without_data", "`data` must be a JSON object", text, sent)
                return
        if not _can_be_kept(row):
            message = f"a value is nested more than {KEPT_DEPTH} levels deep"
            self.refuse(line, 1, "nested_too_deep", message, text, row)
            return
        self._add(line, row, text)

    def add_csv(self, line: int | None, text: bytes, layout: CsvLayout) -> None:
        """Add the row that a CSV record holds."""
        try:
            values = layout.values(text)
        except UnicodeDecodeError:
            self.refuse(line, None, "invalid_utf8", "has bytes that are not UTF-8", text)
        except csv.Error as error:
            self.refuse(line, None, "malformed_csv", str(error), text)
        else:
            if len(values) == len(layout.names):
                self._add(line, {n: v for n, v in zip(layout.names, values, strict=True) if v != ""}, text)
            else:
                message = f"has {len(values)} fields where the header has {len(layout.names)}"
                self.refuse(line, None, "wrong_field_count", message, text)

    def _add(self, line: int | None, row: dict[str, Any], text: bytes) -> None:
        self.last_row += 1
        self.numbers.append(self.last_row)
        self.lines.append(line)
        self.rows.append(row)
        self.texts.append(text)
        self.size += len(text)

    def refuse(
        self,
        line: int | None,
        column: int | None,
        reason: str,
        message: str,
        text: bytes,
        sent: dict[str, Any] | None = None,
        is_whole_text: bool = True,
    ) -> None:
        """Add a row that could not be read, with its reason; `sent` is its JSON object, where it is one."""
        self.last_row += 1
        shown = text.decode("utf-8", "backslashreplace")
        is_whole_text = is_whole_text and reason != "invalid_utf8"  # what is shown are not the bytes that came
        key = _event_key(sent or {})
        self.unreadable.append(Unreadable(self.last_row, line, column, reason, message, shown, is_whole_text, key))
        self.size += len(text)

    @property
    def is_full(self) -> bool:
        """Whether the rows are enough for a chunk."""
        return self.size >= CHUNK_BYTES or len(self.lines) + len(self.unreadable) >= CHUNK_ROWS

    def flush(self) -> Iterator[Chunk]:
        """Yield the rows as a chunk, unless there are none, and start anew."""
        if not self.lines and not self.unreadable:
            return
        texts = self.texts
        extras = [_extras(row, self.known) for row in self.rows]
        chunk = Chunk(
            rows=self.numbers,
            lines=self.lines,
            columns={name: [row.get(name) for row in self.rows] for name in self.known},
            extras=extras if any(extras) else [],
            text=lambda i: texts[i].decode("utf-8", "backslashreplace"),
            header=self.header,
            unreadable=self.unreadable,
            size=self.size,
        )
        self._clear()
        yield chunk


def _can_be_kept(row: dict[str, Any]) -> bool:
    """Whether the row can be written as JSON again: its attributes will be."""
    level = [value for value in row.values() if isinstance(value, dict | list)]
    for _ in range(KEPT_DEPTH):
        if not level:
            return True
        inner = (outer.values() if isinstance(outer, dict) else outer for outer in level)
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
    return False


def _extras(row: dict[str, Any], known: set[str]) -> dict[str, Any] | None:
    names = row.keys() - known
    return {n: row[n] for n in names if row[n] is not None} or None if names else None


def _event_key(row: dict) -> tuple[str | None, str | None]:
    """The EVENT_KEY of a flat record or a CloudEvent; None for what is not text."""
    names = {column: name for name, column in CLOUD_EVENT_COLUMNS.items()} if "specversion" in row else {}
    source, event_id = (row.get(names.get(column, column)) for column in EVENT_KEY)
    return source if isinstance(source, str) else None, event_id if isinstance(event_id, str) else None


def _from_cloud_event(event: dict) -> dict | None:
    """The flat record of a CloudEvents 1.0 object; None when it carries no JSON object as data."""
    data = {} if event.get("data") is None else event["data"]
    if not isinstance(data, dict) or "data_base64" in event:
        return None
    kind = event.get("type")
    words = re.findall(r"\w+", kind) if isinstance(kind, str) else []
    sent = {CLOUD_EVENT_COLUMNS.get(k, k): v for k, v in event.items() if k not in CLOUD_EVENT_ENVELOPE}
    attributes = {name: value for name, value in sent.items() if value is not None}
    return data | attributes | {"event_type": words[-1] if words else kind}


def as_python(value: pa.Scalar) -> Any:
    """An Arrow value as Python's; what Python has no value for, as a description that no contract takes for a value."""
    try:
        return value.as_py()
    except UnicodeDecodeError:  # Parquet does not check its text
        return {"not UTF-8": repr(value.as_buffer().to_pybytes() if hasattr(value, "as_buffer") else value.type)}
    except (ValueError, OverflowError, KeyError):  # a year after 9999, a time zone that does not exist
        return {"out of range": getattr(value, "value", str(value.type))}
