"""Checks a batch against its contracts, writes what passes, quarantines what doesn't, and writes the receipt last.

Belongs here: types, routing, the frames' checks, the landing files. Does not belong here: parsing formats (events.py),
the rules themselves (data_contracts/), anything that ranks or joins events (dbt).

A batch is one inbox file, named by the hash of its content: landing it twice is a no-op. Its files are
`landing/<table>/<batch_id>.parquet`, and it becomes visible when `landing/batches/<batch_id>.parquet`, the receipt, is
renamed into place. Rows read = rows landed + rows quarantined, or the batch does not land.
"""

import hashlib
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.conform import WORDS, Conformed, conform
from orchestration.contracts import Contract, Property, expectation_suites, load_layer
from orchestration.events import (
    KEPT_BYTES,
    MAX_LINE_BYTES,
    Chunk,
    Unreadable,
    UnreadableFile,
    as_python,
    read_file,
    read_texts,
)
from orchestration.home import Home, publish, sync

SETTLED_SECONDS = 2  # a file changed later than this may still be written to
CLOCK_TOLERANCE = timedelta(minutes=10)
EXTRA_COLUMNS_NAMED = 50
EXTRA_COLUMNS_COUNTED = 10_000  # a file may name new ones on every line
FLUSHED_BYTES = 8 << 20
# Rows are checked so many at a time, however they were read: 10,000-row frames take Great Expectations 13 times longer
CHECKED_BYTES = 32 << 20
CHECKED_ROWS = 250_000
GROUPED_FILES = 1_000

UTC_INSTANT = pa.timestamp("us", tz="UTC")

