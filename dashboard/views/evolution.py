"""The S-curve's section of the main page: `templates/evolution.html`."""

from markupsafe import Markup

from dashboard import charts
from dashboard.tables import PageData, Row
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes, evolution, numbers, phrases

LISTED = 5  # data products of each position off the curve
SIZES = {"wide": (560, 360), "narrow": (316, 290)}


def evolution_card(data: PageData, slugs: dict[str, str]) -> View:
    """The chart, its tables, how many have a contract, and the data products off the curve."""
    cells = data.evolution
    total = sum(row["product_count"] for row in cells)
    drawn = [row for row in cells if row["position"] and row["ubiquity_share"] is not None]
    if not drawn:
        why = codes.reason(evolution.reason_without_positions(cells))
        return {"total": total, "chart": None, "reason": why}
    basis = next(row["ubiquity_basis"] for row in drawn)
    counts = {name: sum(r["product_count"] for r in drawn if r["position"] == name) for name in codes.POSITIONS}
    moves = data.evolution_moves
    moved = moves[0]["moved_count"] if moves else 0
    missing = total - sum(row["product_count"] for row in drawn)
    return {
        "total": total,
        "chart": _charts(drawn, moves, counts),
        "reason": "",
        "coverage": evolution.coverage(cells),
        "demand": evolution.demand_in_words(basis),
        "movement": evolution.movement(moved, sum(row["product_count"] for row in moves)),
        "not_drawn": f"Not drawn: {phrases.counted(missing, 'data product')} of unknown owner." if missing else "",
        "lists": [_off_the_curve(data, name, counts[name], slugs) for name in codes.POSITIONS],
        "table": [_cell(row) for row in drawn],
        "moves": [_move(row) for row in moves],
    }


def _charts(drawn: list[Row], moves: list[Row], counts: dict[str, int]) -> dict[str, Markup]:
    certainties = evolution.certainty_counts(drawn)
    parts_in_words = [f"{count:,} {codes.CERTAINTIES[name].lower()}" for name, count in certainties.items()]
    parts_in_words += [f"{counts[name]:,} {title.lower()}" for name, (title, _) in codes.POSITIONS.items()]
    total = phrases.counted(sum(certainties.values()), "data product")
    return {
        size: parts.chart_svg(
            charts.evolution_chart(drawn, moves, width, height),
            f"evolution-{size}",
            "Data products by certainty and by share of other domains that use them",
            f"{total}: {', '.join(parts_in_words)}.",
        )
        for size, (width, height) in SIZES.items()
    }


def _cell(row: Row) -> View:
    return {
        "certainty": codes.CERTAINTIES[row["certainty"]],
        "ubiquity": numbers.share(row["ubiquity_share"]),
        "position": codes.POSITIONS[row["position"]][0] if row["position"] in codes.POSITIONS else "On the curve",
        "count": f"{row['product_count']:,}",
    }


def _move(row: Row) -> View:
    return {
        "before": _place(row["before_certainty"], row["before_ubiquity_share"]),
        "now": _place(row["certainty"], row["ubiquity_share"]),
        "count": f"{row['product_count']:,}",
    }


def _place(certainty: str, share: float) -> str:
    return f"{codes.CERTAINTIES[certainty]}, {numbers.share(share)}"


def _off_the_curve(data: PageData, position: str, count: int, slugs: dict[str, str]) -> View:
    """Some of the data products at a position off the S-curve."""
    examples = [row for row in data.evolution_examples if row["position"] == position][:LISTED]
    title, what = codes.POSITIONS[position]
    return {
        "position": position,
        "title": title,
        "what": what,
        "count": count,
        "rows": [parts.example_product(row, slugs) for row in examples],
        "more": count - len(examples),
    }
