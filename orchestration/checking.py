"""Types rows, routes them to their tables, and checks each table's rows against its contract.

Belongs here: event type to table, wire values to columns, which row breaks which rule and how that is put. Does not
belong here: the rules themselves (data_contracts/), how a rule becomes an expectation (contracts.py), parsing formats
(events.py), what is written where (landing.py).

Great Expectations judges the frames. It and pandas take 2.5 CPU-seconds to import: only a run with new rows pays them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.conform import WORDS, Conformed, conform
from orchestration.contracts import Contract, Property, expectation_suites, is_decided_by_value
from orchestration.events import KEPT_BYTES, MAX_LINE_BYTES, Chunk, Unreadable, as_python

CLOCK_TOLERANCE = timedelta(minutes=10)
# Rows are checked so many at a time, however they were read: a check costs 0.3 CPU-s and one more a million rows
CHECKED_BYTES = 256 << 20
CHECKED_ROWS = 1_000_000


NOT_SENT = {"is_assumed_utc", "attributes"}

WHETHER = {"result_format": "BOOLEAN_ONLY"}
WHERE = {"result_format": "COMPLETE", "exclude_unexpected_values": True, "partial_unexpected_count": 0}


class LandingError(RuntimeError):
    """A batch that must not become visible; nothing of it was landed."""


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

    def refuse(self, rows: list[dict]) -> None:
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

    Rows wait, whichever batch they are of, until there are CHECKED_ROWS of them or someone calls `settle`; then each
    goes to its own batch: landed or refused.
    """

    def __init__(self, contracts: dict[str, Contract], now: datetime):
        self.contracts, self.now = contracts, now
        self.known = wire_columns(contracts)
        self.tables = {kind: name for name, contract in contracts.items() for kind in contract.event_types}
        self.parameters = {"landed_at_plus_ten_minutes": now + CLOCK_TOLERANCE}
        self._pending: dict[str, list[_Pending]] = {}

    @cached_property
    def rules(self) -> "list[_Rule]":
        """Every rule of the contracts. What several state in the same words is one: 158 are 43, each 4 ms a check."""
        return _rules(self.contracts)

    def take(self, chunk: Chunk, sink: Sink) -> None:
        """Type and route the rows of a chunk. What can't even be routed is refused at once."""
        sink.refuse([refusal(u, chunk.header) for u in chunk.unreadable])
        if not chunk.lines:
            return
        kinds = conform(chunk.columns["event_type"], "string")
        routes = pa.array(self.tables.values(), pa.string())
        routed = routes.take(pc.index_in(kinds.values, pa.array(self.tables, pa.string())))
        sink.refuse(self._unrouted(chunk, kinds, routed))
        for table in sorted(routed.unique().drop_null().to_pylist()):
            rows = pc.indices_nonzero(pc.equal(routed, table))
            self._pending.setdefault(table, []).append(self._typed(table, chunk, rows, kinds.values, sink))
        chunk.columns, chunk.extras = {}, []  # typed by now, and ten times as large as their text
        waiting = [pending for group in self._pending.values() for pending in group]
        is_much = sum(len(p.rows) for p in waiting) >= CHECKED_ROWS
        if is_much or sum({id(p.chunk): p.chunk.size for p in waiting}.values()) >= CHECKED_BYTES:
            self.settle()

    def settle(self) -> None:
        """Check every waiting row, and hand each to its batch."""
        groups, self._pending = dict(sorted(self._pending.items())), {}
        clean = {table: [_without(p.frame, p.problems) for p in group] for table, group in groups.items()}
        broken, warnings = self._judge(
            {table: pa.concat_tables(frames).unify_dictionaries() for table, frames in clean.items()}
        )
        for table, group in groups.items():
            start, rows = 0, sorted(broken.get(table, ()))
            for pending, frame in zip(group, clean[table], strict=True):
                end = start + frame.num_rows
                found = rows[bisect_left(rows, start) : bisect_left(rows, end)]
                places = _others(pending.problems, len(pending.rows)) if found else []
                pending.problems |= {int(places[row - start]): broken[table].pop(row) for row in found}
                self._hand_over(table, pending, warnings.pop((table, pending.sink.batch_id), Counter()))
                start = end

    def forget(self, sink: Sink) -> None:
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

    def _hand_over(self, table: str, pending: _Pending, warnings: Counter) -> None:
        rows, chunk = pending.rows, pending.chunk
        refused = [(rows[i].as_py(), found) for i, found in sorted(pending.problems.items())]
        pending.sink.refuse([_refused_row(chunk, at, pending.kinds[at].as_py(), table, found) for at, found in refused])
        frame = _without(pending.frame, pending.problems)
        if pending.problems:
            rows = rows.take(_others(pending.problems, len(rows)))
        numbers, lines = (_integers(places).take(rows) for places in (chunk.rows, chunk.lines))
        pending.sink.land(Checked(table, frame, numbers, lines, warnings))

    def _typed(self, table: str, chunk: Chunk, rows: pa.Array, kinds: pa.Array, sink: Sink) -> _Pending:
        contract = self.contracts[table]
        columns, problems, assumed = self._conform_columns(contract, chunk, rows, kinds)
        columns["is_assumed_utc"] = assumed
        columns["attributes"] = self._attributes(contract, chunk, rows, kinds)
        # one value, and a dictionary of it costs four bytes a row
        columns["batch_id"] = pa.DictionaryArray.from_arrays(pa.repeat(0, len(rows)).cast(pa.int32()), [sink.batch_id])
        return _Pending(sink, chunk, rows, kinds, pa.table(columns), problems)

    def _conform_columns(self, contract: Contract, chunk: Chunk, rows: pa.Array, kinds: pa.Array):
        columns, problems = {}, {}
        assumed = pa.repeat(False, len(rows))
        for p in contract.properties:
            is_kind = p.name == contract.custom.get("eventTypeColumn")
            sent = _take(kinds if is_kind else chunk.columns[p.name], rows)
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
        beside = []
        for i, extra in enumerate(extras):
            found = {n: v[i] for n, v in foreign.items() if v[i] is not None} | (extra or {})
            beside.append(json_text(found) if found else None)
        return pa.array(beside, pa.string())

    def _judge(self, frames: dict[str, pa.Table]) -> tuple[dict, dict]:
        """({table: {row: [(reason, message)]}}, {(table, batch_id): warnings by reason}) of tables' typed rows.

        Raises LandingError where a rule can't run.
        """
        frames = {table: frame for table, frame in frames.items() if frame.num_rows}
        broken: dict[str, dict[int, list]] = {table: {} for table in frames}
        warnings: dict[tuple[str, str], Counter] = {}
        for rule, tables, rows in _failures(self, frames):
            start = 0
            for table in tables:
                rank, meta = rule.stated[table]
                end = start + frames[table].num_rows
                mine = [row - start for row in rows[bisect_left(rows, start) : bisect_left(rows, end)]]
                if rule.is_warning:
                    for batch_id in frames[table]["batch_id"].take(pa.array(mine, pa.int64())).to_pylist():
                        warnings.setdefault((table, batch_id), Counter())[meta["reason"]] += 1
                else:
                    for row in mine:
                        problem = (meta["reason"], _message(frames[table], row, meta))
                        broken[table].setdefault(row, []).append((rank, problem))
                start = end
        in_order = {
            table: {row: [problem for _, problem in sorted(found)] for row, found in rows.items()}
            for table, rows in broken.items()
        }
        return in_order, warnings


