"""The charts, as pure functions from served rows to Vega-Lite; the page and the notebooks draw the same ones.

Belongs here: marks, scales, labels that are part of a drawing. Does not belong here: reading tables, sentences, HTML.
Rows are dicts as served (None where NULL), every size in pixels. Scales and ticks are set, never guessed from fonts,
so the same rows give the same drawing everywhere. A chart is a plain dict: built through Altair and pandas, the
sample's 43 charts took as long again as drawing them.
"""

import math
from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from typing import Any

from dashboard import words
from dashboard.tables import Row
from dashboard.theme import PALETTE, VERDICT_COLOURS, Chart, frame

MONTHS_SHOWN = 36
LINES = {  # of a curve: what it is called, its colour
    "idea_to_deployed": ("Deployed", PALETTE["mark"]),
    "idea_to_adopted": ("In another domain's hands", PALETTE["blue"]),
    "closed": ("Dropped", PALETTE["orange"]),
}
CERTAINTIES = ("raw", "curated", "authoritative")
POSITIONS = {
    "on_curve": ("circle", PALETTE["mark"]),
    "used_beyond_its_certainty": ("cross", PALETTE["orange"]),
    "certain_but_under_used": ("square", PALETTE["blue"]),
}
VERDICT_FILLS = VERDICT_COLOURS | {"worsening": PALETTE["paper"]}  # hollow
LABEL_HEIGHT = 14  # pixels between two lines of labels
DAYS_SHOWN = (90, 180, 360, 720, 1080, 1800, 3600, 7200)
Part = dict[str, Any]  # a layer or an encoding of Vega-Lite


def north_star_chart(months: list[Row], definition: Row, width: int = 1080, height: int = 260) -> Chart:
    """The North Star by month with its process limits, declared changes, target, and the incomplete month hollow.

    Parameters: `months`, rows of `north_star_monthly` in order of month_starting; the last MONTHS_SHOWN complete ones
    and the incomplete one are drawn; `definition`, its row of `metric_definitions`. A triangle is a signal (up or
    down, as the value went), a dot is routine.
    """
    unit = definition["unit"]
    has_labels = width >= 600
    left, right, top, bottom = 44, 130 if has_labels else 12, 38, 40
    shown = [row | {"is_up_good": definition["good_direction"] == "up"} for row in _shown(months)]
    plot_width, plot_height = width - left - right, height - top - bottom
    scale, ticks = _value_scale(shown)
    x = _number("at", axis=None, scale={"domain": [-0.6, max(len(shown), 6) - 0.4], "nice": False})
    y = _number("value", title=None, scale={"domain": scale, "nice": False}, axis=_value_axis(ticks, unit))
    phases = _phases(shown)
    targets = [row["target"] for row in shown if row["target"] is not None]
    layers = [
        *_limit_layers(phases, x, y),
        *_change_layers(phases, x, plot_width / max(len(shown), 6), has_labels),
        *_value_layers(shown, x, y, scale, unit),
        *_month_labels(shown, x, plot_width, plot_height),
    ]
    layers += _target_layers(targets, y)
    if has_labels:
        layers += _earlier_labels(phases[:-1], x, y, plot_width / max(len(shown), 6), unit)
        layers += _level_labels(phases, targets, x, y, len(shown), scale, plot_height, unit)
    return frame(layers, width, height, left, right, top, bottom)


