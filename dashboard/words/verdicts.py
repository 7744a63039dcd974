"""What a verdict rests on: the rule of the process limits, the evidence of influence."""

from dashboard.tables import Row
from dashboard.words import codes, numbers
from dashboard.words.phrases import counted


def previous_process_phase(rows: list[Row], row: Row) -> Row | None:
    """The last row of the process phase before that of `row`, for its limits; None in the first phase."""
    return next((r for r in reversed(rows) if r["process_phase"] < row["process_phase"]), None)


def limits_before_change(rows: list[Row], row: Row) -> Row:
    """A row of the process phase before that of `row`; raises ValueError in the first phase."""
    before = previous_process_phase(rows, row)
    if before is None:
        raise ValueError(f"{row['rule']} in {row['month_starting']} needs a process phase before it; there is none")
    return before


def process_phase_start(rows: list[Row], row: Row) -> Row:
    """The first row of the process phase of `row`."""
    return next(r for r in rows if r["process_phase"] == row["process_phase"])


def rule_in_words(rows: list[Row], row: Row, unit: str) -> str:
    """Which rule makes this more than routine variation; `row` is the one judged, `rows` all of its series."""
    code = row["rule"]
    is_before = code.startswith("previous_")
    basis = limits_before_change(rows, row) if is_before else row
    when = "before the change" if is_before else ""
    what = "quarters" if row["limits_period"] == "quarter" or row["period"] == "quarter" else "months"
    pace = row.get("pace_index")
    value, kind = (row["value"], unit) if pace is None else (pace, "")
    is_above = value is not None and value > basis["center"]
    side = "above" if is_above else "below"
    if code.endswith("outside_limits"):
        limit = basis["upper_limit"] if is_above else basis["lower_limit"]
        name = "upper" if is_above else "lower"
        if what == "quarters" and row["period"] == "month":
            return f"its quarter lies outside the limits {when}".strip()
        whose = f"the {name} limit {when}".strip()
        return f"{numbers.figure(value, kind)} is {side} {whose}, {numbers.figure(limit, kind)}"
    if code.endswith("eight_on_one_side"):
        where = "on one side of" if what == "quarters" and row["period"] == "month" else side
        return f"at least eight {what} in a row lie {where} the average {when}".strip()
    return f"of the last four {what}, at least three lie nearer a limit than the average {when}".strip()


def reason_without_rule(row: Row) -> str:
    """Why no rule of the process limits applies to a row; empty where no reason was served."""
    if row["verdict"] == "no_change":
        return "routine variation, no explanation needed"
    return why_not_judged(row) if row["verdict_reason"] else ""


def why_not_judged(row: Row) -> str:
    """Why a row has no verdict; the incomplete period is named, which can be the quarter of a complete month."""
    if row["verdict_reason"] != "incomplete":
        return codes.reason(row["verdict_reason"])
    kind = "quarter" if row["limits_period"] == "quarter" else row["period"]
    return f"{numbers.period(row['month_starting'], kind)} is not complete yet"


def evidence_in_words(row: Row | None) -> str:
    """Whether a metric moves ahead of the North Star or a part; `row`, its `influence_evidence`, None for a part."""
    if row is None:
        return "exact part"
    if row["reason"]:
        return f"untested: {codes.reason(row['reason'])}"
    if row["verdict"] == "evidence":
        against = "" if row["correlation"] > 0 else ", in the opposite direction"
        whom = codes.OUTCOMES.get(row["outcome_metric_id"], "the North Star")
        return f"evidence: leads {whom} by {counted(row['lag'], 'month')}{against} (r {row['correlation']:.2f})"
    return "tested: no evidence so far"
