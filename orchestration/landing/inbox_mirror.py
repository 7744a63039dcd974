"""An inbox in S3: the home's `inbox/` holds copies of the objects that have not landed, and files on their way up.

Belongs here: which objects are files of events, bringing them, sending what is placed in the home. Does not belong
here: requests (storage.py), which files wait (inbox.py).

A copy has the time of change that the bucket states, so a receipt lists an object by name, size and time, as it lists a
local file; it is not brought again. An object is whole once it is listed. `.storage.json` is the last listing: a file
of the home that differs from it was placed there by a person or a source, and goes up by a conditional write.
"""

import os
from pathlib import Path, PurePosixPath

import orjson

from orchestration.home import Home, read_json, sha256, write_whole
from orchestration.landing import locks
from orchestration.landing.inbox import (
    MIRRORED,
    files_read,
    files_with_events,
    holds_events,
    inbox_name,
    is_content,
    is_copy,
    is_settled,
    mirrored,
    name_with,
)
from orchestration.landing.storage import TEMPORARY, MissingError, Store, StoredObject, TakenError, at_once

LONGEST_PART = 255  # bytes of one name in a path
NO_PATH = "no file can have its path: a part of it is empty, . or .., has over 255 bytes, or holds a NUL"
BLOCKED = "a folder of its path has the name of a file, or the reverse"


def sync(home: Home, store: Store) -> list[str]:
    """Send what was placed in the home, remove copies that are not needed, bring new objects.

    Returns the objects that are left out, with the reason. What is to be removed waits for the next time while others
    land. Raises StorageError.
    """
    state = read_json(home.inbox / MIRRORED)
    was = state.get("objects", {}) if state.get("store") == store.identity else {}
    there = {entry.name: entry for entry in store.list()}
    left = [f"{name}: {NO_PATH}" for name in there if not name.endswith("/") and not _is_path(name)]
    there = {name: entry for name, entry in there.items() if _is_path(name) and holds_events(name)}
    read = files_read(home)
    _send_placed(home, store, was, there, read)
    objects = {name: [entry.size, entry.modified_ns, entry.etag] for name, entry in there.items()}
    needed = {name: entry for name, entry in objects.items() if not _is_read(there[name], read)}
    with locks.exclusive(home) as is_alone:
        if is_alone:
            _remove_copies(home, was | objects, needed)
    # copies of objects that are gone, which others may still read: without their entry they would go up again
    objects |= {n: e for n, e in was.items() if n not in objects and (p := home.inbox / n).is_file() and is_copy(p, e)}
    if (state.get("store"), was) != (store.identity, objects):
        write_whole(home.inbox / MIRRORED, orjson.dumps({"store": store.identity, "objects": objects}))
    new = [entry for entry in there.values() if not _is_read(entry, read)]
    return left + _bring(home, store, new)


def bring(home: Home, store: Store, names: list[str]) -> None:
    """Bring objects that have landed or were refused, to read them again; what is not there any more is left out."""
    objects = mirrored(home)
    known = [StoredObject(name, *objects[name]) for name in names if name in objects]
    _bring(home, store, known)


def forget(home: Home) -> None:
    """The inbox is the home's own from here on; copies that have not landed are its files."""
    (home.inbox / MIRRORED).unlink(missing_ok=True)


def _is_path(name: str) -> bool:
    """Whether a name can be a path below the inbox."""
    parts = name.split("/")
    return all(part not in ("", ".", "..") and "\0" not in part and _is_short(part) for part in parts)


def _is_short(part: str) -> bool:
    return len(os.fsencode(part)) <= LONGEST_PART


def _is_read(entry: StoredObject, read: set[tuple[str, int, int]]) -> bool:
    return (entry.name, entry.size, entry.modified_ns) in read


def _send_placed(
    home: Home, store: Store, was: dict[str, list], there: dict[str, StoredObject], read: set[tuple[str, int, int]]
) -> None:
    """Send each finished file that is no copy; from then on it is the copy of its object, and `there` has it."""
    for path in files_with_events(home.inbox):
        name, stat = inbox_name(home, path), path.stat()
        is_known = is_copy(path, was.get(name)) or (name, stat.st_size, stat.st_mtime_ns) in read
        if not is_known and is_settled(path):
            entry = _send(store, name, path)
            copy = home.inbox / entry.name
            os.utime(path, ns=(entry.modified_ns, entry.modified_ns))
            path.replace(copy)
            there[entry.name] = entry


def _send(store: Store, name: str, path: Path) -> StoredObject:
    """The object of a file: written, or there with the same content; with its hash in its name where that is taken."""
    digest = sha256(path)
    placed = PurePosixPath(name)
    other = placed.with_name(name_with(placed.name, digest)).as_posix()
    for chosen in (name, other):
        try:
            store.create(chosen, path, {"sha256": digest})
            return store.describe(chosen)[0]
        except TakenError:
            entry, metadata = store.describe(chosen)
            if metadata.get("sha256") == digest or is_content(path, entry.etag):
                return entry
    raise TakenError(f"{store.of(other)} is taken by another file. Rename {path} and run.")


def _remove_copies(home: Home, known: dict[str, list], needed: dict[str, list]) -> None:
    """Remove the copies of objects that have landed, have changed or are gone, and unfinished downloads."""
    for path in files_with_events(home.inbox):
        name = inbox_name(home, path)
        if is_copy(path, known.get(name)) and not is_copy(path, needed.get(name)):
            path.unlink()
    for path in home.inbox.rglob(f".*{TEMPORARY}"):
        path.unlink(missing_ok=True)


def _bring(home: Home, store: Store, entries: list[StoredObject]) -> list[str]:
    """Bring objects of which there is no copy; returns those that have vanished or have no place, with the reason."""
    paths = {entry: home.inbox / entry.name for entry in entries}
    new = [e for e, p in paths.items() if not p.is_file() or not is_copy(p, [e.size, e.modified_ns])]
    return [words for words in at_once(lambda entry: _bring_one(store, entry, paths[entry]), new) if words]


def _bring_one(store: Store, entry: StoredObject, path: Path) -> str:
    try:
        store.download(entry.name, path, entry.modified_ns)
    except MissingError:
        return f"{entry.name}: it was deleted meanwhile"
    except (NotADirectoryError, FileExistsError, IsADirectoryError):  # `a` and `a/b` can't both be files
        return f"{entry.name}: {BLOCKED}"
    return ""