def sparkline(months: list[Row], definition: Row, width: int = 120, height: int = 34) -> Chart:
    """One leading metric by month: its values, or its pace index where it is judged by pace, over its routine range.

    Parameters: `months`, one metric's rows of `leading_metrics_monthly` in one domain, in order of month_starting;
    `definition`, its row of `metric_definitions`.
    """
    shown = _shown(months)
    is_paced = any(row["pace_index"] is not None for row in shown)
    is_up_good = is_paced or definition["good_direction"] == "up"  # a higher pace always is
    shown = [
        row | {"is_up_good": is_up_good, "value": row["pace_index" if is_paced else "value"]}
        for row in shown
        if row["is_complete"]
    ]
    shown = [row | {"at": row["at"] + MONTHS_SHOWN - 1 - shown[-1]["at"]} for row in shown]
    x = _number("at", axis=None, scale={"domain": [-0.5, MONTHS_SHOWN - 0.5], "nice": False})
    y = _number("value", axis=None, scale={"domain": list(_extent(shown)), "nice": False})
    known = [row for row in shown if row["value"] is not None]
    layers = _limit_layers(_phases(shown), x, y, is_small=True)
    layers.append(_layer(_picked(shown, "at", "value"), _mark("line", strokeWidth=1.2), x=x, y=y))
    layers += _points(known[-1:], x, y, 36, "" if is_paced else definition["unit"])
    return frame(layers, width, height, 2, 5, 4, 4)


def first_shown(is_complete: Iterable[bool]) -> int:
    """Where the last MONTHS_SHOWN complete periods begin in a series; what is not complete yet follows them."""
    complete = [at for at, is_known in enumerate(is_complete) if is_known]
    return complete[-MONTHS_SHOWN] if len(complete) > MONTHS_SHOWN else 0


def time_to_value_chart(curves: list[Row], medians: dict | None = None, width: int = 700, height: int = 330) -> Chart:
    """How large a share has got there by day, with its 95 % band, and how many were still followed.

    Parameters: `curves`, rows of `time_to_value_curve` of one domain in order of day: idea_to_adopted, and
    idea_to_deployed as far as it is to be drawn; `medians`, {interval_id: days or None}.
    """
    median = (medians or {}).get("idea_to_adopted")
    has_labels = width >= 600
    left, right, top, bottom = 44, 128 if has_labels else 22, 12, 62
    plot_width, plot_height = width - left - right, height - top - bottom
    adopted = [row for row in curves if row["interval_id"] == "idea_to_adopted"]
    last_day = _last_day(adopted or curves, median)
    x = _number("day", axis=None, scale={"domain": [0, last_day], "nice": False})
    y = _number("share", title=None, scale={"domain": [0, 1]}, axis=_share_axis())
    drawn = _steps_by_line(curves, adopted, last_day, plot_width)
    layers = [_band_layer(drawn, x)]
    for line, stroke in (
        ("idea_to_deployed", {"strokeDash": [7, 2]}),
        ("idea_to_adopted", {"strokeWidth": 2.5}),
        ("closed", {"strokeDash": [3, 3]}),
    ):
        steps = _mark("line", interpolate="step-after", color=LINES[line][1], **stroke)
        layers.append(_layer(drawn.get(line, []), steps, x=x, y=y))
    layers += _median_layers(median, last_day, x, y)
    layers += _day_labels(adopted or curves, last_day, x, plot_width, plot_height)
    if has_labels and drawn:
        layers.append(_end_labels(drawn, last_day, x, y, plot_height))
    return frame(layers, width, height, left, right, top, bottom)


def stages_chart(stages: list[Row], names: dict[str, str], width: int = 480) -> Chart:
    """Days within which half get through each stage, with the 95 % interval; an arrow where it has no upper end.

    Parameters: `stages`, rows of `time_to_value` of one estimator, in the order to draw; `names`, what to call them.
    """
    left, right, top, bottom, row_height = 150, 16, 4, 24, 24
    height = top + bottom + row_height * len(stages)
    ends = [row[f"median_{end}days"] for row in stages for end in ("", "lower_", "upper_")]
    ticks = _ticks(0, max((float(end) for end in ends if end is not None), default=100))
    x = _number("median_days", title=None, scale={"domain": [0, ticks[-1]], "nice": False})
    x["axis"] = {"values": ticks, "grid": True, "orient": "bottom"}
    y = _number("at", axis=None, scale={"domain": [-0.5, len(stages) - 0.5], "reverse": True, "nice": False})
    rows = [
        {
            "at": at,
            "name": names[row["interval_id"]],
            "colour": _emphasis(row["interval_id"]),
            "median_days": row["median_days"],
            "low": row["median_lower_days"] or 0,
            "high": ticks[-1] if row["median_upper_days"] is None else row["median_upper_days"],
            "is_open_end": row["median_upper_days"] is None,
        }
        for at, row in enumerate(stages)
    ]
    known = [row for row in rows if row["median_days"] is not None]
    open_ended = [row for row in known if row["is_open_end"]]
    colour = _name("colour", scale=None, legend=None)
    arrow = _mark("point", shape="triangle-right", size=60)
    layers = [
        _layer(known, _mark("rule", strokeWidth=3), x=_number("low"), x2=_end("high"), y=y, color=colour),
        _layer(open_ended, arrow, x={"value": width - left - right}, y=y, color=colour),
        _layer(known, _mark("point", size=70), x=x, y=y, color=colour),
        _layer(rows, _mark("text", align="left"), x={"value": -left}, y=y, text=_name("name")),
    ]
    return frame(layers, width, height, left, right, top, bottom)


