"""Lands inbox files: writes the rows that pass their check, quarantines the others, and writes the receipt last.

Belongs here: the way from the inbox to receipts. Does not belong here: what waits (inbox.py), parsing formats
(formats.py), the check (check.py), what is written where (batch.py), replay (quarantine.py), anything that ranks or
joins events (dbt).

Several processes may land at once, of one command or of several: each batch is locked by the one that lands it.
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
from orchestration.landing import locks, mirrors, processes
from orchestration.landing.batch import Batch, finish_together, lands_together, prepare_landing
from orchestration.landing.check import Checker
from orchestration.landing.compaction import compact
from orchestration.landing.formats import read_file
from orchestration.landing.inbox import WaitingFile, content_key, partitions, refusal_id, refused_files, waiting_files
from orchestration.landing.quarantine import quarantined
from orchestration.landing.receipts import Receipt, receipts
from orchestration.landing.rows import UnreadableFile
from orchestration.landing.storage import at_once, store_of

GROUPED_BYTES = 32 << 20
GROUPED_FILES = 1_000
SHARED_OUT_BYTES = 16 << 20  # 4 s of work; a process takes 3 s to start
FILE_BYTES = 8 << 10  # whatever its size, a file costs as much as so many bytes of a large one: 2 ms

# (receipts of what was landed, files that another process lands)
Landed = tuple[list[Receipt], list[WaitingFile]]


def land_inbox(home: Home, now: datetime | None = None, count: int | None = None) -> list[Receipt]:
    """Land every settled inbox file that has not been read yet, in name order; returns the new receipts.

    Files that another process lands are waited for, and landed here if it dies. `count` processes land at once, or as
    many as are worth it. Afterwards small files are compacted. Raises StorageError, and SettingsError or
    DeclarationError for a timezone that people set or declared wrongly.
    """
    prepare_landing(home, load_layer("landing"))
    mirrors.sync(home)
    lander: Lander | None = None
    new: list[Receipt] = []
    tried: set[str] = set()
    # a copy of a file that could not be read may have a name under which it can
    while files := [file for file in waiting_files(home) if file.name not in tried]:
        lander = lander or Lander(home, now or datetime.now(UTC))  # only new rows need it, and it imports pandas
        new += _land(lander, files, count)
        tried |= {file.name for file in files}
    if new:
        mirrors.sync(home)  # copies of what has landed go, and what the bucket confirms is kept before it is compacted
    compact(home)
    return new


def land_again(home: Home, now: datetime | None = None) -> tuple[list[Receipt], list[str]]:
    """Read the files again that wait in quarantine as a whole, and land those that can be read now.

    Returns (their receipts, the names of those that the inbox no longer holds as they were). One that still can't be
    read stays in quarantine as it is.
    """
    whole = {row["batch_id"] for row in quarantined(home).to_pylist() if row["row_number"] is None}
    refused_whole = [receipt for receipt in receipts(home) if receipt["batch_id"] in whole]
    mirrors.bring_again(home, [receipt["file_name"] for receipt in refused_whole])
    lander = Lander(home, now or datetime.now(UTC))
    landed: dict[str, Receipt] = {}
    gone = []
    for refused, file in refused_files(home, refused_whole):
        if file is None:
            gone.append(refused["file_name"])
        elif (key := content_key(file.sha256, file.name)) not in landed:
            found, _ = lander.land([file], is_waiting=True, is_again=True)
            landed.update((key, receipt) for receipt in found)
    return list(landed.values()), gone


def release_memory() -> None:
    """Free the memory of a large landing, 1.5 GB for 5,000,000 rows: dbt runs in the same process and needs it."""
    gc.collect()
    pa.default_memory_pool().release_unused()


def _land(lander: "Lander", files: list[WaitingFile], count: int | None) -> list[Receipt]:
    size = sum(file.size + FILE_BYTES for file in files)
    if count is None:
        count = processes.available(len(files)) if size >= SHARED_OUT_BYTES else 1
    groups = list(_groups(files, count))
    answers = [None] * len(groups)
    if count > 1 and len(groups) > 1:
        start = (lander.home, lander.checker.now)
        answers = processes.shared_out(__name__, start, groups, min(count, len(groups)))
    # also those of a process that died
    found = [lander.land(group) if answer is None else answer for group, answer in zip(groups, answers, strict=True)]
    landed = [receipt for receipts, _ in found for receipt in receipts]
    for file in (file for _, busy in found for file in busy):
        landed += lander.land([file], is_waiting=True)[0]
    return landed


def _groups(files: list[WaitingFile], count: int) -> Iterator[list[WaitingFile]]:
    """Group small files: a check costs 0.3 CPU-s however few rows it has. Each process gets two groups, or more."""
    most_bytes, most_files = GROUPED_BYTES, GROUPED_FILES
    if count > 1:
        most_bytes = min(most_bytes, sum(file.size for file in files) // (2 * count))
        most_files = min(most_files, -(-len(files) // (2 * count)))
    group: list[WaitingFile] = []
    size = 0
    for file in files:
        group.append(file)
        size += file.size
        if size > most_bytes or len(group) == most_files:
            yield group
            group, size = [], 0
    if group:
        yield group


class Lander:
    """Lands groups of files in this process, all with one landing time."""

    def __init__(self, home: Home, now: datetime) -> None:
        contracts = load_layer("landing")
        prepare_landing(home, contracts)
        self.home, self.checker = home, Checker(contracts, now, home_timezones(home))

    def land(self, group: list[WaitingFile], is_waiting: bool = False, is_again: bool = False) -> Landed:
        """Read the files of a group, check their rows together, then make each batch visible.

        Leaves a file that another process lands, or waits for it, and what has landed since the inbox was read. With
        `is_again` a file that still can't be read is left as it is.
        """
        with locks.BatchLocks(self.home) as held, locks.shared(self.home), ExitStack() as stack:
            mine: list[WaitingFile] = []
            busy: list[WaitingFile] = []
            for file in group:
                if is_waiting:
                    held.wait_for(file.batch_id)
                (mine if is_waiting or held.take(file.batch_id) else busy).append(file)
            seen = {receipt["batch_id"] for receipt in receipts(self.home)}
            mine_still = [file for file in mine if seen.isdisjoint(self._names(file, is_again))]
            batches = [self._read(stack, file, is_again) for file in mine_still]
            self.checker.check_pending()
            return self._finish([each for each in batches if each]), busy

    def _names(self, file: WaitingFile, is_again: bool) -> list[str]:
        """The batches as which a file may have landed."""
        refused = [] if is_again else [refusal_id(file.sha256, file.name, self.checker.contracts)]
        return [file.batch_id, *refused]

    def _read(self, stack: ExitStack, file: WaitingFile, is_again: bool) -> tuple[Batch, WaitingFile] | None:
        """The batch of a file with its rows, or with the file refused; None where it stays refused as it is."""
        batch = stack.enter_context(Batch(self.home, self.checker, file.batch_id, file.name))
        reason = _reason_unreadable(batch, file, self.checker.known)
        if reason and is_again:
            self.checker.forget(batch)
            return None
        if reason:
            tried = refusal_id(file.sha256, file.name, self.checker.contracts)
            batch.refuse_file(f"{file.name}: {reason}. Correct the file and send it again.", tried)
        return batch, file

    def _finish(self, batches: list[tuple[Batch, WaitingFile]]) -> list[Receipt]:
        """Make the batches visible: many small ones at once, else each on its own."""
        if lands_together(self.home, [batch for batch, _ in batches]):
            return finish_together(self.home, [(batch, _about(file)) for batch, file in batches])
        if not store_of(self.home, "landing"):
            return [batch.finish(**_about(file)) for batch, file in batches]
        return at_once(lambda each: each[0].finish(**_about(each[1])), batches)  # each waits for the bucket


def _about(file: WaitingFile) -> dict[str, Any]:
    return {"sha256": file.sha256, "file_bytes": file.size, "file_modified_ns": file.modified_ns}


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


if __name__ == "__main__":
    processes.serve(lambda start: Lander(*start).land)
