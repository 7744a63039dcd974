"""The charts, as pure functions from served rows to Altair; the page and the notebooks draw the same ones.

Belongs here: marks, scales, labels that are part of a drawing. Does not belong here: reading tables, sentences, HTML.
Every frame is as served (a SELECT from its table), every size in pixels. Scales and ticks are set, never guessed from
fonts, so the same rows give the same drawing everywhere.
"""

import json
import math
from collections.abc import Iterable

import altair as alt
import pandas as pd

from dashboard import words
from dashboard.theme import PALETTE, VERDICT_COLOURS, frame

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


def north_star_chart(months: pd.DataFrame, definition: dict, width: int = 1080, height: int = 260) -> alt.LayerChart:
    """The North Star by month with its process limits, declared changes, target, and the incomplete month hollow.

    Parameters: `months`, rows of `north_star_monthly` in order of month_starting; the last MONTHS_SHOWN complete ones
    and the incomplete one are drawn; `definition`, its row of `metric_definitions`. A triangle is a signal (up or
    down, as the value went), a dot is routine.
    """
    unit = definition["unit"]
    has_labels = width >= 600
    left, right, top, bottom = 44, 130 if has_labels else 12, 38, 40
    shown = _shown(months).assign(is_up_good=definition["good_direction"] == "up")
    plot_width, plot_height = width - left - right, height - top - bottom
    scale, ticks = _value_scale(shown)
    x = alt.X("at:Q", axis=None, scale=alt.Scale(domain=[-0.6, max(len(shown), 6) - 0.4], nice=False))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(domain=scale, nice=False), axis=_value_axis(ticks, unit))
    phases = _phases(shown)
    target = shown["target"].dropna()
    layers = [
        *_limit_layers(phases, x, y),
        *_change_layers(phases, x, plot_width / max(len(shown), 6), has_labels),
        *_value_layers(shown, x, y, scale, unit),
        *_month_labels(shown, x, plot_width, plot_height),
    ]
    layers += _target_layers(target, y)
    if has_labels:
        layers += _earlier_labels(phases[:-1], x, y, plot_width / max(len(shown), 6), unit)
        layers += _level_labels(phases, target, x, y, len(shown), scale, plot_height, unit)
    return frame(layers, width, height, left, right, top, bottom)


def sparkline(months: pd.DataFrame, definition: dict, width: int = 120, height: int = 34) -> alt.LayerChart:
    """One leading metric by month: its values, or its pace index where it is judged by pace, over its routine range.

    Parameters: `months`, one metric's rows of `leading_metrics_monthly` in one domain, in order of month_starting;
    `definition`, its row of `metric_definitions`.
    """
    shown = _shown(months)
    is_paced = shown["pace_index"].notna().any()
    if is_paced:
        shown = shown.assign(value=shown["pace_index"])
    shown = shown.assign(is_up_good=is_paced or definition["good_direction"] == "up")  # a higher pace always is
    shown = shown[shown["is_complete"].astype(bool)]
    low, high = _extent(shown)
    x = alt.X("at:Q", axis=None, scale=alt.Scale(domain=[-0.5, MONTHS_SHOWN - 0.5], nice=False))
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(domain=[low, high], nice=False))
    shown = shown.assign(at=shown["at"] + MONTHS_SHOWN - 1 - (shown["at"].max() if len(shown) else 0))
    known = shown[shown["value"].notna()]
    layers = [*_limit_layers(_phases(shown), x, y, is_small=True)]
    layers.append(alt.Chart(_rows(shown[["at", "value"]])).mark_line(strokeWidth=1.2).encode(x=x, y=y))
    layers += _points(known.tail(1), x, y, 36, "" if is_paced else definition["unit"])
    return frame(layers, width, height, 2, 5, 4, 4)


