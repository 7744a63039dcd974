"""Reads a folder of files: exports, manifests, extracts.

Belongs here: which files of a folder are records now. Does not belong here: what they hold (records.py), keeping them
(received.py).
"""

from datetime import datetime
from pathlib import Path

from orchestration.landing.inbox import is_settled
from orchestration.sources import received
from orchestration.sources.declaration import Source, SourceError
from orchestration.sources.records import reader_for

FILES_SHOWN = 3


def receive(source: Source, now: datetime) -> tuple[str, ...]:
    """Keep the files of a folder that match the pattern; returns those left out, with the reason. Raises SourceError.

    A file that is still written to stays as it last was.
    """
    root, pattern = source.location, source.settings["pattern"]
    if not root.is_dir():
        raise SourceError(f"{source.where} is no folder; correct `where` in {source.name}.yml, or mount it.")
    before = received.listings(source)
    former = {file.name: source.received / "content" / file.content for file in before[-1].files} if before else {}
    files: dict[str, Path] = {}
    left = []
    for path in sorted(root.glob(pattern)):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        if not is_settled(path):
            files |= {name: former[name]} if name in former else {}
            left.append(f"{name} (may still be written to)")
        elif reader_for(name):
            files[name] = path
        else:
            left.append(f"{name} (format not known)")
    if not files:
        words = f"; left out: {', '.join(left[:FILES_SHOWN])}" if left else ""
        raise SourceError(
            f"{source.where} holds no file to read that {pattern} matches{words}. Correct `where` or `pattern`, mount "
            "the folder, or pull again in 2 seconds."
        )
    received.keep(source, files, {}, now)
    return tuple(left)
