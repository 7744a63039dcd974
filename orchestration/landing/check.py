"""Routes rows to their tables, and checks each table's rows against its contract.

Belongs here: event type to table, which rows are typed and checked together, the message of each refused row. Does not
belong here: wire values to columns (typed_rows.py), the rules themselves (data_contracts/), how a rule becomes an
expectation (rules.py), parsing formats (formats.py, rows.py), what is written where (batch.py).

Great Expectations checks the frames. It and pandas take 2.5 CPU-seconds to import: only a run with new rows pays them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import accumulate, chain
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contracts.contract import Contract
from orchestration.landing.columns import Columns
from orchestration.landing.conform import Conformed, conform
from orchestration.landing.rows import (
    CHUNK_BYTES,
    CHUNK_ROWS,
    EVENT_KEY,
    KEPT_BYTES,
    MAX_LINE_BYTES,
    Chunk,
    Unreadable,
    joined,
)
from orchestration.landing.rules import Rule, broken_rows, rules_of
from orchestration.landing.times import Timezones
from orchestration.landing.typed_rows import SOURCE, Problems, Typing, null_marker, taken

CLOCK_TOLERANCE = timedelta(minutes=10)
IN_THE_FUTURE = "occurred_at_in_the_future"  # the reason, as the contracts name it
HALF_A_DAY, LARGEST_OFFSET = timedelta(hours=12), timedelta(hours=14)
# Rows are checked so many at a time, however they were read: a check costs 0.3 CPU-s and one more a million rows
CHECKED_BYTES = 256 << 20
CHECKED_ROWS = 1_000_000


@dataclass
class Checked:
    """Rows of one table that keep their contract, typed, with the rows and lines of the file they came from."""

    table: str
    frame: pa.Table
    rows: pa.Array
    lines: pa.Array
    warnings: Counter


class Sink(Protocol):
    """Where the checker sends the rows of one batch."""

    batch_id: str

    def land(self, checked: Checked) -> None:
        """Take rows that keep their contract."""

    def refuse(self, rows: list[dict[str, Any]]) -> None:
        """Take rows that don't, as quarantine keeps them."""


@dataclass
class _Part:
    """The rows of one batch among those that are typed together, up to the position `end`."""

    batch_id: str
    sink: Sink | None  # None once the batch turned out to be unreadable
    end: int


@dataclass
class _Pending:
    """Rows of one table, of one or more batches, typed and not yet checked."""

    parts: list[_Part]
    chunk: Chunk
    rows: pa.Array  # their positions in the chunk
    kinds: pa.Array  # event types of the whole chunk
    frame: pa.Table
    problems: Problems  # by position in `rows`


def wire_columns(contracts: dict[str, Contract]) -> set[str]:
    """Every column that some event type can carry on the wire."""
    return {"event_type"} | {p.name for contract in contracts.values() for p in contract.properties}