def first_shown(is_complete: Iterable[bool]) -> int:
    """Where the last MONTHS_SHOWN complete periods begin in a series; what is not complete yet follows them."""
    complete = [at for at, is_known in enumerate(is_complete) if is_known]
    return complete[-MONTHS_SHOWN] if len(complete) > MONTHS_SHOWN else 0


def time_to_value_chart(curves: pd.DataFrame, medians: dict | None = None, width: int = 700, height: int = 330):
    """How large a share has got there by day, with its 95 % band, and how many were still followed.

    Parameters: `curves`, rows of `time_to_value_curve` of one domain (idea_to_adopted, and idea_to_deployed as far as
    it is to be drawn) or of several domains' idea_to_adopted; `medians`, {interval_id: days or None}.
    """
    medians = medians or {}
    has_labels = width >= 600
    left, right, top, bottom = 44, 128 if has_labels else 22, 12, 62
    plot_width, plot_height = width - left - right, height - top - bottom
    adopted = curves[curves["interval_id"] == "idea_to_adopted"]
    last_day = _last_day(adopted if len(adopted) else curves, medians.get("idea_to_adopted"))
    x = alt.X("day:Q", axis=None, scale=alt.Scale(domain=[0, last_day], nice=False))
    y = alt.Y("share:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=_share_axis())
    drawn = _steps_by_line(curves, adopted, last_day, plot_width)
    steps = pd.concat(drawn.values()) if drawn else pd.DataFrame(columns=["line"])
    colour = alt.Color("colour:N", scale=None)
    band = alt.Chart(_rows(steps[steps["line"] != "closed"])).mark_area(interpolate="step-after", opacity=0.15)
    solid = alt.Chart(_rows(steps[steps["line"] == "idea_to_adopted"]))
    solid = solid.mark_line(interpolate="step-after", strokeWidth=2.5, color=PALETTE["blue"])
    dashed = alt.Chart(_rows(steps[steps["line"] == "idea_to_deployed"]))
    dashed = dashed.mark_line(interpolate="step-after", strokeDash=[7, 2], color=PALETTE["mark"])
    dropped = alt.Chart(_rows(steps[steps["line"] == "closed"]))
    dropped = dropped.mark_line(interpolate="step-after", strokeDash=[3, 3], color=PALETTE["orange"])
    lower = alt.Y("lower:Q", scale=alt.Scale(domain=[0, 1]))
    layers = [
        band.encode(x=x, y=lower, y2=alt.Y2("upper:Q"), color=colour, detail=alt.Detail("line:N")),
        dashed.encode(x=x, y=y),
        solid.encode(x=x, y=y),
        dropped.encode(x=x, y=y),
    ]
    layers += _median_layers(medians.get("idea_to_adopted"), last_day, x, y)
    layers += _day_labels(adopted if len(adopted) else curves, last_day, x, plot_width, plot_height)
    if has_labels and drawn:
        ends = [(line, float(steps["share"].iloc[-1])) for line, steps in drawn.items()]
        layers.append(_end_labels(ends, last_day, x, y, plot_height))
    return frame(layers, width, height, left, right, top, bottom)


def stages_chart(stages: pd.DataFrame, names: dict[str, str], width: int = 480) -> alt.LayerChart:
    """Days within which half get through each stage, with the 95 % interval; an arrow where it has no upper end.

    Parameters: `stages`, rows of `time_to_value` of one estimator, in the order to draw; `names`, what to call them.
    """
    left, right, top, bottom, row = 150, 16, 4, 24, 24
    height = top + bottom + row * len(stages)
    ends = stages[["median_days", "median_lower_days", "median_upper_days"]].max(axis=None)
    ticks = _ticks(0, float(ends) if pd.notna(ends) else 100)
    x = alt.X(
        "median_days:Q",
        title=None,
        scale=alt.Scale(domain=[0, ticks[-1]], nice=False),
        axis=alt.Axis(values=ticks, grid=True, orient="bottom"),
    )
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[-0.5, len(stages) - 0.5], reverse=True, nice=False))
    stages = stages.reset_index(drop=True).assign(at=range(len(stages)))
    stages["name"] = [names[interval] for interval in stages["interval_id"]]
    stages["colour"] = [_emphasis(interval) for interval in stages["interval_id"]]
    known = stages[stages["median_days"].notna()].assign(
        low=lambda f: f["median_lower_days"].fillna(0), high=lambda f: f["median_upper_days"].fillna(ticks[-1])
    )
    colour = alt.Color("colour:N", scale=None, legend=None)
    open_ended = known[known["median_upper_days"].isna()]
    layers = [
        alt.Chart(_rows(known))
        .mark_rule(strokeWidth=3)
        .encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y, color=colour),
        alt.Chart(_rows(open_ended))
        .mark_point(shape="triangle-right", size=60)
        .encode(x=alt.XValue(width - left - right), y=y, color=colour),
        alt.Chart(_rows(known)).mark_point(size=70).encode(x=x, y=y, color=colour),
        alt.Chart(_rows(stages)).mark_text(align="left").encode(x=alt.XValue(-left), y=y, text=alt.Text("name:N")),
    ]
    return frame(layers, width, height, left, right, top, bottom)


