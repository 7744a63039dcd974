"""The sentences about momentum: whether every push gets easier, by time to value and by effort.

Belongs here: words about the two momentum rows of `flywheel_scorecard`, and about effort. Does not belong here: the
lines in the middle of the wheel (`flywheel.py`).
"""

from dashboard.rows import EVERYONE, Row
from dashboard.tables import PageData
from dashboard.words import codes
from dashboard.words.drivers import pace_change
from dashboard.words.phrases import Clause, joined

MOMENTUM, FINISHED_ONLY, BUILD_TIME = "momentum", "momentum_completed_only", "build_time"

UNSENT = (None, "no_work_started_events", "no_deployment_events")  # reasons for which build time is not known
SEND_BUILD = "send work_started and deployed events"


def row_of(rows: list[Row], metric: str = MOMENTUM) -> Row | None:
    """The row of a momentum metric; None where there is none."""
    return next((row for row in rows if row["metric_id"] == metric), None)


def heading(rows: list[Row]) -> str:
    """Whether every push gets easier, which only an interval on one side of 0 says."""
    row = row_of(rows)
    if row is None or row["value"] is None:
        return "Momentum: not known yet"
    if row["upper"] is not None and row["upper"] < 0:
        return "Momentum: every push gets easier"
    if row["lower"] is not None and row["lower"] > 0:
        return "Momentum: every push gets harder"
    return "Momentum: it is not certain that a push gets easier"


def in_words(row: Row | None) -> str:
    """What each doubling of adopted data products does to the time to value, with its interval; why it is not known."""
    if row is None or row["value"] is None:
        return f"Not known: {codes.reason(row['reason'] if row else 'not_enough_data')}."
    return f"Each doubling of adopted data products: the next idea is adopted {pace_change(row)}{_between(row)}."


def _between(row: Row) -> str:
    if row["lower"] is None or row["upper"] is None:
        return ""
    ends = [pace_change({"value": row[name]}) for name in ("lower", "upper")]
    return f" (95% interval: {ends[0]} to {ends[1]})"


def finished_only(row: Row | None) -> str:
    """The same of finished ideas only; empty where it is not known."""
    if row is None or row["value"] is None:
        return ""
    return f"Of finished ideas only, as others publish it: {pace_change(row)}{_between(row)}. It favours fast ideas."


def to_act_on(data: PageData) -> list[Clause]:
    """Momentum that is lost beyond doubt."""
    row = row_of(data.flywheel)
    if row is None or row["value"] is None or row["lower"] is None or row["lower"] <= 0:
        return []
    words = f"Find out what holds later data products up: each doubling makes them {pace_change(row)}."
    return [Clause(words, "#momentum")]


def missing(data: PageData) -> str:
    """Which effort is not measured, and what to send or declare; empty where build time and cost are known."""
    built = data.verdicts.get((EVERYONE, BUILD_TIME))
    parts = []
    if built is None or built["value"] is None:
        code = built["reason"] if built else None
        parts.append(f"build time ({SEND_BUILD if code in UNSENT else codes.reason(code)})")
    if not any(row["measure"] == "cost" for row in data.costs):
        parts.append("cost per adoption (declare costs in declared/product_costs.csv)")
    return f"Effort not measured: {joined(parts)}." if parts else ""
