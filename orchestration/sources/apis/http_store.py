"""The current records of an API as Flywheel keeps them: each once, in its newest version, with the time it came.

Belongs here: sets of records to files and back, the table that a mapping reads. Does not belong here: what an API says
now (http.py).

The records of a request are in files of some hundreds, in the order of their ids, cut at ids that do not depend on the
others: a changed record changes one file. A file's content is kept once (received.py), so former versions stay.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.sources import received
from orchestration.sources.declaration import Source, SourceError
from orchestration.sources.records import MAX_BYTES

RECORDS_A_FILE = 256  # on average
COLUMNS = pa.schema([(name, pa.string()) for name in ("parent", "id", "received_at", "body")])


@dataclass(frozen=True)
class Line:
    """One record: its id, that of the record it was asked for, or "", when this version came, and its JSON."""

    parent: str
    id: str
    received_at: str  # RFC 3339
    body: str

    @property
    def key(self) -> tuple[str, str]:
        """What it is recognised by within its request."""
        return self.parent, self.id


Lines = dict[tuple[str, str], Line]


def load(source: Source) -> tuple[dict[str, Lines], dict[str, Any]]:
    """({request: its lines}, {request: what its reader remembers}) as they were kept last."""
    listings, found = received.listings(source), dict[str, Lines]()
    for name, path, _ in received.records_of(source):
        lines = (Line(**row) for row in pq.read_table(path).to_pylist())
        found.setdefault(name.split("/")[0], {}).update((line.key, line) for line in lines)
    return found, listings[-1].state if listings else {}


def keep(source: Source, requests: dict[str, Lines], state: dict[str, Any], now: datetime) -> None:
    """Keep the lines of every request as what the API holds now, in one rename."""
    source.received.mkdir(parents=True, exist_ok=True)
    path = source.received / ".part.parquet"
    files: dict[str, Path | received.ReceivedFile] = {}
    for request, lines in requests.items():
        for number, chunk in enumerate(_chunks(lines), 1):
            name = f"{request}/{number:06}.parquet"
            pq.write_table(pa.Table.from_pylist([asdict(line) for line in chunk], COLUMNS), path)
            files[name] = received.add_content(source, name, path, 0)
    path.unlink(missing_ok=True)
    received.keep(source, files, state, now)


def records(source: Source) -> pa.Table:
    """The table `records` of what is kept: see records.records_table.

    `file_name` begins with the request, then that of the record it was asked for: statuses/17/000001.parquet.
    """
    tables, size = [], 0
    for name, path, _ in received.records_of(source):
        tables.append(_with_place(name, path))
        size += tables[-1].nbytes
        if size > MAX_BYTES:
            raise SourceError(f"its records have more than {MAX_BYTES:,} bytes; ask for less in `parameters`.")
    names = ("file_name", "received_at", "body")
    empty = pa.schema([("record_number", pa.int64()), *((name, pa.string()) for name in names)]).empty_table()
    return pa.concat_tables([empty, *(table.select(empty.column_names) for table in tables)])


def _with_place(name: str, path: Path) -> pa.Table:
    table = pq.read_table(path)
    request, chunk = name.split("/")
    names = [f"{request}/{parent}/{chunk}" if parent else name for parent in table["parent"].to_pylist()]
    table = table.append_column("file_name", pa.array(names, pa.string()))
    return table.append_column("record_number", pa.array(range(1, table.num_rows + 1), pa.int64()))


def _chunks(lines: Lines) -> Iterator[list[Line]]:
    """Lines in the order of their ids, whole numbers as such, in parts."""
    chunk: list[Line] = []
    for line in sorted(lines.values(), key=lambda line: (len(line.parent), line.parent, len(line.id), line.id)):
        chunk.append(line)
        if crc32(repr(line.key).encode()) % RECORDS_A_FILE == 0:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