def outlook_chart(outlook: list[Row], width: int = 420, height: int = 190) -> Chart:
    """The next months' North Star: expected, and the range in which four of five such months fall.

    Parameters: `outlook`, rows of `outlook` in order of month_starting, with the column `target` (None where none).
    """
    left, right, top, bottom = 36, 12, 10, 26
    rows = [
        _picked([row], "lower", "upper", "expected_value")[0] | {"at": at, "label": f"{row['month_starting']:%b}"}
        for at, row in enumerate(outlook)
    ]
    highest = [float(row[c]) for row in outlook for c in ("upper", "target") if row[c] is not None]
    ticks = _ticks(0, max(highest, default=1))
    scale = {"domain": [0, ticks[-1]]}
    x = _number("at", axis=None, scale={"domain": [-0.5, len(outlook) - 0.5], "nice": False})
    y = _number("lower", title=None, scale=scale, axis={"values": ticks})
    line = _mark("tick", width=24, orient="horizontal", thickness=3, color=PALETTE["blue"])
    label = _mark("text", color=PALETTE["muted"], baseline="top")
    layers = [
        _layer(rows, _mark("bar", width=24, color="#c9dbf5"), x=x, y=y, y2=_end("upper")),
        _layer(rows, line, x=x, y=_number("expected_value", scale=scale)),
        _layer(rows, label, x=x, y={"value": height - top - bottom + 8}, text=_name("label")),
    ]
    targets = [row["target"] for row in outlook if row["target"] is not None]
    return frame(
        layers + _target_layers(targets, _number("value", scale=scale)), width, height, left, right, top, bottom
    )


def evolution_chart(counts: list[Row], width: int = 520, height: int = 330) -> Chart:
    """Data products by certainty (the gates of their contract) and ubiquity; a mark's area is how many stand there.

    Parameters: `counts`, one row per certainty × ubiquity_share × position with `product_count`.
    """
    left, right, top, bottom = 48, 10, 26, 40
    highest = max([0.1, *(float(row["ubiquity_share"]) for row in counts if row["ubiquity_share"] is not None)])
    ticks = [tick for tick in _ticks(0, highest) if tick <= 1] or [0, 1]
    scale = {"domain": [-0.04 * ticks[-1], 1.06 * max(highest, ticks[-1])], "nice": False}
    x = _number("at", axis=None, scale={"domain": [0, 3], "nice": False})
    y = _number("ubiquity_share", title=None, scale=scale, axis={"values": ticks, "format": ".0%"})
    layers = [
        *_certainty_layers(x, y, ticks[-1]),
        *_position_layers(counts, x, y),
        _layer(
            [{"at": 1.5, "words": "certainty: contract in force, checks passed, unbroken →"}],
            _mark("text", color=PALETTE["muted"]),
            x=x,
            y={"value": height - top - bottom + 22},
            text=_name("words"),
        ),
    ]
    return frame(layers, width, height, left, right, top, bottom)


