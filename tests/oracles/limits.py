"""Process limits, signals and the verdict of one series, in numpy and plain Python by the rules of docs/metrics.md.

Limits and the three rules: Wheeler (2000), Understanding Variation; Western Electric (1956), Statistical Quality
Control Handbook.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np


def month(number: int) -> date:
    """The month so many months after January 2020."""
    return date(2020 + number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class Point:
    """What is judged, a month or a quarter: `value` is things / `of`, so of a plain count `of` is 1, a month."""

    value: float | None
    phase: int = 1
    is_complete: bool = True
    reason: str | None = None
    of: float = 1.0


@dataclass(frozen=True)
class Series:
    """Points one after another; `by` is month, quarter, or quarter_of_months: three rows with the quarter's number."""

    points: tuple[Point, ...]
    metric_id: str = "first_deployments"
    domain: str = "all"
    by: str = "month"
    is_north_star: bool = False
    has_limits: bool = True

    def point_starting(self, number: int) -> date:
        return month(number if self.by == "month" else 3 * number)

    def rows(self) -> list[dict]:
        """The rows of curated.process_points; an incomplete quarter of months has only begun."""
        made = []
        for number, point in enumerate(self.points):
            starting = self.point_starting(number)
            months = 3 if point.is_complete else 1 + number % 3
            for offset in range(months if self.by == "quarter_of_months" else 1):
                row = {"metric_id": self.metric_id, "domain": self.domain, "is_north_star": self.is_north_star}
                row |= {"period": "quarter" if self.by == "quarter" else "month", "process_phase": point.phase}
                row |= {"limits_period": "month" if self.by == "month" else "quarter", "point_starting": starting}
                row |= {"month_starting": date(starting.year, starting.month + offset, 1), "reason": point.reason}
                row |= {"is_complete": point.is_complete, "is_point_complete": point.is_complete}
                row |= {"has_limits": self.has_limits, "value": point.value, "process_value": point.value}
                row["point_value"] = point.value if self.has_limits else None
                row["point_numerator"] = None if point.value is None else point.value * point.of
                made.append(row | {"point_denominator": point.of})
        return made


SHARES = {"named_consumer_share", "contract_pass_rate", "contract_checks_passed", "expansion_share", "adopted_90d"}
SHARES |= {"adopted_within_days", "initiative_share"}
COHORTS = {"adopted_90d", "adopted_within_days"}
GOOD_WHEN_DOWN = {"net_flow"}  # the index of time_to_value, build_time and adoption_lag rises when things get faster
RULES = ("outside_limits", "eight_on_one_side", "three_of_four_near_limit")


@dataclass(frozen=True)
class Limits:
    """Those of a phase; numbers is which of the series' points they rest on. Without enough of these all is None."""

    numbers: tuple[int, ...]
    center: float | None = None
    distance: float | None = None
    lower: float | None = None
    upper: float | None = None
    deviation: float | None = None


NOBODY = Limits(())


def limits_of(one: Series, phase: int) -> Limits:
    """The limits of a phase, from its latest 24 complete months that are known, or of 12 quarters the 8 latest."""
    latest, most = (24, 24) if one.by == "month" else (12, 8)
    complete = [n for n, point in enumerate(one.points) if point.phase == phase and point.is_complete]
    numbers = [n for n in complete[-latest:] if one.points[n].value is not None][-most:]
    if not one.has_limits or len(numbers) < (8 if one.metric_id in COHORTS else 6):
        return Limits(tuple(numbers) if one.has_limits else ())
    values = np.array([one.points[n].value for n in numbers])
    center, distance = float(values.mean()), float(2.66 * np.abs(np.diff(values)).mean())
    lower = center - distance if one.metric_id == "net_flow" else max(center - distance, 0.0)
    upper = min(center + distance, 1.0) if one.metric_id in SHARES else center + distance
    return Limits(tuple(numbers), center, distance, lower, upper, max(distance / 3, float(values.std(ddof=1))))


def side(value: float, low: float, high: float) -> int:
    return int(value > high + 1e-9) - int(value < low - 1e-9)


def is_large(one: Series, center: float, points: list[Point], towards: int) -> bool:
    """Do these points differ from the centre by 2 things together, and of a share by 1 % on average?"""
    things = sum(point.value * point.of for point in points) - center * sum(point.of for point in points)
    distance = sum(point.value for point in points) / len(points) - center
    return towards * things >= 2 - 1e-9 and (one.metric_id not in SHARES or towards * distance >= 0.01 - 1e-9)


def rule_of(one: Series, points: list[Point], limits: Limits) -> str | None:
    """The rule that the last of these points, which follow one another, breaks against the limits."""
    center, values = limits.center, [point.value for point in points]
    beyond = side(values[-1], limits.lower, limits.upper)
    if beyond and is_large(one, center, points[-1:], beyond):
        return "outside_limits"
    run = {side(value, center, center) for value in values[-8:]}
    if len(values) >= 8 and run in ({1}, {-1}) and is_large(one, center, points[-8:], run.pop()):
        return "eight_on_one_side"
    near = [side(value, center - limits.distance / 2, center + limits.distance / 2) for value in values[-4:]]
    if near[-1] and near.count(near[-1]) >= 3 and is_large(one, center, points[-4:], near[-1]):
        return "three_of_four_near_limit"
    return None


