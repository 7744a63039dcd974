"""Lands inbox files: writes the rows that pass their check, quarantines the others, and writes the receipt last.

Belongs here: the way from the inbox to receipts. Does not belong here: what waits (inbox.py), parsing formats
(formats.py), the check (check.py), what is written where (batch.py), replay (quarantine.py), anything that ranks or
joins events (dbt).
"""

import gc
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from orchestration.contracts.odcs import load_layer
from orchestration.home import Home, sha256
from orchestration.landing.batch import Batch, prepare_landing, receipts
from orchestration.landing.check import Checker
from orchestration.landing.formats import read_file
from orchestration.landing.inbox import waiting_files
from orchestration.landing.rows import UnreadableFile

GROUPED_BYTES = 32 << 20
GROUPED_FILES = 1_000


def land_inbox(home: Home, now: datetime | None = None) -> list[dict]:
    """Land every settled inbox file that has not landed yet, in name order; returns the new receipts."""
    contracts = load_layer("landing")
    prepare_landing(home, contracts)
    known_batches = {r["batch_id"] for r in receipts(home)}
    found = []
    for path in waiting_files(home):
        digest = sha256(path)
        if digest[:32] not in known_batches:
            known_batches.add(digest[:32])
            found.append((path, digest))
    checker = Checker(contracts, now or datetime.now(UTC))
    return [receipt for group in _groups(found) for receipt in _land_group(home, checker, group)]


def release_memory() -> None:
    """Give back what a large landing took, 1.5 GB for 5,000,000 rows: the process goes on, and dbt needs it."""
    gc.collect()
    pa.default_memory_pool().release_unused()


def _groups(found: list[tuple[Path, str]]) -> Iterator[list[tuple[Path, str]]]:
    """Small files together: a check costs 0.3 CPU-s however few rows it sees."""
    group, size = [], 0
    for path, digest in found:
        group.append((path, digest))
        size += path.stat().st_size
        if size > GROUPED_BYTES or len(group) == GROUPED_FILES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _land_group(home: Home, checker: Checker, group: list[tuple[Path, str]]) -> Iterator[dict]:
    """Read the files of a group, check their rows together, then make each batch visible on its own."""
    with ExitStack() as stack:
        batches = []
        for path, digest in group:
            stat = path.stat()
            about = {"sha256": digest, "file_bytes": stat.st_size, "file_modified_ns": stat.st_mtime_ns}
            batch = stack.enter_context(Batch(home, checker, digest[:32], path.name))
            try:
                for chunk in read_file(path, checker.known):
                    batch.add(chunk)
                if sha256(path) != digest:
                    raise UnreadableFile("it changed while it was read; rename finished files into the inbox")
            except UnreadableFile as error:
                batch.refuse_file(f"{path.name}: {error}. Mend the file and send it again.")
            batches.append((batch, about))
        checker.settle()
        for batch, about in batches:
            yield batch.finish(**about)
