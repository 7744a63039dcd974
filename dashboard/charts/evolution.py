"""The S-curve of data products: supply (certainty) by demand (ubiquity), from rows of `product_evolution`, counted."""

import math
from itertools import pairwise

from dashboard.charts.marks import Part, category, layer, mark, other_end, quantity, round_ticks
from dashboard.tables import Row
from dashboard.theme import PALETTE, Chart, frame

COLUMNS = {  # certainty: (its width, its name, a word a line)
    "raw": (1.0, ["raw"]),
    "contract_not_kept": (0.9, ["contract", "not kept"]),
    "curated": (0.9, ["curated"]),
    "authoritative": (1.2, ["authoritative"]),
}
POSITION_MARKS = {
    "on_curve": ("circle", PALETTE["mark"]),
    "used_beyond_its_certainty": ("cross", PALETTE["orange"]),
    "certain_but_under_used": ("square", PALETTE["blue"]),
}
LARGEST, SMALLEST = 17.0, 2.4  # pixels from the middle of a mark to its side
LEVEL_GAP = 5.0  # pixels; shares nearer to each other than this are drawn at one height
COUNTED_FROM = 9.0  # pixels; a mark of this size or more shows its count
MARGINS = {"left": 44, "right": 6, "top": 50, "bottom": 24}


def evolution_chart(cells: list[Row], moves: list[Row], width: int = 560, height: int = 360) -> Chart:
    """Data products by certainty and ubiquity; the area of a mark is their count, a trail where they came from.

    Parameters: `cells`, one row per certainty × ubiquity_share × position with `product_count`; `moves`, one row per
    before_certainty × before_ubiquity_share × certainty × ubiquity_share × position with `product_count`, the place
    some time ago and now. Marks do not overlap: where they would, they stand side by side in their column.
    """
    plot_width = width - MARGINS["left"] - MARGINS["right"]
    plot_height = height - MARGINS["top"] - MARGINS["bottom"]
    shares = [float(row["ubiquity_share"]) for row in cells] + [float(row["before_ubiquity_share"]) for row in moves]
    ticks = [tick for tick in round_ticks(0, max([0.1, *shares])) if tick <= 1] or [0, 1]
    top = max(ticks[-1], *shares, 0.1)
    a_pixel = top / (plot_height - 2 * LARGEST)
    scale = {"domain": [-LARGEST * a_pixel, top + LARGEST * a_pixel], "nice": False}
    x = quantity("at", axis=None, scale={"domain": [0, plot_width], "nice": False})
    y = quantity("ubiquity_share", title=None, scale=scale, axis={"values": ticks, "format": ".0%"})
    edges = _edges(plot_width)
    marks = placed(cells, edges, a_pixel)
    layers = [
        *_certainty_layers(edges, x, y, top),
        *_trail_layers(moves, marks, edges, x, y),
        *_mark_layers(marks, x, y),
        *_title_layers(x, plot_width, plot_height),
    ]
    return frame(layers, width, height, *MARGINS.values())


def placed(cells: list[Row], edges: list[float], a_pixel: float) -> list[Row]:
    """One mark per certainty, height and position: `at`, `ubiquity_share`, `radius`, `product_count`; none overlap.

    Parameters: `edges`, the pixels at which the columns begin, and the end of the last; `a_pixel`, the share that one
    pixel is high. Marks shrink together, down to SMALLEST, until all have room; their area stays in proportion to
    their count above that.
    """
    heights = _heights(cells, a_pixel)
    counts: dict[tuple[int, float, str], int] = {}
    for row in cells:
        key = (list(COLUMNS).index(row["certainty"]), heights[float(row["ubiquity_share"])], row["position"])
        counts[key] = counts.get(key, 0) + row["product_count"]
    most = max([100, *counts.values()])
    size = LARGEST
    while True:
        radii = {key: max(SMALLEST, size * math.sqrt(count / most)) for key, count in counts.items()}
        marks = _side_by_side(radii, edges, a_pixel)
        if marks is not None or size < SMALLEST:
            return [mark | {"product_count": counts[key]} for key, mark in (marks or {}).items()]
        size *= 0.85


def _heights(cells: list[Row], a_pixel: float) -> dict[float, float]:
    """{share: the share at whose height it is drawn}: itself, or one less than LEVEL_GAP below."""
    heights: dict[float, float] = {}
    level = -math.inf
    for share in sorted({float(row["ubiquity_share"]) for row in cells}):
        level = share if share - level >= LEVEL_GAP * a_pixel else level
        heights[share] = level
    return heights


