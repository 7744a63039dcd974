"""Charts of estimates with their interval: days by stage, and the outlook by month."""

from dashboard.charts.marks import category, layer, mark, only_columns, other_end, quantity, round_ticks, target_layers
from dashboard.tables import Row
from dashboard.theme import PALETTE, Chart, frame


def stages_chart(stages: list[Row], names: dict[str, str], width: int = 480) -> Chart:
    """Median days of each stage with the 95 % interval; an arrow where it has no upper end.

    Parameters: `stages`, rows of `time_to_value` of one estimator, in the order to draw; `names`, {interval_id: label}.
    """
    left, right, top, bottom, row_height = 150, 16, 4, 24, 24
    height = top + bottom + row_height * len(stages)
    ends = [row[f"median_{end}days"] for row in stages for end in ("", "lower_", "upper_")]
    ticks = round_ticks(0, max((float(end) for end in ends if end is not None), default=100))
    x = quantity("median_days", title=None, scale={"domain": [0, ticks[-1]], "nice": False})
    x["axis"] = {"values": ticks, "grid": True, "orient": "bottom"}
    y = quantity("at", axis=None, scale={"domain": [-0.5, len(stages) - 0.5], "reverse": True, "nice": False})
    rows = [
        {
            "at": at,
            "name": names[row["interval_id"]],
            "colour": _interval_colour(row["interval_id"]),
            "median_days": row["median_days"],
            "low": row["median_lower_days"] or 0,
            "high": ticks[-1] if row["median_upper_days"] is None else row["median_upper_days"],
            "is_open_end": row["median_upper_days"] is None,
        }
        for at, row in enumerate(stages)
    ]
    known = [row for row in rows if row["median_days"] is not None]
    open_ended = [row for row in known if row["is_open_end"]]
    colour = category("colour", scale=None, legend=None)
    arrow = mark("point", shape="triangle-right", size=60)
    layers = [
        layer(known, mark("rule", strokeWidth=3), x=quantity("low"), x2=other_end("high"), y=y, color=colour),
        layer(open_ended, arrow, x={"value": width - left - right}, y=y, color=colour),
        layer(known, mark("point", size=70), x=x, y=y, color=colour),
        layer(rows, mark("text", align="left"), x={"value": -left}, y=y, text=category("name")),
    ]
    return frame(layers, width, height, left, right, top, bottom)


def outlook_chart(outlook: list[Row], width: int = 420, height: int = 190) -> Chart:
    """The next months' North Star: expected, with its 80 % interval.

    Parameters: `outlook`, rows of `outlook` in order of month_starting, with the column `target` (None where none).
    """
    left, right, top, bottom = 36, 12, 10, 26
    rows = [
        only_columns([row], "lower", "upper", "expected_value")[0] | {"at": at, "label": f"{row['month_starting']:%b}"}
        for at, row in enumerate(outlook)
    ]
    highest = [float(row[c]) for row in outlook for c in ("upper", "target") if row[c] is not None]
    ticks = round_ticks(0, max(highest, default=1))
    scale = {"domain": [0, ticks[-1]]}
    x = quantity("at", axis=None, scale={"domain": [-0.5, len(outlook) - 0.5], "nice": False})
    y = quantity("lower", title=None, scale=scale, axis={"values": ticks})
    line = mark("tick", width=24, orient="horizontal", thickness=3, color=PALETTE["blue"])
    label = mark("text", color=PALETTE["muted"], baseline="top")
    layers = [
        layer(rows, mark("bar", width=24, color=PALETTE["interval"]), x=x, y=y, y2=other_end("upper")),
        layer(rows, line, x=x, y=quantity("expected_value", scale=scale)),
        layer(rows, label, x=x, y={"value": height - top - bottom + 8}, text=category("label")),
    ]
    targets = [row["target"] for row in outlook if row["target"] is not None]
    return frame(
        layers + target_layers(targets, quantity("value", scale=scale)), width, height, left, right, top, bottom
    )


def _interval_colour(interval: str) -> str:
    return PALETTE["blue"] if interval == "idea_to_adopted" else PALETTE["mark"]
