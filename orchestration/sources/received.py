"""What a source received: files as they came, and which of them there were at each pull.

Belongs here: `<home>/received/<source>/`, that nothing in it ever changes. Does not belong here: what a file holds
(records.py), how a source is read (pull.py).

`content/<hash>.<suffix>` is a file's content, once. `000012.json` lists the files of one pull by name and hash; it is
written last, in one rename, and only where it differs from the one before.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from orchestration.home import publish, sha256, sync, write_whole
from orchestration.sources.declaration import Source, SourceError
from orchestration.sources.records import read_records, suffix_of

HASH_LENGTH = 32  # of 64 hexadecimal digits


@dataclass(frozen=True)
class ReceivedFile:
    """A file as it was received."""

    name: str  # its path in the source's folder
    content: str  # the name of its content's file
    size: int  # bytes
    modified_ns: int  # of a file that is not on this machine: another number each time that it changes


@dataclass(frozen=True)
class Listing:
    """The files that were there at a pull, and what its reader needs to know at the next one."""

    received_at: str  # RFC 3339
    files: list[ReceivedFile]
    state: dict[str, Any]


def paths(source: Source) -> list[Path]:
    """The files of the listings, oldest first."""
    return sorted(source.received.glob("[0-9]*.json"))


def listings(source: Source) -> list[Listing]:
    """Every listing, oldest first; raises SourceError for one that is damaged."""
    found = []
    for path in paths(source):
        try:
            read = orjson.loads(path.read_bytes())
            files = [ReceivedFile(**file) for file in read["files"]]
            found.append(Listing(read["received_at"], files, read["state"]))
        except (ValueError, KeyError, TypeError):
            raise SourceError(f"{path} is damaged. Restore it from a backup: it says what was received.") from None
    return found


def last_files(source: Source) -> dict[str, ReceivedFile]:
    """{name: file} of the last listing."""
    every = listings(source)
    return {file.name: file for file in every[-1].files} if every else {}


def keep(source: Source, files: Mapping[str, Path | ReceivedFile], state: dict[str, Any], now: datetime) -> None:
    """Keep files, by name, as what is there now; one that was received already is given as it was.

    Raises SourceError, and keeps nothing, where one can't be read.
    """
    before = listings(source)
    known = {file.name: file for file in before[-1].files} if before else {}
    kept = [
        file if isinstance(file, ReceivedFile) else _unless_known(source, name, file, known.get(name))
        for name, file in sorted(files.items())
    ]
    is_same = before and (before[-1].state, before[-1].files) == (state, kept)
    if not is_same:
        _write(source, Listing(now.isoformat().replace("+00:00", "Z"), kept, state))


def add_content(source: Source, name: str, path: Path, modified_ns: int) -> ReceivedFile:
    """Copy a file, unless its content is there; raises SourceError where it can't be read in its format."""
    folder = source.received / "content"
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / ".copy.tmp"
    shutil.copyfile(path, temporary)
    content = sha256(temporary)[:HASH_LENGTH] + suffix_of(name)
    if not (folder / content).exists():
        read_records(name, temporary)
        sync(temporary)
        publish(temporary, folder / content)
    temporary.unlink(missing_ok=True)
    return ReceivedFile(name, content, path.stat().st_size, modified_ns)


def records_of(source: Source) -> list[tuple[str, Path, str]]:
    """(name, path, time of receipt) of the files to map: those of the last listing, or all, as the source declares.

    A file's time is that of the first listing in which it had this content. Names in order, then times.
    """
    every, first = listings(source), dict[tuple[str, str], str]()
    for listing in every:
        for file in listing.files:
            first.setdefault((file.name, file.content), listing.received_at)
    current = {(file.name, file.content) for file in every[-1].files} if every else set()
    chosen = (
        first if source.settings.get("records") == "all" else {key: at for key, at in first.items() if key in current}
    )
    ordered = sorted(chosen.items(), key=lambda item: (item[0][0], item[1], item[0][1]))
    return [(name, source.received / "content" / content, at) for (name, content), at in ordered]


def _unless_known(source: Source, name: str, path: Path, before: ReceivedFile | None) -> ReceivedFile:
    """A file of this machine; one of the same size and time of change is not read again."""
    stat = path.stat()
    is_known = before and (before.size, before.modified_ns) == (stat.st_size, stat.st_mtime_ns)
    return before if before and is_known else add_content(source, name, path, stat.st_mtime_ns)


def _write(source: Source, listing: Listing) -> None:
    source.received.mkdir(parents=True, exist_ok=True)
    number = max((int(path.stem) for path in paths(source)), default=0) + 1
    write_whole(source.received / f"{number:06}.json", orjson.dumps(asdict(listing), option=orjson.OPT_INDENT_2))
