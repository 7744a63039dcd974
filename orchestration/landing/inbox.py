"""The inbox: which files wait in it, and how one is placed there.

Belongs here: settled and waiting files, copying a file in. Does not belong here: what is in a file (formats.py).
"""

import os
import shutil
import time
from pathlib import Path

from orchestration.home import Home, publish, sha256
from orchestration.landing.batch import receipts

SETTLED_SECONDS = 2  # a file changed later than this may still be written to


def settled_files(inbox: Path) -> list[Path]:
    """Inbox files nobody is still writing, in name order."""
    now = time.time()
    return [
        path
        for path in sorted(inbox.iterdir())
        if path.is_file()
        and not path.name.startswith(".")
        and path.suffix not in (".tmp", ".part")
        and abs(now - path.stat().st_mtime) >= SETTLED_SECONDS  # a clock that runs ahead must not hide its files
    ]


def waiting_files(home: Home) -> list[Path]:
    """Settled inbox files that no receipt knows by name, size and time of change, in name order."""
    known = {(r["file_name"], r["file_bytes"], r["file_modified_ns"]) for r in receipts(home)}
    found = [(path, path.stat()) for path in settled_files(home.inbox)]
    return [path for path, stat in found if (path.name, stat.st_size, stat.st_mtime_ns) not in known]


def place_in_inbox(home: Home, path: Path) -> Path:
    """Copy a file into the inbox whole, under its own name or, where that is taken, with its hash beside it."""
    # hidden files are not read
    target = home.inbox / path.name.removesuffix(".tmp").removesuffix(".part").lstrip(".")
    if target.exists() and sha256(target) != (digest := sha256(path)):
        stem, *suffixes = target.name.split(".", 1)
        target = target.with_name(".".join([f"{stem}-{digest[:8]}", *suffixes]))
    if not target.exists():
        temporary = home.inbox / f".{target.name}.tmp"
        shutil.copy2(path, temporary)
        # renamed in whole, so there is no writer to wait for, however young the original is
        settled = min(path.stat().st_mtime, time.time() - SETTLED_SECONDS - 1)
        os.utime(temporary, (settled, settled))
        publish(temporary, target)
    return target
