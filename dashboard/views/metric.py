"""A metric's page: its definition, its verdict, its history, each domain, and the rows behind its latest number."""

from dashboard import charts
from dashboard.links import slug
from dashboard.rows import EVERYONE, Row, last_complete
from dashboard.tables import PageData
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes, counted, north_star, numbers, verdicts

CHART = (900, 280)  # in pixels, of its one drawing


def metric_page(data: PageData) -> View:
    """What `metric.html` prints, from the rows of one metric."""
    [(metric, definition)] = data.definitions.items()
    rows = data.leading[EVERYONE, metric] or data.north_star
    is_paced = metric in codes.JUDGED_BY_PACE
    unit = definition["unit"]
    row, verdict = last_complete(rows), data.verdicts.get((EVERYONE, metric))
    return {
        "publication": parts.publication(data),
        "name": definition["name"],
        "definition": definition["definition"],
        "facts": _facts(definition),
        "period": numbers.period(row["month_starting"], row["period"]) if row else "",
        "value": numbers.with_unit(row["value"], unit) if row and row["value"] is not None else "",
        "reason": codes.reason(row["reason"] if row else "no_complete_month"),
        "verdict": parts.verdict(verdict, definition) if verdict else None,
        "why": verdicts.why(verdict, definition) if verdict else "",
        "is_paced": is_paced,
        "chart": _chart(data, rows, definition, verdict),
        "months": [_month(r, definition) for r in reversed(rows)],
        "has_numerator": any(r.get("numerator") is not None for r in rows),
        "domains": _domains(data, definition),
        "behind": _behind(data, definition, row),
    }


def _facts(definition: Row) -> list[tuple[str, str]]:
    good = {"up": "more is better", "down": "less is better"}[definition["good_direction"]]
    phase = definition["flywheel_phase"]
    facts = [("Unit", definition["unit"]), ("Good direction", good), ("Lever", definition["lever"] or "")]
    facts.append(("Flywheel phase", f"{phase}, {codes.FLYWHEEL_PHASES[phase].lower()}" if phase else ""))
    facts.append(("For", definition["persona"] or ""))
    facts.append(("Version of the definition", f"{definition['definition_version']}"))
    return [(label, words) for label, words in facts if words]


def _chart(data: PageData, rows: list[Row], definition: Row, verdict: Row | None) -> object:
    """The judged series by period with its limits; None where no period has a value."""
    is_paced = definition["metric_id"] in codes.JUDGED_BY_PACE
    notes = {row["month_starting"]: row["process_phase_note"] for row in data.north_star}
    drawn: list[Row] = [
        {"target": None, "process_phase_note": notes.get(row["month_starting"])}
        | row
        | ({"value": row["pace_index"]} if is_paced else {})
        | ({"so_far": _so_far(data, row, definition)} if not row["is_complete"] else {})
        for row in rows
    ]
    if all(row["value"] is None for row in drawn):
        return None
    unit = "" if is_paced else definition["unit"]
    latest = next(row for row in reversed(drawn) if row["value"] is not None)
    value = f"{numbers.figure(latest['value'], unit)} in {numbers.period(latest['month_starting'], latest['period'])}"
    judged = f" {verdicts.verdict_in_words(verdict, definition)}." if verdict else ""
    up = {"good_direction": "up"} if is_paced else {}
    return parts.chart_svg(
        charts.north_star_chart(drawn, definition | {"unit": unit} | up, *CHART),
        "history",
        f"{definition['name']}{', pace index' if is_paced else ''} by {rows[-1]['period']}",
        f"{value}.{judged}",
    )


def _so_far(data: PageData, row: Row, definition: Row) -> str | None:
    """How much of the period of a count is over; None for what is no count."""
    if definition["kind"] != "flow" or row["value"] is None:
        return None
    return north_star.so_far(row, data.publication, definition["unit"])


