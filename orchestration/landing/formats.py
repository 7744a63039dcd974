"""Reads inbox files of any supported format into chunks of raw rows, in bounded memory.

Belongs here: bytes to rows. Does not belong here: the verdict on a row's text (rows.py), whether a row keeps its
contract (check.py), types, routing, writing.

Formats by name: JSON Lines (.jsonl, .ndjson), JSON (.json: one object, an array, or one a line), CSV (.csv, .tsv),
each also gzipped (.gz); Parquet (.parquet).
"""

import codecs
import gzip
import json
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import orjson
import pyarrow as pa

from orchestration.landing.parquet import read_parquet
from orchestration.landing.rows import (
    KEPT_BYTES,
    MAX_LINE_BYTES,
    Chunk,
    CsvLayout,
    RowCollector,
    UnreadableFile,
    csv_layout,
)

MAX_CSV_RECORD_LINES = 1000
Line = tuple[int, bytes, bool]  # its number, its bytes without the line end, whether it was cut at KEPT_BYTES

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


def read_file(path: Path, known: set[str]) -> Iterator[Chunk]:
    """Yield the rows of one inbox file; raises UnreadableFile when the file as a whole can't be read."""
    reader = _reader_for(path.name)
    try:
        yield from reader(path, known)
    except UnreadableFile:
        raise
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, pa.ArrowException, MemoryError) as error:
        raise UnreadableFile(f"it can't be read in the format that its name gives: {error}") from error


def read_texts(texts: Iterable[tuple[int, str]], header: str | None, known: set[str]) -> Iterator[Chunk]:
    """Read rows again from (row number, original text) as quarantine keeps them; `header` if they came from a CSV."""
    rows = RowCollector(known, header)
    layout = None if header is None else csv_layout(header, known)
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
        ".parquet": read_parquet,
    }
    for suffix, reader in readers.items():
        if plain.endswith(suffix):
            return reader
    raise UnreadableFile(f"its format is not known; send one of {', '.join(readers)} (text formats also as .gz)")


def has_format(name: str) -> bool:
    """Whether a file's name gives a format that can be read."""
    try:
        _reader_for(name)
    except UnreadableFile:
        return False
    return True


def _open(path: Path) -> gzip.GzipFile | BinaryIO:
    stream = gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # noqa: SIM115 - the caller closes it
    start = stream.read(4)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        stream.close()
        raise UnreadableFile("it is UTF-16; save it as UTF-8")
    stream.seek(3 if start[:3] == b"\xef\xbb\xbf" else 0)
    return stream


def _lines(stream: gzip.GzipFile | BinaryIO) -> Iterator[Line]:
    """Yield the lines of a stream; never holds more than MAX_LINE_BYTES."""
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


def _refuse_long(rows: RowCollector, number: int, line: bytes) -> None:
    message = f"is longer than {MAX_LINE_BYTES:,} bytes; its first {KEPT_BYTES:,} are kept"
    rows.refuse(number, MAX_LINE_BYTES + 1, "line_too_long", message, line, is_whole_text=False)


def _read_json_lines(path: Path, known: set[str]) -> Iterator[Chunk]:
    rows = RowCollector(known)
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
    rows = RowCollector(known)
    with _open(path) as stream:
        for number, text in _json_values(stream):
            if len(text) > MAX_LINE_BYTES:
                _refuse_long(rows, number, text[:KEPT_BYTES])
            else:
                rows.add_json(number, text, starts_line=False)
            if rows.is_full:
                yield from rows.flush()
    yield from rows.flush()


def _json_values(stream: gzip.GzipFile | BinaryIO) -> Iterator[tuple[int, bytes]]:
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
        while (start := _after_space(text, at)) < len(text):
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


def _after_space(text: str, at: int) -> int:
    """The position of the first character from `at` on that is no white space of JSON."""
    space = _JSON_SPACE.match(text, at)
    return space.end() if space else at


def _not_json(text: str, start: int, line: int, error: json.JSONDecodeError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return f"the value that starts on line {line} is nested too deep"
    if len(text) - start > MAX_LINE_BYTES:
        return f"the value that starts on line {line} is not JSON, or longer than {MAX_LINE_BYTES:,} characters"
    where = line + text.count("\n", start, error.pos)
    return f"the value that starts on line {line} is not JSON: {error.msg} on line {where}"


def _read_csv(path: Path, known: set[str]) -> Iterator[Chunk]:
    with _open(path) as stream:
        lines = _lines(stream)
        first = next((line for _, line, is_cut in lines if line.strip() and not is_cut), b"")
        header = first.decode("utf-8", "replace")
        layout = csv_layout(header, known)
        rows = RowCollector(known, header)
        for number, record, is_cut in _csv_records(lines, layout):
            if is_cut:
                _refuse_long(rows, number, record)
            elif record.strip():
                rows.add_csv(number, record, layout)
            if rows.is_full:
                yield from rows.flush()
        yield from rows.flush()


def _csv_records(lines: Iterator[Line], layout: CsvLayout) -> Iterator[Line]:
    """Physical lines, joined where a quoted field spans them.

    A line with an odd number of quotes is joined with those that follow, up to the next such line. If that does not
    read as one record, it was not meant so: the line stands alone.
    """
    waiting: deque[Line] = deque()

    def following() -> Line | None:
        return waiting.popleft() if waiting else next(lines, None)

    def closed(record: bytes) -> bytes:
        taken: list[Line] = []
        size, is_open = len(record), True
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
