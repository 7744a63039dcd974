"""What both pages show, as `templates/parts.html` prints it: verdicts, metrics, the curve, stages, open ideas.

A view is a dict of words, markup and numbers to print as they are.
"""

from typing import Any

from markupsafe import Markup

from dashboard import charts, links
from dashboard.tables import EVERYONE, HEADLINE, PageData, Row, last_complete
from dashboard.theme import Chart, svg
from dashboard.words import codes, evolution, numbers, products, time_to_value, verdicts

View = dict[str, Any]
WIDTHS = {
    "wide": 1090,
    "medium": 640,
    "narrow": 316,
}  # in pixels, of charts that are drawn once for each size of screen


def publication(data: PageData) -> View:
    """The dates of what was published, and whether it is the sample."""
    row = data.publication
    return {
        "is_sample": row["is_sample"],
        "as_of": numbers.instant(row["as_of"]),
        "known_at": row["known_at"] and numbers.instant(row["known_at"]),
        "data_through": row["data_through"] and numbers.instant(row["data_through"]),
    }


def metric(data: PageData, domain: str, definition: Row) -> View:
    """A leading metric in one domain: its latest complete period and the verdict on it, or why it is not known."""
    metric_id, unit = definition["metric_id"], definition["unit"]
    row, judged = last_complete(data.leading[domain, metric_id]), data.verdicts.get((domain, metric_id))
    view = {"id": metric_id, "name": definition["name"], "verdict": verdict(judged, definition)}
    if row is None:
        return view | {"value": "–", "unit": "", "reason": codes.reason("no_complete_month"), "why": "", "period": "–"}
    has_value = row["value"] is not None or row["reason"] == "not_reached"
    return view | {
        "value": latest_value(row, unit),
        "unit": numbers.unit_of(row["value"], unit) if row["value"] is not None else "",
        "reason": "" if has_value else codes.reason(row["reason"]),
        "why": verdicts.why(judged, definition) if judged else "",
        "period": numbers.period(row["month_starting"], row["period"]),
    }


def is_known(data: PageData, domain: str, metric_id: str) -> bool:
    """Whether a metric has a value in any complete period that a chart draws."""
    rows = [row for row in data.leading[domain, metric_id] if row["is_complete"]]
    return any(row["value"] is not None or row["reason"] == "not_reached" for row in rows[-charts.MONTHS_SHOWN :])


def latest_value(row: Row, unit: str) -> str:
    """The value of a metric without its unit; a share of few as "7 of 9"."""
    if row["value"] is None:
        return "half not reached" if row["reason"] == "not_reached" else "–"
    return (unit == "share" and numbers.small_share(row)) or numbers.figure(row["value"], unit)


def verdict(row: Row | None, definition: Row) -> View:
    """Shape, word and colour of a verdict; the shape points the way the value went, and is hollow where that is bad.

    Parameters: `row`, of `metric_verdicts` or `flywheel_scorecard`, None where there is none; `definition`, the
    metric's row of `metric_definitions`.
    """
    if row is None:
        return {"code": "not_enough_data", "shape": "…", "words": codes.VERDICTS["not_enough_data"]}
    code = row["verdict"]
    triangles = "▲▼" if code in verdicts.GOOD else "△▽"
    shape = {"no_change": "○", "not_enough_data": "…"}.get(code) or triangles[not verdicts.is_higher(row, definition)]
    return {"code": code, "shape": shape, "words": verdicts.verdict_in_words(row, definition)}


def time_to_value_card(data: PageData, domain: str) -> View:
    """The headline of a domain or of everyone, the curve at each size of screen, and its table."""
    headline = data.headline(domain)
    if not headline:
        why = codes.reason("no_products")
        return {"headline": "", "scope": "", "finished_only": "", "reason": why, "table": [], "chart": None}
    is_later = time_to_value.is_from_deployment(headline)
    lines = {headline["interval_id"], *([] if is_later else ["idea_to_deployed"])}
    known = [row for row in data.curves.get(domain, []) if row["share_adopted"] is not None]
    curve = [row for row in known if row["interval_id"] in lines]
    adopted = [row for row in curve if row["interval_id"] == headline["interval_id"]]
    view: View = {
        "since": ", from deployment" * is_later,
        "noun": time_to_value.noun(headline),
        "headline": time_to_value.headline(headline, "all" if domain == EVERYONE else "its"),
        "scope": time_to_value.scope(headline),
        "finished_only": time_to_value.finished_only(data, domain),
    }
    if not adopted or not headline["observed_count"]:
        return view | {"reason": codes.reason(headline["reason"] or "no_products"), "table": [], "chart": None}
    drawn = curve if domain == EVERYONE else adopted
    return view | {"table": _curve_table(adopted), "chart": _curve_charts(drawn, headline, view["headline"], domain)}