@dataclass(frozen=True)
class _Rule:
    """An expectation and, for each table that states it, its rank among the table's rules and its `meta`."""

    expectation: object
    stated: dict[str, tuple[tuple[int, int], dict]]
    column: str | None  # the only one that decides, value by value; None where rows or columns must be seen together
    is_warning: bool


def _rules(contracts: dict[str, Contract]) -> list[_Rule]:
    found: dict[tuple, _Rule] = {}
    for table, contract in contracts.items():
        types = {p.name: str(p.arrow_type) for p in contract.properties}
        for is_warning, suite in enumerate(expectation_suites(contract)):
            first: dict[str | None, int] = {}  # a row's reasons are listed column by column
            for k, expectation in enumerate(suite.expectations):
                kind, kwargs = expectation.configuration.type, expectation.configuration.kwargs
                column = kwargs.get("column")
                key, decides = (table, is_warning, k), None
                if not is_warning and is_decided_by_value(kind, kwargs):
                    key, decides = (kind, repr(sorted(kwargs.items())), types[column]), column
                while key in found and table in found[key].stated:
                    key += ("again",)  # one table states it under two names
                rule = found.setdefault(key, _Rule(expectation, {}, decides, bool(is_warning)))
                rule.stated[table] = ((first.setdefault(column, k), k), expectation.meta)
    return list(found.values())


def _failures(checker: Checker, frames: dict[str, pa.Table]) -> Iterator[tuple]:
    """(rule, its tables, rows that break it, counted through those tables, ascending) of each broken rule."""
    groups: dict[tuple, list[_Rule]] = {}
    parameters = checker.parameters
    for rule in checker.rules if frames else ():
        tables = tuple(table for table in frames if table in rule.stated)
        if tables:
            groups.setdefault((tables, rule.column is None), []).append(rule)
    for (tables, is_whole), group in groups.items():
        if is_whole:
            yield from _whole_failures(group, tables[0], frames[tables[0]], parameters)
        else:
            columns = sorted({rule.column for rule in group})
            frame = pa.concat_tables([frames[table].select(columns) for table in tables]).to_pandas()
            # row positions cost several times the check itself: only the rules that are broken are asked for them
            broken = [r for r, result in _results(group, tables, frame, parameters, WHETHER) if not result.success]
            for rule, result in _results(broken, tables, frame, parameters, WHERE):
                yield rule, tables, _positions(rule, tables, result)


