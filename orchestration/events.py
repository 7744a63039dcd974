"""Reads inbox files of any supported format into chunks of raw rows, in bounded memory.

Belongs here: bytes to rows, one verdict a row, where each row stood. Does not belong here: whether a row keeps its
contract (landing.py), types, routing, writing.

Formats by name: JSON Lines (.jsonl, .ndjson), JSON (.json: one object, an array, or one a line), CSV (.csv, .tsv),
each also gzipped (.gz); Parquet (.parquet). An object with `specversion` is a CloudEvents 1.0 event. Every text row
gets its verdict from one parser, orjson, because parsers differ on duplicate keys, NaN and bad bytes.
"""

import codecs
import csv
import gzip
import json
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

MAX_LINE_BYTES = 1 << 20
KEPT_BYTES = 4096  # of a line that is too long
KEPT_DEPTH = 250  # orjson reads 1,024 levels of nesting and writes 254
CHUNK_BYTES = 8 << 20  # Python's objects take ten times their text
CHUNK_ROWS = 50_000
MAX_CSV_RECORD_LINES = 1000

_JSON_SPACE = re.compile(r"[ \t\r\n]*")
# What may follow in a file of JSON values, by what is expected and the character that stands there
_PUNCTUATION = {
    ("start", "["): "a value or ]",
    ("a value or ]", "]"): "nothing more",
    ("a comma or ]", ","): "a value",
    ("a comma or ]", "]"): "nothing more",
}
_AFTER_VALUE = {
    "start": "another value",
    "another value": "another value",
    "a value or ]": "a comma or ]",
    "a value": "a comma or ]",
}
CLOUD_EVENT_COLUMNS = {"id": "event_id", "time": "occurred_at", "subject": "data_product_id"}
CLOUD_EVENT_ENVELOPE = {"specversion", "type", "datacontenttype", "dataschema", "data", "data_base64"}

csv.field_size_limit(MAX_LINE_BYTES)  # of the whole process; its default of 131,072 is less than a line may have


class UnreadableFile(ValueError):
    """A file no row of which can be trusted; the message says why."""


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


@dataclass
class Chunk:
    """Some rows of a file. `columns` holds each known column (a list, or an Arrow array), `extras` what came beside."""

    rows: list[int] | range  # their places among the rows of the file, from 1: a JSON array may hold many on one line
    lines: list[int] | range
    columns: dict[str, Any]
    extras: list[dict | None]  # empty where nothing came beside any row
    text: Callable[[int], str]
    header: str | None = None
    unreadable: list[Unreadable] = field(default_factory=list)
    size: int = 0  # bytes it holds on to


def read_file(path: Path, known: set[str]) -> Iterator[Chunk]:
    """Yield the rows of one inbox file; raises UnreadableFile when the file as a whole can't be read."""
    reader = _reader_for(path.name)
    try:
        yield from reader(path, known)
    except UnreadableFile:
        raise
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, pa.ArrowException, MemoryError) as error:
        raise UnreadableFile(f"it can't be read as what its name says it is: {error}") from error


def read_texts(texts: Iterable[tuple[int, str]], header: str | None, known: set[str]) -> Iterator[Chunk]:
    """Read rows again from (row number, original text) as quarantine keeps them; `header` if they came from a CSV."""
    rows = _Gathering(known, header)
    layout = None if header is None else _csv_layout(header)
    for number, text in texts:
        rows.last_row = number - 1
        if layout is None:
            rows.add_json(None, text.encode())
        else:
            rows.add_csv(None, text.encode(), layout)
        if rows.is_full:
            yield from rows.flush()
    yield from rows.flush()


def _reader_for(name: str) -> Callable:
    plain = name.lower().removesuffix(".gz")
    readers = {
        ".jsonl": _read_json_lines,
        ".ndjson": _read_json_lines,
        ".json": _read_json,
        ".csv": _read_csv,
        ".tsv": _read_csv,
        ".parquet": _read_parquet,
    }
    for suffix, reader in readers.items():
        if plain.endswith(suffix):
            return reader
    raise UnreadableFile(f"its format is not known; send one of {', '.join(readers)} (text formats also as .gz)")


