"""The inbox: which files wait in it, what identifies each, and how a file is placed there.

Belongs here: which names hold events, settled and waiting files, partitions in folder names, copying a file in. Does
not belong here: what is in a file (formats.py).
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from orchestration.contracts.contract import Contract
from orchestration.contracts.odcs import load_layer
from orchestration.home import Home, publish, read_json, sha256
from orchestration.landing.formats import READER_VERSION, has_format
from orchestration.landing.receipts import BATCH_ID_LENGTH, receipts

SETTLED_SECONDS = 2  # a file changed later than this may still be written to
UNFINISHED = (".tmp", ".part", ".crdownload", ".filepart")
MIRRORED = ".storage.json"  # of an inbox in S3: {store, objects: {name: [bytes, time of change in ns, ETag]}}
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# What operating systems and editors write next to data
MARKER_NAMES = {".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx"}
MARKER_STARTS = ("._", "~$", ".~lock.")
MARKER_ENDS = ("~", ".crc", ".swp")


@dataclass(frozen=True)
class WaitingFile:
    """An inbox file as it was when it was hashed."""

    path: Path
    name: str  # its path in the inbox
    size: int  # bytes
    modified_ns: int
    sha256: str
    batch_id: str  # of the batch that it lands as, if it can be read


def waiting_files(home: Home) -> list[WaitingFile]:
    """Settled inbox files that have not been read, each content once, in name order.

    What has landed is known by its content. A file that could not be read is read once under each name, with each
    version of the contracts and of the reader. A file that a receipt lists by name, size and time of change is not
    hashed again.
    """
    landed = receipts(home)
    refused = [r for r in landed if r["is_readable"] is False]
    contracts = load_layer("landing") if refused else {}
    listed = files_read(home)
    refusals = {r["batch_id"] for r in refused}
    seen = {content_key(r["sha256"], r["file_name"]) for r in landed if r["is_readable"] is not False}
    waiting = []
    for path in settled_files(home.inbox):
        stat, name = path.stat(), inbox_name(home, path)
        if (name, stat.st_size, stat.st_mtime_ns) in listed:
            continue
        file = _waiting_file(home, path, refusals)
        key = content_key(file.sha256, name)
        if key not in seen and not (refused and refusal_id(file.sha256, name, contracts) in refusals):
            seen.add(key)
            waiting.append(file)
    return waiting


def files_read(home: Home) -> set[tuple[str, int, int]]:
    """(name, bytes, time of change in ns) of the files that need not be looked at again, as receipts list them."""
    landed = receipts(home)
    refused = [r for r in landed if r["is_readable"] is False]
    contracts = load_layer("landing") if refused else {}
    stale = {r["batch_id"] for r in refused if r["batch_id"] != refusal_id(r["sha256"], r["file_name"], contracts)}
    return {(r["file_name"], r["file_bytes"], r["file_modified_ns"]) for r in landed if r["batch_id"] not in stale}


def refused_files(home: Home, receipts: list[dict]) -> Iterator[tuple[dict, WaitingFile | None]]:
    """(receipt, the file) of files that could not be read; None where the inbox no longer has its bytes."""
    refusals = {receipt["batch_id"] for receipt in receipts}
    for receipt in receipts:
        path = home.inbox / receipt["file_name"]
        file = _waiting_file(home, path, refusals) if path.is_file() else None
        yield receipt, file if file and file.sha256 == receipt["sha256"] else None


def _waiting_file(home: Home, path: Path, refusals: set[str]) -> WaitingFile:
    stat, name = path.stat(), inbox_name(home, path)
    digest = _hash(path, stat.st_size, stat.st_mtime_ns)
    key = content_key(digest, name)
    if key[:BATCH_ID_LENGTH] in refusals:  # as the first version named a file that it could not read
        key = hashlib.sha256(f"{key} read again".encode()).hexdigest()
    return WaitingFile(path, name, stat.st_size, stat.st_mtime_ns, digest, key[:BATCH_ID_LENGTH])


def content_key(digest: str, name: str) -> str:
    """What identifies the rows of a file: the hash of its content, and the partitions that its folders state."""
    stated = partitions(name)
    return hashlib.sha256(json.dumps([digest, stated], sort_keys=True).encode()).hexdigest() if stated else digest


def refusal_id(digest: str, name: str, contracts: dict[str, Contract]) -> str:
    """The batch of a file that can't be read: another name, contract or reader may read the same bytes."""
    versions = {table: contract.version for table, contract in contracts.items()}
    tried = json.dumps([digest, name, versions, READER_VERSION], sort_keys=True)
    return hashlib.sha256(tried.encode()).hexdigest()[:BATCH_ID_LENGTH]


def partitions(name: str) -> dict[str, str | None]:
    """The columns that the folders of a file state, as Hive and Spark name them: `domain=sales%20eu/part-0.parquet`."""
    pairs = (folder.split("=", 1) for folder in PurePosixPath(name).parts[:-1] if folder.find("=") > 0)
    return {unquote(column): None if value == NULL_PARTITION else unquote(value) for column, value in pairs}


@lru_cache(maxsize=10_000)
def _hash(path: Path, size: int, modified_ns: int) -> str:
    """SHA-256 of a file; once for each state of it, because a run asks twice and the sensor every 30 seconds."""
    return sha256(path)


def inbox_name(home: Home, path: Path) -> str:
    """A file's path in the inbox, as text: bytes of a name that are not UTF-8 are escaped."""
    return os.fsencode(path.relative_to(home.inbox).as_posix()).decode("utf-8", "backslashreplace")


