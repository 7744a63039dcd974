"""Deliveries on disk, from the receiver to the next pull: `<home>/received/<source>/deliveries/<hash>.delivery`.

Belongs here: writing one so that nothing can lose it, reading it. Does not belong here: HTTP (receiver.py), what a pull
makes of them (webhook.py). It imports nothing heavy, because the receiver runs all the time.

The first line is JSON with `received_at`, `kind` and `delivery_id`; what follows is the body as it came. The name is a
hash of delivery id and body: a repeated delivery is the same file, and no id from outside is ever a path.
"""

import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import orjson

from orchestration.home import Home, publish, sync_folder

SUFFIX = ".delivery"
_in_place: set[Path] = set()  # folders that are there after a loss of power too


@dataclass(frozen=True)
class Delivery:
    """A delivery as it came, at the receiver's time, RFC 3339."""

    received_at: str
    kind: str | None  # as the sender's header names it
    delivery_id: str
    body: bytes  # JSON in UTF-8

    @property
    def key(self) -> str:
        """Its identity: delivery id and body, because a sender's id may come again with another body."""
        return hashlib.sha256(b"\0".join([self.delivery_id.encode(), self.body])).hexdigest()[:32]


def store(home: Home, source: str, delivery: Delivery) -> bool:
    """Write a delivery, synced and in place when this returns; False where it is there already. Raises OSError."""
    folder = deliveries_folder(home, source)
    if folder not in _in_place or not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for parent in (folder.parent, folder.parent.parent, home.root):
            sync_folder(parent)
        _in_place.add(folder)
    path = folder / f"{delivery.key}{SUFFIX}"
    if path.exists():
        sync_folder(folder)  # another request may have renamed it just now
        return False
    envelope = {"received_at": delivery.received_at, "kind": delivery.kind, "delivery_id": delivery.delivery_id}
    temporary = folder / f".{delivery.key}.{uuid.uuid4().hex}.tmp"  # not shared with a repeat at the same time
    try:
        with temporary.open("xb") as file:
            file.write(orjson.dumps(envelope, option=orjson.OPT_APPEND_NEWLINE) + delivery.body)
            file.flush()
            os.fsync(file.fileno())
        publish(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return True


def load(path: Path) -> Delivery:
    """Read a delivery; raises ValueError for a file that is none."""
    envelope, _, body = path.read_bytes().partition(b"\n")
    try:
        return Delivery(**orjson.loads(envelope), body=body)
    except TypeError as error:
        raise ValueError(str(error)) from None


def deliveries_folder(home: Home, source: str) -> Path:
    """Where the deliveries of a source wait for a pull."""
    return home.received / source / "deliveries"
