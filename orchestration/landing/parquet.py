"""Reads Parquet files into chunks of raw rows, in bounded memory."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.landing.rows import CHUNK_BYTES, CHUNK_ROWS, Chunk, UnreadableFile, as_python


def read_parquet(path: Path, known: set[str]) -> Iterator[Chunk]:
    """Yield the rows of a Parquet file; raises UnreadableFile for one that names a column twice."""
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
                text=partial(_parquet_text, batch),
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


def _as_json(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else {type(value).__name__: str(value)}
