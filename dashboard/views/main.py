"""The main page: its sections in the order of `templates/index.html`."""

from dashboard import charts
from dashboard.tables import EVERYONE, LISTED, MINIMUM_OBSERVED, PageData, Row, last_complete
from dashboard.views import changed, evolution, flywheel, north_star, parts
from dashboard.views.parts import View
from dashboard.words import actions, codes, domains, numbers, phrases
from dashboard.words.refused import refused_notice

DOMAINS_LISTED = 16  # on the main page; all others share one row, and each has its own page


def main_page(data: PageData) -> View:
    """What `index.html` prints."""
    slugs = {row["domain"]: parts.slug(row["domain"]) for row in data.domains}
    return {
        "publication": parts.publication(data),
        "notice": refused_notice(data),
        "answer": actions.main_answer(data),
        "north_star": north_star.north_star_card(data),
        "changed": changed.changed_card(data, slugs),
        "drivers": north_star.drivers_tree(data),
        "time_to_value": parts.time_to_value_card(data, EVERYONE),
        "stages": parts.stages_card(data, EVERYONE),
        "overdue": _overdue(data, slugs),
        "outlook": _outlook(data),
        "domains": _domains(data, slugs),
        "evolution": evolution.evolution_card(data, slugs),
        "flywheel": flywheel.flywheel_card(data),
        "trust": _trust(data),
        "definitions": _definitions(data),
    }


def _overdue(data: PageData, slugs: dict[str, str]) -> View:
    counts = data.open_counts.values()
    opened, overdue = sum(c["open_count"] for c in counts), sum(c["overdue_count"] for c in counts)
    judged = sum(c["judged_count"] for c in counts)
    rows = [row for row in data.open_ideas if row["is_overdue"]][:LISTED]
    return {
        "open": opened,
        "overdue": overdue,
        "judged": judged,
        "unjudged": opened - judged,
        "rows": [parts.open_idea(row, slugs) for row in rows],
        "more": overdue - len(rows),
        "has_unknown_chance": any(row["chance_of_adoption_90d"] is None for row in rows),
    }


def _outlook(data: PageData) -> View:
    rows = data.outlook
    complete = last_complete(data.north_star)
    if not rows or rows[-1]["expected_value"] is None or complete is None:
        why = rows[-1]["reason"] if rows else "no_complete_month"
        return {"reason": codes.reason(why), "chart": None, "months": "", "table": []}
    target, unit = complete["target"], data.definitions[complete["metric_id"]]["unit"]
    first, last = rows[0], rows[-1]
    expected = numbers.number(round(last["total_expected_value"]))
    interval = f"{numbers.number(last['total_lower'])} to {numbers.number(last['total_upper'])}"
    return {
        "reason": "",
        "months": f"{first['month_starting']:%B} to {last['month_starting']:%B %Y}",
        "expected": expected,
        "range": interval,
        "unit": unit,
        "target": numbers.number(target * len(rows)) if target is not None else "",
        "chance": numbers.chance(last["total_chance_of_target"]) if target is not None else "",
        "chart": parts.chart_svg(
            charts.outlook_chart([row | {"target": target} for row in rows]),
            "outlook",
            "Expected North Star of the next six months, with 80% interval",
            f"{expected} {unit} in six months, 80% interval {interval}.",
        ),
        "table": [_outlook_month(row) for row in rows],
    }


def _outlook_month(row: Row) -> View:
    return {
        "month": f"{row['month_starting']:%B %Y}",
        "expected": numbers.number(row["expected_value"]),
        "range": f"{numbers.number(row['lower'])} to {numbers.number(row['upper'])}",
        "chance": numbers.chance(row["chance_of_target"]),
    }


