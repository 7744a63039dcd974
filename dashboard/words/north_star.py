"""Three of the five lines: whether the North Star rises, whether the change is real, whether it reaches its target.

Belongs here: words about the North Star's row of `metric_verdicts` and the row of `north_star_target`. Does not belong
here: how many words a line may have (`answer.py`).
"""

from calendar import monthrange
from datetime import timedelta

from dashboard.tables import PageData, Row
from dashboard.words import codes, numbers, verdicts
from dashboard.words.phrases import Clause, Line, counted

CARD, CHART, TARGET = "#north-star", "#north-star-chart", "#outlook"


def rising(data: PageData) -> Line:
    """Whether the North Star is higher than before, and by how much."""
    return Line("Rising?", (Clause(_rising(data), CARD),))


def _rising(data: PageData) -> str:
    row = data.north_star_verdict
    if row is None or row["month_starting"] is None:
        return "Not known: there is no complete month yet"
    when = numbers.period(row["month_starting"], row["period"])
    definition = data.definitions[row["metric_id"]]
    unit = definition["unit"]
    if row["value"] is None:
        return f"Not known for {when}"
    if row["verdict"] == "not_enough_data":
        return f"Not known: {numbers.figure(row['value'], unit)} in {when}"
    if row["verdict"] == "no_change":
        last = "two quarters" if row["limits_period"] == "quarter" else "three months"
        known = row["center"] is not None
        return f"No change in the last {last}" + (f": average {numbers.figure(row['center'], unit)}" if known else "")
    return _changed(row, definition)


def _changed(row: Row, definition: Row) -> str:
    """A change, its start and the average: "Higher since December 2024, steady now: average 17.3, before 8.5"."""
    is_up, is_news = verdicts.is_higher(row, definition), row["verdict"] in ("improving", "worsening")
    since = f"since {numbers.period(row['verdict_since'], row['limits_period'])}"
    unit = definition["unit"]
    if verdicts.is_before_change(row):
        before = numbers.figure(row["previous_center"], unit)
        is_known = row["center"] is not None
        now = f"average {numbers.figure(row['center'], unit)}, before {before}" if is_known else ""
        level = now or f"average {before} before"
    else:
        level = f"{'above' if is_up else 'below'} the average, {numbers.figure(row['center'], unit)}"
    if not is_news:
        return f"{'Higher' if is_up else 'Lower'} {since}, steady now: {level}"
    return f"{'Yes' if is_up else 'No, falling'} {since}: {level}"


def real(data: PageData) -> Line:
    """Whether the change is more than routine variation, and by which rule; or that the latest point is routine."""
    return Line("Real?", (Clause(_real(data), CHART),))


def _real(data: PageData) -> str:
    row = data.north_star_verdict
    if row is None or row["month_starting"] is None:
        return "Not known: a month is judged once it is complete"
    if row["verdict"] == "not_enough_data":
        return f"Not known: {verdicts.why_not_judged(row)}"
    definition = data.definitions[row["metric_id"]]
    is_unsure = row["is_provisional"] and not verdicts.is_before_change(row)  # of few points
    if row["verdict"] != "no_change":
        return f"{'Probably' if is_unsure else 'Yes'}: {_rule(row, definition)}"
    point = _point(row["judged_value"], row, "judged_starting", definition)
    unit = definition["unit"]
    if row["lower_limit"] is None:
        return f"No: {point} is routine by earlier limits, {verdicts.earlier_range(row, unit)}"
    return f"{'Probably not' if is_unsure else 'No'}: {point} is routine, {verdicts.routine_range(row, unit)}"


def _rule(row: Row, definition: Row) -> str:
    """The rule that holds, short; in full it stands under the big figure."""
    center, lower, upper = verdicts.basis(row)
    is_above = row["signal_value"] > center
    earlier = "earlier " if verdicts.is_before_change(row) else ""
    points = f"{row['limits_period']}s"
    if row["rule"].endswith("outside_limits"):
        limit = numbers.figure(upper if is_above else lower, definition["unit"])
        verb = "exceeds" if is_above else "is under"
        return f"{_point(row['signal_value'], row, 'signal_starting', definition)} {verb} the {earlier}limit, {limit}"
    if row["rule"].endswith("eight_on_one_side"):
        return f"eight {points} running {'above' if is_above else 'below'} the {earlier}average"
    return f"three of four {points} near the {earlier}{'upper' if is_above else 'lower'} limit"


def _point(value: float, row: Row, at: str, definition: Row) -> str:
    """ "December 2025's 17"."""
    return f"{numbers.period(row[at], row['limits_period'])}'s {numbers.figure(value, definition['unit'])}"


def on_target(data: PageData) -> Line:
    """Whether the process can reach the target, and the year to date against the plan."""
    row, unit = data.target, _unit(data)
    if row is None or row["target"] is None:
        return Line("On target?", (Clause("No target is declared", TARGET),))
    year = year_to_date(row)
    clauses = [capability_in_words(row, unit), *([year] if year else [])]
    return Line("On target?", tuple(Clause(words, TARGET) for words in clauses))


def _unit(data: PageData) -> str:
    return data.definitions[data.target["metric_id"]]["unit"] if data.target else ""


def capability_in_words(row: Row, unit: str) -> str:
    """Whether the routine range reaches the target reliably, sometimes or never; `row`, of `north_star_target`."""
    target = numbers.figure(row["target"], unit)
    if row["capability"] is None:
        return f"Not known: {codes.reason(row['capability_reason'])}"
    if row["capability"] == "hit_or_miss":
        return f"Hit or miss: the routine range includes {target}"
    is_low = row["lower_limit"] >= row["target"]  # which limit lies on this side of the target
    limit = "lower" if is_low else "upper"
    word = codes.CAPABILITIES[row["capability"]]
    return (
        f"{word}: the {limit} limit, {numbers.figure(row[f'{limit}_limit'], unit)}, is {_against(row, limit)} {target}"
    )


def _against(row: Row, limit: str) -> str:
    value = row[f"{limit}_limit"]
    return "at" if value == row["target"] else "over" if value > row["target"] else "under"


def year_to_date(row: Row) -> str:
    """ "2025: 208 of 192", or "2025 so far: 45 of 48"; empty where it is not known. `row`, of `north_star_target`."""
    if row["year_value"] is None or row["year_target"] is None:
        return ""
    is_whole = row["month_starting"].month == 12 or (
        row["year_period_count"] == 4 and row["month_starting"].month == 10
    )
    value, target = numbers.number(row["year_value"]), numbers.number(row["year_target"])
    return f"{row['year_starting']:%Y}{'' if is_whole else ' so far'}: {value} of {target}"


def so_far(row: Row, publication: Row, unit: str) -> str:
    """The period that goes on: "3 in 6 of 31 days"; `row`, of `north_star_monthly`, not complete.

    A period that is over and still waits for late events says so: "12, late events may follow".
    """
    start, value = row["month_starting"], numbers.figure(row["value"], unit)
    months = 3 if row["period"] == "quarter" else 1
    end = start
    for _ in range(months):
        end += timedelta(days=monthrange(end.year, end.month)[1])
    elapsed, whole = (publication["as_of_day"] - start).days, (end - start).days
    if elapsed >= whole:
        return f"{value}, late events may follow"
    return f"{value} in {elapsed} of {counted(whole, 'day')}"
