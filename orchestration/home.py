"""The home folder: its paths, its lock, the dates of a run, and how files are written there.

Belongs here: paths, the lock, dates, whether the home holds sample events, atomic writes. Does not belong here: what
is in the files.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = Path(__file__).resolve().parent.parent  # holds the packages orchestration and dashboard
# a wheel packs data_contracts/, dbt_project/, sources/ into orchestration/_files (pyproject.toml); a checkout has none
_PACKED = PACKAGES / "orchestration" / "_files"
IS_CHECKOUT = not _PACKED.is_dir()
FILES = PACKAGES if IS_CHECKOUT else _PACKED
DEFAULT_HOME = PACKAGES / "data" if IS_CHECKOUT else Path("~/flywheel")


@dataclass(frozen=True)
class PublishedFolder:
    """A folder that people read from: the serving file, the same tables as Parquet, the pages."""

    root: Path

    @property
    def serving(self) -> Path:
        """The DuckDB file people read."""
        return self.root / "serving.duckdb"

    @property
    def serving_parquet(self) -> Path:
        """The same tables as Parquet files."""
        return self.root / "serving"

    @property
    def dashboard(self) -> Path:
        """The pages people read; `index.html` is the Chief Data Officer's."""
        return self.root / "dashboard"

    @property
    def archive(self) -> Path | None:
        """Where each complete month's pages are kept; None: a look back keeps none."""
        return None

    @property
    def record(self) -> Path:
        """The record of which build the serving file and the pages are of; written after them."""
        return self.root / "published.json"


@dataclass(frozen=True)
class Dates:
    """The dates of a run; `name` is that of its folder when the run looks back, else None."""

    as_of: datetime
    known_at: datetime | None = None
    name: str | None = None


@dataclass(frozen=True)
class Home(PublishedFolder):
    """Paths under one absolute root."""

    @classmethod
    def at(cls, root: Path | str | None = None) -> "Home":
        """The home folder: `root`, else FLYWHEEL_HOME, else DEFAULT_HOME. Made if it isn't there."""
        home = cls(Path(root or os.environ.get("FLYWHEEL_HOME") or DEFAULT_HOME).expanduser().resolve())
        for folder in (home.inbox, home.landing, home.builds, home.logs, home.dagster):
            folder.mkdir(parents=True, exist_ok=True)
        return home

    @property
    def inbox(self) -> Path:
        """Immutable files from every source."""
        return self.root / "inbox"

    @property
    def landing(self) -> Path:
        """The append-only Parquet lake: the only state that can't be rebuilt."""
        return self.root / "landing"

    @property
    def settings(self) -> Path:
        """What people set; settings.py reads it."""
        return self.root / "flywheel.yml"

    @property
    def declared(self) -> Path:
        """The tables that people declare, as CSV; declared.py reads them."""
        return self.root / "declared"

    @property
    def sources(self) -> Path:
        """The sources that people declare, <name>.yml and <name>.sql; sources/declaration.py reads them."""
        return self.root / "sources"

    @property
    def received(self) -> Path:
        """One folder a source: its records as they came; append-only."""
        return self.root / "received"

    @property
    def sent(self) -> Path:
        """One folder a source: the ledger of the events that it sent; append-only."""
        return self.root / "sent"

    @property
    def builds(self) -> Path:
        """One DuckDB file a whole run, and the scratch; rebuilt from landing at any time."""
        return self.root / "builds"

    @property
    def build_landing(self) -> Path:
        """The landed files that the newest build reads, as links; a folder for each table."""
        return self.builds / "landing"

    @property
    def archive(self) -> Path:
        """One folder for each complete month: its pages as they were first published, and its tables."""
        return self.root / "archive"

    @property
    def dagster(self) -> Path:
        """The Dagster instance."""
        return self.root / "dagster"

    @property
    def dbt_target(self) -> Path:
        """What dbt compiles to; of this home, so that two homes never share it."""
        return self.root / "dbt"

    @property
    def logs(self) -> Path:
        """One full log file a run."""
        return self.root / "logs"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for one writer at a time; waits for the other one.

        The kernel releases it when the process dies, however it dies. A process that holds it may take it again:
        `flywheel run` holds it from its first read of the inbox on, a Dagster run from its first step to its last.
        """
        if _held.get(self.root):
            yield
            return
        with (self.root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _held[self.root] = True
            try:
                yield
            finally:
                del _held[self.root]

    def is_locked(self) -> bool:
        """Whether another process is writing now."""
        with (self.root / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def remember_sample(self, as_of: datetime, files: list[str], sources: list[str]) -> None:
        """Remember that this home holds sample events, so that every later run takes their end as as_of."""
        content = {"as_of": as_of.isoformat(), "files": sorted(files), "sources": sources}
        write_whole(self.root / "sample.json", json.dumps(content).encode())

    def sample(self) -> dict | None:
        """What `remember_sample` kept: `as_of`, the sample's `files` and `sources`; None in a home of real events."""
        path = self.root / "sample.json"
        return json.loads(path.read_text()) if path.exists() else None

    def dates(self, as_of: str = "", known_at: str = "") -> Dates:
        """The dates of a run: as_of is the sample's end in a sample home, else now (UTC, whole seconds).

        A date that is given makes the run look back. Raises ValueError for a text that is no date or a future date.
        """
        now, sample = current_time(), self.sample()
        if not as_of and not known_at:
            return Dates(parse_instant(sample["as_of"]) if sample else now)
        analysis = parse_instant(as_of) if as_of else now
        knowledge = parse_instant(known_at) if known_at else None
        for option, instant in (("as-of", analysis), ("known-at", knowledge)):
            if instant and instant > now:
                raise ValueError(
                    f"--{option} {instant:%Y-%m-%d %H:%M} UTC is in the future, it is {now:%Y-%m-%d %H:%M} UTC now: "
                    "events to come can't be counted. Choose an earlier date, or leave the option out for today."
                )
        name = _folder_name(analysis) if as_of else f"{now:%Y-%m-%d}"
        return Dates(analysis, knowledge, name + (f"-known-{_folder_name(knowledge)}" if knowledge else ""))

    def folder_for(self, dates: Dates) -> PublishedFolder:
        """Where a run with these dates publishes: the home, or a folder of its own when it looks back."""
        return PublishedFolder(self.root / "as_of" / dates.name) if dates.name else self


