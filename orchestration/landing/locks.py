"""The locks of landing: who lands or reads, who compacts, and which batches somebody lands.

Belongs here: the files that are locked, for how long. Does not belong here: the home's lock, which one build holds at a
time (home.py).

The kernel releases each of them when the process dies, however it dies. They are in the home's folder and hold no data.
"""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from orchestration.home import Home

LOCK_DIGITS = 15  # of a batch_id: 60 bits, as many as the place in a file has


@contextmanager
def shared(home: Home) -> Iterator[None]:
    """Land, or read rows of landing, while nobody compacts; waits for a compaction to end."""
    with (home.root / "landing.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def exclusive(home: Home, is_waiting: bool = False) -> AbstractContextManager[bool]:
    """Compact while nobody lands or reads. Where somebody does, wait, or yield False and hold nothing."""
    return _alone(home.root / "landing.lock", is_waiting)


def placing(home: Home) -> AbstractContextManager[bool]:
    """Put files into the inbox, one command at a time: two files of one name get two names."""
    return _alone(home.root / "inbox.lock", is_waiting=True)


def syncing(home: Home, is_waiting: bool) -> AbstractContextManager[bool]:
    """Sync the mirrors of S3, one process of a home at a time. While another one does, as `exclusive`."""
    return _alone(home.root / "storage.lock", is_waiting)


@contextmanager
def _alone(path: Path, is_waiting: bool) -> Iterator[bool]:
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if is_waiting else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


class BatchLocks:
    """The batches that this process lands: one byte of a file each, so that a thousand need one open file.

    Such locks are those of a process: two landings in threads of one process would not exclude each other.
    """

    def __init__(self, home: Home) -> None:
        self.file = (home.root / "batches.lock").open("ab")

    def __enter__(self) -> "BatchLocks":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def take(self, batch_id: str) -> bool:
        """Whether this process lands the batch from now on; False while another one does."""
        with suppress(BlockingIOError, PermissionError):  # the system may answer with either
            self._lock(batch_id, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def wait_for(self, batch_id: str) -> None:
        """Take the batch once no other process lands it. Take no other before: two that wait would wait for ever."""
        self._lock(batch_id, fcntl.LOCK_EX)

    def _lock(self, batch_id: str, how: int) -> None:
        fcntl.lockf(self.file, how, 1, int(batch_id[:LOCK_DIGITS], 16))
