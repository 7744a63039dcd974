"""Reads Parquet files into chunks of raw rows, in bounded memory, and keeps refused rows so that they are read again.

Belongs here: Arrow columns to rows. Does not belong here: types (conform.py), text formats (formats.py).

A refused row is kept as text for people and, where its columns have types that text has not, as an Arrow stream of
one row too: a decimal or a time in nanoseconds must get the same verdict, and land as the same value, when it is read
again.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.landing.cloud_events import TIMES
from orchestration.landing.columns import AmbiguousName, Columns
from orchestration.landing.rows import CHUNK_BYTES, CHUNK_ROWS, Chunk, UnreadableFile, as_python

Stated = dict[str, str | None]


def read_parquet(path: Path, known: set[str], stated: Stated) -> Iterator[Chunk]:
    """Yield the rows of a Parquet file; raises UnreadableFile where two columns mean the same one.

    `stated` are the values of columns that the file does not have, by our names.
    """
    with pq.ParquetFile(path) as file:
        str(file.schema_arrow)  # reads every name in it; damaged ones would only be met while checking
        names, warnings = _names(file.schema_arrow.names, known)
        seen = places = 0
        for batch in file.iter_batches(batch_size=_rows_at_once(file.metadata)):
            lines: range | list[int] = range(places + 1, places + batch.num_rows + 1)
            places += batch.num_rows
            if (is_blank := _is_blank(batch)) is not None:
                kept = pc.indices_nonzero(pc.invert(is_blank))
                warnings["empty_row"] += batch.num_rows - len(kept)
                lines, batch = [lines[i] for i in kept.to_pylist()], batch.take(kept)
            rows = range(seen + 1, seen + batch.num_rows + 1)
            seen += batch.num_rows
            yield _chunk(batch, names, known, stated, rows=rows, lines=lines, warnings=warnings)
            warnings = Counter()


def read_arrow_rows(rows: Iterable[tuple[int, bytes]], known: set[str], stated: Stated) -> Iterator[Chunk]:
    """Read rows again from (row number, Arrow stream) as quarantine keeps them."""
    by_schema: dict[bytes, list[tuple[int, pa.RecordBatch]]] = {}
    for number, stored in rows:
        [batch] = pa.ipc.open_stream(stored)
        by_schema.setdefault(batch.schema.serialize().to_pybytes(), []).append((number, batch))
    for alike in by_schema.values():
        for start in range(0, len(alike), CHUNK_ROWS):
            numbers, batches = zip(*alike[start : start + CHUNK_ROWS], strict=True)
            batch = pa.concat_batches(batches)
            names, _ = _names(batch.schema.names, known)
            yield _chunk(batch, names, known, stated, rows=list(numbers), lines=[None] * len(numbers))


def _names(sent: list[str], known: set[str]) -> tuple[list[str], Counter[str]]:
    try:
        return Columns(known).of_file(sent)
    except AmbiguousName as error:
        raise UnreadableFile(f"in its columns {error}") from None


def _chunk(batch: pa.RecordBatch, names: list[str], known: set[str], stated: Stated, **places: Any) -> Chunk:
    columns = dict(zip(names, batch.columns, strict=True))
    is_exact = all(_is_exact_as_text(column.type, name in known - TIMES) for name, column in columns.items())
    for name, value in stated.items():
        if name not in columns:
            columns[name] = pa.repeat(pa.scalar(value, pa.string()), batch.num_rows)
    return Chunk(
        columns={name: columns.get(name, pa.nulls(batch.num_rows)) for name in known},
        extras=_extras({name: column for name, column in columns.items() if name not in known}, batch.num_rows),
        text=partial(_text, batch, names),
        arrow_row=None if is_exact else _arrow_rows(batch),
        size=batch.nbytes,
        **places,
    )


def _rows_at_once(metadata: pq.FileMetaData) -> int:
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    widest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0)
    return max(1, min(CHUNK_ROWS, int(CHUNK_BYTES / max(widest, 1))))


def _is_blank(batch: pa.RecordBatch) -> pa.Array | None:
    """Which rows hold nothing but null, NaN and blank text; None where none does."""
    is_blank = None
    for column in batch.columns:
        column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        if pa.types.is_string_view(column.type):
            column = column.cast(pa.string())
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        if is_text:
            empty = pc.fill_null(pc.equal(pc.binary_length(pc.ascii_trim_whitespace(column)), 0), True)
        else:
            empty = pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))
        is_blank = empty if is_blank is None else pc.and_(is_blank, empty)
        if not pc.any(is_blank).as_py():
            return None
    return is_blank


def _extras(columns: dict[str, pa.Array], length: int) -> list[dict | None]:
    sent = {name: list(map(as_python, each)) for name, each in columns.items() if each.null_count < length}
    if not sent:
        return []
    rows = ({name: values[i] for name, values in sent.items() if values[i] is not None} for i in range(length))
    return [row or None for row in rows]


def _text(batch: pa.RecordBatch, names: list[str], i: int) -> str:
    """A row as JSON, every digit of it; NaN stays NaN, which is none, as null would mean that nothing was sent."""
    sent, values = batch.schema.names, [as_python(column[i]) for column in batch.columns]
    keys = sent if len({*sent}) == len(sent) else names
    return json.dumps(dict(zip(keys, values, strict=True)), default=_as_json, ensure_ascii=False)


def _as_json(value: Any) -> Any:
    if isinstance(value, date | time | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | UUID) else {type(value).__name__: str(value)}


def _is_exact_as_text(kind: pa.DataType, has_no_times: bool) -> bool:
    """Whether JSON holds each value of a type so that its verdict stays the same; a row kept twice costs 25 µs more.

    JSON has no NaN, which a float may be. A time becomes text, which `has_no_times`, a column of ours, could accept.
    """
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    is_integer = pa.types.is_integer(kind) and not pa.types.is_uint64(kind)
    is_time = not has_no_times and (pa.types.is_date32(kind) or (pa.types.is_timestamp(kind) and kind.unit != "ns"))
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return is_integer or is_time or is_text or pa.types.is_boolean(kind) or pa.types.is_null(kind)


def _arrow_rows(batch: pa.RecordBatch) -> Callable[[int], bytes]:
    """A function that gives each row as an Arrow stream, without what only its file needs.

    That is metadata, and dictionaries of other rows' values. The schema is written once: it costs more than a row.
    """

    @cache
    def plain() -> tuple[bytes, pa.RecordBatch]:
        columns = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns]
        rows = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
        return rows.schema.serialize().to_pybytes(), rows

    def stored(i: int) -> bytes:
        schema, rows = plain()
        return schema + rows.slice(i, 1).serialize().to_pybytes()

    return stored