def _domains(data: PageData, slugs: dict[str, str]) -> View:
    rows = data.domains
    highest = 1.1 * max([r["median_upper_days"] or r["median_days"] or 0 for r in rows] + [1])
    largest = max([r[c] or 0 for r in rows for c in ("gave_count", "took_count")] + [1])
    listed, rest = (rows, []) if len(rows) <= DOMAINS_LISTED + 1 else (rows[:DOMAINS_LISTED], rows[DOMAINS_LISTED:])
    whole = next((row["all_median_days"] for row in rows if row["all_median_days"] is not None), None)
    known = [row for row in rows if row["gave_count"] is not None]
    return {
        "summary": domains.domains_in_words(rows),
        "months": max((row["month_count"] for row in rows), default=0),
        "rows": [_domain_row(row, slugs, largest, highest) for row in listed],
        "rest": {
            "names": [(row["domain"], slugs[row["domain"]]) for row in rest],
            "gave": sum(row["gave_count"] or 0 for row in rest),
            "took": sum(row["took_count"] or 0 for row in rest),
        },
        "gave": sum(row["gave_count"] for row in known) if known else None,
        "took": sum(row["took_count"] for row in known) if known else None,
        "minimum_observed": MINIMUM_OBSERVED,
        "whole": numbers.days(whole) if whole is not None else "",
        "headline": _headline_median(data),
        "whole_at": parts.percent_of(whole, highest) if whole is not None else "",
    }


def _headline_median(data: PageData) -> str:
    """The median of the headline estimator, in which dropped ideas are never adopted; empty where it is not known."""
    row = data.headline()
    return numbers.days(row["median_days"]) if row and row["median_days"] is not None else ""


def _domain_row(row: Row, slugs: dict[str, str], largest: int, highest: float) -> View:
    is_known = row["median_days"] is not None and row["is_rankable"]
    open_end = row["median_upper_days"] is None
    low = row["median_lower_days"] or 0
    return {
        "domain": row["domain"],
        "slug": slugs[row["domain"]],
        "gave": row["gave_count"],
        "took": row["took_count"],
        "gave_width": parts.percent_of(row["gave_count"] or 0, largest),
        "took_width": parts.percent_of(row["took_count"] or 0, largest),
        "median": numbers.days(row["median_days"]) if is_known else "–",
        "interval": numbers.interval(row["median_lower_days"], row["median_upper_days"]) if is_known else "",
        "is_known": is_known,
        "at": parts.percent_of(row["median_days"], highest) if is_known else "",
        "low_at": parts.percent_of(low, highest),
        "length": parts.percent_of((highest if open_end else row["median_upper_days"]) - low, highest)
        if is_known
        else "",
        "is_open_end": open_end,
        "difference": row["difference"] or "",
        "slow_stage": codes.INTERVALS[row["slow_stage"]].lower() if row["slow_stage"] else "",
        "is_rankable": row["is_rankable"],
        "observed": numbers.observed_of_all(row),
        "reason": _why_no_median(row),
    }


def _why_no_median(row: Row) -> str:
    if row["gave_count"] is None or not row["reason"]:
        return "–"
    return "no ideas of its own" if row["reason"] == "no_products" else codes.reason(row["reason"])


def _trust(data: PageData) -> View:
    counts = data.accounting
    read_count = counts["read_count"]
    versions = sorted({d["definition_version"] for d in data.definitions.values()})
    changed = [d["name"] for d in data.definitions.values() if d["definition_version"] != 1]
    return {
        "counts": {name: f"{value:,}" for name, value in counts.items()},
        "quarantined": numbers.share(counts["quarantined_count"] / read_count) if read_count else "0%",
        "not_yet_known": counts["not_yet_known_count"] > 0,
        "tables": data.table_count,
        "versions": "all at version 1" if versions == [1] else f"changed since version 1: {phrases.joined(changed)}",
        "quality": [
            {
                "rule": row["rule_id"],
                "count": f"{row['row_count']:,}",
                "what": row["description"],
                "do": row["what_to_do"],
            }
            for row in data.quality
        ],
    }


def _definitions(data: PageData) -> list[View]:
    north_star = data.north_star[-1]["metric_id"] if data.north_star else "cross_domain_adoptions"
    used = {north_star, "cross_domain_adoptions", "idea_to_adopted", "idea_to_deployed", "deployed_to_adopted"}
    used |= {metric for _, metric in data.leading} | {row["metric_id"] for row in data.flywheel}
    return [
        {"name": d["name"], "definition": d["definition"], "version": d["definition_version"]}
        for d in sorted(data.definitions.values(), key=lambda d: d["name"])
        if d["metric_id"] in used
    ]