class _Gathering:
    """Rows on their way into a chunk."""

    def __init__(self, known: set[str], header: str | None = None):
        self.known, self.header, self.last_row = known, header, 0
        self._clear()

    def _clear(self):
        self.numbers, self.lines, self.rows, self.texts, self.unreadable, self.size = [], [], [], [], [], 0

    def add_json(self, line: int | None, text: bytes, starts_line=True):
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
        if "specversion" in row:
            row = _from_cloud_event(row)
            if row is None:
                self.refuse(line, 1, "cloud_event_without_data", "`data` must be a JSON object", text)
                return
        if not _can_be_kept(row):
            self.refuse(line, 1, "nested_too_deep", f"a value is nested more than {KEPT_DEPTH} levels deep", text)
            return
        self._add(line, row, text)

    def add_csv(self, line: int | None, text: bytes, layout: "_CsvLayout"):
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

    def _add(self, line, row, text):
        self.last_row += 1
        self.numbers.append(self.last_row)
        self.lines.append(line)
        self.rows.append(row)
        self.texts.append(text)
        self.size += len(text)

    def refuse(self, line, column, reason, message, text: bytes, is_whole_text=True):
        self.last_row += 1
        shown = text.decode("utf-8", "backslashreplace")
        is_whole_text = is_whole_text and reason != "invalid_utf8"  # what is shown are not the bytes that came
        self.unreadable.append(Unreadable(self.last_row, line, column, reason, message, shown, is_whole_text))
        self.size += len(text)

    @property
    def is_full(self) -> bool:
        return self.size >= CHUNK_BYTES or len(self.lines) + len(self.unreadable) >= CHUNK_ROWS

    def flush(self) -> Iterator[Chunk]:
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


def _can_be_kept(row: dict) -> bool:
    """Whether the row can be written as JSON again: its attributes will be."""
    level = [value for value in row.values() if isinstance(value, dict | list)]
    for _ in range(KEPT_DEPTH):
        if not level:
            return True
        inner = (outer.values() if isinstance(outer, dict) else outer for outer in level)
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
    return False


def _extras(row: dict, known: set[str]) -> dict | None:
    names = row.keys() - known
    return {n: row[n] for n in names if row[n] is not None} or None if names else None


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


