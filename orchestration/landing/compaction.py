"""Compaction: many small files of landing become one a table and month, and no answer changes.

Belongs here: which files are compacted, in which steps, erasing a batch. Does not belong here: which files a reader
sees (receipts.py), landing (land.py).

A compaction has a data file for each table, with the rows as they are, and one file of receipts, row for row. It
appears as a batch does, the receipts last; from then on the files of its batches are replaced, and are deleted. A crash
at any step leaves files that no reader sees, and the next landing deletes them.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.home import Home
from orchestration.landing import locks
from orchestration.landing.batch import make_visible, remove
from orchestration.landing.landing_mirror import erase as erase_in_bucket
from orchestration.landing.receipts import (
    COMPACTION,
    Receipt,
    all_files,
    compaction_name,
    live_files,
    month,
    place,
    read_whole,
    rows_in,
    tables_of,
)
from orchestration.landing.storage import store_of

SMALL_ROWS, SMALL_BYTES = 100_000, 16 << 20  # of what was read; larger files are not rewritten
SPARED_FILES = 64  # fewer are not worth writing again


def compact(home: Home) -> None:
    """Delete what a crash left, and compact where there is enough of it; nothing while others land or read.

    Raises DamagedReceiptError.
    """
    with locks.exclusive(home) as is_alone:
        if is_alone:
            tidy(home)
            for names, held in _due(live_files(home)):
                _rewrite(home, names, held)


def tidy(home: Home) -> None:
    """Delete replaced files, compactions without receipts and unfinished files. Needs the exclusive lock."""
    files = all_files(home)
    remove(home, [name for name, file in files.items() if file.is_replaced])
    for path in home.landing.glob("*/*-*.parquet"):
        if COMPACTION.fullmatch(path.stem) and path.stem not in files:
            path.unlink()
    for path in home.landing.glob("*/*.tmp"):
        if path.parent.name != "dismissals":  # who decides about rows holds the home's lock
            path.unlink()


def erase(home: Home, batch_id: str) -> None:
    """Delete a batch for good: its rows, refused ones too, and its receipt. Waits until nobody lands or reads.

    Raises DamagedReceiptError; LookupError where no such batch has landed.
    """
    if store := store_of(home, "landing"):
        erase_in_bucket(store, batch_id)  # first: what the bucket has would come back
    with locks.exclusive(home, is_waiting=True):
        tidy(home)
        live = live_files(home)
        name = next((name for name, held in live.items() if batch_id in {r["batch_id"] for r in held}), None)
        if name is None:
            raise LookupError(batch_id)
        if kept := [receipt for receipt in live[name] if receipt["batch_id"] != batch_id]:
            # the new file does not count before the old receipts are gone: all its batches are in the old one
            if not _rewrite(home, [name], sorted(kept, key=place), is_new_only=True):
                raise OSError(f"A file {home.landing}/*/{name}.parquet is damaged: copy it back from a backup first.")
            (home.landing / "batches" / f"{name}.parquet").unlink()
        remove(home, [name])


def _due(live: dict[str, list[Receipt]]) -> Iterator[tuple[list[str], list[Receipt]]]:
    """(names of files, their receipts in the order in which they landed), for each compaction that is worth it."""
    small: dict[str, list[str]] = defaultdict(list)
    for name, held in sorted(live.items(), key=lambda item: min(map(place, item[1]))):
        if _is_small(_size(held)):
            small[month(held[0])].append(name)
    if sum(len(names) - 1 for names in small.values()) < SPARED_FILES:
        return
    for _, names in sorted(small.items()):
        for chosen in _cut(names, live):
            yield chosen, sorted((receipt for name in chosen for receipt in live[name]), key=place)


def _cut(names: list[str], live: dict[str, list[Receipt]]) -> Iterator[list[str]]:
    """Two or more names each, of files that are no longer small together."""
    chosen: list[str] = []
    size = (0, 0)
    for name in names:
        chosen.append(name)
        size = _size(live[name], size)
        if name == names[-1] or not _is_small(size):
            if len(chosen) > 1:
                yield chosen
            chosen, size = [], (0, 0)


def _size(held: list[Receipt], start: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """(rows, bytes) that were read."""
    rows, size = start
    return rows + sum(r["rows_read"] for r in held), size + sum(r["file_bytes"] or 0 for r in held)


def _is_small(size: tuple[int, int]) -> bool:
    return size[0] <= SMALL_ROWS and size[1] <= SMALL_BYTES


def _rewrite(home: Home, names: list[str], held: list[Receipt], is_new_only: bool = False) -> bool:
    """Replace files by one with the batches of these receipts, all of one month; False where one is damaged.

    Damaged files stay as they are, for a run to name: a file that can't be read, or has not the rows that its receipts
    promise.
    """
    name = compaction_name(held)
    files: dict[str, Path] = {}
    try:
        for table in sorted({table for receipt in held for table in tables_of(receipt)}):
            rows = _rows(home.landing / table, names, held)
            if rows.num_rows != sum(rows_in(receipt, table) for receipt in held):
                return False
            files[table] = home.landing / table / f"{name}.parquet.tmp"
            pq.write_table(rows, files[table], compression="zstd")
    except (OSError, pa.ArrowException):
        return False
    make_visible(home, name, files, held)
    if not is_new_only:
        remove(home, names)
    return True


def _rows(folder: Path, names: list[str], held: list[Receipt]) -> pa.Table:
    """The rows of these batches in the files of these names; raises pa.ArrowException for one that can't be read."""
    paths = [path for path in (folder / f"{name}.parquet" for name in names) if path.exists()]
    rows = pa.concat_tables(map(read_whole, paths), promote_options="default")
    batches = pa.array([receipt["batch_id"] for receipt in held], pa.string())
    return rows.filter(pc.is_in(rows["batch_id"], batches))
