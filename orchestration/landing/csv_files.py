"""Reads CSV files: their header, and their records.

Belongs here: what a header states, records of several lines. Does not belong here: the verdict on a record's text
(rows.py), encodings and lines (text_files.py).

The delimiter is the one in a first line `sep=;`, as Excel writes it, else the one by which the header names most of
our columns.
"""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from orchestration.landing.columns import AmbiguousName, Columns
from orchestration.landing.rows import EVENT_KEY, MAX_LINE_BYTES, Chunk, RowCollector, UnreadableFile
from orchestration.landing.text_files import Line, lines_of, open_text, refuse_long

MAX_CSV_RECORD_LINES = 1000
DELIMITERS = ",;\t|"
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
NEEDS_HEADER = 'a CSV needs one: `WITH (FORMAT csv, HEADER)` in COPY of Postgres, `.option("header", True)` in Spark'

csv.field_size_limit(MAX_LINE_BYTES)  # of the whole process; its default of 131,072 is less than a line may have


class CsvLayout(NamedTuple):
    """Columns and delimiter of a CSV, from its header."""

    names: list[str]
    delimiter: str
    warnings: Counter[str]  # columns that were renamed or repeated

    def values(self, record: bytes) -> list[str]:
        """The fields of a record, empty ones after the last column left out; raises csv.Error or UnicodeDecodeError."""
        fields = next(csv.reader([record.decode()], delimiter=self.delimiter, strict=True), [])
        return fields if any(fields[len(self.names) :]) else fields[: len(self.names)]

    def fits(self, record: bytes) -> bool:
        """Whether it reads as one whole record."""
        try:
            return len(self.values(record.decode("utf-8", "replace").encode())) == len(self.names)
        except csv.Error:
            return False


def csv_layout(header: str, known: set[str]) -> CsvLayout:
    """The layout that a CSV's header states; raises UnreadableFile where that is no header of these columns.

    `header` is the first line, or two where the first one states the delimiter.
    """
    columns, names_line, delimiters = Columns(known), header, DELIMITERS
    if stated := SEPARATOR_LINE.match(header):
        delimiters, names_line = stated[1], header[stated.end() :]
    fields, delimiter = _fields(names_line, delimiters, columns)
    sent = [field if field.strip() else f"column_{n}" for n, field in enumerate(fields, 1)]
    key = set(EVENT_KEY[1:]) & known or known
    try:
        names, warnings = columns.of_file(sent, str.strip)
    except AmbiguousName as error:
        raise UnreadableFile(f"in its header {error}") from None
    if key.isdisjoint(names):
        raise UnreadableFile(
            f"its first line is not a header: it names no {' or '.join(sorted(key))} column; {NEEDS_HEADER}"
        )
    return CsvLayout(names, delimiter, warnings)


def _fields(line: str, delimiters: str, columns: Columns) -> tuple[list[str], str]:
    """(the fields of a header, its delimiter): the one that finds most of our columns, then the most frequent one."""
    found: list[tuple[int, int, list[str], str]] = []
    if "\r" in line:
        raise UnreadableFile("its lines end with a carriage return alone, as on old Macs; save it as CSV UTF-8")
    for delimiter in sorted(delimiters, key=line.count, reverse=True):
        try:
            fields = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error as error:
            raise UnreadableFile(f"its first line is not a header: {error}") from None
        found.append((sum(columns.meant(field) is not None for field in fields), -len(found), fields, delimiter))
    *_, fields, delimiter = max(found)
    return fields, delimiter


def read_csv(path: Path, known: set[str], stated: dict[str, str | None]) -> Iterator[Chunk]:
    """Yield the rows of a CSV; raises UnreadableFile."""
    with open_text(path) as stream:
        lines = lines_of(stream)
        header = _header(lines)
        layout = csv_layout(header, known)
        rows = RowCollector(known, header, {name: v for name, v in stated.items() if name not in layout.names})
        rows.warnings += layout.warnings
        for number, record, is_cut in _csv_records(lines, layout):
            if is_cut:
                refuse_long(rows, number, record)
            elif record.strip():
                rows.add_csv(number, record, layout.names, layout.values)
            if rows.is_full:
                yield from rows.flush()
        yield from rows.flush()


def _header(lines: Iterator[Line]) -> str:
    """The first line that is not blank, and the next one where it only states the delimiter."""
    texts = (line.decode("utf-8", "replace") for _, line, is_cut in lines if line.strip() and not is_cut)
    first = next(texts, "")
    return f"{first}\n{next(texts, '')}" if SEPARATOR_LINE.fullmatch(first) else first


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
