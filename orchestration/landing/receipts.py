"""Receipts: which batches have landed, and which files of landing hold their rows.

Belongs here: which files are visible, reading receipts and rows. Does not belong here: writing a batch (batch.py) or a
compaction (compaction.py), what waits to land (inbox.py).

`landing/batches/<name>.parquet` holds the receipt of one batch, and its name is the batch's; or the receipts of several
batches whose rows are in the same files, and its name is `<month>-<hash>`, a compaction. The rows are in
`landing/<table>/<name>.parquet`. Two rules hold for every reader: files without a file of receipts do not exist; files
whose batches are all in another compaction do not exist either, they are replaced.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from orchestration.home import Home

BATCH_ID_LENGTH = 32  # of 64 hexadecimal digits of the content's SHA-256
COMPACTION = re.compile(rf"\d{{4}}-\d{{2}}-[0-9a-f]{{{BATCH_ID_LENGTH}}}")
EMPTY = "_empty"  # the file of each table that holds its columns and no row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UTC_INSTANT = pa.timestamp("us", tz="UTC")
RECEIPT = pa.schema(
    [
        ("batch_id", pa.string()),
        ("file_name", pa.string()),
        ("sha256", pa.string()),
        ("file_bytes", pa.int64()),
        ("file_modified_ns", pa.int64()),
        ("is_replay", pa.bool_()),
        ("is_readable", pa.bool_()),
        ("rows_read", pa.int64()),
        ("rows_landed", pa.int64()),
        ("rows_quarantined", pa.int64()),
        ("landed_by_table", pa.string()),
        ("quarantined_by_table", pa.string()),
        ("quarantined_by_reason", pa.string()),
        ("extra_columns", pa.string()),
        ("warnings", pa.string()),
        ("assumed_utc_count", pa.int64()),
        ("contract_versions", pa.string()),
        ("landed_at", UTC_INSTANT),
    ]
)

Receipt = dict[str, Any]  # the columns of RECEIPT; null in those that an older file lacks


class DamagedReceiptError(RuntimeError):
    """Receipts that can't be read, or that contradict each other: says which file, and what to do."""


def receipts(home: Home) -> list[Receipt]:
    """Every batch's receipt, oldest first; raises DamagedReceiptError."""
    return in_order(receipt for of_file in live_files(home).values() for receipt in of_file)


def in_order(found: Iterable[Receipt]) -> list[Receipt]:
    """Receipts, oldest first."""
    return sorted(found, key=lambda r: (r["landed_at"], r["batch_id"]))


def live_files(home: Home) -> dict[str, list[Receipt]]:
    """{name: its receipts} of the files that exist for a reader; raises DamagedReceiptError."""
    live = {name: found for name, found in all_files(home).items() if not found.is_replaced}
    holders: dict[str, str] = {}
    for name, found in live.items():
        for receipt in found.receipts:
            other = holders.setdefault(receipt["batch_id"], name)
            if other != name:
                raise DamagedReceiptError(_both_hold(home, receipt, name, other))
    return {name: found.receipts for name, found in live.items()}


def _both_hold(home: Home, receipt: Receipt, *names: str) -> str:
    one, other = sorted(names)
    return (
        f"The batch {receipt['batch_id']} ({receipt['file_name']}) is in two files of {home.landing}/batches, "
        f"{one}.parquet and {other}.parquet, as after a partial restore. Move one of them out of every folder "
        f"of landing, such as {home.landing}/*/{one}.parquet, and run: what only it held lands again from the inbox."
    )


class _File:
    """A file of receipts: its rows, and whether other files have replaced it."""

    def __init__(self, receipts: list[Receipt]) -> None:
        self.receipts = [dict(receipt) for receipt in receipts]  # the caller's own copy
        self.batches = frozenset(receipt["batch_id"] for receipt in receipts)
        self.is_replaced = False


def all_files(home: Home) -> dict[str, _File]:
    """{name: file} of every file of receipts that holds any, the replaced ones included; raises DamagedReceiptError."""
    files = {Path(path).stem: _File(rows) for path, rows in _read(home.landing / "batches").items() if rows}
    compactions = {name: file.batches for name, file in files.items() if COMPACTION.fullmatch(name)}
    of_batch: dict[str, set[str]] = {}
    for name, batches in compactions.items():
        for batch in batches:
            of_batch.setdefault(batch, set()).add(name)
    for name, file in files.items():
        holders = set.intersection(*(of_batch.get(batch, set()) for batch in file.batches)) - {name}
        file.is_replaced = bool(holders)
    return files


def _read(folder: Path) -> dict[str, list[Receipt]]:
    """{path: rows} of every file of receipts.

    A process reads a file once (0.4 ms each), and again only where it was changed. Nothing is locked: a compaction that
    appears meanwhile, or deletes what was listed, makes it start again.
    """
    known = _known.setdefault(folder, {})
    while True:
        stamps = _stamps(folder)
        for path in known.keys() - stamps.keys():
            del known[path]
        new = {path: stamp for path, stamp in stamps.items() if path not in known or known[path][0] != stamp}
        try:
            known.update(zip(new, zip(new.values(), _read_receipts(list(new)), strict=True), strict=True))
        except FileNotFoundError:
            continue
        return {path: rows for path, (_, rows) in known.items()}


_known: dict[Path, dict[str, tuple[tuple, list[Receipt]]]] = {}


