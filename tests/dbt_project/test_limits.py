"""Process limits, rules and verdicts in SQL against numpy and by hand."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from shaped import build_models, compiled, empty_warehouse, event, rows, shaped

JUDGES = ("phase_limits", "verdicts", "process_limits")
PROCESS_POINTS = pa.schema(
    [
        ("metric_id", pa.string()),
        ("is_north_star", pa.bool_()),
        ("domain", pa.string()),
        ("period", pa.string()),
        ("month_starting", pa.date32()),
        ("value", pa.float64()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("observation_count", pa.int64()),
        ("is_complete", pa.bool_()),
        ("reason", pa.string()),
        ("has_limits", pa.bool_()),
        ("process_value", pa.float64()),
        ("limits_period", pa.string()),
        ("point_starting", pa.date32()),
        ("is_point_complete", pa.bool_()),
        ("process_phase", pa.int32()),
        ("point_value", pa.float64()),
    ]
)
METRIC_VALUES = pa.schema(
    [
        ("is_north_star", pa.bool_()),
        ("metric_id", pa.string()),
        ("period", pa.string()),
        ("month_starting", pa.date32()),
        ("domain", pa.string()),
        ("is_complete", pa.bool_()),
        ("process_phase", pa.int32()),
        *((name, pa.int64()) for name in ("process_numerator", "process_denominator", "counted")),
        *((name, pa.int64()) for name in ("numerator", "denominator", "observation_count")),
        ("value", pa.float64()),
        ("reason", pa.string()),
    ]
)


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


def series(values, phase=1, **columns) -> Series:
    """A series of complete months in one phase."""
    return Series(tuple(Point(value, phase) for value in values), **columns)


def then(before: Series, values, phase=2) -> Series:
    """The same with further points, of the next phase unless told."""
    return replace(before, points=before.points + tuple(Point(value, phase) for value in values))


def put_table(db: duckdb.DuckDBPyConnection, name: str, made: list[dict], schema: pa.Schema) -> None:
    db.register("made", pa.Table.from_pylist(made, schema))
    db.execute(f"create table curated.{name} as from made")
    db.unregister("made")


@contextmanager
def limited(*all_series: Series) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which these series are judged."""
    with empty_warehouse() as db:
        put_table(db, "process_points", [row for one in all_series for row in one.rows()], PROCESS_POINTS)
        build_models(db, compiled(), JUDGES)
        yield db


def judged(one: Series) -> list[dict]:
    """The rows of process_limits of one series, by month."""
    with limited(one) as db:
        return rows(db, "select * from curated.process_limits order by month_starting")


def latest(one: Series) -> tuple[str | None, str | None]:
    """Rule and verdict of the latest point."""
    row = judged(one)[-1]
    return row["rule"], row["verdict"]


# --- The oracle: METRICS.md, section 3, over one series in plain numpy ------------------------------

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


# --- Against numpy, on anything ---------------------------------------------------------------------


def random_values(draw: np.random.Generator, kind: str, size: int) -> np.ndarray:
    """Numbers of a kind, on a level that may move on the way so that rules have something to find."""
    level = draw.choice([2.5, 6.0, 30.0]) * np.where(
        np.arange(size) < draw.integers(size + 1), 1, draw.choice([1, 1, 2])
    )
    if kind == "count":
        return draw.poisson(level).astype(float)
    if kind == "difference":
        return draw.poisson(level) - draw.poisson(level[0] if size else 1, size).astype(float)
    if kind == "share":
        of = draw.poisson(level) + 1
        return draw.binomial(of, draw.choice([0.1, 0.5, 0.97])) / of
    if kind == "ratio":
        return draw.gamma(level, 1 / level.clip(1))
    return np.full(size, draw.choice([0, 1 / 3, 1, 0.1, 7]))


