"""A landing in S3: the home's `landing/` is its mirror, and a batch is visible once the bucket has its receipt.

Belongs here: which objects a landing has, committing a batch, bringing what others committed. Does not belong here:
requests (storage.py), what a batch holds (batch.py), which local files are visible (receipts.py).

`<table>/<batch>-<hash of the file>.parquet` holds rows, so that two writers of one batch never overwrite each other's.
`batches/<batch>.parquet` is the receipt; it names the files with their hashes and is written by a conditional write, so
there is one. `dismissals/000012.parquet` is written alike. Nothing in the bucket is ever changed, and the mirror holds
what the bucket confirms. Small batches are compacted in the mirror alone: compaction makes reading faster, and the
bucket is not what is read.
"""

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.home import Home, read_json, sha256, write_whole
from orchestration.landing import locks
from orchestration.landing import receipts as local
from orchestration.landing.receipts import BATCH_ID_LENGTH, RECEIPT, Receipt, tables_of
from orchestration.landing.storage import MissingError, StorageError, Store, StoredObject, TakenError, at_once

STATE = ".storage.json"  # {store, is_whole, etags: {name: etag}}: what the bucket has confirmed
MARKER = "flywheel.json"  # the object that makes a folder a landing
FILES = b"flywheel.files"  # in a receipt's schema: {table: {name, bytes, sha256}}
RECEIPT_NAME = re.compile(rf"batches/([0-9a-f]{{{BATCH_ID_LENGTH}}})\.parquet")
DISMISSAL_NAME = re.compile(r"dismissals/[0-9]{6,}\.parquet")
LISTINGS = 3  # what is listed may be deleted before it is read


def sync(home: Home, store: Store) -> None:
    """Make the mirror equal to the bucket. The first time, what the home landed on its own goes up.

    What is to be removed waits for the next time while others land or read. Raises StorageError.
    """
    state = _state(home, store)
    if not state:
        state = _join(home, store)
    if not state["is_whole"]:
        with locks.shared(home):
            _send_all(home, store, state)
    for left in range(LISTINGS - 1, -1, -1):
        # before the listing: a batch that another process lands after it is no batch that the bucket has lost
        before, decided = _local(home), _dismissals(home)
        try:
            listed = list(store.list())
            _bring_batches(home, store, state["etags"], before, listed)
            _bring_dismissals(home, store, state["etags"], decided, listed)
            return _confirm(home, state, listed)
        except MissingError:
            if not left:
                raise


def forget(home: Home) -> None:
    """The landing is the home's own from here on: what it lands now is no loss of a bucket later."""
    (home.landing / STATE).unlink(missing_ok=True)


def commit(home: Home, store: Store, batch: str, files: dict[str, Path], receipt: Receipt) -> bytes | None:
    """Write a batch into the bucket: `files`, {table: finished file}, then its receipt. Returns the receipt's file.

    None where another home was first: then the mirror has that one's receipt and rows, and the bucket no other.
    """
    named = {table: _named(table, batch, path) for table, path in files.items()}
    at_once(lambda table: store.write(named[table]["name"], files[table]), sorted(files))
    content = _receipt_file(receipt, named)
    name = f"batches/{batch}.parquet"
    while True:
        try:
            store.create(name, content)
            return content
        except TakenError:
            with suppress(MissingError):  # deleted by hand meanwhile
                first = store.read(name)
                break
    if first == content:  # the answer to our own write was lost
        return content
    theirs = {file["name"] for file in _files(store, name, first).values()}
    with suppress(StorageError):  # who may not delete leaves rows that no receipt names
        at_once(store.delete, sorted({file["name"] for file in named.values()} - theirs))
    _bring(home, store, name, first)
    return None


def erase(store: Store, batch: str) -> None:
    """Delete a batch from the bucket: its receipt, then all rows that an attempt ever wrote; may be repeated.

    An object without content says that it was meant.
    """
    with suppress(TakenError):
        store.create(f"erased/{batch}", b"")
    store.delete(f"batches/{batch}.parquet")
    rows = re.compile(rf"\w+/{batch}-[0-9a-f]+\.parquet")
    at_once(store.delete, [entry.name for entry in store.list() if rows.fullmatch(entry.name)])


def create_dismissal(store: Store, number: int, content: bytes) -> bool:
    """Write the record of a decision; false where another home has taken the number."""
    name = f"dismissals/{number:06}.parquet"
    try:
        store.create(name, content)
    except TakenError:
        return store.read(name) == content
    return True


