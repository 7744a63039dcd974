"""Examines a source without sending anything: what its records gave, and whether its test passes.

Belongs here: records by kind, events by type, records that gave none; expected events against those returned. Does not
belong here: sending (pull.py), words for the terminal (sources_cli.py).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
import pyarrow as pa

from orchestration.contracts.odcs import load_layer
from orchestration.declared import DeclarationError, read_declared
from orchestration.home import Home, current_time, write_whole
from orchestration.sources.declaration import Source, SourceError, load_source
from orchestration.sources.mapping import Mapping
from orchestration.sources.pull import PRODUCTS, receive, records_of, refuse_in_sample, tables, without_secrets
from orchestration.sources.records import reader_for, records_table
from orchestration.sources.statement import Event

RECORDS_TRIED = 100  # one at a time, spread over all: the mapping runs once for each
EXAMPLES = 3


@dataclass
class Kind:
    """The records of one kind; `tried` of them were mapped alone, and gave events of these types, or none."""

    records: int = 0
    tried: int = 0
    event_types: Counter[str] = field(default_factory=Counter)
    silent: int = 0
    examples: list[str] = field(default_factory=list)  # of silent records: file and number


@dataclass(frozen=True)
class Examined:
    """What a source's records gave: all together, and by kind, the most frequent first."""

    event_types: Counter[str]
    kinds: dict[str, Kind]


def examine(home: Home, name: str) -> Examined:
    """Map what the source has now; sends nothing. Raises SourceError."""
    with home.lock():
        refuse_in_sample(home, name)
        source = load_source(home, name)
        with without_secrets(source):
            receive(source, current_time())
            records = records_of(source)
            with Mapping(source.sql, tables(home, source, records)) as mapping:
                types = Counter(map(_type, mapping.events()))
                return _examined(mapping, source, records, types)


def _examined(mapping: Mapping, source: Source, records: pa.Table, types: Counter[str]) -> Examined:
    names, count = mapping.kinds(source.record_kind), records.num_rows
    kinds = {name: Kind(number) for name, number in Counter(names).most_common()}
    tried = range(count) if count <= RECORDS_TRIED else [i * count // RECORDS_TRIED for i in range(RECORDS_TRIED)]
    for number in tried:
        kind, events = kinds[names[number]], mapping.events_of_record(number)
        kind.tried += 1
        kind.event_types.update(map(_type, events))
        kind.silent += not events
        if not events and len(kind.examples) < EXAMPLES:
            row = records.slice(number, 1).select(["file_name", "record_number"]).to_pylist()[0]
            kind.examples.append(f"{row['file_name']} record {row['record_number']}")
    return Examined(types, kinds)


def _type(event: Event) -> str:
    """Its type, apart from those that the mapping says never happened."""
    return f"{event.get('event_type')}{', retracted' if event.get('is_retracted') else ''}"


def run_test(home: Home, name: str, accept: bool = False) -> list[str]:
    """The differences between what the records of a source's test give and what is expected; none: it passes.

    A line of an event that is missing begins with -, of one that is not expected with +. `accept` writes the events as
    the expected ones. Raises SourceError.
    """
    source = load_source(home, name, needs_environment=False)
    with without_secrets(source):
        got = _lines(events_of_test(home, source))
        expected = source.tests / "expected.jsonl"
        if accept:
            write_whole(expected, "".join(f"{line}\n" for line in got).encode())
        if not expected.exists():
            raise SourceError(f"{expected} is missing: `flywheel sources test {name} --accept` writes it.")
        want = _lines(orjson.loads(line) for line in expected.read_bytes().splitlines() if line.strip())
    return sorted([f"- {line}" for line in want if line not in got] + [f"+ {line}" for line in got if line not in want])


def events_of_test(home: Home, source: Source) -> list[Event]:
    """The events of the records in a source's test; each file is received a minute after the one before it."""
    folder = source.tests / "records"
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and reader_for(path.name))
    if not paths:
        raise SourceError(f"{folder} holds no file of records; put some there.")
    files = [(p.relative_to(folder).as_posix(), p, _received_at(minute)) for minute, p in enumerate(paths)]
    read = tables(home, source, records_table(files)) | _declared_in_test(source)
    with Mapping(source.sql, read) as mapping:
        return mapping.events()


def _declared_in_test(source: Source) -> dict[str, pa.Table]:
    """The declared tables that stand in a source's test, for those of the home; all their rows are about it."""
    files = {name: source.tests / f"{name}.csv" for name in load_layer("declared")}
    try:
        read = {name: read_declared(path, name) for name, path in files.items() if path.exists()}
    except DeclarationError as error:
        raise SourceError(str(error)) from None
    return read | ({PRODUCTS: read["data_products"]} if "data_products" in read else {})


def _received_at(minute: int) -> str:
    return f"2026-01-01T{minute // 60 % 24:02}:{minute % 60:02}:00Z"


def _lines(events: Iterable[Event]) -> list[str]:
    return sorted(orjson.dumps(event, option=orjson.OPT_SORT_KEYS).decode() for event in events)