def outlook_chart(outlook: pd.DataFrame, width: int = 420, height: int = 190) -> alt.LayerChart:
    """The next months' North Star: expected, and the range in which four of five such months fall.

    Parameters: `outlook`, rows of `outlook` in order of month_starting, with the column `target` (NULL where none).
    """
    left, right, top, bottom = 36, 12, 10, 26
    outlook = outlook.reset_index(drop=True).assign(
        at=range(len(outlook)), label=[f"{m:%b}" for m in pd.to_datetime(outlook["month_starting"])]
    )
    highest = outlook[["upper", "target"]].astype(float).max(axis=None)
    ticks = _ticks(0, float(highest) if pd.notna(highest) else 1)
    x = alt.X("at:Q", axis=None, scale=alt.Scale(domain=[-0.5, len(outlook) - 0.5], nice=False))
    y = alt.Y("lower:Q", title=None, scale=alt.Scale(domain=[0, ticks[-1]]), axis=alt.Axis(values=ticks))
    expected = alt.Y("expected_value:Q", scale=alt.Scale(domain=[0, ticks[-1]]))
    base = alt.Chart(_rows(outlook))
    layers = [
        base.mark_bar(width=24, color="#c9dbf5").encode(x=x, y=y, y2=alt.Y2("upper:Q")),
        base.mark_tick(width=24, orient="horizontal", thickness=3, color=PALETTE["blue"]).encode(x=x, y=expected),
        base.mark_text(color=PALETTE["muted"], baseline="top").encode(
            x=x, y=alt.YValue(height - top - bottom + 8), text=alt.Text("label:N")
        ),
    ]
    layers += _target_layers(outlook["target"].dropna(), alt.Y("value:Q", scale=alt.Scale(domain=[0, ticks[-1]])))
    return frame(layers, width, height, left, right, top, bottom)


