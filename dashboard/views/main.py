"""The main page: its sections in the order of `templates/index.html`."""

from dashboard import charts
from dashboard.links import slug
from dashboard.tables import EVERYONE, PageData, Row, last_complete
from dashboard.views import domains, north_star, parts, queues
from dashboard.views.parts import View
from dashboard.words import codes, drivers, numbers, phrases
from dashboard.words import north_star as target_words
from dashboard.words.answer import five_lines
from dashboard.words.trust import trust_line


def main_page(data: PageData) -> View:
    """What `index.html` prints."""
    slugs = {row["domain"]: slug(row["domain"]) for row in data.domains}
    return {
        "publication": parts.publication(data),
        "metric_pages": data.metrics,
        "trust_line": trust_line(data),
        "answer": five_lines(data),
        "north_star": north_star.north_star_card(data),
        "drivers": north_star.drivers_tree(data),
        "time_to_value": parts.time_to_value_card(data, EVERYONE),
        "stages": parts.stages_card(data, EVERYONE),
        "queues": queues.queues_card(data, EVERYONE, slugs),
        "outlook": _outlook(data),
        "domains": domains.domains_card(data, slugs),
        "flows": domains.flows_card(data, slugs),
        "evolution": _evolution(data, slugs),
        "flywheel": _flywheel(data),
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
        return {"is_declared": False, "capability": "", "facts": []}
    definition = data.definitions[row["metric_id"]]
    unit, each = definition["unit"], f" a {_period_of(data)}" if definition["kind"] == "flow" else ""
    facts = [("Target", f"{numbers.with_unit(row['target'], unit)}{each}")]
    if row["lower_limit"] is not None:
        facts.append(("Routine range", numbers.limits(row, unit)))
    if year := target_words.year_to_date(row):
        label, _, words = year.partition(": ")
        facts.append((f"{label}, against the plan", words))
    if row["total_chance_of_target"] is not None:
        facts.append(("Chance of the target over the next six months", numbers.chance(row["total_chance_of_target"])))
    return {"is_declared": True, "capability": target_words.capability_in_words(row, unit), "facts": facts}


def _period_of(data: PageData) -> str:
    return data.north_star[-1]["period"] if data.north_star else "month"


def _outlook_month(row: Row) -> View:
    return {
        "month": f"{row['month_starting']:%B %Y}",
        "expected": numbers.number(row["expected_value"]),
        "range": f"{numbers.number(row['lower'])} to {numbers.number(row['upper'])}",
        "chance": numbers.chance(row["chance_of_target"]),
    }


def _evolution(data: PageData, slugs: dict[str, str]) -> View:
    total = sum(row["product_count"] for row in data.evolution)
    positioned = [row for row in data.evolution if row["position"] and row["ubiquity_share"] is not None]
    if not positioned:
        why = codes.reason(_reason_without_positions(data.evolution))
        return {"total": total, "chart": None, "reason": why, "lists": [], "table": []}
    counts = {name: sum(r["product_count"] for r in positioned if r["position"] == name) for name in codes.POSITIONS}
    counts_in_words = ", ".join(f"{counts[name]:,} {title.lower()}" for name, (title, _) in codes.POSITIONS.items())
    chart = parts.chart_svg(
        charts.evolution_chart(positioned),
        "evolution",
        "Data products by certainty and by share of other domains using them",
        f"{phrases.counted(total, 'data product')}: {counts_in_words}.",
    )
    table = [
        {
            "certainty": row["certainty"],
            "ubiquity": numbers.share(row["ubiquity_share"]),
            "position": row["position"].replace("_", " "),
            "count": f"{row['product_count']:,}",
        }
        for row in positioned
    ]
    lists = [_off_the_curve(data, name, counts[name], slugs) for name in codes.POSITIONS]
    return {"total": total, "chart": chart, "reason": "", "lists": lists, "table": table}


def _reason_without_positions(rows: list[Row]) -> str:
    if not rows:
        return "no_products"
    return "no_adoption_events" if any(row["certainty"] != "not_measured" for row in rows) else "no_contract_events"


def _off_the_curve(data: PageData, position: str, count: int, slugs: dict[str, str]) -> View:
    """Some of the data products at a position off the S-curve."""
    examples = [row for row in data.evolution_examples if row["position"] == position][:5]
    title, what = codes.POSITIONS[position]
    return {
        "position": position,
        "title": title,
        "what": what,
        "count": count,
        "rows": [parts.example_product(row, slugs) for row in examples],
        "more": count - len(examples),
    }


def _flywheel(data: PageData) -> View:
    sections = []
    for flywheel_phase, name in codes.FLYWHEEL_PHASES.items():
        rows = [row for row in data.flywheel if row["flywheel_phase"] == flywheel_phase]
        if rows:
            code = rows[0]["flywheel_phase_verdict"]
            sections.append(
                {
                    "flywheel_phase": flywheel_phase,
                    "name": name,
                    "persona": rows[0]["persona"],
                    "code": code,
                    "verdict": codes.FLYWHEEL_VERDICTS[code],
                    "shape": {"gaining": "▲", "slowing": "▽", "steady": "○"}.get(code, "…"),
                    "count": _verdict_counts(rows),
                    "rows": [_flywheel_row(data, row) for row in rows if not _is_unknown(data, row)],
                }
            )
    hidden = [(data.definitions[row["metric_id"]], row["reason"]) for row in data.flywheel if _is_unknown(data, row)]
    return {
        "summary": drivers.flywheel_in_words(data.flywheel),
        "phases": sections,
        "unknown": drivers.unknown_metrics(hidden),
    }


def _is_unknown(data: PageData, row: Row) -> bool:
    """Whether a metric of the scorecard has no value, and had none in any month that a chart draws."""
    key = (EVERYONE, row["metric_id"])
    if row["value"] is not None or row["reason"] == "not_reached":
        return False
    return key not in data.leading or not parts.is_known(data, *key)


def _verdict_counts(rows: list[Row]) -> str:
    """How many metrics of a flywheel phase are improving or worsening, of those judged."""
    judged = [row["verdict"] for row in rows if row["verdict"] != "not_enough_data"]
    counts = [f"{judged.count(v)} {v}" for v in ("improving", "worsening") if v in judged]
    return (
        f"{phrases.joined(counts) if counts else 'none improving or worsening'} of {len(judged)} judged"
        if judged
        else ""
    )


def _flywheel_row(data: PageData, row: Row) -> View:
    """A metric of a phase; its verdict is the one of its own row, as everywhere on the page."""
    definition = data.definitions[row["metric_id"]]
    unit = definition["unit"]
    is_momentum = unit == "% per doubling"
    suffix = " d" if unit == "days" else ""
    value = numbers.figure_or_dash(row["value"], unit)
    is_quarter = row["metric_id"] in data.quarterly
    return {
        "name": f"{definition['name']}: each doubling of adopted data products" if is_momentum else definition["name"],
        "when": f", {numbers.period(row['month_starting'], 'quarter')}" if is_quarter and row["month_starting"] else "",
        "value": drivers.pace_change(row) + drivers.momentum_interval(row) if is_momentum else f"{value}{suffix}",
        "verdict": parts.verdict(data.verdicts.get((EVERYONE, row["metric_id"]), row), definition),
        "evidence": codes.EVIDENCE_CLASSES[row["evidence_class"]],
        "reason": codes.reason(row["reason"]) if row["reason"] else "",
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