@dataclass
class Judged:
    """A series' limits by phase, and of each known and complete point its rule and its side, by both bases."""

    one: Series
    limits: dict[int, Limits] = field(default_factory=dict)
    previous: dict[int, Limits] = field(default_factory=dict)
    own_rules: dict[int, str] = field(default_factory=dict)
    previous_rules: dict[int, str] = field(default_factory=dict)

    def __post_init__(self):
        before = NOBODY
        for phase in sorted({point.phase for point in self.one.points}):
            self.limits[phase], self.previous[phase] = limits_of(self.one, phase), before
            known = self.known(phase) if self.one.has_limits else []
            self.own_rules |= self._rules(list(self.limits[phase].numbers), self.limits[phase])
            self.previous_rules |= self._rules(known, before)
            before = before if self.limits[phase].center is None else self.limits[phase]

    def known(self, phase: int) -> list[int]:
        points = enumerate(self.one.points)
        return [n for n, p in points if p.phase == phase and p.is_complete and p.value is not None]

    def _rules(self, numbers: list[int], limits: Limits) -> dict[int, str]:
        if limits.center is None:
            return {}
        points = [self.one.points[n] for n in numbers]
        rules = {n: rule_of(self.one, points[: i + 1], limits) for i, n in enumerate(numbers)}
        return {n: rule for n, rule in rules.items() if rule}

    def side(self, number: int, limits: Limits) -> int:
        return side(self.one.points[number].value, limits.center, limits.center)

    @property
    def good(self) -> int:
        return -1 if self.one.metric_id in GOOD_WHEN_DOWN else 1


def expected_points(one: Series) -> list[dict]:
    """What process_limits should say of each point."""
    judged, found = Judged(one), []
    for number, point in enumerate(one.points):
        limits, previous = judged.limits[point.phase], judged.previous[point.phase]
        starting = one.point_starting(limits.numbers[0]) if limits.numbers else None
        is_drawn = starting is not None and number >= limits.numbers[0]
        row = dict.fromkeys(("center", "lower_limit", "upper_limit", "is_provisional", "rule", "signal"))
        row |= {"limits_starting": starting, "own_rule": judged.own_rules.get(number)}
        if is_drawn and limits.center is not None:
            row |= {"center": limits.center, "lower_limit": limits.lower, "upper_limit": limits.upper}
            row["is_provisional"] = len(limits.numbers) < 10
        row["signal_reason"] = why_unjudged(one, number, limits, previous)
        if row["signal_reason"] is None:
            before = judged.previous_rules.get(number)
            row["rule"] = row["own_rule"] or (before and f"previous_{before}")
            direction = judged.side(number, limits if row["own_rule"] else previous) if row["rule"] else 0
            row["signal"] = ("none", "better", "worse")[direction * judged.good]
        found.append(row)
    return found


def side_of_change(one: Series, limits: Limits, previous: Limits) -> int:
    """Does the average of the points differ from the centre before by 2.5 standard errors (of a share 1 % as well)?"""
    average = float(np.mean([one.points[n].value for n in limits.numbers]))
    error = previous.deviation * np.sqrt(1 / len(limits.numbers) + 1 / len(previous.numbers))
    needed = max(2.5 * error, 0.01 if one.metric_id in SHARES else 0.0)
    return side(average, previous.center, previous.center) * int(abs(average - previous.center) >= needed - 1e-9)


def why_unjudged(one: Series, number: int, limits: Limits, previous: Limits) -> str | None:
    point = one.points[number]
    if not one.has_limits:
        return "limits_switched_off"
    if not point.is_complete:
        return "incomplete"
    if point.value is None:
        nothing = "nothing_started_or_finished" if one.metric_id == "net_flow" else "too_few_expected"
        return point.reason or nothing
    if number < limits.numbers[0]:
        return "before_the_limits"
    return "too_few_points" if limits.center is None and previous.center is None else None


def expected_verdict(one: Series) -> dict:
    """Verdict, since when, rule and latest signal of the series."""
    complete = [n for n, point in enumerate(one.points) if point.is_complete]
    row = {"verdict": "not_enough_data", "verdict_since": None, "rule": None, "signal_starting": None}
    if not complete:
        return row | {"verdict_reason": "no_complete_month"}
    judged, last = Judged(one), complete[-1]
    phase = one.points[last].phase
    limits, previous = judged.limits[phase], judged.previous[phase]
    row["verdict_reason"] = why_unjudged(one, last, limits, previous)
    if row["verdict_reason"]:
        return row
    lately = last - (2 if one.by == "month" else 1)
    known = judged.known(phase)
    for by, rules, prefix in ((limits, judged.own_rules, ""), (previous, judged.previous_rules, "previous_")):
        signals = [n for n in rules if n in known]
        if by is previous and signals:
            towards = side_of_change(one, limits, previous)
            signals = [n for n in signals if judged.side(n, previous) == towards]
        if not signals or (by is limits and max(signals) < lately):
            continue
        latest = max(signals)
        towards = judged.side(latest, by)
        stretch = run_of(judged, list(by.numbers), latest) if by is limits else known
        first = min(n for n in signals if n in stretch and judged.side(n, by) == towards)
        is_over = by is limits and stretch[-1] < known[-1]  # back on the other side of the average: no new level
        words = ("improving", "worsening") if first >= lately or is_over else ("improved", "worsened")
        start = stretch[0] if by is limits else [p.phase for p in one.points].index(phase)
        return row | {
            "verdict": words[0] if towards == judged.good else words[1],
            "verdict_since": one.point_starting(start),
            "rule": prefix + rules[latest],
            "signal_starting": one.point_starting(latest),
        }
    return row | {"verdict": "no_change"}


def run_of(judged: Judged, numbers: list[int], signal: int) -> list[int]:
    """The unbroken run of points on the signal's side of the phase's own centre."""
    limits = judged.limits[judged.one.points[signal].phase]
    sides = {n: judged.side(n, limits) for n in numbers}
    first = last = numbers.index(signal)
    while first > 0 and sides[numbers[first - 1]] == sides[signal]:
        first -= 1
    while last + 1 < len(numbers) and sides[numbers[last + 1]] == sides[signal]:
        last += 1
    return numbers[first : last + 1]