def _certainty_layers(x: Part, y: Part, top: float) -> list[Part]:
    """The columns of certainty, the path on which use grows with it up to `top`, and where a contract comes in."""
    curve = [{"at": i / 20, "ubiquity_share": top / (1 + math.exp(-(i / 20 - 1.6) * 2.6))} for i in range(61)]
    bands = [{"at": i, "end": i + 1, "colour": colour} for i, colour in enumerate(["#f7f9fc", "#eef2f9", "#e3eaf6"])]
    names = [{"at": i + 0.5, "name": name.capitalize()} for i, name in enumerate(CERTAINTIES)]
    contract = [{"at": 1, "words": "data contract in force"}]
    said = _mark("text", align="left", dx=5, color=PALETTE["purple"])
    return [
        _layer(bands, _mark("rect"), x=x, x2=_end("end"), color=_name("colour", scale=None)),
        _layer(curve, _mark("line", color="#cfd6e4", strokeWidth=6), x=x, y=y, order=_number("at")),
        _layer(contract, _mark("rule", color=PALETTE["purple"], strokeDash=[3, 3]), x=x),
        _layer(contract, said, x=x, y={"value": 10}, text=_name("words")),
        _layer(names, _mark("text", fontWeight="bold"), x=x, y={"value": -12}, text=_name("name")),
    ]


def _position_layers(counts: list[Row], x: Part, y: Part) -> list[Part]:
    counts = _side_by_side(
        [row for row in counts if row["ubiquity_share"] is not None and row["certainty"] in CERTAINTIES]
    )
    most = max([100, *(row["product_count"] for row in counts)])
    size = _number("product_count", legend=None, scale={"domain": [0, most], "range": [30, 900]})
    return [
        _layer(
            [row for row in counts if row["position"] == position],
            _mark("point", shape=shape, color=colour, opacity=0.85),
            x=x,
            y=y,
            size=size,
        )
        for position, (shape, colour) in POSITIONS.items()
    ]


def _side_by_side(counts: list[Row]) -> list[Row]:
    """The same rows with their place `at` in their certainty's column; positions of one ubiquity never hide another."""
    positions: dict[tuple, set] = {}
    for row in counts:
        positions.setdefault((row["certainty"], row["ubiquity_share"]), set()).add(row["position"])
    places = []
    for row in counts:
        position, is_crowded = row["position"], len(positions[row["certainty"], row["ubiquity_share"]]) > 1
        aside = 0.22 if position == "certain_but_under_used" else -0.22 if is_crowded and position == "on_curve" else 0
        places.append(row | {"at": CERTAINTIES.index(row["certainty"]) + 0.5 + aside})
    return places


# --- Vega-Lite ------------------------------------------------------------------------------------


def _layer(rows: list[Row], mark: Part, **encoding: Part) -> Part:
    """Rows, one mark each or together, and which of their fields decides what of it."""
    values = [{key: _plain(value) for key, value in row.items()} for row in rows]
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def _mark(kind: str, **options: object) -> Part:
    return {"type": kind, **options}


def _number(field: str, **options: object) -> Part:
    return {"field": field, "type": "quantitative", **options}


def _name(field: str, **options: object) -> Part:
    return {"field": field, "type": "nominal", **options}


def _end(field: str) -> Part:
    """The other end of a mark whose beginning has the scale."""
    return {"field": field}


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, bool | str | int | float | list) else str(value)


def _picked(rows: list[Row], *columns: str) -> list[Row]:
    return [{column: row[column] for column in columns} for row in rows]


# --- By month -------------------------------------------------------------------------------------


def _shown(months: list[Row]) -> list[Row]:
    """The periods that are drawn, each with its place `at`."""
    shown = months[first_shown(row["is_complete"] for row in months) :]
    return [row | {"at": at} for at, row in enumerate(shown)]