def evolution_chart(counts: pd.DataFrame, width: int = 520, height: int = 330) -> alt.LayerChart:
    """Data products by certainty (the gates of their contract) and ubiquity; a mark's area is how many stand there.

    Parameters: `counts`, one row per certainty × ubiquity_share × position with `product_count`.
    """
    left, right, top, bottom = 48, 10, 26, 40
    highest = max(0.1, float(counts["ubiquity_share"].max()) if len(counts) else 0.1)
    ticks = [tick for tick in _ticks(0, highest) if tick <= 1] or [0, 1]
    scale = alt.Scale(domain=[-0.04 * ticks[-1], 1.06 * max(highest, ticks[-1])], nice=False)
    x = alt.X("at:Q", axis=None, scale=alt.Scale(domain=[0, 3], nice=False))
    y = alt.Y("ubiquity_share:Q", title=None, scale=scale, axis=alt.Axis(values=ticks, format=".0%"))
    counts = _side_by_side(counts[counts["ubiquity_share"].notna() & counts["certainty"].isin(CERTAINTIES)])
    most = max(100, int(counts["product_count"].max()) if len(counts) else 0)
    curve = [{"at": i / 20, "ubiquity_share": ticks[-1] / (1 + math.exp(-(i / 20 - 1.6) * 2.6))} for i in range(61)]
    bands = [{"at": i, "end": i + 1, "colour": colour} for i, colour in enumerate(["#f7f9fc", "#eef2f9", "#e3eaf6"])]
    names = [{"at": i + 0.5, "name": name.capitalize()} for i, name in enumerate(CERTAINTIES)]
    size = alt.Size("product_count:Q", legend=None, scale=alt.Scale(domain=[0, most], range=[30, 900]))
    layers = [
        alt.Chart(_rows(bands)).mark_rect().encode(x=x, x2=alt.X2("end:Q"), color=alt.Color("colour:N", scale=None)),
        alt.Chart(_rows(curve)).mark_line(color="#cfd6e4", strokeWidth=6).encode(x=x, y=y, order="at:Q"),
        alt.Chart(_rows([{"at": 1}])).mark_rule(color=PALETTE["purple"], strokeDash=[3, 3]).encode(x=x),
        alt.Chart(_rows([{"at": 1, "words": "data contract in force"}]))
        .mark_text(align="left", dx=5, color=PALETTE["purple"])
        .encode(x=x, y=alt.YValue(10), text=alt.Text("words:N")),
        alt.Chart(_rows(names)).mark_text(fontWeight="bold").encode(x=x, y=alt.YValue(-12), text=alt.Text("name:N")),
        *[
            alt.Chart(_rows(counts[counts["position"] == position]))
            .mark_point(shape=shape, color=colour, opacity=0.85)
            .encode(x=x, y=y, size=size)
            for position, (shape, colour) in POSITIONS.items()
        ],
        alt.Chart(_rows([{"at": 1.5, "words": "certainty: contract in force, checks passed, unbroken →"}]))
        .mark_text(color=PALETTE["muted"])
        .encode(x=x, y=alt.YValue(height - top - bottom + 22), text=alt.Text("words:N")),
    ]
    return frame(layers, width, height, left, right, top, bottom)


def _side_by_side(counts: pd.DataFrame) -> pd.DataFrame:
    """The same rows with their place `at` in their certainty's column; positions of one ubiquity never hide another."""
    is_crowded = counts.groupby(["certainty", "ubiquity_share"])["position"].transform("nunique") > 1
    places = []
    for certainty, position, crowd in zip(counts["certainty"], counts["position"], is_crowded, strict=True):
        aside = 0.22 if position == "certain_but_under_used" else -0.22 if crowd and position == "on_curve" else 0
        places.append(CERTAINTIES.index(certainty) + 0.5 + aside)
    return counts.assign(at=places)


def _rows(rows: pd.DataFrame | list[dict]) -> alt.Data:
    """Rows for a mark; NULL, NaN and NaT all become null. As text: Altair copies all else at each step."""
    records = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    plain = [{key: _plain(value) for key, value in row.items()} for row in records]
    return alt.Data(values=json.dumps(plain), format=alt.JsonDataFormat(type="json"))


def _plain(value: object) -> object:
    if isinstance(value, list):
        return value
    if value is None or pd.isna(value):
        return None
    if isinstance(value, bool | str | int | float):
        return value
    return value.item() if hasattr(value, "item") else str(value)


def _shown(months: pd.DataFrame) -> pd.DataFrame:
    """The periods that are drawn, each with its place `at`."""
    shown = months.iloc[first_shown(months["is_complete"]) :].copy()
    shown["at"] = range(len(shown))
    for column in ("value", "center", "lower_limit", "upper_limit", "target", "pace_index"):
        if column in shown:
            shown[column] = shown[column].astype(float)
    return shown


