"""What a row of `metric_verdicts` says of its series: the verdict, what it rests on, the level, the routine range.

Belongs here: words about one verdict row; page, summary and notebooks read them. Does not belong here: the evidence of
influence and the flywheel (`drivers.py`), the five lines (`answer.py`).
"""

from datetime import date

from dashboard.tables import Row
from dashboard.words import codes, numbers
from dashboard.words.phrases import counted

GOOD, BAD = ("improving", "improved"), ("worsening", "worsened")


def is_up_good(definition: Row) -> bool:
    """Whether a rise is good in the series that a verdict judges; a rise of a pace index always is."""
    return definition["good_direction"] == "up" or definition["metric_id"] in codes.JUDGED_BY_PACE


def is_higher(row: Row, definition: Row) -> bool | None:
    """Whether the judged series is higher than before; None where the verdict sees no change."""
    if row["verdict"] not in GOOD + BAD:
        return None
    return (row["verdict"] in GOOD) == is_up_good(definition)


def judged_unit(definition: Row) -> str:
    """The unit of the judged series, its average and limits; a pace index has none."""
    return "" if definition["metric_id"] in codes.JUDGED_BY_PACE else definition["unit"]


def verdict_in_words(row: Row, definition: Row) -> str:
    """The verdict: "Improving since Oct 2025", "Higher since Dec 2024, steady now", "No change".

    Parameters: `row`, of `metric_verdicts` or `flywheel_scorecard`; `definition`, its row of `metric_definitions`.
    """
    code = row["verdict"]
    if code == "not_enough_data":
        return "Not judged" if (why_not_judged_code(row) or "") in codes.NEVER_JUDGED else codes.VERDICTS[code]
    since = f" since {_short_period(row)}" if row.get("verdict_since") else ""
    if code not in ("improved", "worsened"):
        return codes.VERDICTS[code] + since
    higher, lower = ("Faster", "Slower") if definition["metric_id"] in codes.JUDGED_BY_PACE else ("Higher", "Lower")
    return f"{higher if is_higher(row, definition) else lower}{since}, steady now"


def _short_period(row: Row) -> str:
    is_quarter = row.get("limits_period") == "quarter"
    return numbers.period(row["verdict_since"], "quarter") if is_quarter else f"{row['verdict_since']:%b %Y}"


def why_not_judged_code(row: Row) -> str | None:
    """The reason of a row without a verdict; that of the value where it has none of its own."""
    return row.get("verdict_reason") or row.get("reason")


def why_not_judged(row: Row) -> str:
    """Why a row has no verdict; the incomplete period is named, which can be the quarter of a complete month."""
    code = why_not_judged_code(row)
    if code == "incomplete" and row.get("month_starting"):
        return f"{numbers.period(row['month_starting'], row['limits_period'] or row['period'])} is not complete yet"
    return codes.reason(code)


def why(row: Row, definition: Row) -> str:
    """What the verdict of a row rests on: the rule that holds, the routine range, or why it is not judged."""
    if row["rule"]:
        return rule_in_words(row, definition)
    if row["verdict"] == "no_change":
        points = "two quarters" if row["limits_period"] == "quarter" else "three months"
        return f"no signal in the last {points}: routine variation, no explanation needed"
    return why_not_judged(row)


def is_before_change(row: Row) -> bool:
    """Whether a verdict rests on the limits before the declared change."""
    return (row["rule"] or "").startswith("previous_")


def basis(row: Row) -> tuple[float, float, float]:
    """The average, lower and upper limit that a rule was asked of."""
    prefix = "previous_" if is_before_change(row) else ""
    return row[f"{prefix}center"], row[f"{prefix}lower_limit"], row[f"{prefix}upper_limit"]


def rule_in_words(row: Row, definition: Row) -> str:
    """Which rule makes this more than routine variation, and where it holds."""
    center, lower, upper = basis(row)
    unit, value = judged_unit(definition), row["signal_value"]
    is_above = value > center
    side, limit, end = ("above", "upper", upper) if is_above else ("below", "lower", lower)
    earlier = " before the change" if is_before_change(row) else ""
    points, at = f"{row['limits_period']}s", numbers.period(row["signal_starting"], row["limits_period"])
    if row["rule"].endswith("outside_limits"):
        level = f"{numbers.figure(value, unit)} in {at} is {side} the {limit} limit{earlier}"
        return f"{level}, {numbers.figure(end, unit)}"
    if row["rule"].endswith("eight_on_one_side"):
        return f"eight {points} in a row to {at} lie {side} the average{earlier}, {numbers.figure(center, unit)}"
    return f"three of four {points} to {at} lie nearer the {limit} limit{earlier} than the average"


def scope_of_average(row: Row) -> str:
    """Which points the average of a row is about: "since December 2024" after a change, else "over 24 months"."""
    if since := changed_since(row):
        return f"since {numbers.period(since, row['limits_period'])}"
    return f"over {counted(row['limits_count'], row['limits_period'])}"


def changed_since(row: Row) -> date | None:
    """When the average of a row begins, where it covers all of a phase that a declared change began."""
    if row["process_phase"] in (None, 1) or row["limits_starting"] is None:
        return None
    is_whole = (row["limits_starting"] - row["process_phase_starting"]).days < 90  # a quarter can begin later
    return row["limits_starting"] if is_whole else None


def routine_range(row: Row, unit: str) -> str:
    """The routine range of the latest judged point, "5.8 to 28.8"; a dash without limits."""
    return numbers.limits_or_dash(row, unit)


def earlier_range(row: Row, unit: str) -> str:
    """The routine range before the declared change; a dash without one."""
    lower, upper = row["previous_lower_limit"], row["previous_upper_limit"]
    if lower is None:
        return "–"
    return f"{numbers.figure(lower, unit)} to {numbers.figure(upper, unit)}"