def _phases(shown: list[Row]) -> list[Row]:
    """One dict a declared phase that is in sight: from and to, its limits (None where it has none), its note."""
    found = []
    for _, group in groupby(sorted(shown, key=lambda row: row["process_phase"]), key=lambda row: row["process_phase"]):
        rows = list(group)
        notes = [row["process_phase_note"] for row in rows if row.get("process_phase_note") is not None]
        found.append(
            {
                "at": rows[0]["at"] - 0.5,
                "end": rows[-1]["at"] + 0.5,
                "center": rows[-1]["center"],
                "lower": rows[-1]["lower_limit"],
                "upper": rows[-1]["upper_limit"],
                "note": notes[0] if notes else None,
                "month": rows[0]["month_starting"],
            }
        )
    return found


def _limit_layers(phases: list[Row], x: Part, y: Part, is_small: bool = False) -> list[Part]:
    spans = _picked(phases, "at", "end", "center", "lower", "upper")
    limited = [span for span in spans if span["lower"] is not None]
    bands = [span | {"value": span["lower"]} for span in limited]
    centred = [span | {"value": span["center"]} for span in spans if span["center"] is not None]
    colour, width = (PALETTE["line"], 1) if is_small else (PALETTE["ink"], 1.5)
    end = {"x": x, "x2": _end("end"), "y": y}
    layers = [_layer(bands, _mark("rect", color=PALETTE["band"]), **end, y2=_end("upper"))]
    if not is_small:
        ends = [span | {"value": span[side]} for span in limited for side in ("lower", "upper")]
        layers.append(_layer(ends, _mark("rule", color="#8f9db8", strokeDash=[4, 3]), **end))
    return [*layers, _layer(centred, _mark("rule", color=colour, strokeWidth=width), **end)]


def _change_layers(phases: list[Row], x: Part, step: float, has_labels: bool) -> list[Part]:
    """A line where a declared change begins a phase, with its number, and its words where they have room."""
    changes = [(number, phase) for number, phase in enumerate((p for p in phases if p["note"]), 1)]
    starts = [{"at": phase["at"]} for _, phase in changes]
    layers = [_layer(starts, _mark("rule", color="#8f9db8", strokeWidth=1), x=x)]
    ends = [later["at"] for _, later in changes[1:]] + [phases[-1]["end"]] if changes else []
    labels = []
    for (number, phase), end in zip(changes, ends, strict=True):
        lines = _wrapped(f"{number} · {phase['month']:%b %Y}: {phase['note']}", int((end - phase["at"]) * step / 7.2))
        labels.append({"at": phase["at"], "words": lines if has_labels and lines else [str(number)]})
    text = _mark("text", align="left", dx=4, fontWeight="bold", baseline="top", lineHeight=13)
    return [*layers, _layer(labels, text, x=x, y={"value": -32}, text=_name("words"))] if labels else []


def _wrapped(words: str, characters: int) -> list[str] | None:
    """At most two lines of so many characters, the second cut short if it must be; None where there is no room."""
    if characters < 14:
        return None
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) + 1 > characters and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    lines = [line if len(line) <= characters else line[: characters - 1] + "…" for line in lines]
    return lines if len(lines) <= 2 else [lines[0], lines[1][: characters - 1] + "…"]


def _target_layers(targets: list[float], y: Part) -> list[Part]:
    """The latest of the targets as a line, where there is one; `y` is the axis of the field `value`."""
    rule = _mark("rule", color=PALETTE["purple"], strokeDash=[2, 3], strokeWidth=2)
    return [_layer([{"value": targets[-1]}], rule, y=y)] if targets else []


def _value_layers(shown: list[Row], x: Part, y: Part, scale: list[float], unit: str) -> list[Part]:
    known = [row for row in shown if row["value"] is not None]
    complete = [row for row in known if row["is_complete"]]
    partial = [row for row in known if not row["is_complete"]]
    path = [row for row in shown if row["is_complete"]]  # with the unknown months, at which the line breaks
    line = _mark("line", strokeWidth=1.3, color="#8a96ae")
    layers = [_layer(_picked(path, "at", "value"), line, x=x, y=y), *_points(complete, x, y, 44, unit)]
    if partial:
        dotted = _picked([*complete[-1:], *partial], "at", "value")
        layers.append(_layer(dotted, _mark("line", strokeWidth=1.2, strokeDash=[2, 3]), x=x, y=y))
        layers += _so_far_layers(partial[-1], x, y, scale, unit)
    return layers