_held: dict[Path, bool] = {}


def current_time() -> datetime:
    """Now: UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def _folder_name(instant: datetime) -> str:
    is_midnight = (instant.hour, instant.minute, instant.second, instant.microsecond) == (0, 0, 0, 0)
    return f"{instant:%Y-%m-%d}" if is_midnight else f"{instant:%Y-%m-%dT%H%M%SZ}"


def parse_instant(text: str | datetime) -> datetime:
    """An RFC 3339 time, or a date (its midnight UTC); raises ValueError with what to write instead."""
    try:
        instant = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date: write 2026-08-22 or 2026-08-22T12:00:00Z") from None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object that Flywheel wrote; empty where the file is missing or damaged."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader, or a crash, sees all of it or nothing."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    publish(temporary, path)


def swap_folder(link: Path, folder: Path) -> None:
    """Point the link at a new folder of the same parent in one rename, then delete the former folder."""
    temporary = link.with_name(f".{link.name}.link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name, target_is_directory=True)
    publish(temporary, link)
    for left in link.parent.glob(f".{link.name}-*"):
        if left != folder:
            shutil.rmtree(left, ignore_errors=True)


def new_folder(link: Path) -> Path:
    """An empty folder with the parent of `link`, for `swap_folder`."""
    folder = Path(tempfile.mkdtemp(prefix=f".{link.name}-", dir=link.parent))
    folder.chmod(0o755)  # mkdtemp's are for their owner only, this one is for readers
    return folder


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Fsync a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def seal(path: Path) -> None:
    """Fsync a finished file and make it read-only: nobody changes what others read, and a rename still replaces it."""
    sync(path)
    path.chmod(0o444)


def publish(temporary: Path, path: Path) -> None:
    """Rename into place and fsync the folder."""
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Fsync a folder: the names in it stay after a loss of power."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
