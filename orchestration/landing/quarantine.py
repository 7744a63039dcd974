"""Quarantined rows: which rows wait, and landing those that pass today.

Belongs here: reading quarantine, replay. Does not belong here: why a row is refused (check.py).
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing.batch import BATCH_ID_LENGTH, QUARANTINE, Batch, prepare_landing, receipts, visible_rows
from orchestration.landing.check import Checked, Checker
from orchestration.landing.formats import read_texts
from orchestration.landing.rows import Chunk


def replay(home: Home, now: datetime | None = None) -> dict[str, Any] | None:
    """Check quarantined rows again with today's contracts and land those that now pass, once.

    They land as a batch of their own; each row keeps the batch and line it came from. Returns its receipt, or None
    when nothing passes. Rows that still fail stay where they are.
    """
    contracts = load_layer("landing")
    prepare_landing(home, contracts)
    waiting = quarantined(home).to_pylist()
    waiting = [row for row in waiting if row["is_whole_text"]]
    if not waiting:
        return None
    checker = Checker(contracts, now or datetime.now(UTC))
    passing = _rows_that_pass(checker, waiting)
    if not passing:
        return None
    origins = [(waiting[i]["batch_id"], waiting[i]["row_number"], waiting[i]["line_number"]) for i in passing]
    digest = hashlib.sha256(orjson.dumps(sorted(origins))).hexdigest()
    origin_of = dict(zip(passing, origins, strict=True))
    with Batch(home, checker, digest[:BATCH_ID_LENGTH], f"replay of {len(passing)} rows", origin_of) as batch:
        for chunk in _read_again(checker, waiting, passing):
            batch.add(chunk)
        checker.check_pending()
        return batch.finish(sha256=digest, is_replay=True)


def quarantined(home: Home, batch_ids: list[str] | None = None) -> pa.Table:
    """Quarantined rows of visible batches that no replay has landed since; of `batch_ids` only, when given."""
    if not (home.landing / "quarantined_events" / "_empty.parquet").exists():
        return QUARANTINE.empty_table()
    with duckdb.connect() as db:
        visible_rows(db, home, "quarantined_events").create_view("refused")
        _create_replayed(db, home)
        return db.sql(
            """
            select refused.* from refused
            anti join replayed
                on refused.batch_id = replayed.origin_batch_id and refused.row_number = replayed.row_number
            where $1 is null or list_contains($1, refused.batch_id)
            order by refused.file_name, refused.batch_id, refused.row_number
            """,
            params=[batch_ids],
        ).to_arrow_table()


def _create_replayed(db: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Create the table `replayed`: one row per quarantined row that a replay has landed."""
    db.execute("create table replayed (origin_batch_id text, row_number bigint)")
    replays = [r for r in receipts(home) if r["is_replay"]]
    for table in sorted({table for r in replays for table in orjson.loads(r["landed_by_table"])}):
        visible_rows(db, home, table, of=replays).project("origin_batch_id, row_number").insert_into("replayed")


def _read_again(checker: Checker, waiting: list[dict[str, Any]], indexes: Iterable[int]) -> Iterator[Chunk]:
    by_header: dict[str | None, list[tuple[int, str]]] = {}
    for i in indexes:
        by_header.setdefault(waiting[i]["csv_header"], []).append((i, waiting[i]["original_text"]))
    for header, texts in by_header.items():
        yield from read_texts(texts, header, checker.known)


class _PassingRows:
    """Collects the numbers of rows that keep their contract today, and lands nothing."""

    batch_id = "replay"

    def __init__(self) -> None:
        self.rows: list[int] = []

    def land(self, checked: Checked) -> None:
        self.rows += checked.rows.to_pylist()

    def refuse(self, rows: list[dict[str, Any]]) -> None:
        pass


def _rows_that_pass(checker: Checker, waiting: list[dict[str, Any]]) -> list[int]:
    """Indexes of the waiting rows that keep their contract today."""
    passing = _PassingRows()
    for chunk in _read_again(checker, waiting, range(len(waiting))):
        checker.take(chunk, passing)
    checker.check_pending()
    return sorted(passing.rows)
