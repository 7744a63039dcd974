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
from orchestration.landing import mirrors
from orchestration.landing.batch import Batch, prepare_landing
from orchestration.landing.check import Checker
from orchestration.landing.formats import read_file
from orchestration.landing.inbox import WaitingFile, content_key, partitions, refusal_id, refused_files, waiting_files
from orchestration.landing.quarantine import quarantined
from orchestration.landing.receipts import receipts
from orchestration.landing.rows import UnreadableFile

GROUPED_BYTES = 32 << 20
GROUPED_FILES = 1_000


def land_inbox(home: Home, now: datetime | None = None) -> list[dict[str, Any]]:
    """Land every settled inbox file that has not been read yet, in name order; returns the new receipts.

    Raises StorageError, and SettingsError or DeclarationError for a timezone that people set or declared wrongly.
    """
    prepare_landing(home, load_layer("landing"))
    mirrors.sync(home)
    checker: Checker | None = None
    new, tried = [], set()
    # a copy of a file that could not be read may have a name under which it can
    while files := [file for file in waiting_files(home) if file.name not in tried]:
        checker = checker or _checker(home, now)  # only new rows need it, and it imports pandas
        new += [receipt for group in _groups(files) for receipt in _land_group(home, checker, group)]
        tried |= {file.name for file in files}
    return new


def land_again(home: Home, now: datetime | None = None) -> tuple[list[dict[str, Any]], list[str]]:
    """Read the files again that wait in quarantine as a whole, and land those that can be read now.

    Returns (their receipts, the names of those that the inbox no longer holds as they were). One that still can't be
    read stays in quarantine as it is.
    """
    whole = {row["batch_id"] for row in quarantined(home).to_pylist() if row["row_number"] is None}
    refused_whole = [receipt for receipt in receipts(home) if receipt["batch_id"] in whole]
    mirrors.bring_again(home, [receipt["file_name"] for receipt in refused_whole])
    checker = _checker(home, now)
    landed: dict[str, dict[str, Any]] = {}
    gone = []
    for refused, file in refused_files(home, refused_whole):
        if file is None:
            gone.append(refused["file_name"])
        elif (key := content_key(file.sha256, file.name)) not in landed:
            with Batch(home, checker, file.batch_id, file.name) as batch:
                if _reason_unreadable(batch, file, checker.known) is None:
                    checker.check_pending()
                    landed[key] = _finish(batch, file)
                else:
                    checker.forget(batch)
    return list(landed.values()), gone


def _checker(home: Home, now: datetime | None) -> Checker:
    contracts = load_layer("landing")
    prepare_landing(home, contracts)
    return Checker(contracts, now or datetime.now(UTC), home_timezones(home))


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
            batch = stack.enter_context(Batch(home, checker, file.batch_id, file.name))
            if reason := _reason_unreadable(batch, file, checker.known):
                tried = refusal_id(file.sha256, file.name, checker.contracts)
                batch.refuse_file(f"{file.name}: {reason}. Correct the file and send it again.", tried)
            batches.append((batch, file))
        checker.check_pending()
        for batch, file in batches:
            yield _finish(batch, file)


def _finish(batch: Batch, file: WaitingFile) -> dict[str, Any]:
    return batch.finish(sha256=file.sha256, file_bytes=file.size, file_modified_ns=file.modified_ns)


def _reason_unreadable(batch: Batch, file: WaitingFile, known: set[str]) -> str | None:
    """Add the rows of a file to its batch; returns why the file as a whole can't be read, else None."""
    try:
        for chunk in read_file(file.path, known, partitions(file.name)):
            batch.add(chunk)
        if sha256(file.path) != file.sha256:
            raise UnreadableFile("it changed while it was read; rename finished files into the inbox")
    except UnreadableFile as error:
        return str(error)
    return None
