"""Pulls a source: keeps what it has, maps all of it, and sends what has changed in its events.

Belongs here: the order of the steps, and what a pull reports. Does not belong here: any of the steps.

A pull can be stopped anywhere and repeated: records are kept before they are mapped, and the ledger's rename is the
only commit. Where a step fails, the source's last statement stays as it is.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.code import code_version
from orchestration.declared import DeclarationError, declared_tables
from orchestration.home import Home, current_time, read_json, sha256, write_whole
from orchestration.landing.mirrors import sync
from orchestration.sources import received
from orchestration.sources.declaration import Source, SourceError, declared_names, load_source
from orchestration.sources.kinds import KINDS
from orchestration.sources.mapping import Mapping
from orchestration.sources.records import records_table
from orchestration.sources.statement import commit, deliver, difference, ledger, live, said

FILES_SHOWN = 3
PRODUCTS = "products"  # the rows of declared/data_products.csv about one source
SERVICE_ACCOUNTS = "service_accounts"


@dataclass(frozen=True)
class Pulled:
    """What a pull did, or why it did nothing."""

    name: str
    records: int = 0
    events: int = 0  # that the source says now
    new: int = 0
    corrected: int = 0
    retracted: int = 0
    left: tuple[str, ...] = ()  # files that were left out, each with the reason
    error: str = ""

    @property
    def words(self) -> str:
        """One line, or the error's lines."""
        if self.error:
            return f"{self.name}: {self.error} Its last statement stands."
        counts = {"new": self.new, "corrected": self.corrected, "retracted": self.retracted}
        sent = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing new"
        left = f"; left out: {', '.join(self.left[:FILES_SHOWN])}" if self.left else ""
        return f"{self.name}: {self.records:,} records, {self.events:,} events, {sent}{left}"


def pull(home: Home, name: str, allow_retractions: bool = False, now: datetime | None = None) -> Pulled:
    """Pull one source; holds the home. Raises SourceError, without any value of the environment in its words."""
    with home.lock():
        refuse_in_sample(home, name)
        source = load_source(home, name)
        with without_secrets(source):
            sync(home)  # what this source has delivered to an inbox in S3, from whichever home
            deliver(home, name, source.sent)  # what an earlier pull committed and had no time to deliver
            left = receive(source, now or current_time())
            before = read_json(source.mapped)
            if before.get("inputs") == _inputs(source):
                return Pulled(name, before["records"], before["events"], left=left)
            pulled = _send_changes(source, allow_retractions)
            mapped = {"inputs": _inputs(source), "records": pulled.records, "events": pulled.events}
            write_whole(source.mapped, orjson.dumps(mapped))
    return replace(pulled, left=left)


def _send_changes(source: Source, allow_retractions: bool) -> Pulled:
    """Map all that was received, commit what has changed in the events, and deliver it."""
    name = source.name
    records = records_of(source)
    with Mapping(source.sql, tables(source.home, source, records)) as mapping:
        events = mapping.events()
    changes = difference(name, events, said(source.sent), source.vanished, allow_retractions)
    commit(source.sent, changes)
    deliver(source.home, name, source.sent)
    new, corrected, retracted = len(changes.additions), len(changes.corrections), len(changes.retractions)
    return Pulled(name, records.num_rows, len(live(said(source.sent))), new, corrected, retracted)


def _inputs(source: Source) -> str:
    """A hash of all that a statement depends on: with the same inputs there is nothing to send."""
    files = [source.declaration, source.sql, *sorted(source.home.declared.glob("*.csv"))]
    files += received.paths(source)[-1:] + ledger(source.sent)[-1:]
    content = {str(path): sha256(path) for path in files if path.exists()}
    return hashlib.sha256(orjson.dumps([content, code_version()])).hexdigest()


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
    """What a mapping can read: `records`, the declared tables, and `products`, those of this source.

    `service_accounts` has the rows about this source and about every source.
    """
    try:
        declared = declared_tables(home)
    except DeclarationError as error:
        raise SourceError(str(error)) from None
    products, accounts = declared["data_products"], declared[SERVICE_ACCOUNTS]
    mine = products.filter(pc.equal(products["source"], source.name))
    everyone = pc.or_kleene(pc.is_null(accounts["source"]), pc.equal(accounts["source"], source.name))
    return declared | {"records": records, PRODUCTS: mine, SERVICE_ACCOUNTS: accounts.filter(everyone)}


def refuse_in_sample(home: Home, name: str = "") -> None:
    """Raise SourceError in a home of sample events, but for its own source: mixed numbers would describe nothing."""
    sample = home.sample()
    if sample and name not in sample.get("sources", ()):
        raise SourceError(f"{home.root} holds sample events; give your sources a home of their own: --home NEW.")


@contextmanager
def without_secrets(source: Source) -> Iterator[None]:
    """Turn whatever fails into SourceError, with ${NAME} in place of values of the environment."""
    try:
        yield
    except Exception as error:  # of a library too: no source may stop a run
        words = str(error) if isinstance(error, SourceError) else f"{type(error).__name__}: {error}."
        raise SourceError(source.hide(words)) from None
