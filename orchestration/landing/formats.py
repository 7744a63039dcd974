"""Reads inbox files of any supported format into chunks of raw rows, in bounded memory.

Belongs here: which format a file is in, JSON. Does not belong here: other formats (csv_files.py, parquet.py), encodings
(text_files.py), the verdict on a row's text (rows.py), whether a row keeps its contract (check.py).

Formats by name: JSON Lines (.jsonl, .ndjson), JSON (.json: one object, an array, or one a line), CSV (.csv, .tsv),
each also gzipped (.gz); Parquet (.parquet).
"""

import codecs
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path, PurePath
from types import MappingProxyType

import orjson
import pyarrow as pa

from orchestration.landing.columns import AmbiguousName, Columns
from orchestration.landing.csv_files import csv_layout, read_csv
from orchestration.landing.parquet import read_parquet
from orchestration.landing.rows import KEPT_BYTES, MAX_LINE_BYTES, Chunk, RowCollector, UnreadableFile
from orchestration.landing.text_files import SAVE_AS_CSV, Stream, lines_of, open_text, refuse_long

READER_VERSION = 2  # raise it when a file that was refused whole may now be read
FORMATS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
SPREADSHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers")
PACKED = (".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".zst", ".lz4")

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


def read_file(path: Path, known: set[str], stated: Mapping[str, str | None] = MappingProxyType({})) -> Iterator[Chunk]:
    """Yield the rows of one inbox file; raises UnreadableFile when the file as a whole can't be read.

    `stated` are the columns that its folders state: each fills a column that the file does not have.
    """
    reader = _reader_for(path.name)
    try:
        yield from reader(path, known, stated_columns(stated, known))
    except UnreadableFile:
        raise
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, pa.ArrowException, MemoryError) as error:
        raise UnreadableFile(f"it can't be read in the format that its name gives: {error}") from error


def stated_columns(stated: Mapping[str, str | None], known: set[str]) -> dict[str, str | None]:
    """What folders state, under our names; raises UnreadableFile where two of them mean one column."""
    try:
        names, _ = Columns(known).of_file(list(stated))
    except AmbiguousName as error:
        raise UnreadableFile(f"in its folders {error}") from None
    return dict(zip(names, stated.values(), strict=True))


def read_texts(
    texts: Iterable[tuple[int, str]],
    header: str | None,
    known: set[str],
    stated: Mapping[str, str | None] = MappingProxyType({}),
) -> Iterator[Chunk]:
    """Read rows again from (row number, original text) as quarantine keeps them; `header` if they came from a CSV."""
    layout = None if header is None else csv_layout(header, known)
    fills = stated_columns(stated, known)
    rows = RowCollector(known, header, {n: v for n, v in fills.items() if layout is None or n not in layout.names})
    for number, text in texts:
        rows.last_row = number - 1
        if layout is None:
            rows.add_json(None, text.encode())
        else:
            rows.add_csv(None, text.encode(), layout.names, layout.values)
        if rows.is_full:
            yield from rows.flush()
    yield from rows.flush()


def _reader_for(name: str) -> Callable:
    plain = name.lower().removesuffix(".gz")
    readers = {
        ".jsonl": _read_json_lines,
        ".ndjson": _read_json_lines,
        ".json": _read_json,
        ".csv": read_csv,
        ".tsv": read_csv,
        ".parquet": read_parquet,
    }
    for suffix in FORMATS:
        if plain.endswith(suffix):
            return readers[suffix]
    if plain.endswith(SPREADSHEETS):
        raise UnreadableFile(f"it is a spreadsheet; {SAVE_AS_CSV}")
    if plain.endswith(PACKED):
        raise UnreadableFile("it is packed; unpack it, or pack it with gzip (.gz)")
    formats = f"{', '.join(FORMATS)} (text formats also as .gz)"
    renamed = f"{PurePath(name.removesuffix('.gz')).stem}.csv"
    raise UnreadableFile(f"its format is not known; send one of {formats}: if it is a CSV, rename it to {renamed}")


def has_format(name: str) -> bool:
    """Whether a file of this name is in a known format."""
    return name.lower().removesuffix(".gz").endswith(FORMATS)


def _read_json_lines(path: Path, known: set[str], stated: dict[str, str | None]) -> Iterator[Chunk]:
    rows = RowCollector(known, None, stated)
    with open_text(path) as stream:
        for number, line, is_cut in lines_of(stream):
            if is_cut:
                refuse_long(rows, number, line)
            elif line and not line.isspace():
                rows.add_json(number, line)
            if rows.is_full:
                yield from rows.flush()
    yield from rows.flush()


def _read_json(path: Path, known: set[str], stated: dict[str, str | None]) -> Iterator[Chunk]:
    """A .json file: one object a line when one of its first lines is one, else values in one array or in sequence."""
    with open_text(path) as stream:
        is_lines = any(_is_object(line) for _, line, is_cut in islice(lines_of(stream), 5) if not is_cut)
    yield from (_read_json_lines if is_lines else _read_json_values)(path, known, stated)


def _is_object(line: bytes) -> bool:
    """Whether a line is an object of its own; one that is indented is part of something pretty-printed."""
    try:
        return line.startswith(b"{") and isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _read_json_values(path: Path, known: set[str], stated: dict[str, str | None]) -> Iterator[Chunk]:
    rows = RowCollector(known, None, stated)
    with open_text(path) as stream:
        for number, text in _json_values(stream):
            if len(text) > MAX_LINE_BYTES:
                refuse_long(rows, number, text[:KEPT_BYTES])
            else:
                rows.add_json(number, text, starts_line=False)
            if rows.is_full:
                yield from rows.flush()
    yield from rows.flush()


def _json_values(stream: Stream) -> Iterator[tuple[int, bytes]]:
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
