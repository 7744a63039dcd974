"""Two sections of the main page: the North Star with its chart, and the tree of metrics that drive it."""

from markupsafe import Markup

from dashboard import charts
from dashboard.tables import EVERYONE, PageData, Row, last_complete
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes, drivers, north_star, numbers, phrases, verdicts


def north_star_card(data: PageData) -> View:
    """The average since the last change, the latest complete period, the verdict, the chart and its table."""
    rows, verdict = data.north_star, data.north_star_verdict
    if not rows:
        return {"name": "North Star", "period": "", "figure": None, "latest": [], "facts": [], "chart": None}
    definition, row = data.definitions[rows[-1]["metric_id"]], last_complete(rows) or rows[-1]
    shown = rows[charts.first_shown(r["is_complete"] for r in rows) :]
    unit = definition["unit"]
    changes = [r for r in shown if r["process_phase_note"]]
    so_far = {r["month_starting"]: _so_far(data, r, definition) for r in rows if not r["is_complete"]}
    return {
        "name": definition["name"],
        "meaning": definition["definition"].split(". ")[0].rstrip(".") + ".",
        "period": row["period"],
        "figure": _big_figure(row, verdict, definition),
        "verdict": parts.verdict(verdict, definition) if row["value"] is not None else None,
        "why": verdicts.why(verdict, definition) if verdict and row["value"] is not None else "",
        "latest": _latest(row, verdict, definition),
        "facts": _facts(data, rows, so_far, definition),
        "chart": _charts(rows, row, verdict, definition, so_far) if any(r["value"] is not None for r in rows) else None,
        "changes": [
            f"{number} · {numbers.period(change['month_starting'], 'month')}: {change['process_phase_note']}"
            for number, change in enumerate(changes, 1)
        ],
        "table": [_table_row(r, unit, so_far) for r in shown],
    }


def _so_far(data: PageData, row: Row, definition: Row) -> str:
    return north_star.so_far(row, data.publication, definition) if row["value"] is not None else "–"


def _big_figure(row: Row, verdict: Row | None, definition: Row) -> View:
    """The average within the limits; without limits the latest value, or why it is not known."""
    unit = definition["unit"]
    if verdict is not None and verdict["center"] is not None:
        each = f" a {row['period']}" if definition["kind"] == "flow" else ""
        return {
            "title": f"Average {verdicts.scope_of_average(verdict)}",
            "id": "north_star_average",
            "value": parts.machine_value(verdict["center"]),
            "words": numbers.figure(verdict["center"], unit),
            "unit": f"{numbers.unit_of(verdict['center'], unit)}{each}".strip(),
            "reason": "",
        }
    return {
        "title": numbers.period(row["month_starting"], row["period"]) + ("" if row["is_complete"] else " so far"),
        "id": "north_star",
        "value": parts.machine_value(row["value"]),
        "words": numbers.figure_or_dash(row["value"], unit),
        "unit": numbers.unit_of(row["value"], unit) if row["value"] is not None else "",
        "reason": codes.reason(row["reason"]) if row["value"] is None else "",
    }


def _latest(row: Row, verdict: Row | None, definition: Row) -> list[View]:
    """The latest complete period, and the point that is judged, with its routine range; none without limits."""
    if verdict is None or verdict["center"] is None:
        return []
    unit, is_same = definition["unit"], verdict["limits_period"] == row["period"]
    routine = f"routine range {numbers.limits_or_dash(verdict, unit)}"
    view = {
        "period": numbers.period(row["month_starting"], row["period"]),
        "value": parts.machine_value(row["value"]),
        "words": numbers.figure_or_dash(row["value"], unit),
        "rest": f", {routine}" if is_same else "",
    }
    if is_same:
        return [view]
    value = f" {unit} a month".rstrip() if unit else ""
    judged = {
        "period": numbers.period(verdict["judged_starting"], verdict["limits_period"]),
        "value": None,
        "words": f"{numbers.figure(verdict['judged_value'], unit)}{value}",
        "rest": f", {routine}",
    }
    return [view, judged]


def _table_row(row: Row, unit: str, so_far: dict) -> View:
    is_complete = row["is_complete"]
    signal = codes.SIGNALS[row["signal"]] if row["signal"] else codes.reason(row["signal_reason"])
    return {
        "period": numbers.period(row["month_starting"], row["period"]),
        "value": numbers.figure_or_reason(row["value"], unit, row["reason"])
        if is_complete
        else so_far[row["month_starting"]],
        "average": numbers.figure_or_dash(row["center"], unit) if is_complete else "–",
        "limits": numbers.limits_or_dash(row, unit) if is_complete else "–",
        "signal": signal if is_complete else "not complete yet",
    }


def _facts(data: PageData, rows: list[Row], so_far: dict, definition: Row) -> list[View]:
    """The period that goes on, the average before a change, the target, the last 12 months."""
    unit, verdict = definition["unit"], data.north_star_verdict
    going_on = [row for row in rows if not row["is_complete"] and row["value"] is not None and last_complete(rows)]
    facts = [
        _fact(f"{numbers.period(row['month_starting'], row['period'])} so far", so_far[row["month_starting"]])
        for row in going_on
    ]
    if verdict and verdict["previous_center"] is not None:
        facts.append(_fact("Average before", numbers.figure(verdict["previous_center"], unit)))
    target = data.target["target"] if data.target else None
    facts.append(_fact("Target", numbers.figure(target, unit) if target is not None else "none declared"))
    return facts + _twelve_months(rows, definition)


def _fact(label: str, words: str, figure: str = "", value: str | None = None) -> View:
    return {"label": label, "words": words, "figure": figure, "value": value}


