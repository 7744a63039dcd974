"""Pulls a source: keeps what it has, maps all of it, and sends what has changed in its events.

Belongs here: the order of the steps, and what a pull reports. Does not belong here: any of the steps.

A pull can be stopped anywhere and repeated: records are kept before they are mapped, and the ledger's rename is the
only commit. Where a step fails, the source's last statement stays as it is.
"""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.declared import DeclarationError, declared_tables
from orchestration.home import Home, current_time
from orchestration.landing.inbox import is_settled
from orchestration.sources import history, received
from orchestration.sources.declaration import Source, SourceError, declared_names, load_source
from orchestration.sources.mapping import Mapping
from orchestration.sources.records import reader_for, records_table
from orchestration.sources.statement import Difference, commit, deliver, difference, live, said

FILES_SHOWN = 3
PRODUCTS = "products"  # the rows of declared/data_products.csv about one source


@dataclass(frozen=True)
class Pulled:
    """What a pull did, or why it did nothing."""

    name: str
    records: int = 0
    events: int = 0  # that the source says now
    changes: Difference = field(default_factory=Difference)
    left: tuple[str, ...] = ()  # files that were left out, each with the reason
    error: str = ""

    @property
    def words(self) -> str:
        """One line, or the error's lines."""
        if self.error:
            return f"{self.name}: {self.error} Its last statement stands."
        changes = self.changes
        counts = {"new": changes.additions, "corrected": changes.corrections, "retracted": changes.retractions}
        sent = ", ".join(f"{len(events):,} {name}" for name, events in counts.items() if events) or "nothing new"
        left = f"; left out: {', '.join(self.left[:FILES_SHOWN])}" if self.left else ""
        return f"{self.name}: {self.records:,} records, {self.events:,} events, {sent}{left}"


def pull(home: Home, name: str, allow_retractions: bool = False, now: datetime | None = None) -> Pulled:
    """Pull one source; holds the home. Raises SourceError, without any value of the environment in its words."""
    with home.lock():
        refuse_in_sample(home)
        source = load_source(home, name)
        with without_secrets(source):
            deliver(home, name, source.sent)  # what an earlier pull committed and had no time to deliver
            left = receive(source, now or current_time())
            records = records_table(received.records_of(source))
            before = said(source.sent)
            with Mapping(source.sql, tables(home, source, records)) as mapping:
                events = mapping.events()
            changes = difference(name, events, before, source.vanished, allow_retractions)
            commit(source.sent, changes)
            deliver(home, name, source.sent)
            says = len(live(said(source.sent)))
    return Pulled(name, records.num_rows, says, changes, left)


def pull_all(home: Home) -> list[Pulled]:
    """Pull every source of a home, in the order of their names; one that fails stops no other."""
    return [try_to_pull(home, name) for name in declared_names(home)]


def try_to_pull(home: Home, name: str) -> Pulled:
    """Pull one source; where it fails, why."""
    try:
        return pull(home, name)
    except SourceError as error:
        return Pulled(name, error=str(error))


def receive(source: Source, now: datetime) -> tuple[str, ...]:
    """Keep what the source has now; returns the files that were left out, with the reason. Raises SourceError."""
    if source.kind == "git":
        _receive_history(source, now)
        return ()
    root = source.location
    if not root.is_dir():
        raise SourceError(f"{source.where} is no folder; correct `where` in {source.name}.yml, or mount it.")
    return _receive_files(source, root, now)


def tables(home: Home, source: Source, records: pa.Table) -> dict[str, pa.Table]:
    """What a mapping can read: `records`, the declared tables, and `products`, those of this source."""
    try:
        declared = declared_tables(home)
    except DeclarationError as error:
        raise SourceError(str(error)) from None
    products = declared["data_products"]
    mine = products.filter(pc.equal(products["source"], source.name))
    return declared | {"records": records, PRODUCTS: mine}


def refuse_in_sample(home: Home) -> None:
    """Raise SourceError in a home of sample events: mixed numbers would describe no organisation."""
    if home.sample():
        raise SourceError(f"{home.root} holds sample events; give your sources a home of their own: --home NEW.")


@contextmanager
def without_secrets(source: Source) -> Iterator[None]:
    """Turn whatever fails into SourceError, with ${NAME} in place of values of the environment."""
    try:
        yield
    except Exception as error:  # of a library too: no source may stop a run
        words = str(error) if isinstance(error, SourceError) else f"{type(error).__name__}: {error}."
        raise SourceError(source.hide(words)) from None


def _receive_history(source: Source, now: datetime) -> None:
    """Keep the history of a repository, read anew when its main line has changed: a rebase changes all of it."""
    commit = history.head(source)
    before = received.listings(source)
    state = {"commit": commit, "folder": source.folder, "reader": history.READER}
    if before and before[-1].state == state:
        return
    lines = (orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in history.read_history(source, commit))
    source.received.mkdir(parents=True, exist_ok=True)
    temporary = source.received / ".history.tmp"
    temporary.write_bytes(gzip.compress(b"".join(lines), mtime=0))
    received.keep(source, {"history.jsonl.gz": temporary}, state, now)
    temporary.unlink()


def _receive_files(source: Source, root: Path, now: datetime) -> tuple[str, ...]:
    """Keep the files of a folder that match the pattern. One that is still written to stays as it last was."""
    before = received.listings(source)
    former = {file.name: source.received / "content" / file.content for file in before[-1].files} if before else {}
    files: dict[str, Path] = {}
    left = []
    for path in sorted(root.glob(source.pattern)):
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
            f"{source.where} holds no file to read that {source.pattern} matches{words}. Correct `where` or `pattern`, "
            "mount the folder, or pull again in 2 seconds."
        )
    received.keep(source, files, {}, now)
    return tuple(left)