def _phases(shown: pd.DataFrame) -> list[dict]:
    """One dict a declared phase that is in sight: from and to, its limits (NULL where it has none), its note."""
    found = []
    for _, rows in shown.groupby("phase", sort=True):
        last = rows.iloc[-1]
        notes = rows["phase_note"].dropna() if "phase_note" in rows else []
        found.append(
            {
                "at": float(rows["at"].min()) - 0.5,
                "end": float(rows["at"].max()) + 0.5,
                "center": _plain(last["center"]),
                "lower": _plain(last["lower_limit"]),
                "upper": _plain(last["upper_limit"]),
                "note": notes.iloc[0] if len(notes) else None,
                "month": rows["month_starting"].iloc[0],
            }
        )
    return found


def _limit_layers(phases: list[dict], x: alt.X, y: alt.Y, is_small: bool = False) -> list[alt.Chart]:
    limited = [phase for phase in phases if phase["lower"] is not None]
    base = alt.Chart(_rows([{**phase, "month": None, "value": phase["lower"]} for phase in limited]))
    layers = [base.mark_rect(color=PALETTE["band"]).encode(x=x, x2=alt.X2("end:Q"), y=y, y2=alt.Y2("upper:Q"))]
    if not is_small:
        ends = [{**phase, "month": None, "value": phase[end]} for phase in limited for end in ("lower", "upper")]
        dashed = alt.Chart(_rows(ends)).mark_rule(color="#8f9db8", strokeDash=[4, 3])
        layers.append(dashed.encode(x=x, x2=alt.X2("end:Q"), y=y))
    centred = [{**phase, "month": None, "value": phase["center"]} for phase in phases if phase["center"] is not None]
    rule = alt.Chart(_rows(centred)).mark_rule(
        color=PALETTE["line"] if is_small else PALETTE["ink"], strokeWidth=1 if is_small else 1.5
    )
    return [*layers, rule.encode(x=x, x2=alt.X2("end:Q"), y=y)]


def _change_layers(phases: list[dict], x: alt.X, step: float, has_labels: bool) -> list[alt.Chart]:
    """A line where a declared change begins a phase, with its number, and its words where they have room."""
    changes = [(number, phase) for number, phase in enumerate((p for p in phases if p["note"]), 1)]
    rule = alt.Chart(_rows([{"at": phase["at"]} for _, phase in changes]))
    layers = [rule.mark_rule(color="#8f9db8", strokeWidth=1).encode(x=x)]
    ends = [later["at"] for _, later in changes[1:]] + [phases[-1]["end"]] if changes else []
    labels = []
    for (number, phase), end in zip(changes, ends, strict=True):
        lines = _wrapped(f"{number} · {phase['month']:%b %Y}: {phase['note']}", int((end - phase["at"]) * step / 7.2))
        labels.append({"at": phase["at"], "words": lines if has_labels and lines else [str(number)]})
    text = alt.Chart(_rows(labels)).mark_text(align="left", dx=4, fontWeight="bold", baseline="top", lineHeight=13)
    return [*layers, text.encode(x=x, y=alt.YValue(-32), text=alt.Text("words:N"))] if labels else []


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


def _target_layers(target: pd.Series, y: alt.Y) -> list[alt.Chart]:
    """The latest of the targets as a line, where there is one; `y` is the axis of the field `value`."""
    line = alt.Chart(_rows([{"value": float(value)} for value in target.tail(1)]))
    rule = line.mark_rule(color=PALETTE["purple"], strokeDash=[2, 3], strokeWidth=2)
    return [rule.encode(y=y)] if len(target) else []