class Checker:
    """Routes rows to their tables and checks each table's rows against its contract.

    Rows wait, whichever batch they are of, until there are CHECKED_ROWS of them or a caller calls
    `check_pending`; then each goes to its own batch: landed or refused.
    """

    def __init__(self, contracts: dict[str, Contract], now: datetime, timezones: Timezones | None = None) -> None:
        self.contracts, self.now, self.known = contracts, now, wire_columns(contracts)
        self.typing = Typing(self.known, timezones or Timezones())
        self.tables = {kind: name for name, contract in contracts.items() for kind in contract.event_types}
        self.parameters = {"landed_at_plus_ten_minutes": now + CLOCK_TOLERANCE}
        self._untyped: list[tuple[Chunk, Sink]] = []
        self._untyped_rows = self._untyped_bytes = 0
        self._pending: dict[str, list[_Pending]] = {}
        self._waiting_rows = self._waiting_bytes = 0  # of `_pending`; of what is forgotten too, as above

    @cached_property
    def rules(self) -> "list[Rule]":
        """Every rule of the contracts. What several tables state alike is merged: 158 become 43, each 4 ms a check."""
        return rules_of(self.contracts)

    def take(self, chunk: Chunk, sink: Sink) -> None:
        """Take the rows of a chunk. Small chunks are typed together: typing costs 6 ms however few rows there are."""
        sink.refuse([refusal(u, chunk.header) for u in chunk.unreadable])
        if not chunk.lines:
            return
        is_arrow = isinstance(chunk.columns["event_type"], pa.Array)
        if is_arrow or (self._untyped and self._untyped[0][0].header != chunk.header):
            self._type()
        self._untyped.append((chunk, sink))
        self._untyped_rows += len(chunk.lines)
        self._untyped_bytes += chunk.size
        if is_arrow or self._untyped_rows >= CHUNK_ROWS or self._untyped_bytes >= CHUNK_BYTES:
            self._type()

    def _type(self) -> None:
        """Type and route the rows that wait for it. Rows that can't be routed are refused."""
        if not self._untyped:
            return
        chunk = joined([chunk for chunk, _ in self._untyped])
        ends = accumulate(len(chunk.lines) for chunk, _ in self._untyped)
        parts = [_Part(sink.batch_id, sink, end) for (_, sink), end in zip(self._untyped, ends, strict=True)]
        self._untyped, self._untyped_rows, self._untyped_bytes = [], 0, 0
        kinds = self._event_types(conform(chunk.columns["event_type"], "string"))
        routes = pa.array(self.tables.values(), pa.string())
        routed = routes.take(pc.index_in(kinds.values, pa.array(self.tables, pa.string())))
        self._refuse_unrouted(parts, chunk, kinds, routed)
        for table in sorted(routed.unique().drop_null().to_pylist()):
            rows = pc.indices_nonzero(pc.equal(routed, table))
            frame, problems = self.typing.frame(self.contracts[table], chunk, rows, kinds.values)
            frame = frame.append_column("batch_id", _batch_ids(parts, rows))
            pending = _Pending(parts, chunk, rows, kinds.values, frame, problems)
            self._pending.setdefault(table, []).append(pending)
        chunk.columns, chunk.extras = {}, []  # typed by now, and ten times as large as their text
        self._waiting_bytes += chunk.size if routed.null_count < len(routed) else 0
        self._waiting_rows += len(routed) - routed.null_count
        if self._waiting_rows >= CHECKED_ROWS or self._waiting_bytes >= CHECKED_BYTES:
            self.check_pending()

    def check_pending(self) -> None:
        """Check every waiting row, and deliver each to its batch: landed or refused."""
        self._type()
        groups, self._pending = dict(sorted(self._pending.items())), {}
        self._waiting_rows = self._waiting_bytes = 0
        clean = {table: [_rows_without(p.frame, p.problems) for p in group] for table, group in groups.items()}
        frames = {table: pa.concat_tables(each).unify_dictionaries() for table, each in clean.items()}
        frames = {table: frame for table, frame in frames.items() if frame.num_rows}
        broken, warnings = broken_rows(self.rules, self.parameters, frames) if frames else ({}, {})
        for table, rows_broken in broken.items():
            _reconsider_future(frames[table], rows_broken, self.now + CLOCK_TOLERANCE)
        for table, group in groups.items():
            start, rows = 0, sorted(broken.get(table, ()))
            for pending, frame in zip(group, clean[table], strict=True):
                end = start + frame.num_rows
                mine = rows[bisect_left(rows, start) : bisect_left(rows, end)]
                if mine:
                    positions = _positions_without(pending.problems, len(pending.rows))
                    pending.problems |= {int(positions[row - start]): broken[table].pop(row) for row in mine}
                self._deliver(table, pending, warnings)
                start = end

    def forget(self, sink: Sink) -> None:
        """Drop the waiting rows of a batch that turned out to be unreadable."""
        self._untyped = [each for each in self._untyped if each[1] is not sink]
        for pending in chain.from_iterable(self._pending.values()):
            for part in pending.parts:
                part.sink = None if part.sink is sink else part.sink
        kept = {t: [p for p in group if any(part.sink for part in p.parts)] for t, group in self._pending.items()}
        self._pending = {table: group for table, group in kept.items() if group}

    def _event_types(self, kinds: Conformed) -> Conformed:
        """The event types as the contracts write them, whatever their case, spaces and hyphens."""
        if pc.all(pc.is_in(kinds.values.drop_null(), pa.array(self.tables, pa.string()))).as_py():
            return kinds
        spelt, sent = Columns(self.tables.keys()), kinds.values.dictionary_encode()
        known = pa.array([spelt.meant(kind) or kind for kind in sent.dictionary.to_pylist()], pa.string())
        return replace(kinds, values=known.take(sent.indices))

    def _refuse_unrouted(self, parts: list[_Part], chunk: Chunk, kinds: Conformed, routed: pa.Array) -> None:
        refused = []
        rows = pc.indices_nonzero(pc.is_null(routed))
        for i, key in zip(rows.to_pylist(), _event_keys(chunk, rows), strict=True):
            kind = kinds.values[i].as_py()
            if kinds.is_wrong[i].as_py():
                problem = ("event_type_wrong_type", "event_type is not text")
            elif kinds.is_null_marker[i].as_py():
                problem = null_marker("event_type", chunk.columns["event_type"][i])
            elif kind is None:
                problem = ("event_type_missing", "event_type is missing")
            else:
                known = ", ".join(sorted(self.tables))
                problem = ("event_type_unknown", f"event_type {kind[:80]!r} is in no contract; known are {known}")
            refused.append(_refused_row(chunk, i, kind, None, [problem], key))
        for sink, start, end in _in_parts(parts, rows):
            sink.refuse(refused[start:end])

    def _deliver(self, table: str, pending: _Pending, warnings: dict[tuple[str, str], Counter]) -> None:
        rows, chunk = pending.rows, pending.chunk
        refused = []
        for i, found in sorted(pending.problems.items()):
            at, key = rows[i].as_py(), {name: pending.frame[name][i].as_py() for name in EVENT_KEY}
            refused.append(_refused_row(chunk, at, pending.kinds[at].as_py(), table, found, key))
        wrong, kept = np.array(sorted(pending.problems)), _positions_without(pending.problems, len(rows))
        frame = _rows_without(pending.frame, pending.problems)
        numbers, lines = (_integers(places).take(rows.take(kept)) for places in (chunk.rows, chunk.lines))
        for sink, *ends in _in_parts(pending.parts, rows):
            start, end = np.searchsorted(wrong, ends)
            sink.refuse(refused[start:end])
            start, end = np.searchsorted(kept, ends)
            mine, my_numbers, my_lines = (each.slice(start, end - start) for each in (frame, numbers, lines))
            counted = warnings.pop((table, sink.batch_id), Counter())
            sink.land(Checked(table, mine, my_numbers, my_lines, counted))


