"""A batch on its way to disk, and how it becomes visible.

Belongs here: the files of the landing tables, in which order they appear. Does not belong here: the check of rows
(check.py), what has landed (receipts.py), what waits to land (inbox.py), the state of quarantined rows (quarantine.py).

A batch is one inbox file, named by the hash of its content: landing it twice is a no-op. One that can't be read is
named by what was tried (inbox.py), so that the same bytes may be read later. Its files are
`landing/<table>/<batch_id>.parquet`, and it becomes visible when `landing/batches/<batch_id>.parquet`, the receipt, is
renamed into place. Rows read = rows landed + rows quarantined, or the batch does not land.
"""

import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.contracts.contract import Contract
from orchestration.home import Home, publish, sync
from orchestration.landing import locks
from orchestration.landing.check import Checked, Checker, refusal
from orchestration.landing.landing_mirror import as_parquet, commit
from orchestration.landing.receipts import (
    COMPACTION,
    EMPTY,
    RECEIPT,
    UTC_INSTANT,
    Receipt,
    compaction_name,
    receipts_in,
)
from orchestration.landing.rows import EVENT_KEY, Chunk, Unreadable
from orchestration.landing.rules import LandingError
from orchestration.landing.storage import store_of
from orchestration.landing.typed_rows import json_text

EXTRA_COLUMNS_NAMED = 50
EXTRA_COLUMNS_COUNTED = 10_000  # a file may have new ones on every line
FLUSHED_BYTES = 8 << 20
TOGETHER = 32  # batches

# of rows read again: row number in the replay -> (batch, row, line) that it came from
Origins = dict[int, tuple[str, int, int | None]]