def _value_layers(shown: pd.DataFrame, x: alt.X, y: alt.Y, scale: list[float], unit: str) -> list[alt.Chart]:
    known = shown[shown["value"].notna()]
    complete = known[known["is_complete"].astype(bool)]
    partial = known[~known["is_complete"].astype(bool)]
    path = shown[shown["is_complete"].astype(bool)]  # with the unknown months, at which the line breaks
    layers = [alt.Chart(_rows(path[["at", "value"]])).mark_line(strokeWidth=1.3, color="#8a96ae").encode(x=x, y=y)]
    layers += _points(complete, x, y, 44, unit)
    if len(partial):
        dotted = pd.concat([complete.tail(1), partial])[["at", "value"]]
        layers.append(alt.Chart(_rows(dotted)).mark_line(strokeWidth=1.2, strokeDash=[2, 3]).encode(x=x, y=y))
        row = partial.iloc[-1]
        point = {
            "at": row["at"],
            "value": row["value"],
            "said": f"{row['month_starting']:%B %Y}: {words.figure(row['value'], unit)} so far",
        }
        hollow = alt.Chart(_rows([point])).mark_point(filled=False, fill="#ffffff", size=60, strokeWidth=1.5, aria=True)
        layers.append(hollow.encode(x=x, y=y, description=alt.Description("said:N")))
        is_low = row["value"] - scale[0] < 0.2 * (scale[1] - scale[0])
        label = alt.Chart(_rows([{**point, "words": f"{words.figure(row['value'], unit)} so far"}])).mark_text(
            align="right", dx=8, dy=-13 if is_low else 16, color=PALETTE["muted"]
        )
        layers.append(label.encode(x=x, y=y, text=alt.Text("words:N")))
    return layers


def _points(rows: pd.DataFrame, x: alt.X, y: alt.Y, size: int, unit: str) -> list[alt.Chart]:
    """Routine months as dots, signals as triangles that point the way the value went, hollow where that is bad."""
    records = [
        {
            "at": row["at"],
            "value": row["value"],
            "shape": _shape(row),
            "size": size if _shape(row) == "circle" else 1.9 * size,
            "colour": VERDICT_COLOURS.get(row["verdict"], PALETTE["mark"]),
            "fill": VERDICT_FILLS.get(row["verdict"], PALETTE["mark"]),
            "said": f"{row['month_starting']:%B %Y}: {words.figure(row['value'], unit)}",
        }
        for row in rows.to_dict("records")
    ]
    point = (
        alt.Chart(_rows(records))
        .mark_point(aria=True, filled=False, strokeWidth=1.5)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape("shape:N", scale=None),
            size=alt.Size("size:Q", scale=None),
            stroke=alt.Stroke("colour:N", scale=None),
            fill=alt.Fill("fill:N", scale=None),
            description=alt.Description("said:N"),
        )
    )
    return [point] if records else []


def _shape(row: dict) -> str:
    if row["verdict"] not in VERDICT_COLOURS:
        return "circle"
    return "triangle-up" if (row["verdict"] == "improving") == row["is_up_good"] else "triangle-down"


def _value_scale(shown: pd.DataFrame) -> tuple[list[float], list[float]]:
    low, high = _extent(shown)
    ticks = _ticks(min(0.0, low), high)
    return [ticks[0], ticks[-1]], ticks