def as_parquet(table: pa.Table) -> bytes:
    """A table as the content of a Parquet file."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    return buffer.getvalue().to_pybytes()


def _named(table: str, batch: str, path: Path) -> dict[str, Any]:
    digest = sha256(path)
    name = f"{table}/{batch}-{digest[:BATCH_ID_LENGTH]}.parquet"
    return {"name": name, "bytes": path.stat().st_size, "sha256": digest}


def _receipt_file(receipt: Receipt, named: dict[str, dict[str, Any]]) -> bytes:
    table = pa.Table.from_pylist([receipt], RECEIPT)
    return as_parquet(table.replace_schema_metadata({FILES: orjson.dumps(named, option=orjson.OPT_SORT_KEYS)}))


def _files(store: Store, name: str, content: bytes) -> dict[str, dict[str, Any]]:
    """{table: {name, bytes, sha256}} of the files that a receipt names; raises StorageError for one that can't be."""
    try:
        schema = pq.read_schema(pa.BufferReader(content))
        return orjson.loads(schema.metadata[FILES])
    except (pa.ArrowException, KeyError, TypeError, ValueError):
        raise StorageError(
            f"{store.of(name)} is no receipt that Flywheel wrote there. Restore that object, or delete all objects of "
            f"the batch below {store.address}: its file lands again."
        ) from None


def _state(home: Home, store: Store) -> dict[str, Any]:
    """What the bucket confirmed; empty where the landing is no mirror of it."""
    state = read_json(home.landing / STATE)
    return state if state.get("store") == store.identity else {}


def _write_state(home: Home, state: dict[str, Any]) -> None:
    write_whole(home.landing / STATE, orjson.dumps(state))


def _local(home: Home) -> dict[str, Receipt]:
    return {receipt["batch_id"]: receipt for receipt in local.receipts(home)}


def _join(home: Home, store: Store) -> dict[str, Any]:
    """Begin to mirror a bucket; raises StorageError where both have batches that the other lacks."""
    listed = list(store.list())
    if all(entry.name != MARKER for entry in listed):
        _prove_conditions(store)
    here, there = set(_local(home)), set(_by_batch(listed))
    if here - there and there - here:
        raise StorageError(
            f"{home.landing} holds {len(here - there):,} batches that {store.address} lacks, and lacks "
            f"{len(there - here):,} of its batches: they are two landings. Set storage.landing in flywheel.yml to an "
            "empty folder of the bucket, or keep a copy of the home's landing, empty it and run."
        )
    state = {"store": store.identity, "is_whole": not here - there, "etags": {}}
    _write_state(home, state)
    return state


def _prove_conditions(store: Store) -> None:
    """Raise StorageError where the store overwrites what a conditional write must not."""
    for _ in range(2):
        with suppress(TakenError):
            store.create(MARKER, b'{"landing": 1}')
            continue
        return
    raise StorageError(
        f"{store.setting} {store.address}: the store overwrites objects in spite of If-None-Match, so two homes would "
        "lose rows. Use a store with conditional writes."
    )


def _send_all(home: Home, store: Store, state: dict[str, Any]) -> None:
    """Write all that the home landed on its own into the bucket; a batch that is there stays as it is."""
    there = _by_batch(store.list())
    for name, held in local.live_files(home).items():
        for receipt in held:
            if receipt["batch_id"] not in there:
                _send(home, store, name, receipt)
    for path in _dismissals(home):
        if not create_dismissal(store, int(path.stem), path.read_bytes()):
            raise StorageError(
                f"{path} and {store.of(f'dismissals/{path.name}')} are different decisions. Move the first one out of "
                "the home, run, and dismiss its rows again."
            )
    state["is_whole"] = True
    _write_state(home, state)


def _send(home: Home, store: Store, name: str, receipt: Receipt) -> None:
    """Write one batch of the files `name` into the bucket, and its receipt here as it is there."""
    batch = receipt["batch_id"]
    paths = {t: home.landing / t / f"{name}.parquet" for t in tables_of(receipt)}
    if name == batch:
        if content := commit(home, store, batch, paths, receipt):
            write_whole(home.landing / "batches" / f"{batch}.parquet", content)
        return
    own = {table: path.with_name(f"{batch}.parquet.tmp") for table, path in paths.items()}
    for table, path in paths.items():
        pq.write_table(pq.read_table(path, filters=[("batch_id", "=", batch)]), own[table], compression="zstd")
    commit(home, store, batch, own, receipt)
    for path in own.values():
        path.unlink()


def _by_batch(listed: Iterable[StoredObject]) -> dict[str, StoredObject]:
    return {found[1]: entry for entry in listed if (found := RECEIPT_NAME.fullmatch(entry.name))}


def _bring_batches(
    home: Home,
    store: Store,
    etags: dict[str, str],
    before: dict[str, Receipt],
    listed: list[StoredObject],
) -> None:
    """Bring the batches that the mirror lacks, and remove those that the bucket lacks or has otherwise."""
    there = _by_batch(listed)
    erased = {entry.name.removeprefix("erased/") for entry in listed if entry.name.startswith("erased/")}
    if not there and (lost := before.keys() - erased):
        raise StorageError(_emptied(home, store, len(lost)))
    asked = [batch for batch in there if batch in before and etags.get(there[batch].name) != there[batch].etag]
    same = at_once(lambda batch: _is_same(home, store, before[batch], there[batch]), asked)
    gone = before.keys() - there.keys() | {batch for batch, is_same in zip(asked, same, strict=True) if not is_same}
    removed = _remove(home, gone) if gone else set()
    _refuse_missing(store, [r for batch, r in before.items() if batch in there and batch not in gone], listed)
    new = [there[batch].name for batch in sorted(there.keys() - before.keys() | removed & there.keys())]
    with locks.shared(home):
        at_once(lambda name: _bring(home, store, name, store.read(name)), new)


