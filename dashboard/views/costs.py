"""Lasting value, costs, and momentum with effort: sections of the CTO's page.

Belongs here: what `templates/persona/lasting.html`, `costs.html` and `momentum.html` print. Does not belong here:
sentences (`words/lasting.py`, `words/costs.py`, `words/momentum.py`).
"""

from markupsafe import Markup

from dashboard import charts
from dashboard.rows import EVERYONE, Row
from dashboard.tables import PageData
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import costs, lasting, momentum, numbers

UNITS_LISTED = 12  # measures and units with a row of their own


def lasting_section(data: PageData) -> View:
    """The share of adoptions still in use after three, six and twelve months."""
    rows = lasting.known(data.survival)
    return {
        "title": lasting.heading(data.survival),
        "is_half": bool(rows),
        "classes": ["measured"] if rows else ["not_measured"],
        "scope": lasting.scope(data.survival),
        "missing": lasting.missing(data.survival),
        "rows": [_length(row) for row in rows],
    }


def _length(row: Row) -> View:
    low, high = (row[end] if row[end] is not None else row["share_in_use"] for end in ("lower", "upper"))
    return {
        "day": f"{row['day']:,} days",
        "share": lasting.share(row),
        "interval": lasting.interval(row),
        "at": parts.percent_of(row["share_in_use"], 1),
        "low_at": parts.percent_of(low, 1),
        "length": parts.percent_of(high - low, 1),
        "followed": f"{row['followed_count']:,}",
        "ended": f"{row['ended_count']:,}",
    }


def costs_section(data: PageData) -> View:
    """Cost by currency, energy and carbon of the latest complete month, and of the months before."""
    rows, series = data.costs, costs.series(data.costs)
    return {
        "title": costs.heading(rows),
        "classes": ["declared", "measured"] if rows else ["not_measured"],
        "about": costs.about(rows),
        "missing": costs.missing(rows),
        "rows": [_unit(number, months, costs.latest(rows)) for number, months in enumerate(series[:UNITS_LISTED])],
        "more": f"{len(series) - UNITS_LISTED:,} more units are in the table product_costs."
        if len(series) > UNITS_LISTED
        else "",
        "table": [_month(row) for months in series[:UNITS_LISTED] for row in reversed(months)],
    }


def _unit(number: int, months: list[Row], latest: list[Row]) -> View:
    """A measure in one unit: its latest complete month, named where it is none of `latest`, and those before drawn."""
    row, last = months[-1], max(other["month_starting"] for other in latest)
    return _month(row) | {
        "earlier": "" if row in latest else numbers.period(row["month_starting"], "month"),
        "chart": parts.chart_svg(
            charts.amounts_chart([(costs.months_before(row, last), row["amount"]) for row in months]),
            f"costs-{number}",
            f"{costs.name(row)}, by month",
            f"{costs.total(row)} in {numbers.period(row['month_starting'], 'month')}.",
        ),
    }


def _month(row: Row) -> View:
    return {
        "name": costs.name(row),
        "month": numbers.period(row["month_starting"], "month"),
        "amount": costs.total(row),
        "products": f"{row['product_count']:,}",
        "coverage": numbers.figure_or_dash(row["coverage_share"], "share"),
        "per_product": _of(*costs.per_product(row)),
        "per_adoption": _of(*costs.per_adoption(row)),
    }


def _of(value: str, of: str) -> Markup:
    """A figure, and small next to it of how many it is."""
    return Markup('{} <span class="muted small">{}</span>').format(value, of)


def momentum_section(data: PageData) -> View:
    """Whether every push gets easier: by time to value, and by the effort that a data product takes."""
    row = momentum.row_of(data.flywheel)
    return {
        "title": momentum.heading(data.flywheel),
        "is_half": bool(lasting.known(data.survival)),  # next to the section of what lasts, where that is as tall
        "classes": ["measured"] if row and row["value"] is not None else ["not_measured"],
        "words": momentum.in_words(row),
        "finished_only": momentum.finished_only(momentum.row_of(data.flywheel, momentum.FINISHED_ONLY)),
        "effort": [*_build_time(data), *_cost_per_adoption(data)],
        "missing": momentum.missing(data),
    }


def _build_time(data: PageData) -> list[View]:
    """The build time at the current pace with its verdict; none where nobody sends started work."""
    row, definition = data.verdicts.get((EVERYONE, momentum.BUILD_TIME)), data.definitions[momentum.BUILD_TIME]
    if row is None or row["value"] is None:
        return []
    return [
        {
            "id": momentum.BUILD_TIME,
            "name": definition["name"],
            "value": numbers.with_unit(row["value"], definition["unit"]),
            "when": numbers.period(row["month_starting"], row["period"]),
            "verdict": parts.verdict(row, definition),
            "classes": ["measured"],
        }
    ]


def _cost_per_adoption(data: PageData) -> list[View]:
    """The cost of each adoption of the latest complete month, by currency."""
    return [
        {
            "id": "",
            "name": f"Cost per adoption, {row['unit']}",
            "value": costs.per_adoption(row)[0],
            "when": f"{numbers.period(row['month_starting'], 'month')}, {costs.per_adoption(row)[1]}",
            "verdict": None,
            "classes": ["declared", "measured"],
        }
        for row in costs.latest(data.costs)
        if row["measure"] == "cost"
    ]
