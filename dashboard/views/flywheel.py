"""The flywheel's section of the main page: `templates/flywheel.html`."""

from markupsafe import Markup

from dashboard.charts.wheel import wheel
from dashboard.tables import PageData, Row
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes, flywheel, numbers, phrases


def flywheel_card(data: PageData) -> View:
    """The wheel, and each phase with the metrics that are known."""
    phases = [
        _phase(data, phase, rows)
        for phase in codes.FLYWHEEL_PHASES
        if (rows := [row for row in data.flywheel if row["flywheel_phase"] == phase])
    ]
    return {
        "summary": flywheel.flywheel_in_words(data.flywheel) if phases else "",
        "phases": phases,
        "chart": _wheel(data, phases) if len(phases) == len(codes.FLYWHEEL_PHASES) else None,
    }


def _wheel(data: PageData, phases: list[View]) -> Markup:
    said = [f"{p['flywheel_phase']} {p['name']}, {p['persona']}: {p['verdict'].lower()}" for p in phases]
    return Markup(
        wheel(
            phases,
            flywheel.momentum_lines(data.flywheel),
            "wheel",
            "The value flywheel: four phases, each of which feeds the next, around its momentum",
            f"{'; '.join(said)}. {flywheel.momentum(data.flywheel)}",
        )
    )


def _phase(data: PageData, phase: str, rows: list[Row]) -> View:
    code = rows[0]["flywheel_phase_verdict"]
    known = [row for row in rows if row["value"] is not None]
    return {
        "flywheel_phase": phase,
        "name": codes.FLYWHEEL_PHASES[phase],
        "persona": rows[0]["persona"],
        "code": code,
        "verdict": codes.FLYWHEEL_VERDICTS[code],
        "tone": flywheel.tone(code),
        "count": _verdict_counts(rows),
        "rows": [_metric(data, row) for row in known],
        "not_known": flywheel.not_known(_unknown(data, rows)),
    }


def _unknown(data: PageData, rows: list[Row]) -> dict[str, list[str]]:
    """{reason in words: names of the metrics that are not known for it}."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if row["value"] is None:
            names.setdefault(codes.reason(row["reason"]), []).append(data.definitions[row["metric_id"]]["name"])
    return names


def _verdict_counts(rows: list[Row]) -> str:
    """How many metrics of a phase are improving or worsening, of those judged."""
    judged = [row["verdict"] for row in rows if row["verdict"] != "not_enough_data"]
    counts = [f"{judged.count(v)} {v}" for v in ("improving", "worsening") if v in judged]
    words = phrases.joined(counts) if counts else "none improving or worsening"
    return f"{words} of {len(judged)} judged" if judged else ""


def _metric(data: PageData, row: Row) -> View:
    definition = data.definitions[row["metric_id"]]
    unit = definition["unit"]
    suffix = {"days": " d", "% per doubling": "%"}.get(unit, "")
    band = f" ({numbers.number(row['lower'])} to {numbers.number(row['upper'])})" if row["lower"] is not None else ""
    is_quarter = row["metric_id"] in data.quarterly
    return {
        "name": definition["name"],
        "when": f", {numbers.period(row['month_starting'], 'quarter')}" if is_quarter and row["month_starting"] else "",
        "value": f"{numbers.figure(row['value'], unit)}{suffix}{band}",
        "verdict": parts.verdict(row, parts.is_up_good(definition)),
        "evidence": codes.EVIDENCE_CLASSES[row["evidence_class"]],
        "reason": codes.reason(row["reason"]) if row["reason"] else "",
    }