def is_marker(name: str) -> bool:
    """Whether an operating system, an editor or Spark writes a file of this name next to data; it holds no events."""
    lower = name.lower()
    is_known = lower in MARKER_NAMES or lower.startswith(MARKER_STARTS) or lower.endswith(MARKER_ENDS)
    return is_known or (name.startswith("_") and "." not in name)


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name.lower().endswith(UNFINISHED) or is_marker(name)


def _is_skipped_folder(name: str) -> bool:
    """Hidden folders, and Spark's own such as `_temporary` and `_delta_log`; a partition may start with _."""
    return _is_skipped(name) or (name.startswith("_") and "=" not in name)


def files_with_events(folder: Path) -> list[Path]:
    """The files of a folder and its folders that are neither hidden nor markers; links to folders are not followed."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_skipped_folder(name)]
        found += [Path(root, name) for name in names if not _is_skipped(name) and Path(root, name).is_file()]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def holds_events(name: str) -> bool:
    """Whether a file of this path in the inbox is read: neither it nor a folder of it is hidden or a marker."""
    *folders, last = name.split("/")
    return bool(last) and not _is_skipped(last) and not any(map(_is_skipped_folder, folders))


def settled_files(inbox: Path) -> list[Path]:
    """Inbox files that nobody is still writing, in name order. Of an inbox in S3: the copies of its objects."""
    files = files_with_events(inbox)
    if not (inbox / MIRRORED).exists():
        return [path for path in files if is_settled(path)]
    objects = read_json(inbox / MIRRORED).get("objects", {})
    return [path for path in files if is_copy(path, objects.get(path.relative_to(inbox).as_posix()))]


def is_copy(path: Path, entry: list | None) -> bool:
    """Whether a file is the copy of an object, by [bytes, time of change in ns, ETag]."""
    stat = path.stat()
    return entry is not None and entry[:2] == [stat.st_size, stat.st_mtime_ns]


def mirrored(home: Home) -> dict[str, list]:
    """{name: [bytes, time of change in ns, ETag]} of the objects of an inbox in S3; empty for a folder."""
    return read_json(home.inbox / MIRRORED).get("objects", {})


def is_in_inbox(home: Home, name: str) -> bool:
    """Whether a file of this name is in the inbox, wherever that is."""
    return (home.inbox / name).exists() or name in mirrored(home)


def is_in_bucket(home: Home, name: str, path: Path) -> bool:
    """Whether the inbox is in S3 and has an object of this name and content."""
    entry = mirrored(home).get(name)
    return entry is not None and entry[0] == path.stat().st_size and is_content(path, entry[2])


def is_content(path: Path, etag: str) -> bool:
    """Whether a file's content is that of an object with this ETag, which is the MD5 in most stores."""
    with path.open("rb") as file:
        return etag.strip('"') == hashlib.file_digest(file, "md5").hexdigest()


def name_with(name: str, digest: str) -> str:
    """Another name for a file of a name that is taken: with the beginning of its hash, and its suffixes."""
    stem, *suffixes = name.split(".", 1)
    return ".".join([f"{stem}-{digest[:8]}", *suffixes])


def is_settled(path: Path) -> bool:
    """Whether nobody is writing a file any more, by its name and the time of its last change."""
    age = abs(time.time() - path.stat().st_mtime)  # a clock that runs ahead must not hide its files
    return not path.name.lower().endswith(UNFINISHED) and age >= SETTLED_SECONDS


def has_received(home: Home) -> bool:
    """Whether a file of events was ever put into the inbox, landed, unfinished, or neither."""
    is_unfinished = any(path.name.lower().endswith(UNFINISHED) for path in home.inbox.iterdir())
    return is_unfinished or bool(files_with_events(home.inbox)) or bool(receipts(home))


def files_to_place(path: Path) -> list[tuple[Path, str]]:
    """(file, its name in the inbox) of a file, or of the files of a folder with their folders.

    Partitions right above it are part of the name, and a folder's own name where it is that of a file, as of Spark's
    `events.parquet/`.
    """
    absolute = path.absolute()
    above = absolute.parent
    while "=" in above.name:
        above = above.parent
    if not path.is_dir():
        return [(path, absolute.relative_to(above).as_posix())]
    base = above if above != absolute.parent or "=" in absolute.name or has_format(absolute.name) else absolute
    return [(file, file.relative_to(base).as_posix()) for file in files_with_events(absolute)]


def place_in_inbox(home: Home, path: Path, name: str | None = None) -> Path:
    """Copy a file into the inbox in one rename, as `name` or under its own; with its hash in it where it is taken.

    Of an inbox in S3 it goes up with the next sync (mirrors.py).
    """
    placed = PurePosixPath(name or path.name)
    # neither hidden files nor unfinished ones are read
    kept = placed.name.lstrip(".")
    while kept.lower().endswith(UNFINISHED):
        kept = kept[: kept.rindex(".")]
    target = home.inbox / placed.with_name(kept)
    if is_in_bucket(home, placed.with_name(kept).as_posix(), path):
        return target
    if any(folder.is_file() for folder in target.parents):
        target = home.inbox / target.name
    if target.exists() and (target.is_dir() or sha256(target) != sha256(path)):
        target = target.with_name(name_with(target.name, sha256(path)))
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.tmp")
        shutil.copy2(path, temporary)
        # the rename shows a whole file, so there is no writer to wait for, however young the original is
        settled = min(path.stat().st_mtime, time.time() - SETTLED_SECONDS - 1)
        os.utime(temporary, (settled, settled))
        publish(temporary, target)
    return target
