"""Charts by month: the North Star with its process limits, and the sparkline of a leading metric.

Rows are those of `north_star_monthly` and `leading_metrics_monthly`.
"""

import math
from collections.abc import Iterable
from itertools import groupby

from dashboard.charts.marks import (
    LABEL_HEIGHT,
    Part,
    category,
    layer,
    mark,
    only_columns,
    other_end,
    quantity,
    round_ticks,
    spread_out,
    target_layers,
    wrapped,
)
from dashboard.tables import Row
from dashboard.theme import PALETTE, SIGNAL_COLOURS, Chart, frame
from dashboard.words import numbers

MONTHS_SHOWN = 36
SIGNAL_FILLS = SIGNAL_COLOURS | {"worse": PALETTE["paper"]}  # hollow


def north_star_chart(months: list[Row], definition: Row, width: int = 1080, height: int = 260) -> Chart:
    """The North Star by month with its process limits, declared changes, target, and the incomplete month hollow.

    Parameters: `months`, rows of `north_star_monthly` in order of month_starting; the last MONTHS_SHOWN complete ones
    and the incomplete one are drawn, which can have `so_far`, its label; `definition`, its row of
    `metric_definitions`. A triangle is a signal (up or down, as the value went), a dot is routine.
    """
    unit = definition["unit"]
    has_labels = width >= 600
    left, right, top, bottom = 44, 130 if has_labels else 12, 38, 40
    shown = [row | {"is_up_good": definition["good_direction"] == "up"} for row in _with_positions(months)]
    plot_width, plot_height = width - left - right, height - top - bottom
    scale, ticks = _value_scale(shown)
    x = quantity("at", axis=None, scale={"domain": [-0.6, max(len(shown), 6) - 0.4], "nice": False})
    y = quantity("value", title=None, scale={"domain": scale, "nice": False}, axis=_value_axis(ticks, unit))
    process_phases = _process_phases(shown)
    targets = [row["target"] for row in shown if row["target"] is not None]
    layers = [
        *_limit_layers(process_phases, x, y),
        *_change_layers(process_phases, x, plot_width / max(len(shown), 6), has_labels),
        *_value_layers(shown, x, y, scale, unit, has_labels),
        *_month_labels(shown, x, plot_width, plot_height),
    ]
    layers += target_layers(targets, y)
    if has_labels:
        layers += _earlier_level_labels(process_phases[:-1], x, y, plot_width / max(len(shown), 6), unit)
        levels = _latest_levels(process_phases, targets, unit)
        levels += [row | {"name": "so far", "words": _so_far(row, unit)} for row in _going_on(shown)]
        layers += _level_labels(levels, x, y, len(shown), scale, plot_height)
    return frame(layers, width, height, left, right, top, bottom)


def sparkline(months: list[Row], definition: Row, width: int = 120, height: int = 34) -> Chart:
    """One leading metric by month: its values, or its pace index where it is judged by pace, over its routine range.

    Parameters: `months`, one metric's rows of `leading_metrics_monthly` in one domain, in order of month_starting;
    `definition`, its row of `metric_definitions`.
    """
    shown = _with_positions(months)
    is_paced = any(row["pace_index"] is not None for row in shown)
    is_up_good = is_paced or definition["good_direction"] == "up"  # a higher pace index is always better
    shown = [
        row | {"is_up_good": is_up_good, "value": row["pace_index" if is_paced else "value"]}
        for row in shown
        if row["is_complete"]
    ]
    shown = [row | {"at": row["at"] + MONTHS_SHOWN - 1 - shown[-1]["at"]} for row in shown]
    x = quantity("at", axis=None, scale={"domain": [-0.5, MONTHS_SHOWN - 0.5], "nice": False})
    y = quantity("value", axis=None, scale={"domain": list(_extent(shown)), "nice": False})
    known = [row for row in shown if row["value"] is not None]
    layers = _limit_layers(_process_phases(shown), x, y, is_small=True)
    layers.append(layer(only_columns(shown, "at", "value"), mark("line", strokeWidth=1.2), x=x, y=y))
    layers += _point_layers(known[-1:], x, y, 36, "" if is_paced else definition["unit"])
    return frame(layers, width, height, 2, 5, 4, 4)


def first_shown(is_complete: Iterable[bool]) -> int:
    """The index of the first of the last MONTHS_SHOWN complete periods; incomplete ones follow them."""
    complete = [at for at, is_known in enumerate(is_complete) if is_known]
    return complete[-MONTHS_SHOWN] if len(complete) > MONTHS_SHOWN else 0


def _with_positions(months: list[Row]) -> list[Row]:
    """The periods to draw, each with its position `at`."""
    shown = months[first_shown(row["is_complete"] for row in months) :]
    return [row | {"at": at} for at, row in enumerate(shown)]