def _month(row: Row, definition: Row) -> View:
    unit = definition["unit"]
    judged = verdicts.judged_unit(definition)
    pace = row.get("pace_index")
    signal = codes.SIGNALS.get(row["signal"] or "")
    return {
        "period": numbers.period(row["month_starting"], row["period"]) + ("" if row["is_complete"] else " (so far)"),
        "value": numbers.figure_or_reason(row["value"], unit, row["reason"]),
        "pace": f"{pace:.2f}" if pace is not None else "–",
        "numerator": _count(row.get("numerator")),
        "denominator": _count(row.get("denominator")),
        "average": numbers.figure_or_dash(row["center"], judged),
        "limits": numbers.limits_or_dash(row, judged),
        "signal": signal or f"not judged: {codes.reason(row['signal_reason'])}",
    }


def _count(value: int | None) -> str:
    return f"{value:,}" if value is not None else "–"


def _domains(data: PageData, definition: Row) -> list[View]:
    """The latest complete value and the verdict of each domain."""
    rows = sorted((row for (domain, _), row in data.verdicts.items() if domain != EVERYONE), key=lambda r: r["domain"])
    return [
        {
            "domain": row["domain"],
            "slug": slug(row["domain"]),
            "period": numbers.period(row["month_starting"], row["period"]) if row["month_starting"] else "–",
            "value": numbers.figure_or_dash(row["value"], definition["unit"]),
            "verdict": parts.verdict(row, definition),
            "why": _why_of_domain(row, definition),
        }
        for row in rows
    ]


def _why_of_domain(row: Row, definition: Row) -> str:
    """Why a domain has its verdict, and no value; nothing that the verdict says already."""
    if row["verdict"] == "not_enough_data":
        why = verdicts.why(row, definition)
        return "" if why == codes.reason("not_enough_data") else why
    why = "" if row["verdict"] == "no_change" else verdicts.why(row, definition)
    if row["value"] is None and row["reason"] != "not_reached":
        return f"{why}{'; ' * bool(why)}its value is not known: {codes.reason(row['reason'])}"
    return why


def _behind(data: PageData, definition: Row, row: Row | None) -> View:
    """The rows that the latest number counts, or what it is computed from."""
    metric = definition["metric_id"]
    if metric in counted.COMPUTED:
        return {"computed": counted.COMPUTED[metric], "lists": []}
    rows = data.behind[metric]
    if not rows:
        why = "" if row and row["value"] is not None else f"Nothing, because {codes.reason((row or {}).get('reason'))}."
        return {"computed": why or "Nothing: it counts nothing in this period.", "lists": []}
    lists = [(is_counted, [r for r in rows if r["is_counted"] == is_counted]) for is_counted in (True, False)]
    return {"computed": "", "lists": [_list(metric, is_counted, found) for is_counted, found in lists if found]}


def _list(metric: str, is_counted: bool, rows: list[Row]) -> View:
    first = rows[0]
    count = first["counted_count"] if is_counted else first["row_count"] - first["counted_count"]
    return {
        "title": counted.heading(metric, is_counted, count, first),
        "more": count - len(rows),
        "when": counted.when(metric, is_counted),
        "columns": counted.COLUMNS.get(metric, ()),
        "has_product": first["data_product_id"] is not None,
        "has_consumer": first["consumer_domain"] is not None,
        "rows": [_row(row, metric) for row in rows],
    }


def _row(row: Row, metric: str) -> View:
    amounts = {1: [row["other_amount"]], 2: [row["amount"], row["other_amount"]]}
    shown = amounts.get(len(counted.COLUMNS.get(metric, ())), [])
    return parts.product(row, {row["domain"]: slug(row["domain"])} if row["domain"] else {}) | {
        "consumer": row["consumer_domain"] or "",
        "consumer_slug": slug(row["consumer_domain"]) if row["consumer_domain"] else "",
        "at": numbers.day(row["happened_at"]),
        "amounts": [f"{amount or 0:,}" for amount in shown],
    }
