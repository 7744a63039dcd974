"""What charts are made of: layers, marks and encodings of Vega-Lite, ticks, labels that do not overlap.

Belongs here: what two kinds of chart need. Does not belong here: which rows a chart shows.
"""

import math
from decimal import Decimal
from typing import Any

from dashboard.tables import Row
from dashboard.theme import PALETTE

Part = dict[str, Any]  # a layer or an encoding of Vega-Lite
LABEL_HEIGHT = 14  # pixels between two lines of labels


def layer(rows: list[Row], mark: Part, **encoding: Part) -> Part:
    """A layer: its rows, its mark, and which field of a row sets which property of the mark."""
    values = [{key: _as_json(value) for key, value in row.items()} for row in rows]
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def mark(kind: str, **options: object) -> Part:
    """A mark of Vega-Lite, such as "line" or "text"."""
    return {"type": kind, **options}


def quantity(field: str, **options: object) -> Part:
    """An encoding by a numeric field."""
    return {"field": field, "type": "quantitative", **options}


def category(field: str, **options: object) -> Part:
    """An encoding by a field of names, texts, shapes or colours."""
    return {"field": field, "type": "nominal", **options}


def other_end(field: str) -> Part:
    """The second end of a mark; the encoding of its first end sets the scale."""
    return {"field": field}


def _as_json(value: object) -> object:
    """A value as a type that JSON has."""
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, bool | str | int | float | list) else str(value)


def only_columns(rows: list[Row], *columns: str) -> list[Row]:
    """The same rows with these columns only."""
    return [{column: row[column] for column in columns} for row in rows]


def target_layers(targets: list[float], y: Part) -> list[Part]:
    """The latest target as a line, where there is one; `y` is the axis of the field `value`."""
    rule = mark("rule", color=PALETTE["purple"], strokeDash=[2, 3], strokeWidth=2)
    return [layer([{"value": targets[-1]}], rule, y=y)] if targets else []


def round_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round steps from at or below `low` to at or above `high`."""
    span = max(high - low, 1e-9)
    power = 10 ** math.floor(math.log10(span / count))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power * count >= span * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]


def wrapped(words: str, characters: int) -> list[str] | None:
    """At most two lines of so many characters, the second cut short if needed; None under 14 characters."""
    if characters < 14:
        return None
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) + 1 > characters and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    lines = [line if len(line) <= characters else line[: characters - 1] + "…" for line in lines]
    return lines if len(lines) <= 2 else [lines[0], lines[1][: characters - 1] + "…"]


def spread_out(labels: list[Row], gap: float, highest: float = math.inf) -> list[Row]:
    """The same labels in order of value, each at least `gap` above the one before, and none above `highest`."""
    spread: list[Row] = []
    for label in sorted(labels, key=lambda one: one["value"]):
        value = max(label["value"], spread[-1]["value"] + gap) if spread else label["value"]
        spread.append({**label, "value": value})
    for at, label in enumerate(reversed(spread)):
        label["value"] = min(label["value"], highest - at * gap)
    return spread