def _whole_failures(rules: list[_Rule], table: str, frame: pa.Table, parameters: dict) -> Iterator[tuple]:
    """The same for rules that look at several rows or columns of one table."""
    arguments = " ".join(repr(rule.expectation.configuration.kwargs) for rule in rules)
    seen = frame.select([name for name in frame.column_names if name in arguments]).to_pandas()
    for rule, result in _results(rules, (table,), seen, parameters, WHERE):
        rows = _positions(rule, (table,), result)
        if rows and rule.is_warning:
            # a check of uniqueness flags exact repeats too, and those are expected: it is asked again without them
            sent = [f.name for f in frame.schema if not pa.types.is_list(f.type) and f.name not in NOT_SENT]
            distinct = frame.take(rows).to_pandas().set_axis(rows).drop_duplicates(sent)
            [(_, again)] = _results([rule], (table,), distinct, parameters, WHERE)
            rows = _positions(rule, (table,), again)
        yield rule, (table,), rows


def _results(
    rules: list[_Rule], tables: tuple[str, ...], frame, parameters: dict, result_format: dict
) -> list[tuple[_Rule, object]]:
    """(rule, Great Expectations' result) of each rule on a pandas frame of those tables; raises LandingError."""
    if not rules:
        return []
    # imported by `expectation_suites`, and only where there are rows to check
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.validator.validator import Validator

    configurations = [rule.expectation.configuration for rule in rules]
    for i, configuration in enumerate(configurations):
        configuration.meta = {"rule": i}
    # no data source: one hashes each frame twice for a fingerprint nobody reads, 40 % of the time of a check
    validator = Validator(PandasExecutionEngine(batch_data_dict={"rows": frame}))
    validator.metrics_calculator.show_progress_bars = False
    try:
        ready = validator.process_expectations_for_validation(configurations, parameters)
        results = validator.graph_validate(ready, {"result_format": result_format})
    except GreatExpectationsError as error:
        raise LandingError(f"{', '.join(tables)}: its rules could not be checked: {error}") from error
    return [(rules[result.expectation_config.meta["rule"]], result) for result in results]


def _positions(rule: _Rule, tables: tuple[str, ...], result) -> list[int]:
    """Rows that break the rule, ascending. One that crashed has none: its rows can't be judged, not: have no faults."""
    indexes = [] if result.success else (result.result or {}).get("unexpected_index_list")
    if indexes is None:
        _, meta = rule.stated[tables[0]]
        raise LandingError(f"{tables[0]}: the rule {meta['reason']} could not be checked: {_exception(result)}")
    return sorted(set(indexes))


def _exception(result) -> str:
    info = result.exception_info or {}
    found = info if "exception_message" in info else next(iter(info.values()), {})
    return str(found.get("exception_message") or "no reason given")


def _take(sent: list | pa.Array, rows: pa.Array) -> list | pa.Array:
    if len(rows) == len(sent):
        return sent
    return sent.take(rows) if isinstance(sent, pa.Array) else [sent[i] for i in rows.to_pylist()]


def _integers(places: list[int] | range) -> pa.Array:
    return pa.array(np.arange(places.start, places.stop) if isinstance(places, range) else places, pa.int64())


def _others(problems: Iterable[int], length: int) -> np.ndarray:
    """Positions without a problem, ascending."""
    is_kept = np.ones(length, bool)
    is_kept[list(problems)] = False
    return np.flatnonzero(is_kept)


def _without(frame: pa.Table, problems: dict[int, list]) -> pa.Table:
    return frame.take(_others(problems, frame.num_rows)) if problems else frame


def _with_default(got: Conformed, p: Property) -> pa.Array:
    filled = pc.fill_null(got.values, pa.scalar(p.default, p.arrow_type))
    return pc.if_else(got.is_wrong, pa.scalar(None, p.arrow_type), filled)


def _message(frame: pa.Table, row: int, meta: dict) -> str:
    found = frame[meta["column"]][row] if meta["column"] else None
    value = f": {_shown(found)}" if found is not None and found.is_valid else ""
    return f"{meta['column'] or 'row'}{value} {meta['explanation']}"


def _shown(value) -> str:
    """A refused value for people, short."""
    value = as_python(value) if isinstance(value, pa.Scalar) else value
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value[:80]) if isinstance(value, str) else str(value)[:80]


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


def refusal(u: Unreadable, header: str | None = None) -> dict:
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
    }


def json_text(value: dict) -> str:
    """JSON with sorted keys, so that the same extras are the same text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode()
