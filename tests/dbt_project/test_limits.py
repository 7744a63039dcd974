"""Process limits, rules and verdicts in SQL against numpy and by hand."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from oracles.limits import Point, Series, check_phases, expect_row, expected_points
from shaped import build_models, compiled, empty_warehouse, event, put_table, rows, shaped

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


def series(values, phase=1, **columns) -> Series:
    """A series of complete months in one phase."""
    return Series(tuple(Point(value, phase) for value in values), **columns)


def then(before: Series, values, phase=2) -> Series:
    """The same with further points, of the next phase unless told."""
    return replace(before, points=before.points + tuple(Point(value, phase) for value in values))


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


@pytest.mark.slow
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
