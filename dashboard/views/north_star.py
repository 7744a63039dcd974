"""Two sections of the main page: the North Star with its chart, and the tree of metrics that drive it."""

from markupsafe import Markup

from dashboard import charts
from dashboard.tables import EVERYONE, PageData, Row, last_complete
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes, numbers, phrases, verdicts


def north_star_card(data: PageData) -> View:
    """The latest complete period, its verdict, the chart and its table."""
    rows = data.north_star
    if not rows:
        return {"name": "North Star", "row": None, "facts": [], "value": None, "chart": None}
    row, definition = last_complete(rows) or rows[-1], data.definitions[rows[-1]["metric_id"]]
    shown = rows[charts.first_shown(r["is_complete"] for r in rows) :]
    unit = definition["unit"]
    changes = [r for r in shown if r["process_phase_note"]]
    return {
        "name": definition["name"],
        "meaning": definition["definition"].split(". ")[0].rstrip(".") + ".",
        "period": numbers.period(row["month_starting"], row["period"]),
        "row": row,
        "unit": numbers.unit_of(row["value"], unit) if row["value"] is not None else "",
        "value": parts.machine_value(row["value"]),
        "words": numbers.figure_or_dash(row["value"], unit),
        "reason": codes.reason(row["reason"]) if row["value"] is None else "",
        "verdict": parts.verdict(row, parts.is_up_good(definition), rows),
        "why": verdicts.rule_in_words(rows, row, unit) if row["rule"] else verdicts.reason_without_rule(row),
        "facts": _facts(rows, row, definition),
        "twelve_months": _twelve_months(rows, definition),
        "chart": _charts(rows, row, definition) if any(r["value"] is not None for r in rows) else None,
        "changes": [
            f"{number} · {numbers.period(change['month_starting'], 'month')}: {change['process_phase_note']}"
            for number, change in enumerate(changes, 1)
        ],
        "table": [_table_row(r, unit) for r in shown],
    }


def _table_row(row: Row, unit: str) -> View:
    return {
        "period": numbers.period(row["month_starting"], row["period"]) + ("" if row["is_complete"] else " (so far)"),
        "value": numbers.figure_or_reason(row["value"], unit, row["reason"]),
        "average": numbers.figure_or_dash(row["center"], unit),
        "limits": numbers.limits_or_dash(row, unit),
        "verdict": codes.VERDICTS[row["verdict"]] if row["is_complete"] else "not complete yet",
    }


def _facts(rows: list[Row], row: Row, definition: Row) -> list[tuple[str, str]]:
    unit = definition["unit"]
    since = verdicts.process_phase_start(rows, row)
    facts = []
    if row["center"] is not None:
        when = f" since {since['month_starting']:%b %Y}" if verdicts.previous_process_phase(rows, row) else ""
        facts.append((f"Average{when}", numbers.figure(row["center"], unit)))
        facts.append(
            (
                "Routine range" + (" (by quarter)" if row["limits_period"] == "quarter" else ""),
                numbers.limits_or_dash(row, unit),
            )
        )
    facts.append(("Target", numbers.figure(row["target"], unit) if row["target"] is not None else "none declared"))
    return facts


def _twelve_months(rows: list[Row], definition: Row) -> View | None:
    """The total of the last 12 complete months; None unless the North Star is a monthly count."""
    last = [row for row in rows if row["is_complete"]][-12:]
    if definition["kind"] != "flow" or not last or last[-1]["period"] != "month" or last[-1]["value"] is None:
        return None
    total = sum(row["value"] for row in last if row["value"] is not None)
    return {
        "label": f"Last {phrases.counted(len(last), 'month')}",
        "value": parts.machine_value(total),
        "words": numbers.number(total),
    }