def random_series(draw: np.random.Generator, number: int) -> Series:
    kinds = {
        "count": ["first_deployments", "adopting_domains", "cross_domain_adoptions"],
        "difference": ["net_flow"],
        "share": [
            "named_consumer_share",
            "contract_pass_rate",
            "expansion_share",
            "adopted_90d",
            "adopted_within_days",
        ],
        "ratio": ["time_to_value", "build_time", "adoption_lag"],
        "constant": ["first_deployments", "named_consumer_share", "net_flow", "time_to_value"],
    }
    kind = draw.choice(list(kinds))
    metric_id = str(draw.choice(kinds[kind]))
    size = int(draw.choice([0, 3, 7, 12, 24, 48])) + int(draw.integers(5))
    values = random_values(draw, kind, size)
    if kind == "constant" and metric_id == "named_consumer_share":
        values = values.clip(0, 1)
    starts = sorted(draw.integers(0, size + 1, draw.integers(3)))  # where the second and the third phase begin
    is_missing = draw.random(size) < draw.choice([0, 0, 0.1, 0.4])
    reasons = draw.choice(["no_ideas", None], size)
    incomplete = int(draw.integers(3))
    points = [
        Point(
            None if is_missing[i] else float(values[i]),
            1 + sum(i >= start for start in starts),
            i < size - incomplete,
            reasons[i] if is_missing[i] else None,
        )
        for i in range(size)
    ]
    by = "quarter" if metric_id.startswith("adopted_") else str(draw.choice(["month", "month", "quarter_of_months"]))
    is_north_star = metric_id in ("cross_domain_adoptions", "adopted_within_days")
    return Series(tuple(points), metric_id, f"domain {number}", by, is_north_star, bool(draw.random() < 0.95))


def test_limits_rules_and_verdicts_equal_numpy():
    draw = np.random.default_rng(20)
    drawn = [random_series(draw, number) for number in range(500)]
    with limited(*drawn) as db:
        phases = {(row["domain"], row["process_phase"]): row for row in rows(db, "select * from curated.phase_limits")}
        judgements = rows(db, "select * from curated.process_limits order by domain, month_starting")
    found: dict[tuple, list[dict]] = {}
    for row in judgements:
        found.setdefault((row["domain"], row["point_starting"]), []).append(row)
    assert len(judgements) == sum(len(one.rows()) for one in drawn)
    seen: Counter = Counter()
    for one in drawn:
        seen.update(check_phases(one, phases))
        for number, wanted in enumerate(expected_points(one)):
            for row in found[one.domain, one.point_starting(number)]:
                expect_row(row, wanted)
            seen.update([wanted["rule"], wanted["verdict"], wanted["verdict_reason"]])
    assert len(phases) == seen["phase"]
    rules = ["outside_limits", "eight_on_one_side", "three_of_four_near_limit"]
    for what in [
        *rules,
        *(f"previous_{rule}" for rule in rules),
        "improving",
        "worsening",
        "no_change",
        "not_enough_data",
    ]:
        assert seen[what] >= 10, f"the drawn series say too little of {what}"


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


# --- Worked by hand ---------------------------------------------------------------------------------

# centre 10, moving range 4 each time: limits 10 -+ 10.64, so 0 and 20.64; nearer a limit below 5 and above 15.32
EIGHT_AND_TWELVE = series([8, 12] * 6)


def test_centre_and_limits_of_a_phase():
    row = judged(series([10, 14, 12, 12, 16, 14]))[0]  # ranges 4, 2, 0, 4, 2: mean 2.4
    assert row["center"] == pytest.approx(13)
    assert row["lower_limit"] == pytest.approx(13 - 2.66 * 2.4)
    assert row["upper_limit"] == pytest.approx(13 + 2.66 * 2.4)


def test_a_missing_month_breaks_no_range():
    with_gap = judged(series([10, None, 14, 12, 12, None, None, 16, 14]))
    assert [row["upper_limit"] for row in with_gap] == [pytest.approx(13 + 2.66 * 2.4)] * 9
    assert [row["verdict"] for row in with_gap].count(None) == 3