def _extent(shown: pd.DataFrame) -> tuple[float, float]:
    columns = [c for c in ("value", "lower_limit", "upper_limit", "target") if c in shown]
    ends = shown[columns].astype(float)
    low, high = ends.min(axis=None), ends.max(axis=None)
    if pd.isna(low):
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round steps from at or below `low` to at or above `high`."""
    span = max(high - low, 1e-9)
    power = 10 ** math.floor(math.log10(span / count))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power * count >= span * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]


def _value_axis(ticks: list[float], unit: str) -> alt.Axis:
    return alt.Axis(values=ticks, format=".0%" if unit == "share" else ",~f")


def _share_axis() -> alt.Axis:
    return alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%")


def _month_labels(shown: pd.DataFrame, x: alt.X, plot_width: float, plot_height: float) -> list[alt.Chart]:
    """As many months as have room, the year under the first and under each new one."""
    each = max(1, math.ceil(34 * max(len(shown), 6) / plot_width))
    each = next(n for n in (1, 2, 3, 4, 6, 12, 24, 10_000) if n >= each)
    rows, year = [], None
    for row in shown.iloc[::each].to_dict("records"):
        month = row["month_starting"]
        rows.append({"at": row["at"], "words": [f"{month:%b}", f"{month:%Y}" if month.year != year else ""]})
        year = month.year
    label = alt.Chart(_rows(rows)).mark_text(color=PALETTE["muted"], baseline="top", lineHeight=13)
    return [label.encode(x=x, y=alt.YValue(plot_height + 8), text=alt.Text("words:N"))]


def _level_labels(phases, target, x, y, end: int, scale: list[float], plot_height: float, unit: str) -> list[alt.Chart]:
    """The latest phase's limits and average and the target, beside the plot, moved apart where they would touch."""
    last = phases[-1] if phases else {}
    found = [("upper limit", last.get("upper")), ("average", last.get("center")), ("lower limit", last.get("lower"))]
    found += [("target", float(target.iloc[-1]))] if len(target) else []
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
    text = alt.Chart(_rows(rows)).mark_text(align="left", dx=10)
    return [text.encode(x=x, y=y, text=alt.Text("words:N"), color=alt.Color("colour:N", scale=None))] if rows else []


def _earlier_labels(phases: list[dict], x: alt.X, y: alt.Y, step: float, unit: str) -> list[alt.Chart]:
    """What the average and the limits of an earlier phase were, where its band has room for the words."""
    labels = []
    for phase in phases:
        if phase["lower"] is not None and (phase["end"] - phase["at"]) * step > 250:
            center, lower, upper = (words.figure(phase[name], unit) for name in ("center", "lower", "upper"))
            said = f"average {center}, limits {lower} to {upper}"
            labels.append({"at": phase["at"], "value": phase["upper"], "words": said})
    text = alt.Chart(_rows(labels)).mark_text(align="left", dx=6, dy=-8, color=PALETTE["muted"])
    return [text.encode(x=x, y=y, text=alt.Text("words:N"))] if labels else []


def _apart(labels: list[dict], gap: float) -> list[dict]:
    """The same labels in order of value, each at least `gap` above the one before."""
    spread = []
    for label in sorted(labels, key=lambda one: one["value"]):
        value = max(label["value"], spread[-1]["value"] + gap) if spread else label["value"]
        spread.append({**label, "value": value})
    return spread


def _last_day(curve: pd.DataFrame, median: float | None) -> int:
    longest = float(curve["day"].max()) if len(curve) else 0.0
    wanted = max(min(longest, 360.0), min(longest, 1.1 * (median or 0.0)))
    return next((days for days in DAYS_SHOWN if days >= wanted), math.ceil(wanted))


def _steps_by_line(curves: pd.DataFrame, adopted: pd.DataFrame, last_day: int, plot_width: float) -> dict:
    """The steps to draw, by line: one a pixel at most, from day 0 to the last day followed."""
    found = {}
    for name, rows, column in (
        ("idea_to_deployed", curves[curves["interval_id"] == "idea_to_deployed"], "share_adopted"),
        ("closed", adopted, "share_closed"),
        ("idea_to_adopted", adopted, "share_adopted"),
    ):
        rows = rows[rows[column].notna()]
        if len(rows):
            steps = rows.assign(share=rows[column].astype(float))[["day", "share", "lower", "upper"]]
            found[name] = _thinned(steps, last_day, plot_width).assign(line=name, colour=LINES[name][1])
    return found