def _batch_ids(parts: list[_Part], rows: pa.Array) -> pa.Array:
    """The batch of each row, as a dictionary: they are few, and it costs four bytes a row."""
    numbers = np.searchsorted([part.end for part in parts], rows.to_numpy(), "right")
    return pa.array([part.batch_id for part in parts], pa.string()).dictionary_encode().take(pa.array(numbers))


def _in_parts(parts: list[_Part], rows: pa.Array) -> Iterator[tuple[Sink, int, int]]:
    """(the sink of each part that has some of the rows, where its rows start and end among them); rows ascend."""
    ends = np.searchsorted(rows.to_numpy(), [part.end for part in parts]).tolist()
    for part, start, end in zip(parts, [0, *ends], ends, strict=False):
        if part.sink and start < end:
            yield part.sink, start, end


def _reconsider_future(frame: pa.Table, broken: dict[int, list[tuple[str, str]]], limit: datetime) -> None:
    """Keep a date whose day has begun, as its noon may be to come; say what a time without offset may lack."""
    for row, problems in list(broken.items()):
        if IN_THE_FUTURE not in [reason for reason, _ in problems]:
            continue
        at = frame["occurred_at"][row].as_py()
        if frame["is_assumed_time"][row].as_py() and at - HALF_A_DAY <= limit:
            problems = [problem for problem in problems if problem[0] != IN_THE_FUTURE]
        elif frame["is_assumed_utc"][row].as_py() and at - limit <= LARGEST_OFFSET:
            advice = (
                " It was sent without an offset and read as UTC. If its source sends local times, declare the "
                f"timezone of {frame[SOURCE][row].as_py()!r} in declared/source_timezones.csv, and run "
                "`flywheel replay`."
            )
            problems = [(r, m + advice if r == IN_THE_FUTURE else m) for r, m in problems]
        if problems:
            broken[row] = problems
        else:
            del broken[row]


def _event_keys(chunk: Chunk, rows: pa.Array) -> list[dict[str, str | None]]:
    """The EVENT_KEY of some rows of a chunk; null where it is not text."""
    sent = [conform(taken(chunk.columns[name], rows), "string").values.to_pylist() for name in EVENT_KEY]
    return [dict(zip(EVENT_KEY, key, strict=True)) for key in zip(*sent, strict=True)]


def _integers(places: list[int] | list[int | None] | range) -> pa.Array:
    return pa.array(np.arange(places.start, places.stop) if isinstance(places, range) else places, pa.int64())


def _positions_without(problems: Iterable[int], length: int) -> np.ndarray:
    """Positions without a problem, ascending."""
    is_kept = np.ones(length, bool)
    is_kept[list(problems)] = False
    return np.flatnonzero(is_kept)


def _rows_without(frame: pa.Table, problems: dict[int, list]) -> pa.Table:
    return frame.take(_positions_without(problems, frame.num_rows)) if problems else frame


def _refused_row(
    chunk: Chunk, i: int, kind: str | None, table: str | None, problems: list[tuple[str, str]], event_key: dict
) -> dict:
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
        "arrow_row": chunk.arrow_row(i) if chunk.arrow_row and is_whole else None,
        **event_key,
    }


def refusal(u: Unreadable, header: str | None = None) -> dict[str, Any]:
    """What could not be read at all, as quarantine keeps it."""
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
        **dict(zip(EVENT_KEY, u.event_key, strict=True)),
    }
