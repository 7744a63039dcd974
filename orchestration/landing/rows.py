"""Rows as they are read from a file: a chunk of them, one that could not be read, and collecting rows into chunks.

Belongs here: the verdict on one row's text, the position of each row, rows without any value, limits of size. Does not
belong here: how a file is cut into rows (formats.py, csv_files.py), CloudEvents (cloud_events.py), whether a row keeps
its contract (check.py).

Every text row gets its verdict from one parser, orjson, because parsers differ on duplicate keys, NaN and bad bytes.
"""

import codecs
import csv
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate, chain
from types import MappingProxyType
from typing import Any

import orjson
import pyarrow as pa

from orchestration.landing.cloud_events import flat_row, is_cloud_event
from orchestration.landing.columns import AmbiguousName, Columns

MAX_LINE_BYTES = 1 << 20
KEPT_BYTES = 4096  # of a line that is too long
KEPT_DEPTH = 250  # orjson reads 1,024 levels of nesting and writes 254
CHUNK_BYTES = 8 << 20  # Python's objects take ten times their text
CHUNK_ROWS = 50_000

EVENT_KEY = ("source", "event_id")  # rows with the same pair are versions of one event


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
    arrow_row: Callable[[int], bytes] | None = None  # a Parquet row as it was, because its text is not
    warnings: Counter[str] = field(default_factory=Counter)
    unreadable: list[Unreadable] = field(default_factory=list)
    size: int = 0  # bytes in memory


def joined(chunks: list[Chunk]) -> Chunk:
    """The rows of several chunks as one chunk; their columns are lists, and their header is the same."""
    if len(chunks) == 1:
        return chunks[0]
    starts = list(accumulate((len(chunk.lines) for chunk in chunks), initial=0))
    texts = [chunk.text for chunk in chunks]

    def text(i: int) -> str:
        place = bisect_right(starts, i) - 1
        return texts[place](i - starts[place])

    extras = [chunk.extras or [None] * len(chunk.lines) for chunk in chunks]
    return Chunk(
        rows=list(chain.from_iterable(chunk.rows for chunk in chunks)),
        lines=list(chain.from_iterable(chunk.lines for chunk in chunks)),
        columns={n: list(chain.from_iterable(chunk.columns[n] for chunk in chunks)) for n in chunks[0].columns},
        extras=list(chain.from_iterable(extras)) if any(chunk.extras for chunk in chunks) else [],
        text=text,
        header=chunks[0].header,
        size=sum(chunk.size for chunk in chunks),
    )