def _stamps(folder: Path) -> dict[str, tuple]:
    """{path: size, time of change, inode} of the files of receipts.

    A listing during which a compaction appears may lack it and also what it replaces, so it counts only when the next
    one has the same compactions.
    """
    while True:
        stamps = {}
        for entry in os.scandir(folder) if folder.exists() else ():
            if entry.name.endswith(".parquet"):
                try:
                    stat = entry.stat()
                except FileNotFoundError:
                    continue
                stamps[entry.path] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        if _compactions(map(Path, stamps)) == _compactions(folder.glob("*-*.parquet")):
            return stamps


def _compactions(paths: Iterable[Path]) -> set[str]:
    return {path.stem for path in paths if COMPACTION.fullmatch(path.stem)}


def receipts_in(path: Path) -> list[Receipt]:
    """The receipts in one file; raises DamagedReceiptError."""
    return _read_receipts([str(path)])[0]


def _read_receipts(paths: list[str]) -> list[list[Receipt]]:
    """Each file's rows; none in `_empty.parquet`. What an older receipt lacks is null."""
    if not paths:
        return []
    tables = [_read_receipt(Path(path)) for path in paths]
    table = pa.concat_tables(tables, promote_options="default")
    ticks = table["landed_at"].cast(pa.int64()).to_pylist()  # for a timestamp pyarrow would import pandas
    instants = ({"landed_at": EPOCH + timedelta(microseconds=at)} for at in ticks)
    rows = (dict.fromkeys(RECEIPT.names) | row for row in table.drop_columns("landed_at").to_pylist())
    receipts = (row | at for row, at in zip(rows, instants, strict=True))
    return [list(islice(receipts, table.num_rows)) for table in tables]


def _read_receipt(path: Path) -> pa.Table:
    """Raises DamagedReceiptError, and FileNotFoundError for a file that was replaced meanwhile."""
    try:
        table = read_whole(path)
        table.validate(full=True)  # texts, and names below, that are not UTF-8 would only be met later
        str(table.schema.field("landed_at")), str(table.schema)
    except FileNotFoundError:
        raise
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        words = " ".join(str(error).split()).rstrip(".")
        raise DamagedReceiptError(f"{path} can't be read: {words}. {_what_to_do(path)}") from error
    return table


def _what_to_do(path: Path) -> str:
    remove = f"rm {path.parent.parent}/*/{path.name}, and run"
    if path.stem == EMPTY:
        return "It holds no rows: delete it and run."
    if COMPACTION.fullmatch(path.stem):
        return (
            "It holds the receipts of many batches, and never changes: copy it back from a backup. Without one, delete "
            f"these batches, {remove}: their files land again."
        )
    return (
        "It is the receipt of a batch: copy it back from a backup, which may be of any age. Without one, "
        f"delete the batch, {remove}: its file lands again."
    )


def visible_rows(db: DuckDBPyConnection, home: Home, table: str, of: list[Receipt] | None = None) -> DuckDBPyRelation:
    """The rows of a landing table in visible batches: all of them, or those that the receipts `of` list.

    It has every promised column, also where no row has landed: `_empty.parquet` is always read. Needs a landing folder
    that `prepare_landing` has prepared, and nobody who compacts it meanwhile (locks.py).
    """
    asked = None if of is None else {receipt["batch_id"] for receipt in of}
    names, has_others = [EMPTY], False
    for name, held in live_files(home).items():
        mine = [r for r in held if rows_in(r, table)]
        chosen = [r for r in mine if asked is None or r["batch_id"] in asked]
        names += [name] if chosen else []
        has_others |= 0 < len(chosen) < len(mine)
    paths = (home.landing / table / f"{name}.parquet" for name in names)
    rows = db.read_parquet([str(path) for path in paths if path.exists()], union_by_name=True)
    if has_others and asked:
        rows = rows.filter(f"batch_id in ({', '.join(repr(batch) for batch in sorted(asked))})")
    return rows


def read_whole(path: Path) -> pa.Table:
    """A small Parquet file, read at once: opening it by path takes a quarter longer."""
    return pq.ParquetFile(pa.BufferReader(path.read_bytes())).read(use_threads=False)


def tables_of(receipt: Receipt) -> list[str]:
    """The tables that a batch has rows of."""
    tables = [*orjson.loads(receipt["landed_by_table"]), "quarantined_events"]
    return [table for table in tables if rows_in(receipt, table)]


def rows_in(receipt: Receipt, table: str) -> int:
    """How many rows of a table a batch holds."""
    if table == "quarantined_events":
        return receipt["rows_quarantined"]
    return orjson.loads(receipt["landed_by_table"]).get(table, 0)


def compaction_name(held: Iterable[Receipt]) -> str:
    """The name of the files of several batches, all of one month of `landed_at`, UTC."""
    found = list(held)
    digest = hashlib.sha256("\0".join(sorted(receipt["batch_id"] for receipt in found)).encode()).hexdigest()
    return f"{month(found[0])}-{digest[:BATCH_ID_LENGTH]}"


def place(receipt: Receipt) -> tuple[datetime, str, str]:
    """The place of a batch in the order in which batches land: the files of one run have one time, and go by name."""
    return receipt["landed_at"], receipt["file_name"], receipt["batch_id"]


def month(receipt: Receipt) -> str:
    """The month in which a batch landed, UTC."""
    return f"{receipt['landed_at']:%Y-%m}"
