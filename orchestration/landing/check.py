"""Types rows, routes them to their tables, and checks each table's rows against its contract.

Belongs here: event type to table, wire values to columns, the message of each refused row. Does not
belong here: the rules themselves (data_contracts/), how a rule becomes an expectation (rules.py), parsing formats
(formats.py, rows.py), what is written where (batch.py).

Great Expectations checks the frames. It and pandas take 2.5 CPU-seconds to import: only a run with new rows pays them.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contracts.contract import Contract, Property
from orchestration.landing.columns import Columns
from orchestration.landing.conform import Conformed, conform, why_wrong
from orchestration.landing.rows import EVENT_KEY, KEPT_BYTES, MAX_LINE_BYTES, Chunk, Unreadable, as_python
from orchestration.landing.rules import Rule, broken_rows, rules_of, short_text
from orchestration.landing.times import Clock, Timezones

SOURCE, _ = EVENT_KEY
CLOCK_TOLERANCE = timedelta(minutes=10)
IN_THE_FUTURE = "occurred_at_in_the_future"  # the reason, as the contracts name it
HALF_A_DAY, LARGEST_OFFSET = timedelta(hours=12), timedelta(hours=14)
JSON_EXPONENT = re.compile(r"-?\d+(?:\.\d+)?[eE]\+?\d+")
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
class _Pending:
    """Rows of one table, from one chunk, typed and not yet checked."""

    sink: Sink
    chunk: Chunk
    rows: pa.Array  # their positions in the chunk
    kinds: pa.Array  # event types of the whole chunk
    frame: pa.Table
    problems: dict[int, list[tuple[str, str]]]  # position in `rows` -> (reason, message)


def wire_columns(contracts: dict[str, Contract]) -> set[str]:
    """Every column that some event type can carry on the wire."""
    return {"event_type"} | {p.name for contract in contracts.values() for p in contract.properties}


class Checker:
    """Routes rows to their tables and checks each table's rows against its contract.

    Rows wait, whichever batch they are of, until there are CHECKED_ROWS of them or a caller calls
    `check_pending`; then each goes to its own batch: landed or refused.
    """

    def __init__(self, contracts: dict[str, Contract], now: datetime, timezones: Timezones | None = None) -> None:
        self.contracts, self.now, self.timezones = contracts, now, timezones or Timezones()
        self.known = wire_columns(contracts)
        self.tables = {kind: name for name, contract in contracts.items() for kind in contract.event_types}
        self.parameters = {"landed_at_plus_ten_minutes": now + CLOCK_TOLERANCE}
        self._pending: dict[str, list[_Pending]] = {}
        self._waiting_rows = self._waiting_bytes = 0  # of `_pending`; of what is forgotten too

    @cached_property
    def rules(self) -> "list[Rule]":
        """Every rule of the contracts. What several tables state alike is merged: 158 become 43, each 4 ms a check."""
        return rules_of(self.contracts)

    def take(self, chunk: Chunk, sink: Sink) -> None:
        """Type and route the rows of a chunk. Rows that can't be routed are refused at once."""
        sink.refuse([refusal(u, chunk.header) for u in chunk.unreadable])
        if not chunk.lines:
            return
        kinds = self._event_types(conform(chunk.columns["event_type"], "string"))
        routes = pa.array(self.tables.values(), pa.string())
        routed = routes.take(pc.index_in(kinds.values, pa.array(self.tables, pa.string())))
        sink.refuse(self._unrouted(chunk, kinds, routed))
        for table in sorted(routed.unique().drop_null().to_pylist()):
            rows = pc.indices_nonzero(pc.equal(routed, table))
            self._pending.setdefault(table, []).append(self._typed(table, chunk, rows, kinds.values, sink))
        chunk.columns, chunk.extras = {}, []  # typed by now, and ten times as large as their text
        self._waiting_bytes += chunk.size if routed.null_count < len(routed) else 0
        self._waiting_rows += len(routed) - routed.null_count
        if self._waiting_rows >= CHECKED_ROWS or self._waiting_bytes >= CHECKED_BYTES:
            self.check_pending()

    def check_pending(self) -> None:
        """Check every waiting row, and deliver each to its batch: landed or refused."""
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
                self._deliver(table, pending, warnings.pop((table, pending.sink.batch_id), Counter()))
                start = end

    def forget(self, sink: Sink) -> None:
        """Drop the waiting rows of a batch that turned out to be unreadable."""
        kept = {table: [p for p in group if p.sink is not sink] for table, group in self._pending.items()}
        self._pending = {table: group for table, group in kept.items() if group}

    def _event_types(self, kinds: Conformed) -> Conformed:
        """The event types as the contracts write them, whatever their case, spaces and hyphens."""
        if pc.all(pc.is_in(kinds.values.drop_null(), pa.array(self.tables, pa.string()))).as_py():
            return kinds
        spelt, sent = Columns(self.tables.keys()), kinds.values.dictionary_encode()
        known = pa.array([spelt.meant(kind) or kind for kind in sent.dictionary.to_pylist()], pa.string())
        return replace(kinds, values=known.take(sent.indices))

    def _unrouted(self, chunk: Chunk, kinds: Conformed, routed: pa.Array) -> list[dict[str, Any]]:
        refused = []
        rows = pc.indices_nonzero(pc.is_null(routed))
        for i, key in zip(rows.to_pylist(), _event_keys(chunk, rows), strict=True):
            kind = kinds.values[i].as_py()
            if kinds.is_wrong[i].as_py():
                problem = ("event_type_wrong_type", "event_type is not text")
            elif kinds.is_null_marker[i].as_py():
                problem = _null_marker("event_type", chunk.columns["event_type"][i])
            elif kind is None:
                problem = ("event_type_missing", "event_type is missing")
            else:
                known = ", ".join(sorted(self.tables))
                problem = ("event_type_unknown", f"event_type {kind[:80]!r} is in no contract; known are {known}")
            refused.append(_refused_row(chunk, i, kind, None, [problem], key))
        return refused

    def _deliver(self, table: str, pending: _Pending, warnings: Counter) -> None:
        rows, chunk = pending.rows, pending.chunk
        refused = []
        for i, found in sorted(pending.problems.items()):
            at, key = rows[i].as_py(), {name: pending.frame[name][i].as_py() for name in EVENT_KEY}
            refused.append(_refused_row(chunk, at, pending.kinds[at].as_py(), table, found, key))
        pending.sink.refuse(refused)
        frame = _rows_without(pending.frame, pending.problems)
        if pending.problems:
            rows = rows.take(_positions_without(pending.problems, len(rows)))
        numbers, lines = (_integers(places).take(rows) for places in (chunk.rows, chunk.lines))
        pending.sink.land(Checked(table, frame, numbers, lines, warnings))

    def _typed(self, table: str, chunk: Chunk, rows: pa.Array, kinds: pa.Array, sink: Sink) -> _Pending:
        contract = self.contracts[table]
        columns, problems = self._conform_columns(contract, chunk, rows, kinds)
        columns["attributes"] = self._attributes(contract, chunk, rows, kinds)
        # one value, and a dictionary of it costs four bytes a row
        columns["batch_id"] = pa.DictionaryArray.from_arrays(pa.repeat(0, len(rows)).cast(pa.int32()), [sink.batch_id])
        return _Pending(sink, chunk, rows, kinds, pa.table(columns), problems)

    def _conform_columns(self, contract: Contract, chunk: Chunk, rows: pa.Array, kinds: pa.Array) -> tuple:
        """(columns by name, with what was assumed about each row, problems by position in `rows`)."""
        columns: dict[str, pa.Array] = {}
        problems: dict[int, list[tuple[str, str]]] = {}
        clock = self._clock(chunk, rows)
        markers, no = pa.repeat(0, len(rows)).cast(pa.int8()), pa.repeat(False, len(rows))
        assumed = {"is_assumed_utc": no, "is_assumed_time": no}
        for p in contract.properties:
            is_kind = p.name == contract.custom.get("eventTypeColumn")
            sent = _take(kinds if is_kind else chunk.columns[p.name], rows)
            sent = _as_written(sent, chunk, rows) if p.logical_type == "string" else sent
            got = conform(sent, p.logical_type, clock, p.allowed_text)
            columns[p.name] = got.values if p.default is None else _with_default(got, p)
            if p.name == "occurred_at":
                assumed = {name: getattr(got, name) for name in assumed}
            for i in pc.indices_nonzero(got.is_wrong).to_pylist():
                message = f"{p.name}: {short_text(sent[i])} {why_wrong(_python(sent[i]), p.logical_type)}"
                problems.setdefault(i, []).append((f"{p.name}_wrong_type", message))
            if pc.any(got.is_null_marker).as_py():
                markers = pc.add(markers, got.is_null_marker.cast(pa.int8()))
                is_missing = pc.and_(got.is_null_marker, pc.is_null(columns[p.name]))
                for i in pc.indices_nonzero(is_missing).to_pylist() if p.required else ():
                    problems.setdefault(i, []).append(_null_marker(p.name, sent[i]))
        return columns | assumed | {"null_marker_count": markers}, problems

    def _clock(self, chunk: Chunk, rows: pa.Array) -> Clock:
        """The timezones of the rows' times without offset."""
        if not self.timezones.sources:
            return Clock(self.timezones.reporting)
        return self.timezones.clock(conform(_take(chunk.columns[SOURCE], rows), "string").values)

    def _attributes(self, contract: Contract, chunk: Chunk, rows: pa.Array, kinds: pa.Array) -> pa.Array:
        """The extra columns of each row as JSON: unknown columns, and columns of other event types; null where none."""
        # the column that keeps the event type is not taken from what was sent under its name
        kind_column = contract.custom.get("eventTypeColumn")
        own = {p.name for p in contract.properties} - {kind_column} | {"event_type"}
        foreign = {}
        for name in sorted(self.known - own):
            values = _take(chunk.columns[name], rows)
            if isinstance(values, pa.Array):
                values = list(map(as_python, values)) if values.null_count < len(values) else []
            if name == kind_column:
                values = [None if v == k.as_py() else v for v, k in zip(values, kinds.take(rows), strict=False)]
            if any(value is not None for value in values):
                foreign[name] = values
        if not foreign and not any(chunk.extras):
            return pa.nulls(len(rows), pa.string())
        extras = _take(chunk.extras, rows) if chunk.extras else [None] * len(rows)
        attributes = []
        for i, extra in enumerate(extras):
            extra_columns = {n: v[i] for n, v in foreign.items() if v[i] is not None} | (extra or {})
            attributes.append(json_text(extra_columns) if extra_columns else None)
        return pa.array(attributes, pa.string())


