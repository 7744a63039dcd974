"""The time-to-value curve: the share of ideas adopted, deployed and dropped, by days since the idea.

Rows are those of `time_to_value_curve`.
"""

import math

from dashboard.charts.marks import LABEL_HEIGHT, Part, category, layer, mark, other_end, quantity, spread_out, wrapped
from dashboard.tables import ADOPTION_LAG, WHOLE_WAY, Row
from dashboard.theme import PALETTE, Chart, frame

LINES = {  # line: (label, colour)
    "idea_to_deployed": ("Deployed", PALETTE["mark"]),
    "idea_to_adopted": ("Adopted by another domain", PALETTE["blue"]),
    "closed": ("Dropped", PALETTE["orange"]),
}
DAYS_SHOWN = (90, 180, 360, 720, 1080, 1800, 3600, 7200)


def time_to_value_chart(
    curves: list[Row], medians: dict[str, float | None] | None = None, width: int = 700, height: int = 330
) -> Chart:
    """The share of ideas adopted by day, with its 95 % band, and how many ideas were still at risk.

    Parameters: `curves`, rows of `time_to_value_curve` of one domain in order of day: idea_to_adopted, and
    idea_to_deployed where it is to be drawn; or deployed_to_adopted alone, where no idea was logged; `medians`,
    {interval_id: days or None}.
    """
    main = ADOPTION_LAG if any(row["interval_id"] == ADOPTION_LAG for row in curves) else WHOLE_WAY
    median = (medians or {}).get(main)
    has_labels = width >= 600
    left, right, top, bottom = 44, 128 if has_labels else 22, 12, 62
    plot_width, plot_height = width - left - right, height - top - bottom
    adopted = [row for row in curves if row["interval_id"] == main]
    last_day = _last_day_shown(adopted or curves, median)
    x = quantity("day", axis=None, scale={"domain": [0, last_day], "nice": False})
    y = quantity("share", title=None, scale={"domain": [0, 1]}, axis=_share_axis())
    drawn = _steps_by_line(curves, adopted, last_day, plot_width)
    layers = [_band_layer(drawn, x)]
    for line, stroke in (
        ("idea_to_deployed", {"strokeDash": [7, 2]}),
        ("idea_to_adopted", {"strokeWidth": 2.5}),
        ("closed", {"strokeDash": [3, 3]}),
    ):
        steps = mark("line", interpolate="step-after", color=LINES[line][1], **stroke)
        layers.append(layer(drawn.get(line, []), steps, x=x, y=y))
    layers += _median_layers(median, last_day, x, y)
    words = ("deployment", "data products") if main == ADOPTION_LAG else ("the idea", "ideas")
    layers += _day_labels(adopted or curves, last_day, x, plot_width, plot_height, words)
    if has_labels and drawn:
        layers.append(_end_labels(drawn, last_day, x, y, plot_height))
    return frame(layers, width, height, left, right, top, bottom)


def _share_axis() -> Part:
    return {"values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"}


def _last_day_shown(curve: list[Row], median: float | None) -> int:
    longest = max((float(row["day"]) for row in curve), default=0.0)
    wanted = max(min(longest, 360.0), min(longest, 1.1 * (median or 0.0)))
    return next((days for days in DAYS_SHOWN if days >= wanted), math.ceil(wanted))


def _steps_by_line(curves: list[Row], adopted: list[Row], last_day: int, plot_width: float) -> dict[str, list[Row]]:
    """The steps to draw, by line: at most one a pixel, from day 0 to the last day observed."""
    steps_by_line = {}
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
            steps_by_line[name] = _one_step_a_pixel(steps, last_day, plot_width)
    return steps_by_line


def _one_step_a_pixel(steps: list[Row], last_day: int, plot_width: float) -> list[Row]:
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
    band = mark("area", interpolate="step-after", opacity=0.15)
    lower = quantity("lower", scale={"domain": [0, 1]})
    return layer(
        steps, band, x=x, y=lower, y2=other_end("upper"), color=category("colour", scale=None), detail=category("line")
    )


def _median_layers(median: float | None, last_day: int, x: Part, y: Part) -> list[Part]:
    if median is None or median > last_day:
        return []
    stem = [{"day": median, "share": 0.0, "end": 0.5}]
    half = [{"day": median, "share": 0.5, "words": f"median {median:,.0f} days"}]
    is_right = median > 0.6 * last_day
    side = {"align": "right" if is_right else "left", "dx": -8 if is_right else 8}
    text = mark("text", dy=14, color=PALETTE["blue"], fontWeight="bold", **side)
    return [
        layer(stem, mark("rule", color=PALETTE["blue"], strokeDash=[2, 3]), x=x, y=y, y2=other_end("end")),
        layer(half, mark("point", color=PALETTE["blue"], size=60), x=x, y=y),
        layer(half, text, x=x, y=y, text=category("words")),
    ]


def _day_labels(
    curve: list[Row], last_day: int, x: Part, plot_width: float, plot_height: float, words: tuple[str, str]
) -> list[Part]:
    """The days, and under them how many were at risk then; `words`, since when, and of what."""
    since, things = words
    count = max(2, min(6, int(plot_width // 70)))
    days = [round(last_day * i / count) for i in range(count + 1)]
    long_title = f"days since {since}; below: {things} still open when the curve steps there"
    title = long_title if plot_width > 480 else f"days; below: {things} still open"
    label = mark("text", color=PALETTE["muted"], baseline="top")
    return [
        layer(rows, label, x=x, y={"value": plot_height + below}, text=category("words"))
        for rows, below in (
            ([{"day": day, "words": f"{day:,}"} for day in days], 8),
            (_open_counts(curve, days, last_day * 46 / plot_width), 25),
            ([{"day": last_day / 2, "words": title}], 45),
        )
    ]


def _open_counts(curve: list[Row], days: list[int], apart: float) -> list[Row]:
    """The steps nearest to `days`, at least `apart` days from each other, with the count at risk just before each."""
    labels: list[Row] = []
    for day in days if curve else []:
        row = min(curve, key=lambda row: abs(row["day"] - day))
        if row["day"] <= days[-1] and (not labels or row["day"] - labels[-1]["day"] >= apart):
            labels.append({"day": row["day"], "words": f"{row['at_risk_count']:,}"})
    return labels


def _end_labels(drawn: dict[str, list[Row]], last_day: int, x: Part, y: Part, plot_height: float) -> Part:
    """The name and last share of each line, right of the plot."""
    labels = [
        {"value": share, "colour": LINES[line][1], "words": [*(wrapped(LINES[line][0], 17) or []), f"{share:.0%}"]}
        for line, share in ((line, steps[-1]["share"]) for line, steps in drawn.items())
    ]
    gap = (max(len(label["words"]) for label in labels)) * LABEL_HEIGHT / plot_height
    lowest = 2 * LABEL_HEIGHT / plot_height  # above the days
    labels = spread_out([{**label, "value": max(label["value"], lowest)} for label in labels], gap)
    rows = [{**label, "day": last_day, "share": label["value"]} for label in labels]
    text, colour = mark("text", align="left", dx=8, fontWeight="bold"), category("colour", scale=None)
    return layer(rows, text, x=x, y=y, text=category("words"), color=colour)