ADDED_COLUMNS = [
    pa.field("is_assumed_utc", pa.bool_()),  # a time without offset
    pa.field("is_assumed_time", pa.bool_()),  # a date without time; an older file lacks it: false
    pa.field("attributes", pa.string()),
    pa.field("batch_id", pa.string()),
    pa.field("origin_batch_id", pa.string()),
    pa.field("line_number", pa.int64()),
    pa.field("row_number", pa.int64()),  # with the origin batch, the row's identity: one line can hold many rows
]
# warnings in the receipt: which column of a checked frame counts them
COUNTED_COLUMNS = {"assumed_time": "is_assumed_time", "null_marker": "null_marker_count"}
QUARANTINE = pa.schema(
    [
        ("batch_id", pa.string()),
        ("file_name", pa.string()),
        ("line_number", pa.int64()),
        ("row_number", pa.int64()),
        ("column_number", pa.int64()),
        ("event_type", pa.string()),
        ("table_name", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("message", pa.string()),
        ("original_text", pa.string()),
        ("csv_header", pa.string()),
        ("is_whole_text", pa.bool_()),
        ("arrow_row", pa.binary()),  # of a Parquet file, as an Arrow stream: its text has fewer types than it
        *[(name, pa.string()) for name in EVENT_KEY],  # null where it can't be read
    ]
)
DISMISSAL = pa.schema(
    [
        ("dismissal_number", pa.int64()),  # of one command; the latest about a row counts
        ("decided_at", UTC_INSTANT),
        ("is_dismissed", pa.bool_()),  # false takes an earlier dismissal back
        ("note", pa.string()),
        ("batch_id", pa.string()),
        ("row_number", pa.int64()),  # null for a file that could not be read
    ]
)


def prepare_landing(home: Home, contracts: dict[str, Contract]) -> None:
    """An empty file in each table's folder, so that every promised column can be read before any row has landed."""
    schemas = {name: _landed_schema(c) for name, c in contracts.items()}
    schemas |= {"quarantined_events": QUARANTINE, "dismissals": DISMISSAL, "batches": RECEIPT}
    with locks.shared(home):
        for name, schema in schemas.items():
            folder = home.landing / name
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{EMPTY}.parquet"
            if not path.exists() or pq.read_schema(path) != schema:
                write_table(schema.empty_table(), path)


@cache
def _landed_schema(contract: Contract) -> pa.Schema:
    return pa.schema([pa.field(p.name, p.arrow_type) for p in contract.properties] + ADDED_COLUMNS)


class Batch:
    """One batch on its way to disk: everything goes to `.tmp` files, which `finish` renames, the receipt last."""

    def __init__(
        self, home: Home, checker: Checker, batch_id: str, file_name: str, origins: Origins | None = None
    ) -> None:
        self.home, self.checker, self.batch_id, self.file_name = home, checker, batch_id, file_name
        self.origins = origins
        self._start()

    def _start(self) -> None:
        self.waiting: dict[str, list[pa.Table]] = {}
        self.waiting_bytes: Counter[str] = Counter()
        self.writers: dict[str, pq.ParquetWriter] = {}
        self.read, self.is_readable, self.assumed_utc = 0, True, 0
        self.landed: Counter[str] = Counter()  # by table
        self.refused: Counter[str] = Counter()  # by table
        self.reasons: Counter[str] = Counter()
        self.extras: Counter[str] = Counter()  # by column
        self.warnings: Counter[str] = Counter()  # by reason

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, *_: object) -> None:
        for table, writer in self.writers.items():
            writer.close()
            self._temporary(table).unlink(missing_ok=True)
        self.writers = {}

    def _temporary(self, table: str) -> Path:
        return self.home.landing / table / f"{self.batch_id}.parquet.tmp"

    def add(self, chunk: Chunk) -> None:
        """Send a chunk through the checker, which calls `land` and `refuse` with its rows."""
        self.read += len(chunk.lines) + len(chunk.unreadable)
        self.warnings += chunk.warnings
        for extra in filter(None, chunk.extras):
            is_room = len(self.extras) < EXTRA_COLUMNS_COUNTED
            self.extras.update(extra.keys() if is_room else extra.keys() & self.extras.keys())
        self.checker.take(chunk, self)

    def refuse_file(self, message: str, batch_id: str) -> None:
        """Refuse the whole file, as the batch `batch_id`: it counts as one quarantined row, and nothing of it lands."""
        self.checker.forget(self)
        self.__exit__()
        self.batch_id = batch_id
        self._start()
        self.read, self.is_readable = 1, False
        self.refuse([refusal(Unreadable(None, None, None, "unreadable_file", message, "", is_whole_text=False))])

    def land(self, checked: Checked) -> None:
        """Write rows that keep their contract."""
        self.landed[checked.table] += checked.frame.num_rows
        self.warnings += checked.warnings
        self.assumed_utc += pc.sum(checked.frame["is_assumed_utc"]).as_py() or 0
        for warning, column in COUNTED_COLUMNS.items():
            if count := pc.sum(checked.frame[column]).as_py():
                self.warnings[warning] += count
        rows, lines = checked.rows, checked.lines
        origins = checked.frame["batch_id"]
        if self.origins:
            origin_rows = [self.origins[number] for number in rows.to_pylist()]
            origins, rows, lines = (pa.array([origin[k] for origin in origin_rows]) for k in range(3))
        schema = _landed_schema(self.checker.contracts[checked.table])
        added = {"origin_batch_id": origins, "row_number": rows, "line_number": lines}
        columns = [added[name] if name in added else checked.frame.column(name) for name in schema.names]
        self._write(checked.table, pa.table(columns, schema=schema))

    def refuse(self, rows: list[dict[str, Any]]) -> None:
        """Write rows to quarantine, with their reasons and their lines."""
        if not rows:
            return
        for row in rows:
            self.refused[row["table_name"] or ""] += 1
            self.reasons.update(row["reasons"])
        batch = {"batch_id": self.batch_id, "file_name": self.file_name}
        rows = sorted(rows, key=lambda r: r["row_number"] or 0)
        self._write("quarantined_events", pa.Table.from_pylist([batch | row for row in rows], QUARANTINE))

    def _write(self, table: str, rows: pa.Table) -> None:
        """Keep rows until they are worth a row group: a thousand small batches can't each have seven files open."""
        if rows.num_rows:
            self.waiting.setdefault(table, []).append(rows)
            self.waiting_bytes[table] += rows.nbytes
            if self.waiting_bytes[table] >= FLUSHED_BYTES:
                self._flush(table)

    def _flush(self, table: str) -> None:
        rows = pa.concat_tables(self.waiting.pop(table))
        del self.waiting_bytes[table]
        if table not in self.writers:
            self.writers[table] = pq.ParquetWriter(self._temporary(table), rows.schema, compression="zstd")
        self.writers[table].write_table(rows)

    def _close(self) -> dict[str, Path]:
        """{table: its finished temporary file}."""
        for table in list(self.waiting):
            self._flush(table)
        for writer in self.writers.values():
            writer.close()
        return {table: self._temporary(table) for table in self.writers}

    def finish(
        self, sha256: str, file_bytes: int | None = None, file_modified_ns: int | None = None, is_replay: bool = False
    ) -> Receipt:
        """Make the batch visible: its files first, its receipt last. Returns the receipt; raises LandingError."""
        receipt = self.receipt(sha256, file_bytes, file_modified_ns, is_replay)
        visible = make_visible(self.home, self.batch_id, self._close(), [receipt])
        self.writers = {}
        return visible[0]

    def receipt(
        self, sha256: str, file_bytes: int | None = None, file_modified_ns: int | None = None, is_replay: bool = False
    ) -> Receipt:
        """The receipt of what was added; raises LandingError where a row is neither landed nor quarantined."""
        landed, refused = sum(self.landed.values()), sum(self.refused.values())
        if self.read != landed + refused:
            raise LandingError(f"{self.file_name}: {self.read} rows read, but {landed} landed + {refused} quarantined")
        return {
            "batch_id": self.batch_id,
            "file_name": self.file_name,
            "sha256": sha256,
            "file_bytes": file_bytes,
            "file_modified_ns": file_modified_ns,
            "is_replay": is_replay,
            "is_readable": self.is_readable,
            "rows_read": self.read,
            "rows_landed": landed,
            "rows_quarantined": refused,
            "landed_by_table": json_text(self.landed),
            "quarantined_by_table": json_text(self.refused),
            "quarantined_by_reason": json_text(self.reasons),
            "extra_columns": json_text(
                dict(sorted(self.extras.items(), key=lambda kv: (-kv[1], kv[0]))[:EXTRA_COLUMNS_NAMED])
            ),
            "warnings": json_text(self.warnings),
            "assumed_utc_count": self.assumed_utc,
            "contract_versions": json_text({name: c.version for name, c in self.checker.contracts.items()}),
            "landed_at": self.checker.now,
        }


