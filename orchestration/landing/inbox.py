"""The inbox: which files wait in it, and how a file is placed there.

Belongs here: settled and waiting files, copying a file in. Does not belong here: what is in a file (formats.py).
"""

import os
import shutil
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from orchestration.home import Home, publish, sha256
from orchestration.landing.batch import BATCH_ID_LENGTH, receipts

SETTLED_SECONDS = 2  # a file changed later than this may still be written to


@dataclass(frozen=True)
class WaitingFile:
    """An inbox file as it was when it was hashed."""

    path: Path
    size: int  # bytes
    modified_ns: int
    sha256: str

    @property
    def batch_id(self) -> str:
        """The batch that it will land as."""
        return self.sha256[:BATCH_ID_LENGTH]


def waiting_files(home: Home) -> list[WaitingFile]:
    """Settled inbox files whose content has not landed, each content once, in name order.

    A file that a receipt lists by name, size and time of change is not hashed again.
    """
    landed = receipts(home)
    batch_ids = {r["batch_id"] for r in landed}
    listed = {(r["file_name"], r["file_bytes"], r["file_modified_ns"]) for r in landed}
    waiting = []
    for path in settled_files(home.inbox):
        stat = path.stat()
        if (path.name, stat.st_size, stat.st_mtime_ns) in listed:
            continue
        file = WaitingFile(path, stat.st_size, stat.st_mtime_ns, _hash(path, stat.st_size, stat.st_mtime_ns))
        if file.batch_id not in batch_ids:
            batch_ids.add(file.batch_id)
            waiting.append(file)
    return waiting


@lru_cache(maxsize=10_000)
def _hash(path: Path, size: int, modified_ns: int) -> str:
    """SHA-256 of a file; once for each state of it, because a run asks twice and the sensor every 30 seconds."""
    return sha256(path)


def settled_files(inbox: Path) -> list[Path]:
    """Inbox files that nobody is still writing, in name order."""
    return [p for p in sorted(inbox.iterdir()) if p.is_file() and not p.name.startswith(".") and is_settled(p)]


def is_settled(path: Path) -> bool:
    """Whether nobody is writing a file any more, by its name and the time of its last change."""
    age = abs(time.time() - path.stat().st_mtime)  # a clock that runs ahead must not hide its files
    return path.suffix not in (".tmp", ".part") and age >= SETTLED_SECONDS


def has_received(home: Home) -> bool:
    """Whether a file was ever put into the inbox, landed or not."""
    return any(home.inbox.iterdir()) or bool(receipts(home))


def place_in_inbox(home: Home, path: Path, name: str | None = None) -> Path:
    """Copy a file into the inbox in one rename, as `name` or its own; with its hash in the name where that is taken."""
    # hidden files are not read
    target = home.inbox / (name or path.name).removesuffix(".tmp").removesuffix(".part").lstrip(".")
    if target.exists() and sha256(target) != (digest := sha256(path)):
        stem, *suffixes = target.name.split(".", 1)
        target = target.with_name(".".join([f"{stem}-{digest[:8]}", *suffixes]))
    if not target.exists():
        temporary = home.inbox / f".{target.name}.tmp"
        shutil.copy2(path, temporary)
        # the rename shows a whole file, so there is no writer to wait for, however young the original is
        settled = min(path.stat().st_mtime, time.time() - SETTLED_SECONDS - 1)
        os.utime(temporary, (settled, settled))
        publish(temporary, target)
    return target