def _curve_charts(curve: list[Row], headline: Row, words: str, domain: str) -> dict[str, Markup]:
    is_half = time_to_value.is_half_known(headline)  # else the headline is the share by day 180
    medians = {headline["interval_id"]: headline["median_days"] if is_half else None}
    noun = time_to_value.noun(headline)
    since = "deployment" if time_to_value.is_from_deployment(headline) else "the idea"
    sizes = {"wide": (740, 330), "narrow": (WIDTHS["narrow"], 290)} if domain == EVERYONE else {"any": (440, 300)}
    name = "time-to-value" if domain == EVERYONE else "domain-time-to-value"
    return {
        size: chart_svg(
            charts.time_to_value_chart(curve, medians, width, height),
            f"{name}-{size}",
            f"Share of {noun}s adopted by another domain, by days since {since}",
            f"{words[0].upper()}{words[1:]}.",
        )
        for size, (width, height) in sizes.items()
    }


def _curve_table(curve: list[Row]) -> list[View]:
    """The curve at the usual days, up to the last day observed."""
    table = []
    for day in (30, 60, 90, 120, 180, 270, 365, 545, 730, 1095, 1460, 1825):
        until = [row for row in curve if row["day"] <= day]
        if until and day <= curve[-1]["day"]:
            row = until[-1]
            band = (
                f"{numbers.share(row['lower'])} to {numbers.share(row['upper'])}" if row["lower"] is not None else "–"
            )
            closed = numbers.figure_or_dash(row["share_closed"], "share")
            table.append(
                {"day": f"{day:,}", "share": numbers.share(row["share_adopted"]), "band": band, "closed": closed}
            )
    return table


def stages_card(data: PageData, domain: str) -> View:
    """Days of each interval whose events are sent, by the estimator of the headline."""
    served = [data.time_to_value.get((domain, interval, EVERYONE, HEADLINE)) for interval in codes.INTERVALS]
    has_ideas = not time_to_value.is_from_deployment(data.headline(domain))
    stages = [
        row
        for row in served
        if row and row["reason"] != _reason_if_not_sent(row["interval_id"])
        if has_ideas or not row["interval_id"].startswith("idea_")
    ]
    known = [row for row in stages if row["median_days"] is not None]
    chart = None
    if known:
        medians = [f"{codes.INTERVALS[row['interval_id']]} {numbers.days(row['median_days'])}" for row in known]
        chart = chart_svg(
            charts.stages_chart(stages, codes.INTERVALS),
            "stages",
            "Median days of each stage, with 95% interval",
            f"{'; '.join(medians)} days.",
        )
    return {"rows": [_stage(row) for row in stages], "chart": chart}


def _stage(row: Row) -> View:
    is_known = row["median_days"] is not None
    interval = numbers.interval(row["median_lower_days"], row["median_upper_days"])
    return {
        "name": codes.INTERVALS[row["interval_id"]],
        "is_whole": row["interval_id"] == "idea_to_adopted",
        "median": numbers.days(row["median_days"]) if is_known else "–",
        "interval": interval if is_known else codes.reason(row["reason"]),
        "by_90": numbers.figure_or_dash(row["share_by_day_90"], "share"),
        "by_180": numbers.figure_or_dash(row["share_by_day_180"], "share"),
        "done": numbers.observed_of_all(row),
    }


def _reason_if_not_sent(interval: str) -> str:
    """The reason with which a stage is left out: its start or end event was never sent."""
    return "no_work_started_events" if "started" in interval else ""


def queue(row: Row, ideas: list[Row], slugs: dict[str, str], limit: int) -> View:
    """A queue with those that are in it longest; `slugs`, the file names of the domains that have a page to link to."""
    longest = [idea for idea in ideas if idea["queue"] == row["queue"]][:limit]
    return {
        "queue": row["queue"],
        "name": codes.QUEUES[row["queue"]],
        "count": row["open_count"],
        "age": products.age_in_words(row),
        "moving_on": products.moving_on_in_words(row),
        "older": products.older_in_words(row),
        "rows": [open_idea(idea, slugs) for idea in longest],
    }


def open_idea(row: Row, slugs: dict[str, str]) -> View:
    """An open data product; `slugs`, as for a queue."""
    return product(row, slugs) | {
        "days": numbers.days_with_unit(row["days_in_queue"]),
        "since": numbers.day(row["queued_at"]),
        "is_older": bool(row["is_older"]),
        "chance": numbers.chance(row["chance_of_adoption_90d"]),
    }


def product(row: Row, slugs: dict[str, str]) -> View:
    """A data product with its page, where it has one, and its owner's; `slugs`, as for a queue."""
    return {
        "title": products.title_of(row),
        "page": links.slug(row["data_product_id"]) if row["has_page"] else "",
        "domain": row["domain"] or "",
        "slug": slugs.get(row["domain"], ""),
    }


def example_product(row: Row, slugs: dict[str, str]) -> View:
    """A data product off the S-curve; `slugs`, as for a queue."""
    return product(row, slugs) | {
        "used_by": evolution.used_by(row),
    }


def machine_value(value: float | None) -> str | None:
    """A served value in full, for the attribute `value` of a data element."""
    return None if value is None else repr(int(value) if float(value).is_integer() else float(value))


def percent_of(value: float, whole: float) -> str:
    """A length in CSS: 0% to 100% of `whole`."""
    return f"{100 * min(max(value / whole, 0), 1):.1f}%"


def chart_svg(chart: Chart, identity: str, title: str, description: str) -> Markup:
    """A chart as markup that a template prints unescaped."""
    return Markup(svg(chart, identity, title, description))