def _process_phases(shown: list[Row]) -> list[Row]:
    """One dict for each process phase drawn: where it and its limits begin and end, the limits or None, its note.

    Months older than those in the limits, and the incomplete one, have no limits behind them.
    """
    process_phases = []
    for _, group in groupby(sorted(shown, key=lambda row: row["process_phase"]), key=lambda row: row["process_phase"]):
        rows = list(group)
        notes = [row["process_phase_note"] for row in rows if row.get("process_phase_note") is not None]
        limited = [row for row in rows if row["center"] is not None and row["is_complete"]]
        first, last = (limited or rows)[0], (limited or rows)[-1]
        process_phases.append(
            {
                "at": rows[0]["at"] - 0.5,
                "limits_at": first["at"] - 0.5,
                "end": last["at"] + 0.5,
                "center": last["center"] if limited else None,
                "lower": last["lower_limit"] if limited else None,
                "upper": last["upper_limit"] if limited else None,
                "note": notes[0] if notes else None,
                "month": rows[0]["month_starting"],
            }
        )
    return process_phases


def _limit_layers(process_phases: list[Row], x: Part, y: Part, is_small: bool = False) -> list[Part]:
    spans = only_columns(process_phases, "limits_at", "end", "center", "lower", "upper")
    spans = [span | {"at": span["limits_at"]} for span in spans]
    limited = [span for span in spans if span["lower"] is not None]
    bands = [span | {"value": span["lower"]} for span in limited]
    centred = [span | {"value": span["center"]} for span in spans if span["center"] is not None]
    colour, width = (PALETTE["line"], 1) if is_small else (PALETTE["ink"], 1.5)
    end = {"x": x, "x2": other_end("end"), "y": y}
    layers = [layer(bands, mark("rect", color=PALETTE["band"]), **end, y2=other_end("upper"))]
    if not is_small:
        ends = [span | {"value": span[side]} for span in limited for side in ("lower", "upper")]
        layers.append(layer(ends, mark("rule", color=PALETTE["limit"], strokeDash=[4, 3]), **end))
    return [*layers, layer(centred, mark("rule", color=colour, strokeWidth=width), **end)]


def _change_layers(process_phases: list[Row], x: Part, step: float, has_labels: bool) -> list[Part]:
    """A line where a declared change begins a process phase, with its number, and its note where there is room."""
    changes = [
        (number, process_phase) for number, process_phase in enumerate((p for p in process_phases if p["note"]), 1)
    ]
    starts = [{"at": process_phase["at"]} for _, process_phase in changes]
    layers = [layer(starts, mark("rule", color=PALETTE["limit"], strokeWidth=1), x=x)]
    ends = [later["at"] for _, later in changes[1:]] + [process_phases[-1]["end"]] if changes else []
    labels = []
    for (number, process_phase), end in zip(changes, ends, strict=True):
        lines = wrapped(
            f"{number} · {process_phase['month']:%b %Y}: {process_phase['note']}",
            int((end - process_phase["at"]) * step / 7.2),
        )
        labels.append({"at": process_phase["at"], "words": lines if has_labels and lines else [str(number)]})
    text = mark("text", align="left", dx=4, fontWeight="bold", baseline="top", lineHeight=13)
    return [*layers, layer(labels, text, x=x, y={"value": -32}, text=category("words"))] if labels else []


def _value_layers(shown: list[Row], x: Part, y: Part, scale: list[float], unit: str, is_labelled: bool) -> list[Part]:
    """The values of the periods; `is_labelled`, whether the margin names the incomplete one."""
    known = [row for row in shown if row["value"] is not None]
    complete = [row for row in known if row["is_complete"]]
    partial = [row for row in known if not row["is_complete"]]
    path = [row for row in shown if row["is_complete"]]  # with the unknown months, at which the line breaks
    line = mark("line", strokeWidth=1.3, color=PALETTE["limit"])
    layers = [layer(only_columns(path, "at", "value"), line, x=x, y=y), *_point_layers(complete, x, y, 44, unit)]
    if partial:
        layers += _incomplete_layers(partial, x, y, scale, unit, is_labelled)
    return layers


def _incomplete_layers(
    rows: list[Row], x: Part, y: Part, scale: list[float], unit: str, is_labelled: bool
) -> list[Part]:
    """The incomplete periods: hollow marks, and the label of the last one where the margin has no room for it."""
    points = [
        {"at": row["at"], "value": row["value"], "words": _so_far(row, unit)}
        | {"description": f"{row['month_starting']:%B %Y}: {_so_far(row, unit)}"}
        for row in rows
    ]
    hollow = mark("point", filled=False, fill=PALETTE["paper"], size=60, strokeWidth=1.5, aria=True)
    layers = [layer(points, hollow, x=x, y=y, description=category("description"))]
    is_low = rows[-1]["value"] - scale[0] < 0.2 * (scale[1] - scale[0])
    label = mark("text", align="right", dx=8, dy=-13 if is_low else 16, color=PALETTE["muted"])
    return layers if is_labelled else [*layers, layer(points[-1:], label, x=x, y=y, text=category("words"))]


def _so_far(row: Row, unit: str) -> str:
    return row.get("so_far") or f"{numbers.figure(row['value'], unit)} so far"


