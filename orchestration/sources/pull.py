"""Pulls a source: keeps what it has, maps all of it, and sends what has changed in its events.

Belongs here: the order of the steps, and what a pull reports. Does not belong here: any of the steps.

A pull can be stopped anywhere and repeated: records are kept before they are mapped, and the ledger's rename is the
only commit. Where a step fails, the source's last statement stays as it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.declared import DeclarationError, declared_tables
from orchestration.home import Home, current_time
from orchestration.sources import received
from orchestration.sources.declaration import Source, SourceError, declared_names, load_source
from orchestration.sources.kinds import KINDS
from orchestration.sources.mapping import Mapping
from orchestration.sources.records import records_table
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
            records = records_of(source)
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
    """Keep what the source has now; returns what was left out, with the reason. Raises SourceError."""
    reader = import_module(KINDS[source.kind].module)  # with the libraries of its kind alone
    return reader.receive(source, now)


def records_of(source: Source) -> pa.Table:
    """The records to map, of what was received; see `records_table`. Raises SourceError."""
    reader = import_module(KINDS[source.kind].module)
    if hasattr(reader, "records"):  # of a kind whose files are not what people write
        return reader.records(source)
    return records_table(received.records_of(source))


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