class RowCollector:
    """Collects rows into a chunk. `stated` are the values of columns that the file does not have, by our names."""

    def __init__(
        self, known: set[str], header: str | None = None, stated: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.known, self.header, self.stated, self.last_row = known, header, stated, 0
        self.columns, self.renamed = Columns(known), set[str]()
        self._clear()

    def _clear(self) -> None:
        self.numbers: list[int] = []
        self.lines: list[int | None] = []
        self.rows: list[dict[str, Any]] = []
        self.warnings: Counter[str] = Counter()
        self.texts: list[bytes] = []
        self.unreadable: list[Unreadable] = []
        self.size = 0  # bytes

    def add_json(self, line: int | None, text: bytes, starts_line: bool = True) -> None:
        """Add the row that a JSON text holds."""
        text = text.removeprefix(codecs.BOM_UTF8)  # of the second of two files that were joined
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            reason = "invalid_utf8" if "UTF-8" in error.msg else "malformed_json"
            line = line + error.lineno - 1 if line else None
            column = error.colno if starts_line or error.lineno > 1 else None
            message = _not_utf8(text) if reason == "invalid_utf8" else f"not JSON: {error.msg}"
            self.refuse(line, column, reason, message, text)
            return
        if not isinstance(row, dict):
            self.refuse(line, 1, "not_an_object", 'an event is a JSON object, like {"event_id": …}', text)
            return
        sent = row
        row, problem = self._under_our_names(sent)
        if problem is None and not _can_be_kept(row):
            problem = ("nested_too_deep", f"a value is nested more than {KEPT_DEPTH} levels deep")
        if problem:
            self.refuse(line, 1, *problem, text, row)
        elif row.get("event_id") is None and all(map(_is_blank, sent.values())):
            self.warnings["empty_row"] += 1
        else:
            self._add(line, row, text)

    def _under_our_names(self, row: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, str] | None]:
        """(a JSON object as a flat row under our names, what is wrong with it as reason and message)."""
        unknown = row.keys() - self.known
        if not unknown:
            return row, None
        if is_cloud_event(row, unknown):
            flat = flat_row(row, self.columns)
            self.warnings["envelope_differs"] += flat.is_different
            self._count_renamed(flat.renamed)
            return flat.row, flat.problem
        try:
            row, renamed = self.columns.of_row(row, unknown)
        except AmbiguousName as error:
            return row, ("ambiguous_column", str(error))
        self._count_renamed(renamed)
        return row, None

    def _count_renamed(self, names: list[str]) -> None:
        """Count each spelling of a column once a file."""
        for name in names:
            if name not in self.renamed:
                self.renamed.add(name)
                self.warnings["column_renamed"] += 1

    def add_csv(self, line: int | None, text: bytes, names: list[str], split: Callable[[bytes], list[str]]) -> None:
        """Add the row that a CSV record holds; `split` is into fields, and raises csv.Error or UnicodeDecodeError."""
        try:
            values = split(text)
        except UnicodeDecodeError:
            self.refuse(line, None, "invalid_utf8", _not_utf8(text), text)
        except csv.Error as error:
            self.refuse(line, None, "malformed_csv", str(error), text)
        else:
            if not any(map(str.strip, values)):
                self.warnings["empty_row"] += 1
            elif len(values) == len(names):
                self._add(line, {n: v for n, v in zip(names, values, strict=True) if v != ""}, text)
            else:
                message = f"has {len(values)} fields where the header has {len(names)}"
                self.refuse(line, None, "wrong_field_count", message, text)

    def _add(self, line: int | None, row: dict[str, Any], text: bytes) -> None:
        for name, value in self.stated.items():
            row.setdefault(name, value)
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
        row: dict[str, Any] | None = None,
        is_whole_text: bool = True,
    ) -> None:
        """Add a row that could not be read, with its reason; `row` is as much of it as could be read."""
        self.last_row += 1
        shown = text.decode("utf-8", "backslashreplace")
        is_whole_text = is_whole_text and reason != "invalid_utf8"  # what is shown are not the bytes that came
        source, event_id = (value if isinstance(value, str) else None for value in map((row or {}).get, EVENT_KEY))
        key = (source, event_id)
        self.unreadable.append(Unreadable(self.last_row, line, column, reason, message, shown, is_whole_text, key))
        self.size += len(text)

    @property
    def is_full(self) -> bool:
        """Whether the rows are enough for a chunk."""
        return self.size >= CHUNK_BYTES or len(self.lines) + len(self.unreadable) >= CHUNK_ROWS

    def flush(self) -> Iterator[Chunk]:
        """Yield the rows as a chunk, unless there are none, and start anew."""
        if not self.lines and not self.unreadable and not self.warnings:
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
            warnings=+self.warnings,
            unreadable=self.unreadable,
            size=self.size,
        )
        self._clear()
        yield chunk


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _not_utf8(text: bytes) -> str:
    """Says that bytes are not UTF-8, and what they likely are."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        start = max(text.rfind(end, 0, error.start) for end in (b" ", b",", b";", b"\t", b'"')) + 1
        word = text[start : error.start + 10]
        is_mixed = any(byte > 127 for byte in text.decode("utf-8", "ignore").encode())
        if not is_mixed and text[error.start : error.start + 1] != b"\xed":  # that starts a surrogate
            with suppress(UnicodeDecodeError):
                shown = re.split(r"[\s,;\"]", word.decode("cp1252"))[0]
                return f"has bytes that are not UTF-8, likely Windows-1252, where they read {shown!r}"
    return "has bytes that are not UTF-8"


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


def as_python(value: pa.Scalar) -> Any:
    """An Arrow value as Python's; what Python has no value for, as a description that no contract takes for a value."""
    try:
        return value.as_py()
    except UnicodeDecodeError:  # Parquet does not check its text
        return {"not UTF-8": repr(value.as_buffer().to_pybytes() if hasattr(value, "as_buffer") else value.type)}
    except (ValueError, OverflowError, KeyError):  # a year after 9999, a time zone that does not exist
        return {"out of range": getattr(value, "value", str(value.type))}