LANDED_BESIDE = [
    pa.field("is_assumed_utc", pa.bool_()),
    pa.field("attributes", pa.string()),
    pa.field("batch_id", pa.string()),
    pa.field("origin_batch_id", pa.string()),
    pa.field("line_number", pa.int64()),
    pa.field("row_number", pa.int64()),  # with the origin batch, the row's identity: one line can hold many rows
]
QUARANTINE = pa.schema(
    [
        ("batch_id", pa.string()),
        ("file_name", pa.string()),
        ("line_number", pa.int64()),
        ("row_number", pa.int64()),
        ("column_number", pa.int64()),
        ("event_type", pa.string()),
        ("table_name", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("message", pa.string()),
        ("original_text", pa.string()),
        ("csv_header", pa.string()),
        ("is_whole_text", pa.bool_()),
    ]
)
RECEIPT = pa.schema(
    [
        ("batch_id", pa.string()),
        ("file_name", pa.string()),
        ("sha256", pa.string()),
        ("file_bytes", pa.int64()),
        ("file_modified_ns", pa.int64()),
        ("is_replay", pa.bool_()),
        ("is_readable", pa.bool_()),
        ("rows_read", pa.int64()),
        ("rows_landed", pa.int64()),
        ("rows_quarantined", pa.int64()),
        ("landed_by_table", pa.string()),
        ("quarantined_by_table", pa.string()),
        ("quarantined_by_reason", pa.string()),
        ("extra_columns", pa.string()),
        ("warnings", pa.string()),
        ("assumed_utc_count", pa.int64()),
        ("contract_versions", pa.string()),
        ("landed_at", UTC_INSTANT),
    ]
)


class LandingError(RuntimeError):
    """A batch that must not become visible; nothing of it was landed."""


def land_inbox(home: Home, now: datetime | None = None) -> list[dict]:
    """Land every settled inbox file that has not landed yet, in name order; returns the new receipts."""
    contracts = load_layer("landing")
    prepare_landing(home, contracts)
    landed = receipts(home)
    known_files = {(r["file_name"], r["file_bytes"], r["file_modified_ns"]) for r in landed}
    known_batches = {r["batch_id"] for r in landed}
    found = []
    for path in settled_files(home.inbox):
        stat = path.stat()
        if (path.name, stat.st_size, stat.st_mtime_ns) in known_files:
            continue
        digest = _sha256(path)
        if digest[:32] not in known_batches:
            known_batches.add(digest[:32])
            found.append((path, digest))
    checker = Checker(contracts, now or datetime.now(UTC))
    return [receipt for group in _groups(found) for receipt in _land_group(home, checker, group)]


def _groups(found: list[tuple[Path, str]]) -> Iterator[list[tuple[Path, str]]]:
    """Small files together: a check costs half a second a table however few rows it sees."""
    group, size = [], 0
    for path, digest in found:
        group.append((path, digest))
        size += path.stat().st_size
        if size > CHECKED_BYTES or len(group) == GROUPED_FILES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _land_group(home: Home, checker: "Checker", group: list[tuple[Path, str]]) -> Iterator[dict]:
    """Read the files of a group, check their rows together, then make each batch visible on its own."""
    with ExitStack() as stack:
        batches = []
        for path, digest in group:
            stat = path.stat()
            about = {"sha256": digest, "file_bytes": stat.st_size, "file_modified_ns": stat.st_mtime_ns}
            batch = stack.enter_context(_Batch(home, checker, digest[:32], path.name))
            try:
                for chunk in read_file(path, checker.known):
                    batch.add(chunk)
                if _sha256(path) != digest:
                    raise UnreadableFile("it changed while it was read; rename finished files into the inbox")
            except UnreadableFile as error:
                batch.refuse_file(f"{path.name}: {error}. Mend the file and send it again.")
            batches.append((batch, about))
        checker.settle()
        for batch, about in batches:
            yield batch.finish(**about)


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


def place_in_inbox(home: Home, path: Path) -> Path:
    """Copy a file into the inbox whole, under its own name or, where that is taken, with its hash beside it."""
    # hidden files are not read
    target = home.inbox / path.name.removesuffix(".tmp").removesuffix(".part").lstrip(".")
    if target.exists() and _sha256(target) != (digest := _sha256(path)):
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


def replay(home: Home, now: datetime | None = None) -> dict | None:
    """Check quarantined rows again with today's contracts and land those that now pass, once.

    They land as a batch of their own; each row keeps the batch and line it came from. Returns its receipt, or None
    when nothing passes. Rows that still fail stay where they are.
    """
    contracts = load_layer("landing")
    prepare_landing(home, contracts)
    waiting = quarantined(home).to_pylist()
    waiting = [row for row in waiting if row["is_whole_text"]]
    if not waiting:
        return None
    checker = Checker(contracts, now or datetime.now(UTC))
    passing = _passing(checker, waiting)
    if not passing:
        return None
    origins = [(waiting[i]["batch_id"], waiting[i]["row_number"], waiting[i]["line_number"]) for i in passing]
    digest = hashlib.sha256(orjson.dumps(sorted(origins))).hexdigest()
    places = dict(zip(passing, origins, strict=True))
    with _Batch(home, checker, digest[:32], f"replay of {len(passing)} rows", places) as batch:
        for chunk in _read_again(checker, waiting, passing):
            batch.add(chunk)
        checker.settle()
        return batch.finish(sha256=digest, is_replay=True)


def receipts(home: Home) -> list[dict]:
    """Every batch's receipt, oldest first."""
    files = sorted((home.landing / "batches").glob("*.parquet"))
    rows = pa.concat_tables([pq.read_table(f, schema=RECEIPT) for f in files]).to_pylist() if files else []
    return sorted(rows, key=lambda r: (r["landed_at"], r["batch_id"]))


def quarantined(home: Home, batch_ids: list[str] | None = None) -> pa.Table:
    """Quarantined rows of visible batches that no replay has landed since; of `batch_ids` only, when given."""
    folders = sorted(path.parent for path in home.landing.glob("*/_empty.parquet"))
    tables = [folder for folder in folders if folder.name not in ("quarantined_events", "batches")]
    if not tables:
        return QUARANTINE.empty_table()

    def files(folder: Path) -> str:
        path = str(folder).replace("'", "''")
        return f"read_parquet('{path}/*.parquet', union_by_name=true)"

    replayed = " union all ".join(
        f"select batch_id, origin_batch_id, row_number from {files(table)} where origin_batch_id <> batch_id"
        for table in tables
    )
    with duckdb.connect() as db:
        return db.sql(
            f"""
            with visible as (
                select batch_id from {files(home.landing / "batches")}
            ),
            released as (
                select origin_batch_id, row_number from ({replayed}) semi join visible using (batch_id)
            )
            select q.* from {files(home.landing / "quarantined_events")} q
            semi join visible on q.batch_id = visible.batch_id
            anti join released on q.batch_id = released.origin_batch_id and q.row_number = released.row_number
            where $1 is null or list_contains($1, q.batch_id)
            order by q.file_name, q.batch_id, q.row_number
            """,
            params=[batch_ids],
        ).to_arrow_table()


def prepare_landing(home: Home, contracts: dict[str, Contract]) -> None:
    """An empty file in each table's folder, so that every promised column can be read before any row has landed."""
    schemas = {name: _landed_schema(c) for name, c in contracts.items()}
    for name, schema in {**schemas, "quarantined_events": QUARANTINE, "batches": RECEIPT}.items():
        folder = home.landing / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "_empty.parquet"
        if not path.exists() or pq.read_schema(path) != schema:
            temporary = folder / "_empty.parquet.tmp"
            pq.write_table(schema.empty_table(), temporary)
            publish(temporary, path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _landed_schema(contract: Contract) -> pa.Schema:
    return pa.schema([pa.field(p.name, p.arrow_type) for p in contract.properties] + LANDED_BESIDE)


def _read_again(checker: "Checker", waiting: list[dict], indexes: Iterable[int]) -> Iterator[Chunk]:
    by_header: dict[str | None, list[tuple[int, str]]] = {}
    for i in indexes:
        by_header.setdefault(waiting[i]["csv_header"], []).append((i, waiting[i]["original_text"]))
    for header, texts in by_header.items():
        yield from read_texts(texts, header, checker.known)


class _Passing:
    """Takes note of the rows that keep their contract today, and lands nothing."""

    batch_id = "replay"

    def __init__(self):
        self.rows: list[int] = []

    def land(self, checked: "Checked") -> None:
        self.rows += checked.rows.to_pylist()

    def refuse(self, rows: list[dict]) -> None:
        pass


def _passing(checker: "Checker", waiting: list[dict]) -> list[int]:
    """Indexes of the waiting rows that keep their contract today."""
    passing = _Passing()
    for chunk in _read_again(checker, waiting, range(len(waiting))):
        checker.take(chunk, passing)
    checker.settle()
    return sorted(passing.rows)


def wire_columns(contracts: dict[str, Contract]) -> set[str]:
    """Every column that some event type can carry on the wire."""
    return {"event_type"} | {p.name for contract in contracts.values() for p in contract.properties}


@dataclass
class Checked:
    """Rows of one table that keep their contract, typed, with the rows and lines of the file they came from."""

    table: str
    frame: pa.Table
    rows: pa.Array
    lines: pa.Array
    warnings: Counter


@dataclass
class _Pending:
    """Rows of one table, from one chunk, typed and not yet checked."""

    sink: object  # takes `land(Checked)` and `refuse(rows)`
    chunk: Chunk
    rows: pa.Array  # their positions in the chunk
    kinds: pa.Array  # event types of the whole chunk
    frame: pa.Table
    problems: dict[int, list[tuple[str, str]]]  # position in `rows` -> (reason, message)


class Checker:
    """Routes rows to their tables and checks each table's rows against its contract.

    Rows wait, whichever batch they are of, until there are CHECKED_ROWS of them or someone calls `settle`; then each
    goes to its own batch: landed or refused.
    """

    def __init__(self, contracts: dict[str, Contract], now: datetime):
        self.contracts, self.now = contracts, now
        self.known = wire_columns(contracts)
        self.tables = {kind: name for name, contract in contracts.items() for kind in contract.event_types}
        self.parameters = {"landed_at_plus_ten_minutes": now + CLOCK_TOLERANCE}
        self._pending: dict[str, list[_Pending]] = {}
        self._suites: dict[str, tuple] = {}

    def take(self, chunk: Chunk, sink) -> None:
        """Type and route the rows of a chunk. What can't even be routed is refused at once."""
        sink.refuse([_refusal(u, chunk.header) for u in chunk.unreadable])
        if not chunk.lines:
            return
        kinds = conform(chunk.columns["event_type"], "string")
        routed = pa.array([self.tables.get(kind) for kind in kinds.values.to_pylist()], pa.string())
        sink.refuse(self._unrouted(chunk, kinds, routed))
        for table in sorted(set(routed.drop_null().unique().to_pylist())):
            rows = pc.indices_nonzero(pc.equal(routed, table))
            self._pending.setdefault(table, []).append(self._typed(table, chunk, rows, kinds.values, sink))
        chunk.columns, chunk.extras = {}, []  # typed by now, and ten times as large as their text
        waiting = [pending for group in self._pending.values() for pending in group]
        is_much = sum(len(p.rows) for p in waiting) >= CHECKED_ROWS
        if is_much or sum({id(p.chunk): p.chunk.size for p in waiting}.values()) >= CHECKED_BYTES:
            self.settle()

    def settle(self) -> None:
        """Check every waiting row, each table in one frame, and hand each to its batch."""
        pending, self._pending = self._pending, {}
        for table, group in sorted(pending.items()):
            self._settle_table(table, group)

    def forget(self, sink) -> None:
        """Drop the waiting rows of a batch that turned out to be unreadable."""
        kept = {table: [p for p in group if p.sink is not sink] for table, group in self._pending.items()}
        self._pending = {table: group for table, group in kept.items() if group}

    def _unrouted(self, chunk: Chunk, kinds: Conformed, routed: pa.Array) -> list[dict]:
        refused = []
        for i in pc.indices_nonzero(pc.is_null(routed)).to_pylist():
            kind = kinds.values[i].as_py()
            if kinds.is_wrong[i].as_py():
                problem = ("event_type_wrong_type", "event_type is not text")
            elif kind is None:
                problem = ("event_type_missing", "event_type is missing")
            else:
                known = ", ".join(sorted(self.tables))
                problem = ("event_type_unknown", f"event_type {kind[:80]!r} is in no contract; known are {known}")
            refused.append(_refused_row(chunk, i, kind, None, [problem]))
        return refused

    def _settle_table(self, table: str, group: list[_Pending]) -> None:
        clean = [p.frame.take(_others(p.problems, len(p.rows))) if p.problems else p.frame for p in group]
        broken, warnings = self._validate(self.contracts[table], pa.concat_tables(clean))
        start = 0
        for pending, typed in zip(group, clean, strict=True):
            places = _others(pending.problems, len(pending.rows))
            for i in [i for i in broken if start <= i < start + typed.num_rows]:
                pending.problems[places[i - start].as_py()] = broken.pop(i)
            start += typed.num_rows
            self._hand_over(table, pending, warnings.pop(pending.sink.batch_id, Counter()))

    def _hand_over(self, table: str, pending: _Pending, warnings: Counter) -> None:
        rows, chunk = pending.rows, pending.chunk
        pending.sink.refuse(
            [
                _refused_row(chunk, rows[i].as_py(), pending.kinds[rows[i].as_py()].as_py(), table, found)
                for i, found in sorted(pending.problems.items())
            ]
        )
        frame = pending.frame
        if pending.problems:
            kept = _others(pending.problems, len(rows))
            frame, rows = frame.take(kept), rows.take(kept)
        numbers, lines = (pa.array(places, pa.int64()).take(rows) for places in (chunk.rows, chunk.lines))
        pending.sink.land(Checked(table, frame, numbers, lines, warnings))

    def _typed(self, table: str, chunk: Chunk, rows: pa.Array, kinds: pa.Array, sink) -> _Pending:
        contract = self.contracts[table]
        columns, problems, assumed = self._conform_columns(contract, chunk, rows, kinds)
        columns["is_assumed_utc"] = assumed
        columns["attributes"] = self._attributes(contract, chunk, rows, kinds)
        columns["batch_id"] = pa.repeat(sink.batch_id, len(rows))
        return _Pending(sink, chunk, rows, kinds, pa.table(columns), problems)

    def _conform_columns(self, contract: Contract, chunk: Chunk, rows: pa.Array, kinds: pa.Array):
        columns, problems = {}, {}
        assumed = pa.repeat(False, len(rows))
        is_whole = len(rows) == len(chunk.lines)
        for p in contract.properties:
            sent = chunk.columns[p.name]
            if p.name == contract.custom.get("eventTypeColumn"):
                sent = kinds
            if not is_whole:
                sent = sent.take(rows) if isinstance(sent, pa.Array) else [sent[i] for i in rows.to_pylist()]
            got = conform(sent, p.logical_type)
            columns[p.name] = got.values if p.default is None else _with_default(got, p)
            if p.name == "occurred_at":
                assumed = got.is_assumed_utc
            for i in pc.indices_nonzero(got.is_wrong).to_pylist():
                message = f"{p.name}: {_shown(sent[i])} is not {WORDS[p.logical_type]}"
                problems.setdefault(i, []).append((f"{p.name}_wrong_type", message))
        return columns, problems, assumed

    def _attributes(self, contract: Contract, chunk: Chunk, rows: pa.Array, kinds: pa.Array) -> pa.Array:
        """What came beside the promised columns, as JSON: unknown columns, and columns of other event types."""
        # the column that keeps the event type is not taken from what was sent under its name
        kind_column = contract.custom.get("eventTypeColumn")
        own = {p.name for p in contract.properties} - {kind_column} | {"event_type"}
        foreign = {}
        for name in sorted(self.known - own):
            sent = chunk.columns[name]
            values = sent.take(rows) if isinstance(sent, pa.Array) else [sent[i] for i in rows.to_pylist()]
            if isinstance(values, pa.Array):
                values = list(map(as_python, values)) if values.null_count < len(values) else []
            if name == kind_column:
                values = [None if v == k.as_py() else v for v, k in zip(values, kinds.take(rows), strict=False)]
            if any(value is not None for value in values):
                foreign[name] = values
        if not foreign and not any(chunk.extras):
            return pa.nulls(len(rows), pa.string())
        beside = []
        for i, at in enumerate(rows.to_pylist()):
            found = {n: v[i] for n, v in foreign.items() if v[i] is not None} | (chunk.extras[at] or {})
            beside.append(_json(found) if found else None)
        return pa.array(beside, pa.string())

    def _validate(self, contract: Contract, frame: pa.Table):
        """({row: [(reason, message)]}, {batch_id: warnings by reason}); raises LandingError where a rule can't run."""
        if not frame.num_rows:
            return {}, {}
        if contract.name not in self._suites:
            self._suites[contract.name] = expectation_suites(contract)
        refusing, warning = self._suites[contract.name]
        rows = frame.to_pandas()
        broken: dict[int, list[tuple[str, str]]] = {}
        for meta, indexes in _failures(refusing, rows, self.parameters):
            for i in indexes:
                found = frame[meta["column"]][i] if meta["column"] else None
                value = f": {_shown(found)}" if found is not None and found.is_valid else ""
                message = f"{meta['column'] or 'row'}{value} {meta['explanation']}"
                broken.setdefault(i, []).append((meta["reason"], message))
        warnings: dict[str, Counter] = {}
        # a check of uniqueness would flag exact repeats too, and those are expected
        plain = [p.name for p in contract.properties if p.logical_type != "array"] + ["batch_id"]
        for meta, indexes in _failures(warning, rows, self.parameters, distinct_by=plain):
            for i in indexes:
                warnings.setdefault(rows["batch_id"].loc[i], Counter())[meta["reason"]] += 1
        return broken, warnings


def _shown(value) -> str:
    """A refused value for people, short."""
    value = as_python(value) if isinstance(value, pa.Scalar) else value
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value[:80]) if isinstance(value, str) else str(value)[:80]


def _others(problems: dict[int, list], length: int) -> pa.Array:
    """Positions without a problem."""
    return pa.array([i for i in range(length) if i not in problems], pa.int64())


def _refused_row(chunk: Chunk, i: int, kind: str | None, table: str | None, problems: list[tuple[str, str]]) -> dict:
    text = chunk.text(i)
    is_whole = len(text) <= MAX_LINE_BYTES
    return {
        "line_number": chunk.lines[i],
        "row_number": chunk.rows[i],
        "column_number": None,
        "event_type": kind,
        "table_name": table,
        "reasons": [reason for reason, _ in problems],
        "message": "; ".join(message for _, message in problems),
        "original_text": text if is_whole else text[:KEPT_BYTES],
        "csv_header": chunk.header,
        "is_whole_text": is_whole,
    }


def _with_default(got, p: Property) -> pa.Array:
    filled = pc.fill_null(got.values, pa.scalar(p.default, p.arrow_type))
    return pc.if_else(got.is_wrong, pa.scalar(None, p.arrow_type), filled)


def _json(value: dict) -> str:
    """JSON with sorted keys, so that the same extras are the same text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode()


def _refusal(u: Unreadable, header: str | None = None) -> dict:
    return {
        "line_number": u.line,
        "row_number": u.row,
        "column_number": u.column,
        "event_type": None,
        "table_name": None,
        "reasons": [u.reason],
        "message": u.message,
        "original_text": u.text,
        "csv_header": header,
        "is_whole_text": u.is_whole_text,
    }


def _failures(
    suite, frame: pd.DataFrame, parameters: dict, distinct_by: list[str] | None = None
) -> Iterator[tuple[dict, list[int]]]:
    """(rule's meta, index labels of the rows that break it) of each broken rule, exact repeats left out on request.

    Row positions cost several times the check itself, so only the rules that are broken are asked for them. A rule that
    crashes has no positions: that is a batch that can't be judged, never a batch without faults.
    """
    if not suite.expectations:
        return
    quick = _validate_frame(suite, frame, parameters, {"result_format": "BOOLEAN_ONLY"})
    broken = {result.expectation_config.meta["reason"] for result in quick.results if not result.success}
    if not broken:
        return
    suspects = type(suite)(suite.name, [rule for rule in suite.expectations if rule.meta["reason"] in broken])
    if distinct_by:
        frame = frame.drop_duplicates(distinct_by)
    for result in _validate_frame(suspects, frame, parameters, {"result_format": "COMPLETE"}).results:
        if result.success:
            continue
        meta = result.expectation_config.meta
        indexes = (result.result or {}).get("unexpected_index_list")
        if indexes is None:
            raise LandingError(f"{suite.name}: the rule {meta['reason']} could not be checked: {_exception(result)}")
        yield meta, sorted(set(indexes))


def _exception(result) -> str:
    info = result.exception_info or {}
    found = info if "exception_message" in info else next(iter(info.values()), {})
    return str(found.get("exception_message") or "no reason given")


def _validate_frame(suite, frame: pd.DataFrame, parameters: dict, result_format: dict):
    batch = _batch_definition().get_batch(batch_parameters={"dataframe": frame})
    from great_expectations.exceptions import GreatExpectationsError

    try:
        return batch.validate(suite, result_format=result_format, expectation_parameters=parameters)
    except GreatExpectationsError as error:
        raise LandingError(f"{suite.name}: its rules could not be checked: {error}") from error


@cache
def _batch_definition():
    """An ephemeral Great Expectations context: no files, no telemetry, no progress bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # GX takes seconds to import, and a run without new files never needs it
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("landing")
    return source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")


class _Batch:
    """One batch on its way to disk: everything goes to `.tmp` files, which `finish` renames, the receipt last."""

    def __init__(self, home: Home, checker: Checker, batch_id: str, file_name: str, origins: dict | None = None):
        self.home, self.checker, self.batch_id, self.file_name = home, checker, batch_id, file_name
        self.origins = origins  # of rows read before: their number -> (batch, row, line)
        self._start()

    def _start(self):
        self.waiting: dict[str, list[pa.Table]] = {}
        self.writers: dict[str, pq.ParquetWriter] = {}
        self.read, self.is_readable, self.assumed_utc = 0, True, 0
        self.landed, self.refused, self.reasons = Counter(), Counter(), Counter()
        self.extras, self.warnings = Counter(), Counter()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for table, writer in self.writers.items():
            writer.close()
            self._temporary(table).unlink(missing_ok=True)
        self.writers = {}

    def _temporary(self, table: str) -> Path:
        return self.home.landing / table / f"{self.batch_id}.parquet.tmp"

    def add(self, chunk: Chunk) -> None:
        """Send a chunk through the checker, which gives its rows back to `land` and `refuse`."""
        self.read += len(chunk.lines) + len(chunk.unreadable)
        for extra in filter(None, chunk.extras):
            is_room = len(self.extras) < EXTRA_COLUMNS_COUNTED
            self.extras.update(extra.keys() if is_room else extra.keys() & self.extras.keys())
        self.checker.take(chunk, self)

    def refuse_file(self, message: str) -> None:
        """Give the whole file up: it counts as one row, quarantined, and nothing of it lands."""
        self.checker.forget(self)
        self.__exit__()
        self._start()
        self.read, self.is_readable = 1, False
        self.refuse([_refusal(Unreadable(None, None, None, "unreadable_file", message, "", is_whole_text=False))])

    def land(self, checked: Checked) -> None:
        """Write rows that keep their contract."""
        self.landed[checked.table] += checked.frame.num_rows
        self.warnings += checked.warnings
        self.assumed_utc += pc.sum(checked.frame["is_assumed_utc"]).as_py() or 0
        rows, lines = checked.rows, checked.lines
        origins = pa.repeat(self.batch_id, len(rows))
        if self.origins:
            places = [self.origins[number] for number in rows.to_pylist()]
            origins, rows, lines = (pa.array([place[k] for place in places]) for k in range(3))
        schema = _landed_schema(self.checker.contracts[checked.table])
        beside = {"origin_batch_id": origins, "row_number": rows, "line_number": lines}
        frame = pa.table({name: checked.frame.column(name) for name in checked.frame.column_names} | beside)
        self._write(checked.table, frame.select(schema.names).cast(schema))

    def refuse(self, rows: list[dict]) -> None:
        """Write rows to quarantine, with what they break and where they stood."""
        if not rows:
            return
        for row in rows:
            self.refused[row["table_name"] or ""] += 1
            self.reasons.update(row["reasons"])
        beside = {"batch_id": self.batch_id, "file_name": self.file_name}
        rows = sorted(rows, key=lambda r: r["row_number"] or 0)
        self._write("quarantined_events", pa.Table.from_pylist([beside | row for row in rows], QUARANTINE))

    def _write(self, table: str, rows: pa.Table) -> None:
        """Keep rows until they are worth a row group: a thousand small batches can't each have seven files open."""
        if rows.num_rows:
            waiting = self.waiting.setdefault(table, [])
            waiting.append(rows)
            if sum(some.nbytes for some in waiting) >= FLUSHED_BYTES:
                self._flush(table)

    def _flush(self, table: str) -> None:
        rows = pa.concat_tables(self.waiting.pop(table))
        if table not in self.writers:
            self.writers[table] = pq.ParquetWriter(self._temporary(table), rows.schema, compression="zstd")
        self.writers[table].write_table(rows)

    def _publish(self) -> None:
        """Rename every table's file into place, and remove what an attempt that crashed may have left of others."""
        for table in list(self.waiting):
            self._flush(table)
        for path in self.home.landing.glob(f"*/{self.batch_id}.parquet"):
            path.unlink()
        for table, writer in self.writers.items():
            writer.close()
            sync(self._temporary(table))
            publish(self._temporary(table), self.home.landing / table / f"{self.batch_id}.parquet")
        self.writers = {}

    def finish(self, sha256: str, file_bytes=None, file_modified_ns=None, is_replay=False) -> dict:
        """Make the batch visible: its files first, its receipt last. Returns the receipt; raises LandingError."""
        landed, refused = sum(self.landed.values()), sum(self.refused.values())
        if self.read != landed + refused:
            raise LandingError(f"{self.file_name}: {self.read} rows read, but {landed} landed + {refused} quarantined")
        self._publish()
        receipt = {
            "batch_id": self.batch_id,
            "file_name": self.file_name,
            "sha256": sha256,
            "file_bytes": file_bytes,
            "file_modified_ns": file_modified_ns,
            "is_replay": is_replay,
            "is_readable": self.is_readable,
            "rows_read": self.read,
            "rows_landed": landed,
            "rows_quarantined": refused,
            "landed_by_table": _json(self.landed),
            "quarantined_by_table": _json(self.refused),
            "quarantined_by_reason": _json(self.reasons),
            "extra_columns": _json(
                dict(sorted(self.extras.items(), key=lambda kv: (-kv[1], kv[0]))[:EXTRA_COLUMNS_NAMED])
            ),
            "warnings": _json(self.warnings),
            "assumed_utc_count": self.assumed_utc,
            "contract_versions": _json({name: c.version for name, c in self.checker.contracts.items()}),
            "landed_at": self.checker.now,
        }
        temporary = self._temporary("batches")
        pq.write_table(pa.Table.from_pylist([receipt], RECEIPT), temporary)
        sync(temporary)
        publish(temporary, self.home.landing / "batches" / f"{self.batch_id}.parquet")
        return receipt
