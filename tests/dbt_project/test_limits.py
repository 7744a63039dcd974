"""Process limits, signals and verdicts in SQL against numpy, and limits and signals worked by hand."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from limit_tables import judged, limited, series, then
from oracles.limits import RULES, Point, Series, expected_points, expected_verdict, month
from shaped import event, rows, shaped

# --- Against numpy, on anything ---------------------------------------------------------------------


def random_points(draw: np.random.Generator, kind: str, size: int, months: int, moved: int) -> tuple:
    """Values of a kind, and what they are of, arrays of so many points; their level moves at one of them."""
    level = draw.choice([2.5, 6.0, 30.0]) * np.where(np.arange(size) < moved, 1, draw.choice([0.3, 1, 2, 4]))
    whole = np.full(size, float(months))
    if kind == "count":
        return draw.poisson(level * months) / months, whole
    if kind == "difference":
        return draw.poisson(level) - draw.poisson(level[0] if size else 1, size).astype(float), whole
    if kind == "share":
        of = draw.poisson(draw.choice([3, 10, 300]), size) + 1.0
        return draw.binomial(of.astype(int), (draw.choice([0.1, 0.5, 0.97]) * level / 30).clip(0, 0.999)) / of, of
    if kind == "ratio":
        of = draw.gamma(6.0, 1.0, size) + 1
        return draw.poisson(of * level / 6) / of, of
    return np.full(size, draw.choice([0, 1 / 3, 1, 0.1, 7])), whole


KINDS = {
    "count": ["first_deployments", "adopting_domains", "cross_domain_adoptions"],
    "difference": ["net_flow"],
    "share": [
        "named_consumer_share",
        "initiative_share",
        "contract_checks_passed",
        "expansion_share",
        "adopted_90d",
        "adopted_within_days",
    ],
    "ratio": ["time_to_value", "build_time", "adoption_lag"],
    "constant": ["first_deployments", "named_consumer_share", "net_flow", "time_to_value"],
}


def random_series(draw: np.random.Generator, number: int) -> Series:
    kind = draw.choice(list(KINDS))
    metric_id = str(draw.choice(KINDS[kind]))
    by = "quarter" if metric_id.startswith("adopted_") else str(draw.choice(["month", "month", "quarter_of_months"]))
    size = int(draw.choice([0, 3, 7, 12, 24, 48])) + int(draw.integers(5))
    moved = int(draw.choice([size, draw.integers(size + 1), size - draw.integers(7)]).clip(0))
    values, of = random_points(draw, kind, size, 3 if by == "quarter_of_months" else 1, moved)
    if kind == "constant" and metric_id == "named_consumer_share":
        values = values.clip(0, 1)
    # where the second and the third phase begin, often where the level moves
    starts = sorted([*draw.integers(0, size + 1, draw.integers(3)), *([moved] if draw.random() < 0.4 else [])])
    is_missing = draw.random(size) < draw.choice([0, 0, 0.1, 0.4])
    reasons = draw.choice(["no_ideas", None], size)
    incomplete = int(draw.integers(3))
    points = [
        Point(
            None if is_missing[i] else float(values[i]),
            1 + sum(i >= start for start in starts),
            i < size - incomplete,
            reasons[i] if is_missing[i] else None,
            float(of[i]),
        )
        for i in range(size)
    ]
    is_north_star = metric_id in ("cross_domain_adoptions", "adopted_within_days")
    return Series(tuple(points), metric_id, f"domain {number}", by, is_north_star, bool(draw.random() < 0.95))


NUMBERS = ("center", "lower_limit", "upper_limit")


def expect_row(row: dict, wanted: dict) -> None:
    for name, value in wanted.items():
        assert row[name] == (pytest.approx(value, abs=1e-9) if name in NUMBERS else value), name


def test_limits_signals_and_verdicts_equal_numpy():
    draw = np.random.default_rng(20)
    drawn = [random_series(draw, number) for number in range(500)]
    with limited(*drawn) as db:
        months = rows(db, "select * from curated.process_limits order by domain, month_starting")
        verdicts = {row["domain"]: row for row in rows(db, "from curated.series_verdicts")}
    assert len(months) == sum(len(one.rows()) for one in drawn)
    assert len(verdicts) == sum(1 for one in drawn if one.points)
    found: dict[tuple, list[dict]] = {}
    for row in months:
        found.setdefault((row["domain"], row["point_starting"]), []).append(row)
    seen: Counter = Counter()
    for one in drawn:
        for number, wanted in enumerate(expected_points(one)):
            for row in found[one.domain, one.point_starting(number)]:
                expect_row(row, wanted)
            seen.update([wanted["rule"], wanted["signal"], wanted["signal_reason"]])
        if one.points:
            verdict = expected_verdict(one)
            expect_row(verdicts[one.domain], verdict)
            seen.update([verdict["verdict"], f"{verdict['verdict']} {verdict['rule']}", verdict["verdict_reason"]])
    rules = [*RULES, *(f"previous_{rule}" for rule in RULES)]
    verdicts = ["improving", "worsening", "improved", "worsened", "no_change", "not_enough_data"]
    reasons = ["before_the_limits", "nothing_started_or_finished", "too_few_points", "no_complete_month"]
    for what in [*rules, *verdicts, *reasons, "better", "worse", "none"]:
        assert seen[what] > 2, f"the drawn series say too little of {what}"


# --- Worked by hand ---------------------------------------------------------------------------------

# centre 10, moving range 4 each time: limits 10 -+ 10.64, so 0 and 20.64; nearer a limit below 5 and above 15.32
EIGHT_AND_TWELVE = series([8, 12] * 6)
NOISE = [20, 0] * 5  # with eight 11s after it the centre is 188/18 = 10.4
YOUNG = then(EIGHT_AND_TWELVE, [25])
GROWN = then(EIGHT_AND_TWELVE, [24, 26] * 3)
NEAR = then(EIGHT_AND_TWELVE, [16] * 2, phase=1)
QUARTERS = [0.4, 0.5] * 4
CHECKS = series([1.0] * 23, of=144, metric_id="contract_checks_passed")
SIGNALS = {
    # 17: centre 117/11 = 10.64, mean range (9 x 2 + 6)/10 = 2.4, limit 17.02; 18: 10.73, 2.5, 17.38
    "just inside a limit": (series([9, 11] * 5 + [17]), None, "none"),
    "just outside a limit": (series([9, 11] * 5 + [18]), "outside_limits", "better"),
    "below, where that is good": (series([109, 111] * 5 + [102], metric_id="net_flow"), "outside_limits", "better"),
    "below, where that is bad": (series([109, 111] * 5 + [102]), "outside_limits", "worse"),
    "on a limit": (then(EIGHT_AND_TWELVE, [20.64]), None, "none"),
    "just outside the limit before": (then(EIGHT_AND_TWELVE, [20.65]), "previous_outside_limits", "better"),
    "seven in a row": (series(NOISE + [11] * 7), None, "none"),
    "eight in a row": (series(NOISE + [11] * 8), "eight_on_one_side", "better"),
    "eight in a row below": (series([0, 20] * 5 + [9] * 8), "eight_on_one_side", "worse"),
    # 177/17 is the mean of itself, ten that sum to 100 and seven 11s
    "a point on the centre ends a run": (series(NOISE + [11] * 4 + [177 / 17] + [11] * 3), None, "none"),
    "and so it does before a change": (then(EIGHT_AND_TWELVE, [11] * 4 + [10] + [11] * 3), None, "none"),
    "eight above the centre before": (then(EIGHT_AND_TWELVE, [11] * 8), "previous_eight_on_one_side", "better"),
    # three 16s: centre 148/13 = 11.4, mean range 40/12, limit 20.25, nearer above 15.8; three 15s: nearer above 15.5
    "three near a limit": (series([8, 12] * 5 + [16] * 3), "three_of_four_near_limit", "better"),
    "three not near enough": (series([8, 12] * 5 + [15] * 3), None, "none"),
    "three of four": (then(EIGHT_AND_TWELVE, [16, 10, 16, 16]), "previous_three_of_four_near_limit", "better"),
    "the last of four is not near": (then(EIGHT_AND_TWELVE, [16, 10, 16, 15.32]), None, "none"),
    "three of five": (then(EIGHT_AND_TWELVE, [16, 10, 10, 16, 16]), None, "none"),
    "near two limits": (then(EIGHT_AND_TWELVE, [16, 4, 16]), None, "none"),
    "three of four below": (then(EIGHT_AND_TWELVE, [4, 10, 4, 4]), "previous_three_of_four_near_limit", "worse"),
    "a run within a phase": (then(series(NOISE + [11] * 4), [11] * 4, phase=1), "eight_on_one_side", "better"),
    "a run across a change": (then(series(NOISE + [11] * 4), [11] * 4), None, "none"),
    "three near within a phase": (then(NEAR, [16], phase=1), "three_of_four_near_limit", "better"),
    "three near across a change": (then(NEAR, [16]), None, "none"),
    "five points": (series(range(5)), None, None),
    "seven quarters of cohorts": (series(QUARTERS[:7], metric_id="adopted_90d", by="quarter"), None, None),
    "eight quarters of cohorts": (series(QUARTERS, metric_id="adopted_90d", by="quarter"), None, "none"),
    "a young phase": (YOUNG, "previous_outside_limits", "better"),
    "a phase without limits after one without": (then(YOUNG, [25], phase=3), "previous_outside_limits", "better"),
    "back at the level of the first": (then(YOUNG, [10], phase=3), None, "none"),
    "better than before, by its own limits nothing": (GROWN, "previous_outside_limits", "better"),
    "as in the second phase, not the first": (then(GROWN, [25], phase=3), None, "none"),
    "constant thirds": (then(series([1 / 3] * 20, metric_id="time_to_value"), [1 / 3] * 10), None, "none"),
    # never a failure in 23 months: centre almost 1, limits almost on it. One of 144 is 0.96 things below; three are 2.9
    "one failed check of 144": (then(CHECKS, [143 / 144], phase=1, of=144), None, "none"),
    "three failed checks of 144": (then(CHECKS, [141 / 144], phase=1, of=144), "outside_limits", "worse"),
    "eight full months after one": (then(CHECKS, [143 / 144] + [1.0] * 8, phase=1, of=144), None, "none"),
    # 14 of 1,440 are many, but less than a percentage point; 16 are more
    "less than a percentage point": (
        then(series([1.0] * 11, of=1440, metric_id="contract_checks_passed"), [1426 / 1440], 1, 1440),
        None,
        "none",
    ),
    "more than a percentage point": (
        then(series([1.0] * 11, of=1440, metric_id="contract_checks_passed"), [1424 / 1440], 1, 1440),
        "outside_limits",
        "worse",
    ),
    "one adoption after none": (series([0] * 12 + [1]), None, "none"),  # centre 1/13: 12/13 above it
    "three adoptions after none": (series([0] * 12 + [3]), "outside_limits", "better"),
    # by the quarter a third of an adoption a month is one adoption
    "two in a quarter after none": (series([0] * 7 + [2 / 3], of=3, by="quarter_of_months"), None, "none"),
    "four in a quarter after none": (
        series([0] * 7 + [4 / 3], of=3, by="quarter_of_months"),
        "outside_limits",
        "better",
    ),
    # the eight are 0.2 things above the centre each: together 1.6, or 0.3 and 2.4
    "eight a little above": (then(series([8, 12] * 6), [10.2] * 8), None, "none"),
    "eight a little more above": (then(series([8, 12] * 6), [10.3] * 8), "previous_eight_on_one_side", "better"),
    # limits 0.5 -+ 0.1; three of four nearer above 0.55, together 0.3 things above, or 3
    "three near, of one thing each": (then(series([0.5, 0.5376] * 6), [0.6] * 3), None, "none"),
    "three near, of ten things each": (
        then(series([0.5, 0.5376] * 6, of=10), [0.6] * 3, of=10),
        "previous_three_of_four_near_limit",
        "better",
    ),
}


@pytest.fixture(scope="module")
def signals() -> dict[str, tuple]:
    """{case: rule and signal of its latest point}, all judged at once."""
    named = {name: replace(one, domain=name) for name, (one, *_) in SIGNALS.items()}
    with limited(*named.values()) as db:
        found = rows(db, "select * from curated.process_limits order by month_starting")
    return {row["domain"]: (row["rule"], row["signal"]) for row in found}


@pytest.mark.parametrize("case", SIGNALS)
def test_the_signal_of_the_latest_point(signals, case):
    assert signals[case] == SIGNALS[case][1:]


def test_centre_and_limits_of_a_phase():
    row = judged(series([10, 14, 12, 12, 16, 14]))[0]  # ranges 4, 2, 0, 4, 2: mean 2.4
    assert row["center"] == pytest.approx(13)
    assert row["lower_limit"] == pytest.approx(13 - 2.66 * 2.4)
    assert row["upper_limit"] == pytest.approx(13 + 2.66 * 2.4)


def test_a_missing_month_breaks_no_range():
    with_gap = judged(series([10, None, 14, 12, 12, None, None, 16, 14]))
    assert [row["upper_limit"] for row in with_gap] == [pytest.approx(13 + 2.66 * 2.4)] * 9
    assert [row["signal"] for row in with_gap].count(None) == 3


def test_limits_stop_at_0_and_a_share_s_at_1():
    up_and_down = [0, 6, 0, 6, 0, 6]  # centre 3, distance 15.96
    assert judged(series(up_and_down))[0]["lower_limit"] == 0
    assert judged(series(up_and_down, metric_id="net_flow"))[0]["lower_limit"] == pytest.approx(-12.96)
    for metric_id, upper in (("expansion_share", 1), ("time_to_value", 0.9 + 2.66 * 0.2)):
        row = judged(series([0.8, 1, 0.8, 1, 0.8, 1], metric_id=metric_id))[0]
        assert row["upper_limit"] == pytest.approx(upper)
        assert row["lower_limit"] == pytest.approx(0.9 - 2.66 * 0.2)


@pytest.mark.parametrize(("count", "is_provisional"), [(5, None), (6, True), (9, True), (10, False)])
def test_limits_are_absent_under_six_points_and_provisional_under_ten(count, is_provisional):
    row = judged(series(range(count)))[-1]
    assert row["is_provisional"] is is_provisional
    assert (row["center"] is None) == (count < 6)
    assert (row["signal_reason"] == "too_few_points") == (count < 6)


def test_limits_are_of_the_latest_24_months_and_earlier_ones_are_not_judged():
    found = judged(series([1, 3] * 10 + [100] + [9, 11] * 12))  # 45 months: 21 before the window, then 24 around 10
    assert {row["center"] for row in found[:21]} == {None}
    assert {row["signal_reason"] for row in found[:21]} == {"before_the_limits"}
    assert {row["center"] for row in found[21:]} == {10}
    assert [row["upper_limit"] for row in found[21:]] == [pytest.approx(10 + 2.66 * 2)] * 24
    assert {(row["signal"], row["signal_reason"]) for row in found[21:]} == {("none", None)}
    assert {row["limits_starting"] for row in found} == {month(21)}


def test_limits_by_quarter_are_of_the_latest_eight():
    for by, of in (("quarter", 1), ("quarter_of_months", 3)):
        found = judged(series([30] * 5 + [9, 11] * 4, by=by, of=of))
        assert {row["limits_starting"] for row in found} == {month(15)}
        assert {row["center"] for row in found if row["point_starting"] >= month(15)} == {10}
        assert {row["signal_reason"] for row in found if row["point_starting"] < month(15)} == {"before_the_limits"}


def test_an_unknown_month_is_one_of_the_24_and_an_unknown_quarter_none_of_the_8():
    months = judged(series([50] + [9, 11] * 10 + [None] * 4))
    assert ({row["limits_starting"] for row in months}, months[-1]["limits_count"]) == ({month(1)}, 20)
    quarters = judged(series([50] + [9, 11] * 3 + [None] * 2 + [9, 11], by="quarter", metric_id="adopted_90d"))
    assert ({row["limits_starting"] for row in quarters}, quarters[-1]["limits_count"]) == ({month(3)}, 8)
    old = judged(series([0.5] * 7 + [None] * 11 + [0.5], by="quarter", metric_id="adopted_90d"))
    assert (old[-1]["center"], old[-1]["signal_reason"]) == (None, "too_few_points")  # one of the latest 12


def test_the_limits_before_a_change_are_of_the_latest_24_months_before_it():
    found = judged(then(series([1, 3] * 10 + [9, 11] * 12), [10] * 3))
    assert found[-1]["previous_center"] == 10
    assert [row["signal_reason"] for row in found].count("before_the_limits") == 20


def test_an_incomplete_month_is_in_nothing():
    alone = judged(EIGHT_AND_TWELVE)[-1]
    incomplete = replace(EIGHT_AND_TWELVE, points=(*EIGHT_AND_TWELVE.points, Point(90, is_complete=False)))
    *_, before, last = judged(incomplete)
    limits = ("center", "lower_limit", "upper_limit", "rule", "signal")
    assert [before[name] for name in limits] == [alone[name] for name in limits]
    assert (last["rule"], last["signal"], last["signal_reason"]) == (None, None, "incomplete")
    assert last["upper_limit"] == alone["upper_limit"]  # the limits are drawn on


@pytest.mark.slow
def test_a_stock_is_shown_without_limits():
    # a pair for every month, used again and again: ever more of them, and no verdict on that
    used = [event("adopted", f"p{n}", 700 - 30 * n, consumer_domain="finance") for n in range(20)]
    ideas = [event("idea_logged", f"p{n}", 720, domain="sales") for n in range(20)]
    setting, as_of = "{metric: active_cross_domain_pairs, target: 4}", "2026-01-20T00:00:00+00:00"  # as in another test
    with shaped(ideas + used, north_star=setting, as_of=as_of) as db:
        found = rows(db, "select * from authoritative.north_star_monthly order by month_starting")
        [verdict] = rows(db, "from authoritative.metric_verdicts where metric_id = 'active_cross_domain_pairs'")
        [target] = rows(db, "from authoritative.north_star_target")
    assert {row["metric_id"] for row in found} == {"active_cross_domain_pairs"}
    assert max(row["value"] for row in found if row["value"] is not None) == 3
    limits = ("center", "lower_limit", "upper_limit", "rule", "is_provisional", "signal")
    assert {row[name] for row in found for name in limits} == {None}
    assert {row["signal_reason"] for row in found} == {"stock"}
    assert {row["target"] for row in found} == {4}
    assert (verdict["verdict"], verdict["verdict_reason"], verdict["value"]) == ("not_enough_data", "stock", 0)
    assert (target["capability"], target["capability_reason"]) == (None, "stock")
    assert (target["year_value"], target["year_target"], target["year_reason"]) == (None, None, "not_a_count")
    assert (target["total_chance_of_target"], target["chance_reason"]) == (None, "not_a_count")
