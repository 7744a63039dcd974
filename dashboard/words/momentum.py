"""The sentences about momentum: whether every push gets easier, by time to value and by effort.

Belongs here: words about the two momentum rows of `flywheel_scorecard`, and about effort. Does not belong here: the
lines in the middle of the wheel (`flywheel.py`).
"""

from dashboard.rows import Row
from dashboard.tables import PageData
from dashboard.words import codes, numbers
from dashboard.words.drivers import pace_change
from dashboard.words.phrases import Clause

MOMENTUM, FINISHED_ONLY = "momentum", "momentum_completed_only"


def row_of(rows: list[Row], metric: str = MOMENTUM) -> Row | None:
    """The row of a momentum metric; None where there is none."""
    return next((row for row in rows if row["metric_id"] == metric), None)


def heading(rows: list[Row]) -> str:
    """Whether every push gets easier; only an interval on one side of 0 says so."""
    row = row_of(rows)
    if row is None or row["value"] is None:
        return "Momentum: not known yet"
    if row["upper"] is not None and row["upper"] < 0:
        return "Momentum: every push gets easier"
    if row["lower"] is not None and row["lower"] > 0:
        return "Momentum: every push gets harder"
    return "Momentum: no change is certain, a push is neither easier nor harder so far"


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


def build_effort(row: Row | None) -> str:
    """How long a data product is in build, by `time_to_value` from started to deployed; why it is not known."""
    if row is None or row["median_days"] is None:
        return f"not known: {codes.reason(row['reason'] if row else 'no_work_started_events')}"
    ends = numbers.interval(row["median_lower_days"], row["median_upper_days"])
    return f"half are built within {numbers.days_with_unit(row['median_days'])} (95% interval {ends})"
