"""The data factory and code as a liability: sections of the product leaders' page.

Belongs here: what `templates/persona/factory.html` and `liability.html` print. Does not belong here: sentences
(`words/factory.py`, `words/liability.py`).
"""

from dashboard import charts
from dashboard.rows import Row
from dashboard.tables import PageData
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes, factory, liability


def factory_section(data: PageData) -> View:
    """The way of data products through the factory, stage by stage; a line only where fewer than two are known."""
    rows = data.factory
    known = factory.known(rows)
    largest = max([row["product_count"] for row in known] + [1])
    return {
        "title": factory.heading(rows),
        "classes": ["measured"] if factory.is_drawn(rows) else ["not_measured"],
        "stages": [_stage(row, largest) for row in rows] if factory.is_drawn(rows) else [],
        "notes": factory.notes(rows) if factory.is_drawn(rows) else [],
        "missing": factory.missing(rows),
    }


def _stage(row: Row, largest: int) -> View:
    is_known = row["product_count"] is not None
    return {
        "name": codes.FACTORY_STAGES[row["stage"]],
        "is_known": is_known,
        "count": f"{row['product_count']:,}" if is_known else "",
        "width": parts.percent_of(row["product_count"], largest) if is_known else "0%",
        "left": factory.left(row) if is_known else "",
        "wait": factory.wait(row),
        "is_bottleneck": bool(row["is_bottleneck"]),
    }


SIZES = {"wide": (1340, 260), "medium": (640, 260), "narrow": (316, 250)}


def liability_section(data: PageData) -> View:
    """Data products that nobody has used for a year, and those retired, by quarter."""
    rows = data.liability
    known = [row for row in rows if row["unused_count"] is not None]
    title = liability.heading(rows)
    is_drawn = any(row["is_complete"] and row["live_count"] for row in known)
    return {
        "title": title,
        "classes": ["measured"] if known or any(row["retired_count"] is not None for row in rows) else ["not_measured"],
        "about": liability.about(rows),
        "missing": liability.missing(rows),
        "chart": _liability_charts(rows, title) if is_drawn else None,
        "table": [_quarter(row) for row in reversed(rows)] if is_drawn else [],
    }


def _liability_charts(rows: list[Row], title: str) -> View:
    return {
        size: parts.chart_svg(
            charts.liability_chart(rows, width, height),
            f"liability-{size}",
            "Live data products by quarter, those unused for a year, and those retired",
            f"{title}.",
        )
        for size, (width, height) in SIZES.items()
    }


def _quarter(row: Row) -> View:
    return {
        "quarter": liability.period(row),
        "live": f"{row['live_count']:,}" if row["live_count"] is not None else "–",
        "unused": liability.unused(row),
        "retired": f"{row['retired_count']:,}" if row["retired_count"] is not None else "–",
    }
