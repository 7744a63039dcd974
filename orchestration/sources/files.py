"""Reads a folder of files, on this machine or at an address: exports, manifests, extracts.

Belongs here: which files of a folder are records now, and bringing them. Does not belong here: what they hold
(records.py), keeping them (received.py).

An address, such as s3://bucket/exports, is read by fsspec: https://filesystem-spec.readthedocs.io.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from orchestration.landing.inbox import is_settled
from orchestration.sources import received
from orchestration.sources.declaration import Source, SourceError
from orchestration.sources.received import ReceivedFile
from orchestration.sources.records import reader_for

FILES_SHOWN = 3
UNKNOWN = "format not known"
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "abfss": "azure", "az": "azure"}
EXTRAS |= {"sftp": "sftp", "ssh": "sftp"}


def receive(source: Source, now: datetime) -> tuple[str, ...]:
    """Keep the files of a folder that match the pattern; returns those left out, with the reason. Raises SourceError.

    A file that is still written to stays as it last was.
    """
    with tempfile.TemporaryDirectory() as temporary:
        files, left = _files_at_address(source, Path(temporary)) if source.is_at_address else _files_in_folder(source)
        if not files:
            pattern = source.settings["pattern"]
            words = f"; left out: {', '.join(left[:FILES_SHOWN])}" if left else ""
            raise SourceError(
                f"{source.where} holds no file to read that {pattern} matches{words}. Correct `where` or `pattern`, "
                "mount the folder, or pull again in 2 seconds."
            )
        received.keep(source, files, {}, now)
    return tuple(left)


def _files_in_folder(source: Source) -> tuple[dict[str, Path | ReceivedFile], list[str]]:
    """({name: file}, those left out) of a folder of this machine."""
    root = source.location
    if not root.is_dir():
        raise SourceError(f"{source.where} is no folder; correct `where` in {source.name}.yml, or mount it.")
    before = received.last_files(source)
    paths = {path.relative_to(root).as_posix(): path for path in root.glob(source.settings["pattern"])}
    files: dict[str, Path | ReceivedFile] = {}
    left = []
    for name in _shown(name for name, path in paths.items() if path.is_file()):
        if not is_settled(paths[name]):
            files |= {name: before[name]} if name in before else {}
            left.append(f"{name} (may still be written to)")
        elif reader_for(name):
            files[name] = paths[name]
        else:
            left.append(f"{name} ({UNKNOWN})")
    return files, left


def _files_at_address(source: Source, temporary: Path) -> tuple[dict[str, Path | ReceivedFile], list[str]]:
    """({name: file}, those left out) of a folder at an address; what has changed since the last pull is brought."""
    store, root = _store(source)
    found = store.glob(f"{root.rstrip('/')}/{source.settings['pattern']}", detail=True)
    details = {_name(path, root): entry for path, entry in found.items() if entry.get("type") == "file"}
    before = received.last_files(source)
    names = _shown(details)
    files: dict[str, Path | ReceivedFile] = {}
    path = temporary / "file"
    for name in filter(reader_for, names):
        size, version = int(details[name].get("size") or 0), _version(details[name])
        if name in before and (before[name].size, before[name].modified_ns) == (size, version):
            files[name] = before[name]
            continue
        with store.open(details[name]["name"], "rb") as sent, path.open("wb") as brought:
            shutil.copyfileobj(sent, brought, 1 << 20)
        files[name] = received.add_content(source, name, path, version)
        path.unlink()
    return files, [f"{name} ({UNKNOWN})" for name in names if not reader_for(name)]


def _store(source: Source) -> tuple[Any, str]:
    """(the file system of fsspec, the folder in it) of an address; raises SourceError where no library reads it."""
    import fsspec  # type: ignore[import-untyped]

    protocol = source.address.split("://", 1)[0]
    options = {
        name: source.resolve(value) if isinstance(value, str) else value
        for name, value in source.settings.get("options", {}).items()
    }
    try:
        return fsspec.core.url_to_fs(source.address, **options, use_listings_cache=False, skip_instance_cache=True)
    except ImportError:
        words = (
            f"pip install 'flywheel-metrics[{EXTRAS[protocol]}]'" if protocol in EXTRAS else "its package for fsspec"
        )
        raise SourceError(f"{source.where} needs a package that is not installed: {words}.") from None
    except ValueError as error:
        raise SourceError(f"{source.where} can't be opened: {error}; correct `where` or `options`.") from None


def _shown(names: Iterable[str]) -> list[str]:
    """The names of files that are not hidden, in order."""
    return sorted(name for name in names if not any(part.startswith(".") for part in PurePosixPath(name).parts))


def _name(path: str, root: str) -> str:
    return PurePosixPath("/", path).relative_to(PurePosixPath("/", root)).as_posix()


def _version(entry: dict[str, Any]) -> int:
    """A number that changes with what a store says of a file: its size, time of change, hash; below 2^53."""
    said = "\n".join(f"{key}={entry[key]}" for key in sorted(entry))
    return int(hashlib.sha256(said.encode()).hexdigest()[:13], 16)