def _point_layers(rows: list[Row], x: Part, y: Part, size: int, unit: str) -> list[Part]:
    """Routine months as dots, signals as triangles that point the way the value went, hollow where that is bad."""
    points = [
        {
            "at": row["at"],
            "value": row["value"],
            "shape": _point_shape(row),
            "size": size if _point_shape(row) == "circle" else 1.9 * size,
            "colour": SIGNAL_COLOURS.get(row["signal"], PALETTE["mark"]),
            "fill": SIGNAL_FILLS.get(row["signal"], PALETTE["mark"]),
            "description": f"{row['month_starting']:%B %Y}: {numbers.figure(row['value'], unit)}",
        }
        for row in rows
    ]
    encodings = {
        "shape": category("shape", scale=None),
        "size": quantity("size", scale=None),
        "stroke": category("colour", scale=None),
        "fill": category("fill", scale=None),
        "description": category("description"),
    }
    hollow_or_filled = mark("point", aria=True, filled=False, strokeWidth=1.5)
    return [layer(points, hollow_or_filled, x=x, y=y, **encodings)] if points else []


def _point_shape(row: dict) -> str:
    if row["signal"] not in SIGNAL_COLOURS:
        return "circle"
    return "triangle-up" if (row["signal"] == "better") == row["is_up_good"] else "triangle-down"


def _value_scale(shown: list[Row]) -> tuple[list[float], list[float]]:
    low, high = _extent(shown)
    ticks = round_ticks(min(0.0, low), high)
    return [ticks[0], ticks[-1]], ticks


def _extent(shown: list[Row]) -> tuple[float, float]:
    columns = ("value", "lower_limit", "upper_limit", "target")
    ends = [float(row[column]) for row in shown for column in columns if row.get(column) is not None]
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _value_axis(ticks: list[float], unit: str) -> Part:
    return {"values": ticks, "format": ".0%" if unit == "share" else ",~f"}


def _month_labels(shown: list[Row], x: Part, plot_width: float, plot_height: float) -> list[Part]:
    """As many months as there is room for, the year under the first one and under each change of year."""
    each = max(1, math.ceil(34 * max(len(shown), 6) / plot_width))
    each = next(n for n in (1, 2, 3, 4, 6, 12, 24, 10_000) if n >= each)
    rows, year = [], None
    for row in shown[::each]:
        month = row["month_starting"]
        rows.append({"at": row["at"], "words": [f"{month:%b}", f"{month:%Y}" if month.year != year else ""]})
        year = month.year
    label = mark("text", color=PALETTE["muted"], baseline="top", lineHeight=13)
    return [layer(rows, label, x=x, y={"value": plot_height + 8}, text=category("words"))]


def _going_on(shown: list[Row]) -> list[Row]:
    """The last period with its value, where it is not complete."""
    return [row for row in shown[-1:] if not row["is_complete"] and row["value"] is not None]


def _latest_levels(process_phases: list[Row], targets: list[float], unit: str) -> list[Row]:
    """The limits and average of the latest phase, and the target, as labels."""
    last = process_phases[-1] if process_phases else {}
    levels = [("upper limit", last.get("upper")), ("average", last.get("center")), ("lower limit", last.get("lower"))]
    levels += [("target", targets[-1])] if targets else []
    return [
        {"value": value, "name": name, "words": f"{name} {numbers.figure(value, unit)}"}
        for name, value in levels
        if value is not None
    ]


def _level_labels(labels: list[Row], x: Part, y: Part, end: int, scale: list[float], plot_height: float) -> list[Part]:
    """Labels of levels, right of the plot, without overlap."""
    pixel = (scale[1] - scale[0]) / plot_height
    spread = spread_out(labels, LABEL_HEIGHT * pixel, scale[1] + 2 * LABEL_HEIGHT * pixel)
    colours = {"target": PALETTE["purple"], "average": PALETTE["ink"]}
    rows = [
        {**label, "at": max(end, 6) - 0.5, "colour": colours.get(label["name"], PALETTE["muted"])} for label in spread
    ]
    text, colour = mark("text", align="left", dx=10), category("colour", scale=None)
    return [layer(rows, text, x=x, y=y, text=category("words"), color=colour)] if rows else []


def _earlier_level_labels(process_phases: list[Row], x: Part, y: Part, step: float, unit: str) -> list[Part]:
    """The average and limits of each earlier process phase, where its band has room for the label."""
    labels = []
    for process_phase in process_phases:
        if process_phase["lower"] is not None and (process_phase["end"] - process_phase["limits_at"]) * step > 250:
            center, lower, upper = (numbers.figure(process_phase[name], unit) for name in ("center", "lower", "upper"))
            text = f"average {center}, limits {lower} to {upper}"
            labels.append({"at": process_phase["limits_at"], "value": process_phase["upper"], "words": text})
    label = mark("text", align="left", dx=6, dy=-8, color=PALETTE["muted"])
    return [layer(labels, label, x=x, y=y, text=category("words"))] if labels else []
