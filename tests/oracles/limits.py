"""Process limits, rules and verdicts of one series, in numpy and plain Python by the rules of docs/metrics.md.

Limits and the three rules: Wheeler (2000), Understanding Variation; Western Electric (1956), Statistical Quality
Control Handbook.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest


def month(number: int) -> date:
    """The month so many months after January 2020."""
    return date(2020 + number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class Point:
    """What is judged: the number of a month or a quarter."""

    value: float | None
    phase: int = 1
    is_complete: bool = True
    reason: str | None = None


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
                made.append(row | {"point_value": point.value if self.has_limits else None})
        return made


SHARES = {"named_consumer_share", "contract_pass_rate", "expansion_share", "adopted_90d", "adopted_within_days"}
PACES = {"time_to_value", "build_time", "adoption_lag"}  # judged by an index that rises when things get faster
GOOD_WHEN_DOWN = {"net_flow"}
NOBODY = (None, None, None, None)


def limits_of(values: list[float], metric_id: str) -> tuple:
    """Centre, lower and upper limit of a phase, and their distance before floor and cap."""
    if len(values) < (8 if metric_id in ("adopted_90d", "adopted_within_days") else 6):
        return NOBODY
    x = np.array(values)
    center, distance = x.mean(), 2.66 * np.abs(np.diff(x)).mean()
    lower = center - distance if metric_id == "net_flow" else max(center - distance, 0.0)
    upper = min(center + distance, 1.0) if metric_id in SHARES else center + distance
    return center, lower, upper, distance


def side(value: float, low: float, high: float) -> int:
    return int(value > high + 1e-9) - int(value < low - 1e-9)


def rule_of(values: list[float], limits: tuple) -> tuple[str | None, int]:
    """The rule that the last of a phase's values breaks against these limits, and its side."""
    center, lower, upper, distance = limits
    if center is None:
        return None, 0
    last = values[-1]
    if side(last, lower, upper):
        return "outside_limits", side(last, lower, upper)
    run = {side(value, center, center) for value in values[-8:]}
    if len(values) >= 8 and run in ({1}, {-1}):
        return "eight_on_one_side", run.pop()
    near = [side(value, center - distance / 2, center + distance / 2) for value in values[-4:]]
    if near[-1] and near.count(near[-1]) >= 3:
        return "three_of_four_near_limit", near[-1]
    return None, 0


def expected_phases(one: Series) -> dict[int, dict]:
    """{phase: point count, its limits and those of the last phase before it that has any}."""
    found, previous = {}, NOBODY
    for phase in sorted({point.phase for point in one.points}):
        values = [p.value for p in one.points if p.phase == phase and p.is_complete and p.value is not None]
        if not values or not one.has_limits:
            continue
        limits = limits_of(values, one.metric_id)
        found[phase] = {"point_count": len(values), "limits": limits, "previous": previous}
        previous = previous if limits is NOBODY else limits
    return found


def expected_points(one: Series) -> list[dict]:
    """What process_limits should say of each point."""
    phases, found = expected_phases(one), []
    good = -1 if one.metric_id in GOOD_WHEN_DOWN else 1
    for number, point in enumerate(one.points):
        phase = phases.get(point.phase, {"point_count": 0, "limits": NOBODY, "previous": NOBODY})
        center, lower, upper, _ = phase["limits"]
        row = {"center": center, "lower_limit": lower, "upper_limit": upper, "own_rule": None, "rule": None}
        row["is_provisional"] = None if center is None else phase["point_count"] < 10
        row["verdict"], row["verdict_reason"] = None, None
        if not one.has_limits:
            row["verdict_reason"] = "limits_switched_off"
        elif not point.is_complete:
            row["verdict_reason"] = "incomplete"
        elif point.value is None:
            row["verdict_reason"] = point.reason or "too_few_expected"
        elif center is None and phase["previous"] is NOBODY:
            row["verdict"], row["verdict_reason"] = "not_enough_data", "too_few_points"
        else:
            so_far = [p for p in one.points[: number + 1] if p.phase == point.phase and p.is_complete]
            values = [p.value for p in so_far if p.value is not None]
            row["own_rule"], direction = rule_of(values, phase["limits"])
            row["rule"] = row["own_rule"]
            if row["rule"] is None:
                rule, direction = rule_of(values, phase["previous"])
                row["rule"] = rule and f"previous_{rule}"
            row["verdict"] = ("no_change", "improving", "worsening")[direction * good]
        found.append(row)
    return found


def check_phases(one: Series, phases: dict[tuple, dict]) -> list[str]:
    """One 'phase' for each that was compared."""
    wanted = expected_phases(one)
    for phase, limits in wanted.items():
        row = phases[one.domain, phase]
        assert (row["point_count"], row["is_provisional"]) == (limits["point_count"], limits["point_count"] < 10)
        for prefix, name in (("", "limits"), ("previous_", "previous")):
            of = [row[f"{prefix}{limit}"] for limit in ("center", "lower_limit", "upper_limit", "distance")]
            assert of == [pytest.approx(limit, abs=1e-9) for limit in limits[name]]
    return ["phase"] * len(wanted)


def expect_row(row: dict, wanted: dict) -> None:
    numbers = ("center", "lower_limit", "upper_limit")
    assert [row[name] for name in numbers] == [pytest.approx(wanted[name], abs=1e-9) for name in numbers]
    names = wanted.keys() - set(numbers)
    assert {name: row[name] for name in names} == {name: wanted[name] for name in names}