def _thinned(steps: pd.DataFrame, last_day: int, plot_width: float) -> pd.DataFrame:
    end = min(float(steps["day"].max()), float(last_day))
    zero = pd.DataFrame([{"day": 0.0, "share": 0.0, "lower": 0.0, "upper": 0.0}])
    steps = pd.concat([zero, steps[steps["day"] <= end].astype(float)], ignore_index=True)
    pixel = (steps["day"] / last_day * plot_width).round()
    steps = steps.groupby(pixel).last().reset_index(drop=True)
    return pd.concat([steps, steps.tail(1).assign(day=end)], ignore_index=True)


def _median_layers(median: float | None, last_day: int, x: alt.X, y: alt.Y) -> list[alt.LayerChart | alt.Chart]:
    if median is None or pd.isna(median) or median > last_day:
        return []
    stem = alt.Chart(_rows([{"day": median, "share": 0.0, "end": 0.5}])).mark_rule(
        color=PALETTE["blue"], strokeDash=[2, 3]
    )
    point = alt.Chart(_rows([{"day": median, "share": 0.5}])).mark_point(color=PALETTE["blue"], size=60)
    is_right = median > 0.6 * last_day
    text = alt.Chart(_rows([{"day": median, "share": 0.5, "words": f"half by day {median:,.0f}"}])).mark_text(
        align="right" if is_right else "left", dx=-8 if is_right else 8, dy=14, color=PALETTE["blue"], fontWeight="bold"
    )
    return [
        stem.encode(x=x, y=y, y2=alt.Y2("end:Q")),
        point.encode(x=x, y=y),
        text.encode(x=x, y=y, text=alt.Text("words:N")),
    ]


def _day_labels(curve: pd.DataFrame, last_day: int, x: alt.X, plot_width: float, plot_height: float) -> list:
    """The days, and under them how many are still followed then."""
    count = max(2, min(6, int(plot_width // 70)))
    days = [round(last_day * i / count) for i in range(count + 1)]
    base = alt.Chart(_rows([{"day": day, "words": f"{day:,}"} for day in days]))
    still = alt.Chart(_rows(_still_open(curve, days, last_day * 46 / plot_width)))
    title = "days since the idea; below, how many ideas were still open when the curve stepped there"
    said = alt.Chart(
        _rows([{"day": last_day / 2, "words": title if plot_width > 480 else "days; below, ideas still open"}])
    )
    return [
        chart.mark_text(color=PALETTE["muted"], baseline="top").encode(
            x=x, y=alt.YValue(plot_height + below), text=alt.Text("words:N")
        )
        for chart, below in ((base, 8), (still, 25), (said, 45))
    ]


def _still_open(curve: pd.DataFrame, days: list[int], apart: float) -> list[dict]:
    """Of the steps the ones nearest to `days` and `apart` from one another, with how many were at risk just before."""
    found: list[dict] = []
    for day in days if len(curve) else []:
        row = curve.loc[(curve["day"] - day).abs().idxmin()]
        if row["day"] <= days[-1] and (not found or row["day"] - found[-1]["day"] >= apart):
            found.append({"day": float(row["day"]), "words": f"{int(row['at_risk_count']):,}"})
    return found


def _end_labels(ends: list, last_day: int, x: alt.X, y: alt.Y, plot_height: float) -> alt.Chart:
    labels = [
        {"value": share, "colour": LINES[line][1], "words": [*_wrapped(LINES[line][0], 17), f"{share:.0%}"]}
        for line, share in ends
    ]
    gap = (max(len(label["words"]) for label in labels)) * LABEL_HEIGHT / plot_height
    lowest = 2 * LABEL_HEIGHT / plot_height  # above the days
    labels = _apart([{**label, "value": max(label["value"], lowest)} for label in labels], gap)
    text = alt.Chart(_rows([{**label, "day": last_day, "share": label["value"]} for label in labels]))
    return text.mark_text(align="left", dx=8, fontWeight="bold").encode(
        x=x, y=y, text=alt.Text("words:N"), color=alt.Color("colour:N", scale=None)
    )


def _emphasis(interval: str) -> str:
    return PALETTE["blue"] if interval == "idea_to_adopted" else PALETTE["mark"]