def _take(sent: list | pa.Array, rows: pa.Array) -> list | pa.Array:
    if len(rows) == len(sent):
        return sent
    return sent.take(rows) if isinstance(sent, pa.Array) else [sent[i] for i in rows.to_pylist()]


def _as_written(sent: list | pa.Array, chunk: Chunk, rows: pa.Array) -> list | pa.Array:
    """Values for a text column: a JSON number in scientific notation as its text, because it may have lost digits."""
    if not isinstance(sent, list) or float not in set(map(type, sent)):
        return sent
    written = list(sent)
    for i, value in enumerate(sent):
        if type(value) is float:
            texts = JSON_EXPONENT.findall(chunk.text(rows[i].as_py()))
            shown = (text for text in texts if float(text) == value)
            written[i] = next((text.replace("+", "").upper().replace("E", "E+") for text in shown), value)
    return written


def _python(value: Any) -> Any:
    return as_python(value) if isinstance(value, pa.Scalar) else value


def _null_marker(column: str, sent: Any) -> tuple[str, str]:
    """The problem of a required column that holds a NULL marker."""
    return f"{column}_null_marker", f"{column}: {short_text(sent)} stands for no value, and this column needs one"


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
    sent = [conform(_take(chunk.columns[name], rows), "string").values.to_pylist() for name in EVENT_KEY]
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


def _with_default(got: Conformed, p: Property) -> pa.Array:
    filled = pc.fill_null(got.values, pa.scalar(p.default, p.arrow_type))
    return pc.if_else(got.is_wrong, pa.scalar(None, p.arrow_type), filled)


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


def json_text(value: dict[str, Any]) -> str:
    """JSON with sorted keys, so that the same extras are the same text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode()
