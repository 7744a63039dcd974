"""The flywheel's section of the main page: `templates/flywheel.html`."""

from markupsafe import Markup

from dashboard.charts.wheel import wheel
from dashboard.tables import EVERYONE, PageData, Row
from dashboard.views import parts
from dashboard.views.parts import View
from dashboard.words import codes, drivers, flywheel, numbers, phrases
from dashboard.words.persona import PERSONAS


def flywheel_card(data: PageData) -> View:
    """The wheel, each phase with its metrics, and in one line those that are not known."""
    phases = [
        _phase(data, phase, rows)
        for phase in codes.FLYWHEEL_PHASES
        if (rows := [row for row in data.flywheel if row["flywheel_phase"] == phase])
    ]
    hidden = [(data.definitions[row["metric_id"]], row["reason"]) for row in data.flywheel if _is_unknown(data, row)]
    return {
        "summary": drivers.flywheel_in_words(data.flywheel),
        "phases": phases,
        "unknown": drivers.unknown_metrics(hidden),
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
    return {
        "flywheel_phase": phase,
        "name": codes.FLYWHEEL_PHASES[phase],
        "persona": rows[0]["persona"],
        "page": PERSONAS[phase].slug,
        "code": code,
        "verdict": codes.FLYWHEEL_VERDICTS[code],
        "tone": flywheel.tone(code),
        "count": _verdict_counts(rows),
        "rows": [_metric(data, row) for row in rows if not _is_unknown(data, row)],
    }


def _is_unknown(data: PageData, row: Row) -> bool:
    """Whether a metric of the scorecard has no value, and had none in any month that a chart draws."""
    key = (EVERYONE, row["metric_id"])
    if row["value"] is not None or row["reason"] == "not_reached":
        return False
    return key not in data.leading or not parts.is_known(data, *key)


def _verdict_counts(rows: list[Row]) -> str:
    """How many metrics of a phase are improving or worsening, of those judged."""
    judged = [row["verdict"] for row in rows if row["verdict"] != "not_enough_data"]
    counts = [f"{judged.count(v)} {v}" for v in ("improving", "worsening") if v in judged]
    words = phrases.joined(counts) if counts else "none improving or worsening"
    return f"{words} of {len(judged)} judged" if judged else ""


def _metric(data: PageData, row: Row) -> View:
    """A metric of a phase; its verdict is the one of its own row, as everywhere on the page."""
    definition = data.definitions[row["metric_id"]]
    unit = definition["unit"]
    is_momentum = unit == "% per doubling" and row["value"] is not None
    value = numbers.figure_or_dash(row["value"], unit) + " d" * (unit == "days" and row["value"] is not None)
    is_quarter = row["metric_id"] in data.quarterly
    return {
        "id": row["metric_id"],
        "name": definition["name"],
        "when": f", {numbers.period(row['month_starting'], 'quarter')}" if is_quarter and row["month_starting"] else "",
        "value": drivers.pace_change(row) + drivers.momentum_interval(row) if is_momentum else value,
        "verdict": parts.verdict(data.verdicts.get((EVERYONE, row["metric_id"]), row), definition),
        "evidence": codes.EVIDENCE_CLASSES[row["evidence_class"]],
        "reason": codes.reason(row["reason"]) if row["reason"] else "",
    }