def test_limits_stop_at_0_and_a_share_s_at_1():
    up_and_down = [0, 6, 0, 6, 0, 6]  # centre 3, distance 15.96
    assert judged(series(up_and_down))[0]["lower_limit"] == 0
    assert judged(series(up_and_down, metric_id="net_flow"))[0]["lower_limit"] == pytest.approx(-12.96)
    for metric_id, upper in (("expansion_share", 1), ("time_to_value", 0.9 + 2.66 * 0.2)):
        row = judged(series([0.8, 1, 0.8, 1, 0.8, 1], metric_id=metric_id))[0]
        assert row["upper_limit"] == pytest.approx(upper)
        assert row["lower_limit"] == pytest.approx(0.9 - 2.66 * 0.2)


def test_outside_a_limit_just_and_just_not():
    # 17: centre 117/11 = 10.64, mean range (9 x 2 + 6)/10 = 2.4, limit 17.02; 18: 10.73, 2.5, 17.38
    assert latest(series([9, 11] * 5 + [17])) == (None, "no_change")
    assert latest(series([9, 11] * 5 + [18])) == ("outside_limits", "improving")
    assert latest(series([109, 111] * 5 + [102], metric_id="net_flow")) == ("outside_limits", "improving")
    assert latest(series([109, 111] * 5 + [102])) == ("outside_limits", "worsening")


def test_on_a_limit_is_not_outside():
    assert latest(then(EIGHT_AND_TWELVE, [20.64])) == (None, "no_change")
    assert latest(then(EIGHT_AND_TWELVE, [20.65])) == ("previous_outside_limits", "improving")


def test_eight_in_a_row_and_not_seven():
    noise = [20, 0] * 5  # centre with eight 11s after it: 188/18 = 10.4
    assert latest(series(noise + [11] * 7)) == (None, "no_change")
    assert latest(series(noise + [11] * 8)) == ("eight_on_one_side", "improving")
    assert latest(series([0, 20] * 5 + [9] * 8)) == ("eight_on_one_side", "worsening")


def test_a_point_on_the_centre_ends_a_run():
    on_the_centre = 177 / 17  # the mean of itself, ten that sum to 100 and seven 11s
    assert latest(series([20, 0] * 5 + [11] * 4 + [on_the_centre] + [11] * 3)) == (None, "no_change")
    assert latest(then(EIGHT_AND_TWELVE, [11] * 4 + [10] + [11] * 3)) == (None, "no_change")
    assert latest(then(EIGHT_AND_TWELVE, [11] * 8)) == ("previous_eight_on_one_side", "improving")


def test_three_of_four_near_a_limit_and_not_two():
    # three 16s: centre 148/13 = 11.4, mean range 40/12, limit 20.25, nearer above 15.8; three 15s: nearer above 15.5
    assert latest(series([8, 12] * 5 + [16] * 3)) == ("three_of_four_near_limit", "improving")
    assert latest(series([8, 12] * 5 + [15] * 3)) == (None, "no_change")
    assert latest(then(EIGHT_AND_TWELVE, [16, 10, 16, 16])) == ("previous_three_of_four_near_limit", "improving")
    assert latest(then(EIGHT_AND_TWELVE, [16, 10, 16, 15.32])) == (None, "no_change")
    assert latest(then(EIGHT_AND_TWELVE, [16, 10, 10, 16, 16])) == (None, "no_change")  # three of five
    assert latest(then(EIGHT_AND_TWELVE, [16, 4, 16])) == (None, "no_change")  # two sides
    assert latest(then(EIGHT_AND_TWELVE, [4, 10, 4, 4])) == ("previous_three_of_four_near_limit", "worsening")


def test_a_run_does_not_cross_a_phase():
    noise = series([20, 0] * 5 + [11] * 4)
    assert latest(then(noise, [11] * 4, phase=1)) == ("eight_on_one_side", "improving")
    assert latest(then(noise, [11] * 4)) == (None, "no_change")
    near = then(EIGHT_AND_TWELVE, [16] * 2, phase=1)
    assert latest(then(near, [16], phase=1))[0] == "three_of_four_near_limit"
    assert latest(then(near, [16])) == (None, "no_change")