def _open(path: Path) -> BinaryIO:
    stream = gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # noqa: SIM115 - the caller closes it
    start = stream.read(4)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        stream.close()
        raise UnreadableFile("it is UTF-16; save it as UTF-8")
    stream.seek(3 if start[:3] == b"\xef\xbb\xbf" else 0)
    return stream


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """(number, bytes without the line end, whether it was cut at KEPT_BYTES); never holds more than MAX_LINE_BYTES."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        is_cut = len(line) > MAX_LINE_BYTES and not line.endswith(b"\n")
        if is_cut:
            kept = line[:KEPT_BYTES]
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE_BYTES)
            line = kept
        yield number, line.rstrip(b"\r\n"), is_cut


def _refuse_long(rows: _Gathering, number: int, line: bytes):
    message = f"is longer than {MAX_LINE_BYTES:,} bytes; its first {KEPT_BYTES:,} are kept"
    rows.refuse(number, MAX_LINE_BYTES + 1, "line_too_long", message, line, is_whole_text=False)


def _read_json_lines(path: Path, known: set[str]) -> Iterator[Chunk]:
    rows = _Gathering(known)
    with _open(path) as stream:
        for number, line, is_cut in _lines(stream):
            if is_cut:
                _refuse_long(rows, number, line)
            elif line and not line.isspace():
                rows.add_json(number, line)
            if rows.is_full:
                yield from rows.flush()
    yield from rows.flush()


def _read_json(path: Path, known: set[str]) -> Iterator[Chunk]:
    """A .json file: one object a line when one of its first lines is one, else values in one array or in sequence."""
    with _open(path) as stream:
        is_lines = any(_is_object(line) for _, line, is_cut in islice(_lines(stream), 5) if not is_cut)
    yield from _read_json_lines(path, known) if is_lines else _read_json_values(path, known)


def _is_object(line: bytes) -> bool:
    """Whether a line is an object of its own; one that is indented is part of something pretty-printed."""
    try:
        return line.startswith(b"{") and isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _read_json_values(path: Path, known: set[str]) -> Iterator[Chunk]:
    rows = _Gathering(known)
    with _open(path) as stream:
        for number, text in _json_values(stream):
            if len(text) > MAX_LINE_BYTES:
                _refuse_long(rows, number, text[:KEPT_BYTES])
            else:
                rows.add_json(number, text, starts_line=False)
            if rows.is_full:
                yield from rows.flush()
    yield from rows.flush()


def _json_values(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(line it starts on, its text) of each JSON value in a stream: in one array, or one after the other.

    The standard decoder only finds where a value ends; orjson gives the verdict on its text.
    """
    # numbers stay text: int() refuses those of 5,000 digits
    find_end = json.JSONDecoder(strict=False, parse_int=str, parse_float=str).raw_decode
    decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
    text, line, is_last, expected = "", 1, False, "start"
    while not is_last:
        block = stream.read(1 << 16)
        is_last = not block
        text += decode(block, is_last)
        at = 0
        while (start := _JSON_SPACE.match(text, at).end()) < len(text):
            line += text.count("\n", at, start)
            at = start
            if follows := _PUNCTUATION.get((expected, text[start])):
                expected, at = follows, start + 1
                continue
            if expected not in _AFTER_VALUE:
                raise UnreadableFile(f"line {line} has {text[start]!r} where it should have {expected}")
            try:
                _, end = find_end(text, start)
            except (json.JSONDecodeError, RecursionError) as error:
                if is_last or len(text) - start > MAX_LINE_BYTES or isinstance(error, RecursionError):
                    raise UnreadableFile(_not_json(text, start, line, error)) from None
                break
            if end == len(text) and not is_last:
                break  # a number cut by the block's end would read as a shorter one
            yield line, text[start:end].encode("utf-8", "surrogateescape")
            line += text.count("\n", start, end)
            expected, at = _AFTER_VALUE[expected], end
        text = text[at:]
    if "]" in expected or expected == "a value":
        raise UnreadableFile(f"it ends on line {line} where it should have {expected}: it may have been cut short")