def _so_far_layers(row: Row, x: Part, y: Part, scale: list[float], unit: str) -> list[Part]:
    """The incomplete period: a hollow mark and its words."""
    words_of_it = f"{words.figure(row['value'], unit)} so far"
    said = f"{row['month_starting']:%B %Y}: {words_of_it}"
    point = {"at": row["at"], "value": row["value"], "said": said, "words": words_of_it}
    hollow = _mark("point", filled=False, fill="#ffffff", size=60, strokeWidth=1.5, aria=True)
    is_low = row["value"] - scale[0] < 0.2 * (scale[1] - scale[0])
    label = _mark("text", align="right", dx=8, dy=-13 if is_low else 16, color=PALETTE["muted"])
    return [
        _layer([point], hollow, x=x, y=y, description=_name("said")),
        _layer([point], label, x=x, y=y, text=_name("words")),
    ]


def _points(rows: list[Row], x: Part, y: Part, size: int, unit: str) -> list[Part]:
    """Routine months as dots, signals as triangles that point the way the value went, hollow where that is bad."""
    points = [
        {
            "at": row["at"],
            "value": row["value"],
            "shape": _shape(row),
            "size": size if _shape(row) == "circle" else 1.9 * size,
            "colour": VERDICT_COLOURS.get(row["verdict"], PALETTE["mark"]),
            "fill": VERDICT_FILLS.get(row["verdict"], PALETTE["mark"]),
            "said": f"{row['month_starting']:%B %Y}: {words.figure(row['value'], unit)}",
        }
        for row in rows
    ]
    look = {
        "shape": _name("shape", scale=None),
        "size": _number("size", scale=None),
        "stroke": _name("colour", scale=None),
        "fill": _name("fill", scale=None),
        "description": _name("said"),
    }
    mark = _mark("point", aria=True, filled=False, strokeWidth=1.5)
    return [_layer(points, mark, x=x, y=y, **look)] if points else []


def _shape(row: dict) -> str:
    if row["verdict"] not in VERDICT_COLOURS:
        return "circle"
    return "triangle-up" if (row["verdict"] == "improving") == row["is_up_good"] else "triangle-down"


def _value_scale(shown: list[Row]) -> tuple[list[float], list[float]]:
    low, high = _extent(shown)
    ticks = _ticks(min(0.0, low), high)
    return [ticks[0], ticks[-1]], ticks


def _extent(shown: list[Row]) -> tuple[float, float]:
    ends = [row.get(column) for row in shown for column in ("value", "lower_limit", "upper_limit", "target")]
    ends = [float(end) for end in ends if end is not None]
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round steps from at or below `low` to at or above `high`."""
    span = max(high - low, 1e-9)
    power = 10 ** math.floor(math.log10(span / count))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power * count >= span * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]


def _value_axis(ticks: list[float], unit: str) -> Part:
    return {"values": ticks, "format": ".0%" if unit == "share" else ",~f"}


def _share_axis() -> Part:
    return {"values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"}


def _month_labels(shown: list[Row], x: Part, plot_width: float, plot_height: float) -> list[Part]:
    """As many months as have room, the year under the first and under each new one."""
    each = max(1, math.ceil(34 * max(len(shown), 6) / plot_width))
    each = next(n for n in (1, 2, 3, 4, 6, 12, 24, 10_000) if n >= each)
    rows, year = [], None
    for row in shown[::each]:
        month = row["month_starting"]
        rows.append({"at": row["at"], "words": [f"{month:%b}", f"{month:%Y}" if month.year != year else ""]})
        year = month.year
    label = _mark("text", color=PALETTE["muted"], baseline="top", lineHeight=13)
    return [_layer(rows, label, x=x, y={"value": plot_height + 8}, text=_name("words"))]


def _level_labels(phases, targets, x, y, end: int, scale: list[float], plot_height: float, unit: str) -> list[Part]:
    """The latest phase's limits and average and the target, beside the plot, moved apart where they would touch."""
    last = phases[-1] if phases else {}
    found = [("upper limit", last.get("upper")), ("average", last.get("center")), ("lower limit", last.get("lower"))]
    found += [("target", targets[-1])] if targets else []
    labels = [
        {"value": value, "name": name, "words": f"{name} {words.figure(value, unit)}"}
        for name, value in found
        if value is not None
    ]
    spread = _apart(labels, (scale[1] - scale[0]) * LABEL_HEIGHT / plot_height)
    colours = {"target": PALETTE["purple"], "average": PALETTE["ink"]}
    rows = [
        {**label, "at": max(end, 6) - 0.5, "colour": colours.get(label["name"], PALETTE["muted"])} for label in spread
    ]
    text, colour = _mark("text", align="left", dx=10), _name("colour", scale=None)
    return [_layer(rows, text, x=x, y=y, text=_name("words"), color=colour)] if rows else []


