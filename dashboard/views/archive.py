"""The list of earlier months: `templates/archive.html`."""

from datetime import date

from dashboard.kept import Tables
from dashboard.tables import ADOPTION_LAG, HEADLINE, WHOLE_WAY, Row, headline_row
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import numbers, time_to_value

Month = tuple[str, str, Tables]  # its folder's name, when its page was drawn (empty: not known), its kept tables


def archive_list(months: list[Month]) -> View:
    """What `archive.html` prints; months of which no tables were kept have their link and date only."""
    return {"months": [_month(*month) for month in months]}


def _month(name: str, drawn_at: str, tables: Tables) -> View:
    view = {"name": name, "month": f"{date.fromisoformat(f'{name}-01'):%B %Y}", "drawn_at": drawn_at or "–"}
    nothing = {"metric": "", "value": "–", "verdict": None, "headline": "–"}
    try:
        return view | nothing | _figures(name, tables)
    except (KeyError, IndexError):  # kept by a version with other columns
        return view | nothing


def _figures(name: str, tables: Tables) -> View:
    """The North Star of the month, the verdict on it and the headline of time to value, as its page had them."""
    row = next((row for row in tables["north_star_monthly"] if f"{row['month_starting']:%Y-%m}" == name), None)
    if row is None:
        return {}
    definition = next(d for d in tables["metric_definitions"] if d["metric_id"] == row["metric_id"])
    return {
        "month": numbers.period(row["month_starting"], row["period"]),
        "metric": definition["name"],
        "value": numbers.with_unit(row["value"], definition["unit"]) if row["value"] is not None else "not known",
        "verdict": _verdict(tables, row, definition),
        "headline": _headline(tables["time_to_value"]),
    }


def _verdict(tables: Tables, row: Row, definition: Row) -> View | None:
    judged = next((v for v in tables["metric_verdicts"] if v["metric_id"] == row["metric_id"]), None)
    return parts.verdict(judged, definition) if judged else None


def _headline(rows: list[Row]) -> str:
    by_interval = {row["interval_id"]: row for row in rows if row["estimator"] == HEADLINE}
    row = headline_row(by_interval.get(WHOLE_WAY), by_interval.get(ADOPTION_LAG))
    return time_to_value.headline(row) if row and row["product_count"] else "–"