def test_limits_are_absent_under_six_points_and_provisional_under_ten():
    for count, is_provisional in ((5, None), (6, True), (9, True), (10, False)):
        row = judged(series(range(count)))[-1]
        assert row["is_provisional"] is is_provisional
        assert (row["center"] is None) == (count < 6)
    assert (row["verdict"], row["verdict_reason"]) != ("not_enough_data", "too_few_points")
    row = judged(series(range(5)))[-1]
    assert (row["rule"], row["verdict"], row["verdict_reason"]) == (None, "not_enough_data", "too_few_points")


def test_a_quarter_s_cohorts_need_eight_points():
    for count, verdict in ((7, "not_enough_data"), (8, "no_change")):
        quarters = series([0.4, 0.5, 0.4, 0.5, 0.4, 0.5, 0.4, 0.5][:count], metric_id="adopted_90d", by="quarter")
        assert latest(quarters) == (None, verdict)


def test_a_young_phase_is_judged_by_the_limits_before_it():
    young = then(EIGHT_AND_TWELVE, [25])
    row = judged(young)[-1]
    assert (row["center"], row["own_rule"], row["rule"]) == (None, None, "previous_outside_limits")
    assert latest(then(young, [10], phase=3)) == (None, "no_change")  # the second phase has none: still the first's
    assert latest(then(young, [25], phase=3)) == ("previous_outside_limits", "improving")
    grown = then(EIGHT_AND_TWELVE, [24, 26] * 3)  # its own limits see nothing; better than before it still is
    assert judged(grown)[-1]["center"] == pytest.approx(25)
    assert latest(grown) == ("previous_outside_limits", "improving")
    assert latest(then(grown, [25], phase=3)) == (
        None,
        "no_change",
    )  # against the second phase's, no longer the first's


def test_an_incomplete_month_is_in_nothing():
    alone = judged(EIGHT_AND_TWELVE)[-1]
    incomplete = replace(EIGHT_AND_TWELVE, points=(*EIGHT_AND_TWELVE.points, Point(90, is_complete=False)))
    *_, before, last = judged(incomplete)
    limits = ("center", "lower_limit", "upper_limit", "rule", "verdict")
    assert [before[name] for name in limits] == [alone[name] for name in limits]
    assert (last["rule"], last["verdict"], last["verdict_reason"]) == (None, None, "incomplete")
    assert last["upper_limit"] == alone["upper_limit"]  # the limits are drawn on


def test_constant_thirds_signal_nothing():
    for metric_id in ("named_consumer_share", "time_to_value"):
        found = judged(then(series([1 / 3] * 20, metric_id=metric_id), [1 / 3] * 10))
        assert {(row["rule"], row["verdict"]) for row in found} == {(None, "no_change")}


# --- Which points are judged ------------------------------------------------------------------------


def leading(counts: list, metric_id="first_deployments", of: list | None = None, first=0, complete=None) -> list[dict]:
    """Rows of metric_values by month, January 2020 onwards: counts, or shares `of` something; None is unknown."""
    made = []
    for number, count in enumerate(counts):
        below = of[number] if of else None
        row = {"metric_id": metric_id, "period": "month", "month_starting": month(first + number), "domain": "all"}
        row["is_north_star"] = False
        row |= {"is_complete": number < (len(counts) if complete is None else complete), "process_phase": 1}
        row |= {"process_numerator": count, "process_denominator": below if of else 1}
        row["counted"] = below if of else count
        row |= {"numerator": count, "denominator": below, "observation_count": below if of else count}
        row |= {"value": count if not of else count / below if below else None}
        row["reason"] = "no_ideas" if of and not below else "no_deployment_events" if count is None else None
        made.append(row)
    return made


def process_points(values: list[dict]) -> list[dict]:
    """The rows of process_points made of these metric values, by month."""
    quarters = [
        {"period": "quarter", "month_starting": month(3 * number), "process_phase": 1 + (number >= 4)}
        for number in range(20)
    ]
    schema = pa.schema([("period", pa.string()), ("month_starting", pa.date32()), ("process_phase", pa.int32())])
    with empty_warehouse() as db:
        put_table(db, "metric_values", values, METRIC_VALUES)
        put_table(db, "reporting_periods", quarters, schema)
        build_models(db, compiled(), ["process_points"])
        return rows(db, "select * from curated.process_points order by metric_id, month_starting")