def _earlier_labels(phases: list[Row], x: Part, y: Part, step: float, unit: str) -> list[Part]:
    """What the average and the limits of an earlier phase were, where its band has room for the words."""
    labels = []
    for phase in phases:
        if phase["lower"] is not None and (phase["end"] - phase["at"]) * step > 250:
            center, lower, upper = (words.figure(phase[name], unit) for name in ("center", "lower", "upper"))
            said = f"average {center}, limits {lower} to {upper}"
            labels.append({"at": phase["at"], "value": phase["upper"], "words": said})
    text = _mark("text", align="left", dx=6, dy=-8, color=PALETTE["muted"])
    return [_layer(labels, text, x=x, y=y, text=_name("words"))] if labels else []


def _apart(labels: list[dict], gap: float) -> list[dict]:
    """The same labels in order of value, each at least `gap` above the one before."""
    spread = []
    for label in sorted(labels, key=lambda one: one["value"]):
        value = max(label["value"], spread[-1]["value"] + gap) if spread else label["value"]
        spread.append({**label, "value": value})
    return spread


# --- By day ---------------------------------------------------------------------------------------


def _last_day(curve: list[Row], median: float | None) -> int:
    longest = max((float(row["day"]) for row in curve), default=0.0)
    wanted = max(min(longest, 360.0), min(longest, 1.1 * (median or 0.0)))
    return next((days for days in DAYS_SHOWN if days >= wanted), math.ceil(wanted))


def _steps_by_line(
    curves: list[Row], adopted: list[Row], last_day: int, plot_width: float
) -> dict[str, list[dict[str, float | None]]]:
    """The steps to draw, by line: one a pixel at most, from day 0 to the last day followed."""
    found = {}
    for name, rows, column in (
        ("idea_to_deployed", [row for row in curves if row["interval_id"] == "idea_to_deployed"], "share_adopted"),
        ("closed", adopted, "share_closed"),
        ("idea_to_adopted", adopted, "share_adopted"),
    ):
        steps = [
            {"day": row["day"], "share": row[column], "lower": row["lower"], "upper": row["upper"]}
            for row in rows
            if row[column] is not None
        ]
        if steps:
            found[name] = _thinned(steps, last_day, plot_width)
    return found


def _thinned(steps: list[Row], last_day: int, plot_width: float) -> list[Row]:
    end = min(float(steps[-1]["day"]), float(last_day))
    by_pixel: dict[int, Row] = {}
    for step in ({"day": 0.0, "share": 0.0, "lower": 0.0, "upper": 0.0}, *steps):
        if step["day"] <= end:
            known = {name: float(value) for name, value in step.items() if value is not None}
            by_pixel.setdefault(round(known["day"] / last_day * plot_width), {}).update(known)
    drawn = [dict.fromkeys(("lower", "upper")) | step for step in by_pixel.values()]
    return [*drawn, drawn[-1] | {"day": end}]


