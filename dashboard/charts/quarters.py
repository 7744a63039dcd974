"""Charts by quarter and of twelve months: shares as lines, unused data products as bars, amounts as small bars.

Rows are those of `ownership_shares`, `liability_quarterly` and `product_costs`; only complete periods are drawn.
"""

import math

from dashboard.charts.marks import (
    LABEL_HEIGHT,
    Part,
    category,
    layer,
    mark,
    other_end,
    quantity,
    round_ticks,
    spread_out,
)
from dashboard.tables import Row
from dashboard.theme import PALETTE, Chart, frame

QUARTERS_SHOWN = 16
SHARE_AXIS = {"values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"}
LINES = {  # measure: (label, colour, dashes)
    "products": ("products", PALETTE["blue"], [1, 0]),
    "deployments": ("deployments", PALETTE["mark"], [7, 2]),
    "adoptions": ("adoptions", PALETTE["purple"], [3, 3]),
}


def ownership_chart(rows: list[Row], column: str, width: int = 560, height: int = 230) -> Chart:
    """A share of what is owned, by quarter: a line each for live data products, deployments and adoptions.

    Parameters: `rows`, of `ownership_shares`; `column`, `outside_share` or `largest_domain_share`.
    """
    quarters, at = _quarters(rows)
    left, right, top, bottom = 44, 112, 10, 40
    plot_width, plot_height = width - left - right, height - top - bottom
    x = quantity("at", axis=None, scale={"domain": [-0.5, len(quarters) - 0.5], "nice": False})
    y = quantity(column, title=None, scale={"domain": [0, 1]}, axis=SHARE_AXIS)
    drawn: list[Part] = []
    labels = []
    for measure, (label, colour, dashes) in LINES.items():
        points = [
            {"at": at[row["month_starting"]], column: row[column]}
            for row in rows
            if row["measure"] == measure and row["month_starting"] in at
        ]
        line = mark("line", color=colour, strokeDash=dashes, strokeWidth=2.5 if measure == "products" else 1.5)
        known = [point for point in points if point[column] is not None]
        drawn += [layer(points, line, x=x, y=y), layer(known, mark("point", color=colour, size=22), x=x, y=y)]
        if known:
            share = known[-1][column]
            labels.append({"value": share, "colour": colour, "words": f"{label} {share:.0%}"})
    drawn += _end_labels(labels, len(quarters), column, x, y, plot_height)
    drawn.append(_quarter_labels(quarters, x, plot_width, plot_height))
    return frame(drawn, width, height, left, right, top, bottom)


def _end_labels(labels: list[Row], end: int, column: str, x: Part, y: Part, plot_height: float) -> list[Part]:
    """The name of each line with its last share, right of the plot."""
    spread = spread_out(labels, LABEL_HEIGHT / plot_height, 1.0)
    placed = [row | {"at": end - 0.5, column: row["value"]} for row in spread]
    text, colour = mark("text", align="left", dx=2, fontWeight="bold"), category("colour", scale=None)
    return [layer(placed, text, x=x, y=y, text=category("words"), color=colour)] if labels else []


def liability_chart(rows: list[Row], width: int = 560, height: int = 230) -> Chart:
    """Live data products by quarter, those unused for a year filled, and under them how many were retired.

    Parameters: `rows`, of `liability_quarterly`.
    """
    quarters, at = _quarters(rows)
    left, right, top, bottom = 44, 12, 18, 76
    plot_width, plot_height = width - left - right, height - top - bottom
    shown = [row | {"at": at[row["month_starting"]]} for row in rows if row["month_starting"] in at]
    ticks = round_ticks(0, max((row["live_count"] or 0 for row in shown), default=1) or 1)
    scale = {"domain": [0, ticks[-1]], "nice": False}
    x = quantity("at", axis=None, scale={"domain": [-0.6, len(quarters) - 0.4], "nice": False})
    y = quantity("count", title=None, scale=scale, axis={"values": ticks, "format": ",~f"})
    thick = max(4.0, min(48.0, 0.7 * plot_width / max(len(quarters), 1)))
    layers = [
        layer(_counts(shown, column), mark("bar", width=thick, color=colour), x=x, y=y, y2=other_end("zero"))
        for column, colour in (("live_count", PALETTE["interval"]), ("unused_count", PALETTE["orange"]))
    ]
    above = mark("text", dy=-6, color=PALETTE["orange"], fontWeight="bold")
    layers.append(layer(_counts(shown, "unused_count", is_positive=True), above, x=x, y=y, text=category("words")))
    layers.append(_quarter_labels(quarters, x, plot_width, plot_height))
    below = mark("text", color=PALETTE["muted"], baseline="top")
    title = [{"at": -0.6, "words": "retired in the quarter:"}]
    layers.append(layer(title, below | {"align": "left"}, x=x, y={"value": plot_height + 42}, text=category("words")))
    retired = _counts(shown, "retired_count")
    layers.append(layer(retired, below, x=x, y={"value": plot_height + 57}, text=category("words")))
    return frame(layers, width, height, left, right, top, bottom)


def _counts(shown: list[Row], column: str, is_positive: bool = False) -> list[Row]:
    """The known counts of a column, each with its place; only those above 0 where asked."""
    return [
        {"at": row["at"], "count": row[column], "zero": 0, "words": f"{row[column]:,}"}
        for row in shown
        if row[column] is not None and (row[column] or not is_positive)
    ]


def amounts_chart(months: list[tuple[int, float | None]], width: int = 120, height: int = 34) -> Chart:
    """The amounts of one measure and unit in twelve months, as bars without labels; the last month stands out.

    Parameters: `months`, (how many months before the last one, 0 to 11, the amount) of those that have a figure.
    """
    rows = [
        {"at": -before, "amount": amount, "zero": 0, "colour": PALETTE["bar" if before else "blue"]}
        for before, amount in months
        if amount is not None
    ]
    x = quantity("at", axis=None, scale={"domain": [-11.5, 0.5], "nice": False})
    highest = max([amount for _, amount in months if amount is not None], default=0.0)
    y = quantity("amount", axis=None, scale={"domain": [0, highest or 1], "nice": False})
    colour = category("colour", scale=None, legend=None)
    return frame(
        [layer(rows, mark("bar", width=7), x=x, y=y, y2=other_end("zero"), color=colour)], width, height, 1, 1, 2, 1
    )


def _quarters(rows: list[Row]) -> tuple[list[object], dict[object, int]]:
    """The first days of the latest complete quarters, QUARTERS_SHOWN at most, and the place of each."""
    quarters = sorted({row["month_starting"] for row in rows if row["is_complete"]})[-QUARTERS_SHOWN:]
    return list(quarters), {quarter: at for at, quarter in enumerate(quarters)}


def _quarter_labels(quarters: list, x: Part, plot_width: float, plot_height: float) -> Part:
    """As many quarters as there is room for, the year under the first one and under each change of year."""
    each = max(1, math.ceil(24 * len(quarters) / plot_width))
    each = next(n for n in (1, 2, 4, 8, 10_000) if n >= each)
    rows, year = [], None
    for at, quarter in list(enumerate(quarters))[::each]:
        name = f"Q{(quarter.month + 2) // 3}"
        rows.append({"at": at, "words": [name, f"{quarter:%Y}" if quarter.year != year else ""]})
        year = quarter.year
    label = mark("text", color=PALETTE["muted"], baseline="top", lineHeight=13)
    return layer(rows, label, x=x, y={"value": plot_height + 8}, text=category("words"))