def _not_json(text: str, start: int, line: int, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"the value that starts on line {line} is nested too deep"
    if len(text) - start > MAX_LINE_BYTES:
        return f"the value that starts on line {line} is not JSON, or longer than {MAX_LINE_BYTES:,} characters"
    where = line + text.count("\n", start, error.pos)
    return f"the value that starts on line {line} is not JSON: {error.msg} on line {where}"


class _CsvLayout(NamedTuple):
    """What a CSV's header says."""

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


def _csv_layout(header: str) -> _CsvLayout:
    delimiter = max(",;\t|", key=header.count)
    try:
        fields = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error as error:
        raise UnreadableFile(f"its first line is not a header: {error}") from None
    names = [name.strip() or f"column_{n}" for n, name in enumerate(fields, 1)]
    if "event_id" not in names:
        raise UnreadableFile("its first line is not a header: it names no event_id column")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise UnreadableFile(f"its header names {', '.join(repeated)[:200]} more than once")
    return _CsvLayout(names, delimiter)


def _read_csv(path: Path, known: set[str]) -> Iterator[Chunk]:
    with _open(path) as stream:
        lines = _lines(stream)
        first = next((line for _, line, is_cut in lines if line.strip() and not is_cut), b"")
        header = first.decode("utf-8", "replace")
        layout = _csv_layout(header)
        rows = _Gathering(known, header)
        for number, record, is_cut in _csv_records(lines, layout):
            if is_cut:
                _refuse_long(rows, number, record)
            elif record.strip():
                rows.add_csv(number, record, layout)
            if rows.is_full:
                yield from rows.flush()
        yield from rows.flush()


def _csv_records(lines: Iterator[tuple[int, bytes, bool]], layout: _CsvLayout) -> Iterator[tuple[int, bytes, bool]]:
    """Physical lines, joined where a quoted field spans them.

    A line with an odd number of quotes is joined with those that follow, up to the next such line. If that does not
    read as one record, it was not meant so: the line stands alone.
    """
    waiting: deque = deque()

    def following():
        return waiting.popleft() if waiting else next(lines, None)

    def closed(record: bytes) -> bytes:
        taken, size, is_open = [], len(record), True
        while is_open and size <= MAX_LINE_BYTES and len(taken) < MAX_CSV_RECORD_LINES:
            if (more := following()) is None:
                break
            taken.append(more)
            _, text, is_cut = more
            size += len(text) + 1
            is_open = is_cut or text.count(b'"') % 2 == 0
        whole = b"\n".join([record, *(text for _, text, _ in taken)])
        if len(whole) <= MAX_LINE_BYTES and layout.fits(whole):
            return whole
        waiting.extendleft(reversed(taken))
        return record

    while (item := following()) is not None:
        number, record, is_cut = item
        if not is_cut and record.count(b'"') % 2:
            record = closed(record)
        yield number, record, is_cut


def _read_parquet(path: Path, known: set[str]) -> Iterator[Chunk]:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        str(file.schema_arrow)  # reads every name in it; damaged ones would only be met while checking
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise UnreadableFile(f"it names {', '.join(repeated)[:200]} more than once")
        seen = 0
        for batch in file.iter_batches(batch_size=_rows_at_once(file.metadata)):
            columns = dict(zip(names, batch.columns, strict=True))
            places = range(seen + 1, seen + batch.num_rows + 1)
            yield Chunk(
                rows=places,
                lines=places,
                columns={name: columns.get(name, pa.nulls(batch.num_rows)) for name in known},
                extras=_parquet_extras(batch, known),
                text=lambda i, batch=batch: _parquet_text(batch, i),
                size=batch.nbytes,
            )
            seen += batch.num_rows


def _rows_at_once(metadata: pq.FileMetaData) -> int:
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    widest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0)
    return max(1, min(CHUNK_ROWS, int(CHUNK_BYTES / max(widest, 1))))


def _parquet_extras(batch: pa.RecordBatch, known: set[str]) -> list[dict | None]:
    names = [name for name in batch.schema.names if name not in known]
    names = [name for name in names if batch.column(name).null_count < batch.num_rows]
    if not names:
        return []
    columns = {name: list(map(as_python, batch.column(name))) for name in names}
    rows = ({name: columns[name][i] for name in names if columns[name][i] is not None} for i in range(batch.num_rows))
    return [row or None for row in rows]


def _parquet_text(batch: pa.RecordBatch, i: int) -> str:
    """A row as JSON; NaN stays NaN, which is none, as null would mean that nothing was sent."""
    row = {name: as_python(column[i]) for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    return json.dumps(row, default=_as_json, ensure_ascii=False)


def as_python(value: pa.Scalar) -> Any:
    """An Arrow value as Python's; what Python has no value for, as a description that no contract takes for a value."""
    try:
        return value.as_py()
    except UnicodeDecodeError:  # Parquet does not check its text
        return {"not UTF-8": repr(value.as_buffer().to_pybytes() if hasattr(value, "as_buffer") else value.type)}
    except (ValueError, OverflowError, KeyError):  # a year after 9999, a time zone that does not exist
        return {"out of range": getattr(value, "value", str(value.type))}


def _as_json(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else {type(value).__name__: str(value)}