def _band_layer(drawn: dict[str, list[Row]], x: Part) -> Part:
    """The 95 % bands of the lines that have one."""
    steps = [
        step | {"line": line, "colour": LINES[line][1]}
        for line, steps in drawn.items()
        if line != "closed"
        for step in steps
    ]
    band = _mark("area", interpolate="step-after", opacity=0.15)
    lower = _number("lower", scale={"domain": [0, 1]})
    return _layer(steps, band, x=x, y=lower, y2=_end("upper"), color=_name("colour", scale=None), detail=_name("line"))


def _median_layers(median: float | None, last_day: int, x: Part, y: Part) -> list[Part]:
    if median is None or median > last_day:
        return []
    stem = [{"day": median, "share": 0.0, "end": 0.5}]
    half = [{"day": median, "share": 0.5, "words": f"half by day {median:,.0f}"}]
    is_right = median > 0.6 * last_day
    side = {"align": "right" if is_right else "left", "dx": -8 if is_right else 8}
    text = _mark("text", dy=14, color=PALETTE["blue"], fontWeight="bold", **side)
    return [
        _layer(stem, _mark("rule", color=PALETTE["blue"], strokeDash=[2, 3]), x=x, y=y, y2=_end("end")),
        _layer(half, _mark("point", color=PALETTE["blue"], size=60), x=x, y=y),
        _layer(half, text, x=x, y=y, text=_name("words")),
    ]


def _day_labels(curve: list[Row], last_day: int, x: Part, plot_width: float, plot_height: float) -> list[Part]:
    """The days, and under them how many are still followed then."""
    count = max(2, min(6, int(plot_width // 70)))
    days = [round(last_day * i / count) for i in range(count + 1)]
    title = "days since the idea; below, how many ideas were still open when the curve stepped there"
    said = title if plot_width > 480 else "days; below, ideas still open"
    label = _mark("text", color=PALETTE["muted"], baseline="top")
    return [
        _layer(rows, label, x=x, y={"value": plot_height + below}, text=_name("words"))
        for rows, below in (
            ([{"day": day, "words": f"{day:,}"} for day in days], 8),
            (_still_open(curve, days, last_day * 46 / plot_width), 25),
            ([{"day": last_day / 2, "words": said}], 45),
        )
    ]


def _still_open(curve: list[Row], days: list[int], apart: float) -> list[Row]:
    """Of the steps the ones nearest to `days` and `apart` from one another, with how many were at risk just before."""
    found: list[Row] = []
    for day in days if curve else []:
        row = min(curve, key=lambda row: abs(row["day"] - day))
        if row["day"] <= days[-1] and (not found or row["day"] - found[-1]["day"] >= apart):
            found.append({"day": row["day"], "words": f"{row['at_risk_count']:,}"})
    return found


def _end_labels(drawn: dict[str, list[Row]], last_day: int, x: Part, y: Part, plot_height: float) -> Part:
    """What each line is and where it ends, beside the plot."""
    labels = [
        {"value": share, "colour": LINES[line][1], "words": [*_wrapped(LINES[line][0], 17), f"{share:.0%}"]}
        for line, share in ((line, steps[-1]["share"]) for line, steps in drawn.items())
    ]
    gap = (max(len(label["words"]) for label in labels)) * LABEL_HEIGHT / plot_height
    lowest = 2 * LABEL_HEIGHT / plot_height  # above the days
    labels = _apart([{**label, "value": max(label["value"], lowest)} for label in labels], gap)
    rows = [{**label, "day": last_day, "share": label["value"]} for label in labels]
    text, colour = _mark("text", align="left", dx=8, fontWeight="bold"), _name("colour", scale=None)
    return _layer(rows, text, x=x, y=y, text=_name("words"), color=colour)


def _emphasis(interval: str) -> str:
    return PALETTE["blue"] if interval == "idea_to_adopted" else PALETTE["mark"]