def test_counts_under_two_a_month_are_judged_by_the_quarter():
    sparse, enough = (
        [1, 2, 3, 0, 3, 2, 2, 2, 2, 1, 1, 4],
        [1, 2, 3, 0, 3, 2, 2, 2, 2, 1, 1, 5],
    )  # 23 and 24 in 12 months
    found = process_points(leading(sparse))
    assert {row["limits_period"] for row in found} == {"quarter"}
    assert [row["point_value"] for row in found] == pytest.approx([2] * 3 + [5 / 3] * 3 + [2] * 6)  # means a month
    assert [row["value"] for row in found] == sparse
    assert {row["point_starting"] for row in found} == {month(number) for number in (0, 3, 6, 9)}
    found = process_points(leading(enough))
    assert {row["limits_period"] for row in found} == {"month"}
    assert [row["point_value"] for row in found] == enough
    assert [row["point_starting"] for row in found] == [month(number) for number in range(12)]


def test_a_share_by_quarter_is_one_of_sums_and_skips_a_month_without_any():
    found = process_points(leading([1, 0, 2, 0, 0, 1], "named_consumer_share", of=[1, 1, 3, 0, 0, 2]))
    assert {row["limits_period"] for row in found} == {"quarter"}  # (1 + 1 + 3 + 2) / 4 = 1.75 ideas a month
    assert [row["point_value"] for row in found] == [pytest.approx(3 / 5)] * 3 + [pytest.approx(1 / 2)] * 3
    assert [row["value"] for row in found] == pytest.approx([1, 0, 2 / 3, None, None, 0.5])


def test_a_quarter_is_complete_with_its_last_month_and_takes_its_own_phase():
    found = process_points(leading([1] * 15, complete=14))
    assert [row["is_point_complete"] for row in found] == [True] * 12 + [False] * 3
    assert [row["process_phase"] for row in found] == [1] * 12 + [2] * 3


def test_an_incomplete_month_does_not_decide_between_months_and_quarters():
    assert {row["limits_period"] for row in process_points(leading([2] * 6 + [0], complete=6))} == {"month"}
    assert {row["limits_period"] for row in process_points(leading([1] * 6 + [90], complete=6))} == {"quarter"}


def test_net_flow_is_never_judged_by_the_quarter():
    values = [row | {"counted": None, "process_numerator": -1} for row in leading([0] * 6, "net_flow")]
    assert {(row["limits_period"], row["point_value"]) for row in process_points(values)} == {("month", -1)}


def test_less_than_one_expected_is_no_point():
    values = leading([3, 3, 3], "time_to_value", of=[2, 1, 0])
    for row, expected in zip(values, [2, 1, 0], strict=True):
        row |= {"process_denominator": expected, "counted": 3, "reason": None}
    found = process_points(values)
    assert [row["process_value"] for row in found] == [1.5, 3, None]
    assert [row["point_value"] for row in found] == [1.5, 3, None]


def test_a_stock_is_shown_without_limits():
    # a pair for every month, used again and again: ever more of them, and no verdict on that
    used = [event("adopted", f"p{n}", 700 - 30 * n, consumer_domain="finance") for n in range(20)]
    ideas = [event("idea_logged", f"p{n}", 720, domain="sales") for n in range(20)]
    with shaped(ideas + used, north_star="{metric: active_cross_domain_pairs, target: 4}") as db:
        found = rows(db, "select * from authoritative.north_star_monthly order by month_starting")
    assert {row["metric_id"] for row in found} == {"active_cross_domain_pairs"}
    assert max(row["value"] for row in found if row["value"] is not None) == 3
    assert {
        row[name] for row in found for name in ("center", "lower_limit", "upper_limit", "rule", "is_provisional")
    } == {None}
    assert {(row["verdict"], row["verdict_reason"]) for row in found} == {("not_enough_data", "stock")}
    assert {row["target"] for row in found} == {4}