def _charts(rows: list[Row], row: Row, definition: Row) -> dict[str, Markup]:
    unit = definition["unit"]
    value = numbers.figure_or_reason(row["value"], unit, row["reason"])
    description = f"{numbers.period(row['month_starting'], row['period'])}: {value}."
    if row["center"] is not None:
        description += (
            f" Average {numbers.figure(row['center'], unit)}, routine range {numbers.limits_or_dash(row, unit)}."
        )
    description += f" Verdict: {codes.VERDICTS[row['verdict']].lower()}."
    return {
        size: parts.chart_svg(
            charts.north_star_chart(rows, definition, width, 236 if size == "wide" else 230),
            f"north-star-{size}",
            f"{definition['name']} by {row['period']}",
            description,
        )
        for size, width in parts.WIDTHS.items()
    }


def drivers_tree(data: PageData) -> View:
    """The exact parts of the North Star, and below them the metrics assumed to drive it."""
    north_star = last_complete(data.north_star)
    root = north_star["metric_id"] if north_star else "cross_domain_adoptions"
    is_exact = root == "cross_domain_adoptions"
    definition = data.definitions[root]
    blocks = [_part(data, metric) for metric in ("first_adoptions", "expansion_adoptions")]
    alone = _cards(data, "cross_domain_adoptions")
    return {
        "name": definition["name"],
        "value": numbers.figure_or_reason(north_star["value"], definition["unit"], None) if north_star else "not known",
        "is_exact": is_exact,
        "blocks": blocks,
        "alone": alone,
        "cards": [*alone, *(card for block in blocks for card in block["cards"])],
    }


def _part(data: PageData, metric: str) -> View:
    """One exact part of the North Star, with the metrics assumed to drive it."""
    row = last_complete(data.leading.get((EVERYONE, metric), []))
    definition = data.definitions[metric]
    return {
        "id": metric,
        "name": definition["name"],
        "what": codes.NORTH_STAR_PARTS[metric],
        "value": parts.machine_value(row["value"]) if row else None,
        "words": numbers.figure_or_reason(row["value"], definition["unit"], None) if row else "not known",
        "cards": _cards(data, metric),
    }


def drawn_under(data: PageData, definition: Row) -> str | None:
    """The part or total that a metric has evidence of leading, else the one it is declared to drive."""
    evidence = data.evidence.get(definition["metric_id"])
    if evidence is None or evidence["verdict"] != "evidence":
        return definition["parent_metric_id"]
    outcome = evidence["outcome_metric_id"]
    return outcome if outcome in codes.OUTCOMES else "cross_domain_adoptions"


def _cards(data: PageData, parent: str) -> list[View]:
    tied = [d for d in data.definitions.values() if d["edge"] in ("influence", "arithmetic")]
    children = [d for d in tied if drawn_under(data, d) == parent]
    order = sorted(children, key=lambda d: (d["flywheel_phase"], d["metric_id"]))
    return [_card(data, d) for d in order if (EVERYONE, d["metric_id"]) in data.leading]


def _card(data: PageData, definition: Row) -> View:
    """A leading metric of everyone, with its sparkline, its lever and the evidence that it leads."""
    metric, is_paced = definition["metric_id"], definition["metric_id"] in codes.JUDGED_BY_PACE
    rows, evidence = data.leading[EVERYONE, metric], data.evidence.get(metric)
    row, view = last_complete(rows), parts.metric(data, EVERYONE, definition)
    unit = "" if is_paced else definition["unit"]
    pace = f"pace {row['pace_index']:.2f}" if row and row["pace_index"] is not None else ""
    note = f"{pace or 'pace'}, up is faster" if is_paced else "by month"
    if row and row["period"] == "quarter":
        note = view["period"]
    value = f"{view['value']} {view['unit']}".strip() + (pace and f", {pace}")
    latest = f"Not known: {view['reason']}" if view["reason"] else value
    return view | {
        "note": note,
        "lever": definition["lever"],
        "evidence": verdicts.evidence_in_words(evidence),
        "has_evidence": evidence is not None and evidence["verdict"] == "evidence",
        "average": numbers.figure_or_dash(row["center"], unit) if row else "–",
        "limits": numbers.limits_or_dash(row, unit) if row else "–",
        "chart": parts.chart_svg(
            charts.sparkline(rows, definition),
            f"spark-{metric.replace('_', '-')}",
            f"{definition['name']}, {note}",
            f"{latest}. Verdict: {view['verdict']['words'].lower()}.",
        ),
    }
