"""Types the rows of one table: values from the wire become the columns of its contract.

Belongs here: all columns of a table, what becomes of columns that it does not have. Does not belong here: one column's
values (conform.py), which table a row is of and whether it keeps its contract (check.py).
"""

import re
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contracts.contract import Contract, Property
from orchestration.landing.conform import Conformed, conform, why_wrong
from orchestration.landing.rows import EVENT_KEY, Chunk, as_python
from orchestration.landing.rules import short_text
from orchestration.landing.times import Clock, Timezones

SOURCE, _ = EVENT_KEY
JSON_EXPONENT = re.compile(r"-?\d+(?:\.\d+)?[eE]\+?\d+")

Problem = tuple[str, str]  # reason, message
Problems = dict[int, list[Problem]]  # by position of the row


class Typing:
    """Types rows of any table; `known` are all columns that some event type can carry."""

    def __init__(self, known: set[str], timezones: Timezones) -> None:
        self.known, self.timezones = known, timezones

    def frame(self, contract: Contract, chunk: Chunk, rows: pa.Array, kinds: pa.Array) -> tuple[pa.Table, Problems]:
        """(the rows of one table with what was assumed about each, problems by position in `rows`).

        `rows` are positions in the chunk, ascending; `kinds` the event types of the whole chunk.
        """
        columns: dict[str, pa.Array] = {}
        problems: Problems = {}
        clock = self._clock(chunk, rows)
        markers, no = pa.repeat(0, len(rows)).cast(pa.int8()), pa.repeat(False, len(rows))
        assumed = {"is_assumed_utc": no, "is_assumed_time": no}
        for p in contract.properties:
            is_kind = p.name == contract.custom.get("eventTypeColumn")
            sent = taken(kinds if is_kind else chunk.columns[p.name], rows)
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
                    problems.setdefault(i, []).append(null_marker(p.name, sent[i]))
        added = {"null_marker_count": markers, "attributes": self._attributes(contract, chunk, rows, kinds)}
        return pa.table(columns | assumed | added), problems

    def _clock(self, chunk: Chunk, rows: pa.Array) -> Clock:
        """The timezones of the rows' times without offset."""
        if not self.timezones.sources:
            return Clock(self.timezones.reporting)
        return self.timezones.clock(conform(taken(chunk.columns[SOURCE], rows), "string").values)

    def _attributes(self, contract: Contract, chunk: Chunk, rows: pa.Array, kinds: pa.Array) -> pa.Array:
        """The extra columns of each row as JSON: unknown columns, and columns of other event types; null where none."""
        # the column that keeps the event type is not taken from what was sent under its name
        kind_column = contract.custom.get("eventTypeColumn")
        own = {p.name for p in contract.properties} - {kind_column} | {"event_type"}
        foreign = {}
        for name in sorted(self.known - own):
            values = taken(chunk.columns[name], rows)
            if isinstance(values, pa.Array):
                values = list(map(as_python, values)) if values.null_count < len(values) else []
            if name == kind_column:
                values = [None if v == k.as_py() else v for v, k in zip(values, kinds.take(rows), strict=False)]
            if any(value is not None for value in values):
                foreign[name] = values
        if not foreign and not any(chunk.extras):
            return pa.nulls(len(rows), pa.string())
        extras = taken(chunk.extras, rows) if chunk.extras else [None] * len(rows)
        attributes = []
        for i, extra in enumerate(extras):
            extra_columns = {n: v[i] for n, v in foreign.items() if v[i] is not None} | (extra or {})
            attributes.append(json_text(extra_columns) if extra_columns else None)
        return pa.array(attributes, pa.string())


def taken(sent: list | pa.Array, rows: pa.Array) -> list | pa.Array:
    """The values at some positions, ascending."""
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


def null_marker(column: str, sent: Any) -> tuple[str, str]:
    """The problem of a required column that holds a NULL marker."""
    return f"{column}_null_marker", f"{column}: {short_text(sent)} stands for no value, and this column needs one"


def _with_default(got: Conformed, p: Property) -> pa.Array:
    filled = pc.fill_null(got.values, pa.scalar(p.default, p.arrow_type))
    return pc.if_else(got.is_wrong, pa.scalar(None, p.arrow_type), filled)


def json_text(value: dict[str, Any]) -> str:
    """JSON with sorted keys, so that the same extras are the same text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode()
