"""The main page: its sections in the order of `templates/index.html`."""

from dashboard import charts
from dashboard.links import slug
from dashboard.tables import EVERYONE, PageData, Row, last_complete
from dashboard.views import belt, changed, domains, evolution, flywheel, north_star, parts, queues
from dashboard.views.parts import View
from dashboard.words import codes, numbers, phrases
from dashboard.words import north_star as target_words
from dashboard.words.answer import five_lines
from dashboard.words.persona import PERSONAS
from dashboard.words.trust import trust_line


def main_page(data: PageData) -> View:
    """What `index.html` prints."""
    slugs = {row["domain"]: slug(row["domain"]) for row in data.domains}
    return {
        "publication": parts.publication(data),
        "metric_pages": data.metrics,
        "trust_line": trust_line(data),
        "purpose": belt.purpose_line(data),
        "personas": [{"slug": who.slug, "name": who.name} for who in PERSONAS.values()],
        "answer": five_lines(data),
        "north_star": north_star.north_star_card(data),
        "changed": changed.changed_card(data, slugs),
        "drivers": north_star.drivers_tree(data),
        "time_to_value": parts.time_to_value_card(data, EVERYONE),
        "stages": parts.stages_card(data, EVERYONE),
        "queues": queues.queues_card(data, EVERYONE, slugs),
        "outlook": _outlook(data),
        "domains": domains.domains_card(data, slugs),
        "flows": domains.flows_card(data, slugs),
        "evolution": evolution.evolution_card(data, slugs),
        "flywheel": flywheel.flywheel_card(data),
        "trust": _trust(data),
        "definitions": _definitions(data),
    }


def _outlook(data: PageData) -> View:
    """The target as a capability, the year to date and the chance; the outlook of the next six months."""
    rows = data.outlook
    complete = last_complete(data.north_star)
    if not rows or rows[-1]["expected_value"] is None or complete is None:
        why = rows[-1]["reason"] if rows else "no_complete_month"
        return {"target": _target(data), "reason": codes.reason(why), "chart": None, "months": "", "table": []}
    target, unit = complete["target"], data.definitions[complete["metric_id"]]["unit"]
    first, last = rows[0], rows[-1]
    expected = numbers.number(round(last["total_expected_value"]))
    interval = f"{numbers.number(last['total_lower'])} to {numbers.number(last['total_upper'])}"
    return {
        "target": _target(data),
        "reason": "",
        "months": f"{first['month_starting']:%B} to {last['month_starting']:%B %Y}",
        "expected": expected,
        "range": interval,
        "unit": unit,
        "has_target": target is not None,
        "chart": parts.chart_svg(
            charts.outlook_chart([row | {"target": target} for row in rows]),
            "outlook",
            "Expected North Star of the next six months, with 80% interval",
            f"{expected} {unit} in six months, 80% interval {interval}.",
        ),
        "table": [_outlook_month(row) for row in rows],
    }


def _target(data: PageData) -> View:
    """Whether the process can reach its target, as a sentence, and its facts; none without a target."""
    row = data.target
    if row is None or row["target"] is None:
        return {"title": "Target: none is declared", "is_declared": False, "capability": "", "facts": []}
    definition = data.definitions[row["metric_id"]]
    unit, each = definition["unit"], f" a {_period_of(data)}" if definition["kind"] == "flow" else ""
    facts = []
    if row["lower_limit"] is not None:
        facts.append(("Routine range", numbers.limits(row, unit)))
    if year := target_words.year_to_date(row):
        label, _, words = year.partition(": ")
        facts.append((f"{label}, against the plan", words))
    if row["total_chance_of_target"] is not None:
        facts.append(("Chance of reaching it over the next six months", numbers.chance(row["total_chance_of_target"])))
    capability, title = target_words.capability_in_words(row, unit), numbers.with_unit(row["target"], unit)
    return {"title": f"Target: {title}{each}", "is_declared": True, "capability": capability, "facts": facts}


def _period_of(data: PageData) -> str:
    return data.north_star[-1]["period"] if data.north_star else "month"


def _outlook_month(row: Row) -> View:
    return {
        "month": f"{row['month_starting']:%B %Y}",
        "expected": numbers.number(row["expected_value"]),
        "range": f"{numbers.number(row['lower'])} to {numbers.number(row['upper'])}",
        "chance": numbers.chance(row["chance_of_target"]),
    }


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
        "sources": [_source(row) for row in data.sources],
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


def _source(row: Row) -> View:
    gap = row["longest_gap_days"]
    return {
        "source": row["source"],
        "events": f"{row['event_count']:,}",
        "first": f"{row['first_event_at']:%-d %b %Y}",
        "last": f"{row['last_event_at']:%-d %b %Y}",
        "silent": numbers.days(row["days_silent"]),
        "gap": numbers.days(gap) if gap is not None else "–",
        "state": "silent"
        if row["is_silent"]
        else "sends"
        if row["is_silent"] is not None
        else "too few events to judge",
    }


def _definitions(data: PageData) -> list[View]:
    north_star = data.north_star[-1]["metric_id"] if data.north_star else "cross_domain_adoptions"
    used = {north_star, "cross_domain_adoptions", "idea_to_adopted", "idea_to_deployed", "deployed_to_adopted"}
    used |= {metric for _, metric in data.leading} | {row["metric_id"] for row in data.flywheel}
    return [
        {
            "name": d["name"],
            "id": d["metric_id"],
            "definition": d["definition"],
            "version": d["definition_version"],
        }
        for d in sorted(data.definitions.values(), key=lambda d: d["name"])
        if d["metric_id"] in used
    ]