def _twelve_months(rows: list[Row], definition: Row) -> list[View]:
    """The total of the last 12 complete months; none unless the North Star is a monthly count."""
    last = [row for row in rows if row["is_complete"]][-12:]
    if definition["kind"] != "flow" or not last or last[-1]["period"] != "month" or last[-1]["value"] is None:
        return []
    total = sum(row["value"] for row in last if row["value"] is not None)
    label = f"Last {phrases.counted(len(last), 'month')}"
    return [_fact(label, numbers.number(total), "twelve_months", parts.machine_value(total))]


def _charts(rows: list[Row], row: Row, verdict: Row | None, definition: Row, so_far: dict) -> dict[str, Markup]:
    unit = definition["unit"]
    value = numbers.figure_or_reason(row["value"], unit, row["reason"])
    description = f"{numbers.period(row['month_starting'], row['period'])}: {value}."
    if verdict and verdict["center"] is not None:
        average, routine = numbers.figure(verdict["center"], unit), numbers.limits_or_dash(verdict, unit)
        description += f" Average {average} {verdicts.scope_of_average(verdict)}, routine range {routine}."
    if verdict:
        description += f" Verdict: {verdicts.verdict_in_words(verdict, definition)}."
    drawn = [r | {"so_far": so_far.get(r["month_starting"])} for r in rows]
    return {
        size: parts.chart_svg(
            charts.north_star_chart(drawn, definition, width, 208 if size == "wide" else 230),
            f"north-star-{size}",
            f"{definition['name']} by {row['period']}",
            description,
        )
        for size, width in parts.WIDTHS.items()
    }


def drivers_tree(data: PageData) -> View:
    """The exact parts of the North Star, and below them the metrics assumed to drive it; those not known in a line."""
    row = last_complete(data.north_star)
    root = row["metric_id"] if row else "cross_domain_adoptions"
    definition = data.definitions[root]
    blocks = [_part(data, metric) for metric in drivers.PARTS[::-1]]
    alone = _cards(data, "cross_domain_adoptions")
    return {
        "name": definition["name"],
        "value": numbers.figure_or_reason(row["value"], definition["unit"], None) if row else "not known",
        "period": numbers.period(row["month_starting"], row["period"]) if row else "",
        "is_exact": root == "cross_domain_adoptions",
        "blocks": blocks,
        "alone": alone,
        "cards": [*alone, *(card for block in blocks for card in block["cards"])],
        "unknown": drivers.unknown_metrics(unknown(data, _tied(data))),
    }


def _tied(data: PageData) -> list[Row]:
    """The definitions of the metrics that hang under the North Star or its parts, in the order of the flywheel."""
    tied = [d for d in data.definitions.values() if d["edge"] in ("influence", "arithmetic")]
    found = [d for d in tied if (EVERYONE, d["metric_id"]) in data.leading]
    return sorted(found, key=lambda d: (d["flywheel_phase"], d["metric_id"]))


def unknown(data: PageData, definitions: list[Row]) -> list[tuple[Row, str | None]]:
    """Those metrics of which no complete period that is drawn has a value, each with the reason of the latest one."""
    return [(d, _reason(data, d)) for d in definitions if not parts.is_known(data, EVERYONE, d["metric_id"])]


def _reason(data: PageData, definition: Row) -> str | None:
    row = last_complete(data.leading[EVERYONE, definition["metric_id"]])
    return row["reason"] if row else "no_complete_month"


def _part(data: PageData, metric: str) -> View:
    """One exact part of the North Star, with its verdict and the metrics assumed to drive it."""
    row = last_complete(data.leading.get((EVERYONE, metric), []))
    definition = data.definitions[metric]
    judged = data.verdicts.get((EVERYONE, metric))
    return {
        "id": metric,
        "name": definition["name"],
        "what": codes.NORTH_STAR_PARTS[metric],
        "value": parts.machine_value(row["value"]) if row else None,
        "words": numbers.figure_or_reason(row["value"], definition["unit"], None) if row else "not known",
        "verdict": parts.verdict(judged, definition) if row and row["value"] is not None else None,
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
    """A card for each metric under a part or the total that is known."""
    children = [d for d in _tied(data) if drawn_under(data, d) == parent]
    return [metric_card(data, d) for d in children if parts.is_known(data, EVERYONE, d["metric_id"])]


def metric_card(data: PageData, definition: Row) -> View:
    """A leading metric of everyone, with its sparkline, its lever and the evidence that it leads."""
    metric, is_paced = definition["metric_id"], definition["metric_id"] in codes.JUDGED_BY_PACE
    rows, evidence = data.leading[EVERYONE, metric], data.evidence.get(metric)
    judged, row = data.verdicts.get((EVERYONE, metric)), last_complete(rows)
    view = parts.metric(data, EVERYONE, definition)
    unit = verdicts.judged_unit(definition)
    pace = f"pace {row['pace_index']:.2f}" if row and row["pace_index"] is not None else ""
    note = f"{pace or 'pace'}, up is faster" if is_paced else "by month"
    if row and row["period"] == "quarter":
        note = view["period"]
    value = f"{view['value']} {view['unit']}".strip() + (pace and f", {pace}")
    latest = f"Not known: {view['reason']}" if view["reason"] else value
    return view | {
        "note": note,
        "lever": definition["lever"],
        "evidence": drivers.evidence_in_words(evidence),
        "has_evidence": evidence is not None and evidence["verdict"] == "evidence",
        "average": numbers.figure_or_dash(judged["center"], unit) if judged else "–",
        "limits": numbers.limits_or_dash(judged, unit) if judged else "–",
        "chart": parts.chart_svg(
            charts.sparkline(rows, definition),
            f"spark-{metric.replace('_', '-')}",
            f"{definition['name']}, {note}",
            f"{latest}. Verdict: {view['verdict']['words'].lower()}.",
        ),
    }
