"""Lands inbox files: writes the rows that pass their check, quarantines the others, and writes the receipt last.

Belongs here: the way from the inbox to receipts. Does not belong here: what waits (inbox.py), parsing formats
(formats.py), the check (check.py), what is written where (batch.py), replay (quarantine.py), anything that ranks or
joins events (dbt).
"""

import gc
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from orchestration.contracts.odcs import load_layer
from orchestration.declared import home_timezones
from orchestration.home import Home, sha256
from orchestration.landing.batch import Batch, prepare_landing
from orchestration.landing.check import Checker
from orchestration.landing.formats import read_file
from orchestration.landing.inbox import WaitingFile, waiting_files
from orchestration.landing.rows import UnreadableFile

GROUPED_BYTES = 32 << 20
GROUPED_FILES = 1_000


def land_inbox(home: Home, now: datetime | None = None) -> list[dict[str, Any]]:
    """Land every settled inbox file that has not landed yet, in name order; returns the new receipts.

    Raises SettingsError or DeclarationError for a timezone that people set or declared wrongly.
    """
    contracts = load_layer("landing")
    prepare_landing(home, contracts)
    waiting = waiting_files(home)
    if not waiting:
        return []
    checker = Checker(contracts, now or datetime.now(UTC), home_timezones(home))
    return [receipt for group in _groups(waiting) for receipt in _land_group(home, checker, group)]


def release_memory() -> None:
    """Free the memory of a large landing, 1.5 GB for 5,000,000 rows: dbt runs in the same process and needs it."""
    gc.collect()
    pa.default_memory_pool().release_unused()


def _groups(files: list[WaitingFile]) -> Iterator[list[WaitingFile]]:
    """Group small files: a check costs 0.3 CPU-s however few rows it has."""
    group: list[WaitingFile] = []
    for file in files:
        group.append(file)
        if sum(each.size for each in group) > GROUPED_BYTES or len(group) == GROUPED_FILES:
            yield group
            group = []
    if group:
        yield group


def _land_group(home: Home, checker: Checker, group: list[WaitingFile]) -> Iterator[dict[str, Any]]:
    """Read the files of a group, check their rows together, then make each batch visible on its own."""
    with ExitStack() as stack:
        batches = []
        for file in group:
            batch = stack.enter_context(Batch(home, checker, file.batch_id, file.path.name))
            _read_into(batch, file, checker.known)
            batches.append((batch, file))
        checker.check_pending()
        for batch, file in batches:
            yield batch.finish(sha256=file.sha256, file_bytes=file.size, file_modified_ns=file.modified_ns)


def _read_into(batch: Batch, file: WaitingFile, known: set[str]) -> None:
    """Add the rows of a file to its batch, or refuse the whole file."""
    try:
        for chunk in read_file(file.path, known):
            batch.add(chunk)
        if sha256(file.path) != file.sha256:
            raise UnreadableFile("it changed while it was read; rename finished files into the inbox")
    except UnreadableFile as error:
        batch.refuse_file(f"{file.path.name}: {error}. Correct the file and send it again.")