def _side_by_side(
    radii: dict[tuple[int, float, str], float], edges: list[float], a_pixel: float
) -> dict[tuple[int, float, str], Row] | None:
    """Each mark as near to the middle of its column as those before it allow, large ones first; None without room."""
    marks: dict[tuple[int, float, str], Row] = {}
    for key, radius in sorted(radii.items(), key=lambda item: (-item[1], item[0])):
        column, share, position = key
        left, right = edges[column], edges[column + 1]
        others = [m for m in marks.values() if m["column"] == column]
        others = [m for m in others if abs(m["ubiquity_share"] - share) / a_pixel < m["radius"] + radius + 0.5]
        middle, room = (left + right) / 2, (right - left) / 2 - radius - 1
        asides = (side * step for step in range(int(room) + 1) for side in (-1, 1))
        free = (a for a in asides if all(abs(middle + a - m["at"]) >= m["radius"] + radius + 0.5 for m in others))
        aside = next(free, None)
        if aside is None:
            return None
        place = {"column": column, "at": middle + aside, "ubiquity_share": share}
        marks[key] = place | {"radius": radius, "position": position}
    return marks


def _edges(plot_width: float) -> list[float]:
    """Where the columns of COLUMNS begin, in pixels, and where the last one ends."""
    widths = [width for width, _ in COLUMNS.values()]
    return [plot_width * sum(widths[:n]) / sum(widths) for n in range(len(widths) + 1)]


def _certainty_layers(edges: list[float], x: Part, y: Part, top: float) -> list[Part]:
    """The columns of certainty, the path of growth up to `top`, and at its inflection where an active contract begins.

    The path is a logistic curve: half of `top` where the second column begins.
    """
    end, contract = edges[-1], edges[1]
    steepness = 7 / end
    curve = [
        {"at": i * end / 60, "ubiquity_share": top / (1 + math.exp(-steepness * (i * end / 60 - contract)))}
        for i in range(61)
    ]
    shades = [PALETTE[name] for name in ("stage", "band", "stage", "band")]
    columns = [{"at": a, "end": b, "colour": colour} for (a, b), colour in zip(pairwise(edges), shades, strict=True)]
    names = [{"at": (a + b) / 2, "name": n} for (a, b), (_, n) in zip(pairwise(edges), COLUMNS.values(), strict=True)]
    line = [{"at": contract, "words": "active contract →"}]
    label = mark("text", align="left", dx=4, color=PALETTE["purple"])
    return [
        layer(columns, mark("rect"), x=x, x2=other_end("end"), color=category("colour", scale=None)),
        layer(curve, mark("line", color=PALETTE["path"], strokeWidth=6), x=x, y=y, order=quantity("at")),
        layer(line, mark("rule", color=PALETTE["purple"], strokeDash=[3, 3]), x=x),
        layer(line, label, x=x, y={"value": -MARGINS["top"] + 8}, text=category("words")),
        layer(names, mark("text", lineHeight=12), x=x, y={"value": -26}, text=category("name")),
    ]


def _trail_layers(moves: list[Row], marks: list[Row], edges: list[float], x: Part, y: Part) -> list[Part]:
    """A tapered trail for each move: thin at the place some time ago, as thick at today's as data products moved."""
    points, order = [], list(COLUMNS)
    most = max([1, *(row["product_count"] for row in moves)])
    for number, row in enumerate(moves):
        column, before = order.index(row["certainty"]), order.index(row["before_certainty"])
        here = [m for m in marks if m["column"] == column and m["position"] == row["position"]]
        if not here:
            continue
        end = min(here, key=lambda m: abs(m["ubiquity_share"] - row["ubiquity_share"]))
        start = end["at"] if before == column else (edges[before] + edges[before + 1]) / 2
        thick = 1.5 + 6 * row["product_count"] / most
        points.append({"move": number, "at": start, "ubiquity_share": row["before_ubiquity_share"], "size": 0.4})
        points.append({"move": number, "at": end["at"], "ubiquity_share": end["ubiquity_share"], "size": thick})
    trail = mark("trail", color=PALETTE["limit"], opacity=0.55)
    size = quantity("size", scale=None)
    return [layer(points, trail, x=x, y=y, size=size, detail=category("move"))] if points else []


def _mark_layers(marks: list[Row], x: Part, y: Part) -> list[Part]:
    layers = []
    for position, (shape, colour) in POSITION_MARKS.items():
        rows = [m | {"size": (2 * m["radius"]) ** 2} for m in marks if m["position"] == position]
        layers.append(
            layer(rows, mark("point", shape=shape, color=colour), x=x, y=y, size=quantity("size", scale=None))
        )
    counted = [m | {"words": f"{m['product_count']:,}"} for m in marks if m["radius"] >= COUNTED_FROM]
    counted = [m for m in counted if 6.5 * len(m["words"]) < 2 * m["radius"]]
    return [*layers, layer(counted, mark("text", color=PALETTE["paper"]), x=x, y=y, text=category("words"))]


def _title_layers(x: Part, plot_width: float, plot_height: float) -> list[Part]:
    text = mark("text", color=PALETTE["muted"])
    up = mark("text", color=PALETTE["muted"], align="left", dx=-MARGINS["left"])
    supply = [{"at": plot_width / 2, "words": "supply: certainty →"}]
    demand = [{"at": 0, "words": "↑ demand: ubiquity" if plot_width > 400 else "↑ demand"}]
    return [
        layer(supply, text, x=x, y={"value": plot_height + 12}, text=category("words")),
        layer(demand, up, x=x, y={"value": -MARGINS["top"] + 8}, text=category("words")),
    ]