def make_visible(home: Home, name: str, files: dict[str, Path], receipts: list[Receipt]) -> list[Receipt]:
    """Make one or more batches visible: `files`, {table: finished temporary file}, then their receipts in one file.

    The only way into landing. A crash before the last rename leaves nothing that a reader sees, and the next attempt
    replaces it. A landing in S3 has a batch before the home has it; a compaction is of the home alone. Returns the
    receipts that count, which are those of another home where that was first.
    """
    store = None if COMPACTION.fullmatch(name) else store_of(home, "landing")
    content = commit(home, store, name, files, receipts[0]) if store else None
    if store and not content:
        for temporary in files.values():
            temporary.unlink()
        return receipts_in(home.landing / "batches" / f"{name}.parquet")
    for path in home.landing.glob(f"*/{name}.parquet"):  # of a crashed attempt
        path.unlink()
    for table, temporary in files.items():
        sync(temporary)
        publish(temporary, home.landing / table / f"{name}.parquet")
    content = content or as_parquet(pa.Table.from_pylist(receipts, RECEIPT))
    write_file(content, home.landing / "batches" / f"{name}.parquet")
    return receipts


def lands_together(home: Home, batches: list[Batch]) -> bool:
    """Whether batches become visible at once, in one file a table, as a compaction of them would be.

    Many small ones do: a file of its own for each costs more than its rows. In S3 each has a receipt of its own,
    because two homes may land some of them at once.
    """
    is_small = len(batches) >= TOGETHER and not any(batch.writers for batch in batches)
    return is_small and store_of(home, "landing") is None


def finish_together(home: Home, batches: list[tuple[Batch, dict[str, Any]]]) -> list[Receipt]:
    """Make batches of one landing time visible at once; with each, what `Batch.finish` takes. Returns the receipts."""
    receipts = [batch.receipt(**about) for batch, about in batches]
    name = compaction_name(receipts)
    waiting: dict[str, list[pa.Table]] = {}
    for batch, _ in batches:
        for table, rows in batch.waiting.items():
            waiting.setdefault(table, []).extend(rows)
    files = {table: home.landing / table / f"{name}.parquet.tmp" for table in waiting}
    for table, path in files.items():
        pq.write_table(pa.concat_tables(waiting[table]), path, compression="zstd")
    return make_visible(home, name, files, receipts)


def remove(home: Home, names: list[str]) -> None:
    """Delete the files of these names, the receipts last: until then the next landing knows what is left to delete."""
    folders = sorted(
        (path for path in home.landing.iterdir() if path.is_dir()), key=lambda path: path.name == "batches"
    )
    for folder in folders:
        for name in names:
            (folder / f"{name}.parquet").unlink(missing_ok=True)


def write_table(table: pa.Table, path: Path) -> None:
    """Write a Parquet file atomically, and fsync it."""
    write_file(as_parquet(table), path)


def write_file(content: bytes, path: Path) -> None:
    """Write a file of landing atomically, and fsync it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")  # several processes may write `_empty.parquet`
    temporary.write_bytes(content)
    sync(temporary)
    publish(temporary, path)
