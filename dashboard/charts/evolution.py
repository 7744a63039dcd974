"""The S-curve of data products: certainty by ubiquity, from rows of `product_evolution`."""

import math

from dashboard.charts.marks import Part, category, layer, mark, other_end, quantity, round_ticks
from dashboard.tables import Row
from dashboard.theme import PALETTE, Chart, frame

CERTAINTIES = ("raw", "curated", "authoritative")
POSITION_MARKS = {
    "on_curve": ("circle", PALETTE["mark"]),
    "used_beyond_its_certainty": ("cross", PALETTE["orange"]),
    "certain_but_under_used": ("square", PALETTE["blue"]),
}


def evolution_chart(counts: list[Row], width: int = 520, height: int = 330) -> Chart:
    """Data products by certainty (the gates of their contract) and ubiquity; the area of a mark is their count.

    Parameters: `counts`, one row per certainty × ubiquity_share × position with `product_count`.
    """
    left, right, top, bottom = 48, 10, 26, 40
    highest = max([0.1, *(float(row["ubiquity_share"]) for row in counts if row["ubiquity_share"] is not None)])
    ticks = [tick for tick in round_ticks(0, highest) if tick <= 1] or [0, 1]
    scale = {"domain": [-0.04 * ticks[-1], 1.06 * max(highest, ticks[-1])], "nice": False}
    x = quantity("at", axis=None, scale={"domain": [0, 3], "nice": False})
    y = quantity("ubiquity_share", title=None, scale=scale, axis={"values": ticks, "format": ".0%"})
    layers = [
        *_certainty_layers(x, y, ticks[-1]),
        *_position_layers(counts, x, y),
        layer(
            [{"at": 1.5, "words": "certainty: contract in force, checks passed, unbroken →"}],
            mark("text", color=PALETTE["muted"]),
            x=x,
            y={"value": height - top - bottom + 22},
            text=category("words"),
        ),
    ]
    return frame(layers, width, height, left, right, top, bottom)


def _certainty_layers(x: Part, y: Part, top: float) -> list[Part]:
    """The columns of certainty, the path of expected use up to `top`, and where a data contract begins."""
    curve = [{"at": i / 20, "ubiquity_share": top / (1 + math.exp(-(i / 20 - 1.6) * 2.6))} for i in range(61)]
    bands = [{"at": i, "end": i + 1, "colour": colour} for i, colour in enumerate(["#f7f9fc", "#eef2f9", "#e3eaf6"])]
    names = [{"at": i + 0.5, "name": name.capitalize()} for i, name in enumerate(CERTAINTIES)]
    contract = [{"at": 1, "words": "data contract in force"}]
    label = mark("text", align="left", dx=5, color=PALETTE["purple"])
    return [
        layer(bands, mark("rect"), x=x, x2=other_end("end"), color=category("colour", scale=None)),
        layer(curve, mark("line", color="#cfd6e4", strokeWidth=6), x=x, y=y, order=quantity("at")),
        layer(contract, mark("rule", color=PALETTE["purple"], strokeDash=[3, 3]), x=x),
        layer(contract, label, x=x, y={"value": 10}, text=category("words")),
        layer(names, mark("text", fontWeight="bold"), x=x, y={"value": -12}, text=category("name")),
    ]


def _position_layers(counts: list[Row], x: Part, y: Part) -> list[Part]:
    counts = _with_positions_in_column(
        [row for row in counts if row["ubiquity_share"] is not None and row["certainty"] in CERTAINTIES]
    )
    most = max([100, *(row["product_count"] for row in counts)])
    size = quantity("product_count", legend=None, scale={"domain": [0, most], "range": [30, 900]})
    return [
        layer(
            [row for row in counts if row["position"] == position],
            mark("point", shape=shape, color=colour, opacity=0.85),
            x=x,
            y=y,
            size=size,
        )
        for position, (shape, colour) in POSITION_MARKS.items()
    ]


def _with_positions_in_column(counts: list[Row]) -> list[Row]:
    """The same rows with their position `at` in the column of their certainty; marks at one ubiquity do not overlap."""
    positions: dict[tuple[str, float], set[str]] = {}
    for row in counts:
        positions.setdefault((row["certainty"], row["ubiquity_share"]), set()).add(row["position"])
    placed = []
    for row in counts:
        position, is_crowded = row["position"], len(positions[row["certainty"], row["ubiquity_share"]]) > 1
        aside = 0.22 if position == "certain_but_under_used" else -0.22 if is_crowded and position == "on_curve" else 0
        placed.append(row | {"at": CERTAINTIES.index(row["certainty"]) + 0.5 + aside})
    return placed