def _confirm(home: Home, state: dict[str, Any], listed: list[StoredObject]) -> None:
    """Keep what the bucket has confirmed, so that the next time nothing of it is read again."""
    known = [e for e in listed if RECEIPT_NAME.fullmatch(e.name) or DISMISSAL_NAME.fullmatch(e.name)]
    if (etags := {entry.name: entry.etag for entry in known}) != state["etags"]:
        _write_state(home, state | {"etags": etags})


def _emptied(home: Home, store: Store, count: int) -> str:
    return (
        f"{store.setting} {store.address} holds no batch any more, and the home's mirror has {count:,}. If it was "
        f"emptied by mistake, delete {home.landing / STATE} and run: the mirror goes up again. If it was meant, empty "
        f"{home.landing}."
    )


def _is_same(home: Home, store: Store, receipt: Receipt, entry: StoredObject) -> bool:
    """Whether the mirror's receipt is the bucket's; most stores' ETag is the MD5 of the content."""
    path = home.landing / "batches" / f"{receipt['batch_id']}.parquet"
    mine = path.read_bytes() if path.exists() else None
    if mine and hashlib.md5(mine, usedforsecurity=False).hexdigest() == entry.etag.strip('"'):
        return True
    theirs = store.read(entry.name)
    return mine == theirs if mine else _row(theirs) == _row(_receipt_file(receipt, {}))


def _row(content: bytes) -> dict[str, list]:
    table = pq.read_table(pa.BufferReader(content))
    return table.set_column(
        table.schema.get_field_index("landed_at"), "landed_at", table["landed_at"].cast(pa.int64())
    ).to_pydict()


def _remove(home: Home, batches: set[str]) -> set[str]:
    """Remove batches from the mirror; returns those that it lacks now, all of a compaction that held one of them.

    Nothing is removed while others land or read.
    """
    removed: set[str] = set()
    with locks.exclusive(home) as is_alone:
        for name, held in local.all_files(home).items() if is_alone else ():
            if held.batches & batches:
                removed |= held.batches
                (home.landing / "batches" / f"{name}.parquet").unlink()  # first: nothing of it is visible from here on
                for path in home.landing.glob(f"*/{name}.parquet"):
                    path.unlink()
    return removed


def _refuse_missing(store: Store, known: list[Receipt], listed: list[StoredObject]) -> None:
    """Raise StorageError where the bucket lost rows of a batch of which it has the receipt."""
    there = {entry.name.rpartition("-")[0] for entry in listed}
    lost = [f"{t}/{r['batch_id']}" for r in known for t in tables_of(r) if f"{t}/{r['batch_id']}" not in there]
    if lost:
        raise StorageError(
            f"{store.setting} {store.address}: rows are lost, {len(lost):,} objects such as {lost[0]}-….parquet, of "
            "which there is a receipt. Restore them from a version or a backup, or delete the receipts of these "
            "batches: their files land again."
        )


def _bring(home: Home, store: Store, name: str, content: bytes) -> None:
    """Bring a batch: the files that its receipt names, then the receipt, which makes them visible."""
    batch, named = Path(name).stem, _files(store, name, content)
    for path in home.landing.glob(f"*/{batch}.parquet"):  # of an attempt of the home's own that crashed
        if path.parent.name not in named and path.parent.name != "batches":
            path.unlink()
    for table, file in named.items():
        path = home.landing / table / f"{batch}.parquet"
        if not re.fullmatch(r"\w+", table) or not file["name"].startswith(f"{table}/{batch}-"):
            raise StorageError(f"{store.of(name)} names {file['name']}, which is no file of its batch.")
        if not (path.exists() and path.stat().st_size == file["bytes"] and sha256(path) == file["sha256"]):
            store.download(file["name"], path)
            if sha256(path) != file["sha256"]:
                path.unlink()
                raise StorageError(f"{store.of(file['name'])} is not what its receipt says. Restore that object.")
    (home.landing / "batches").mkdir(exist_ok=True)
    write_whole(home.landing / "batches" / f"{batch}.parquet", content)


def _dismissals(home: Home) -> list[Path]:
    return sorted((home.landing / "dismissals").glob("[0-9]*.parquet"))


def _bring_dismissals(
    home: Home, store: Store, etags: dict[str, str], before: list[Path], listed: list[StoredObject]
) -> None:
    there = [entry for entry in listed if DISMISSAL_NAME.fullmatch(entry.name)]
    names = {Path(entry.name).name for entry in there}
    for path in before:
        if path.name not in names:
            path.unlink()
    new = [e for e in there if etags.get(e.name) != e.etag or not (home.landing / e.name).exists()]
    at_once(lambda entry: store.download(entry.name, home.landing / entry.name), new)
