"""The one verdict of a series, the target as a capability, and the flywheel's phases; worked by hand."""

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest
from limit_tables import JUDGES, PROCESS_POINTS, limited, series, then
from oracles.limits import Point, Series, month
from shaped import build_models, compiled, empty_warehouse, event, put_table, rows, shaped

TEN = [11, 9] * 10  # centre 10, ranges of 2
SHIFTED = series([9, 11] * 5 + [21, 19] * 6)  # 22 months: centre 15, ranges of 2 and one of 10
BEFORE = series([9, 11] * 6)  # limits 10 -+ 5.32
DOUBLED = then(BEFORE, [19, 21] * 6)
HELD = ("improved", month(12), "previous_outside_limits")
NOTHING = (None, None, None)
VERDICTS = {
    # an 18 after TEN: centre 10.4, limit 16.6
    "outside in the latest month": (series([*TEN, 18]), "improving", month(20), "outside_limits", month(20)),
    "outside two months ago": (series([*TEN, 18, 9, 11]), "improving", month(20), "outside_limits", month(20)),
    "outside three months ago": (series([*TEN, 18, 9, 11, 9]), "no_change", *NOTHING),
    "below is worse": (series([9, 11] * 10 + [2]), "worsening", month(20), "outside_limits", month(20)),
    "below can be better": (
        series([9, 11] * 10 + [2], metric_id="net_flow"),
        "improving",
        month(20),
        "outside_limits",
        month(20),
    ),
    # the run begins with the 11: it lies above the centre too
    "the run around the signal": (series([9, 11] * 10 + [18]), "improving", month(19), "outside_limits", month(20)),
    # above 15 from month 10 on; the third of them is the first signal (nearer a limit), the last is one of eight
    "a step nobody declared": (SHIFTED, "improved", month(10), "eight_on_one_side", month(21)),
    "and when it was new": (
        series([9, 11] * 5 + [21, 19, 21]),
        "improving",
        month(10),
        "outside_limits",
        month(12),
    ),
    "24 months after a step nothing is left of it": (series([9, 11] * 5 + [21, 19] * 12), "no_change", *NOTHING),
    "a year of growth from nothing, then two constant years": (
        series([*range(1, 13), *[14, 16] * 12]),
        "no_change",
        *NOTHING,
    ),
    "a declared change": (then(BEFORE, [19]), "improving", *HELD[1:], month(12)),
    "three months after it": (then(BEFORE, [19, 21, 19]), "improving", *HELD[1:], month(14)),
    "four months after it": (then(BEFORE, [19, 21, 19, 21]), *HELD, month(15)),
    "a year after it": (DOUBLED, *HELD, month(23)),
    "a change for the worse": (
        then(BEFORE, [2, 4] * 4),
        "worsened",
        month(12),
        "previous_outside_limits",
        month(19),
    ),
    "a change without effect": (then(BEFORE, [9, 11] * 6), "no_change", *NOTHING),
    # outside the limits before, but the average of 10.5 is within 2.5 x 1.77 x (1/12 + 1/12)^0.5 = 1.8 of the 10 before
    "a high month after a change": (then(BEFORE, [9, 11] * 5 + [20, 6]), "no_change", *NOTHING),
    # on average 13.1, and 10 before; the latest signal is the tenth month above 10
    "a change that shows in no recent month": (
        then(BEFORE, [13, 15] * 5 + [9, 12, 9]),
        "improved",
        month(12),
        "previous_eight_on_one_side",
        month(21),
    ),
    # centre of the phase 19.4, ranges 11 x 2 and 11: limit 11.9; better than before the change it still is
    "its own limits go first": (then(DOUBLED, [8]), "worsening", month(24), "outside_limits", month(24)),
    "a month of the phase before is none of this one": (
        then(series([*TEN, 30]), [9, 11]),
        "no_change",
        *NOTHING,
    ),
    "the month under way": (
        replace(DOUBLED, points=(*DOUBLED.points, Point(0, 2, is_complete=False))),
        *HELD,
        month(23),
    ),
    "a quarter of months": (
        series([3] * 7 + [9], by="quarter_of_months", of=3),
        "improving",
        month(21),
        "outside_limits",
        month(21),
    ),
    "a quarter ago": (
        series([3] * 7 + [9, 3], by="quarter_of_months", of=3),
        "improving",
        month(21),
        "outside_limits",
        month(21),
    ),
    "two quarters ago": (series([3] * 7 + [9, 3, 3], by="quarter_of_months", of=3), "no_change", *NOTHING),
}
UNJUDGED = {
    "a step, and then an unknown month": (
        replace(DOUBLED, points=(*DOUBLED.points, Point(None, 2, reason="no_ideas"))),
        "no_ideas",
    ),
    "a step, and then too few": (then(DOUBLED, [None]), "too_few_expected"),
    "nothing started or finished": (series([*TEN, 18, None], metric_id="net_flow"), "nothing_started_or_finished"),
    "five months": (series(range(5)), "too_few_points"),
    "no complete month": (Series((Point(3, is_complete=False),)), "no_complete_month"),
    "limits switched off": (replace(DOUBLED, has_limits=False), "limits_switched_off"),
}


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict]:
    """{case: its row of series_verdicts}, all judged at once."""
    cases = {name: one for name, (one, *_) in (VERDICTS | UNJUDGED).items()}
    with limited(*(replace(one, domain=name) for name, one in cases.items())) as db:
        return {row["domain"]: row for row in rows(db, "from curated.series_verdicts")}


@pytest.mark.parametrize("case", VERDICTS)
def test_the_verdict_of_a_series(verdicts, case):
    row = verdicts[case]
    wanted = ("verdict", "verdict_since", "rule", "signal_starting")
    assert tuple(row[name] for name in wanted) == VERDICTS[case][1:]
    assert row["verdict_reason"] is None


@pytest.mark.parametrize("case", UNJUDGED)
def test_no_verdict_is_carried_forward_over_a_point_that_is_not_judged(verdicts, case):
    row = verdicts[case]
    assert (row["verdict"], row["verdict_reason"]) == ("not_enough_data", UNJUDGED[case][1])
    assert {row[name] for name in ("verdict_since", "rule", "signal_starting", "signal_value")} == {None}


def test_the_row_has_the_limits_of_the_phase_and_of_the_one_before(verdicts):
    row = verdicts["a year after it"]
    assert (row["process_phase"], row["process_phase_starting"], row["limits_starting"]) == (2, month(12), month(12))
    assert (row["center"], row["limits_count"], row["is_provisional"]) == (20, 12, False)
    assert (row["lower_limit"], row["upper_limit"]) == pytest.approx((20 - 5.32, 20 + 5.32))
    assert (row["previous_center"], row["previous_upper_limit"]) == pytest.approx((10, 15.32))
    assert (row["signal_value"], row["judged_value"], row["judged_starting"]) == (21, 21, month(23))
    young = verdicts["a declared change"]
    assert {young[name] for name in ("center", "limits_starting", "limits_count", "is_provisional")} == {None}
    assert (young["previous_center"], young["process_phase_starting"]) == (10, month(12))


def test_the_first_months_of_a_quarter_have_a_value_and_the_verdict_of_the_quarter_before():
    made = series([3] * 8, by="quarter_of_months", of=3).rows()
    under_way = {"is_point_complete": False, "point_starting": month(24)}
    made.append(made[-1] | under_way | {"month_starting": month(24), "value": 8.0})
    made.append(made[-1] | {"month_starting": month(25), "value": 9.0, "is_complete": False})
    with empty_warehouse() as db:
        put_table(db, "process_points", made, PROCESS_POINTS)
        build_models(db, compiled(), (*JUDGES, "series_verdicts"))
        [row] = rows(db, "from curated.series_verdicts")
    assert (row["month_starting"], row["value"], row["judged_starting"]) == (month(24), 8, month(21))
    assert (row["judged_value"], row["verdict"]) == (3, "no_change")


# --- The target as a capability ---------------------------------------------------------------------


FORECASTS = pa.schema(
    [
        ("horizon_months", pa.int32()),
        ("total_chance_of_target", pa.float64()),
        ("reason", pa.string()),
    ]
)


def against(target: float | None, *parts: Series, ahead: list[dict] = ()) -> dict:
    """The row of north_star_target of this North Star; a target of another compilation is put into the SQL."""
    models, sql = dict(compiled()), f"select {'null' if target is None else target} as target"
    model = models["north_star_target"]
    assert model.sql.count("select null as target") == 2
    models["north_star_target"] = replace(model, sql=model.sql.replace("select null as target", sql))
    named = [replace(one, metric_id="cross_domain_adoptions", is_north_star=True) for one in parts]
    with limited(*named) as db:
        put_table(db, "north_star_forecasts", list(ahead), FORECASTS)
        build_models(db, models, ["north_star_target"])
        [row] = rows(db, "from authoritative.north_star_target")
    return row


@pytest.mark.parametrize(
    ("values", "target", "capability"),
    [
        pytest.param([9, 11] * 6, 4, "meets_reliably", id="the lower limit is 4.68"),
        pytest.param([9, 11] * 6, 4.68, "meets_reliably", id="the target is the lower limit"),
        pytest.param([9, 11] * 6, 5, "hit_or_miss", id="just above the lower limit"),
        pytest.param([9, 11] * 6, 15.32, "hit_or_miss", id="the target is the upper limit"),
        pytest.param([9, 11] * 6, 16, "misses_reliably", id="the upper limit is 15.32"),
        # the sample's North Star: 12 in the latest month, 17.3 on average
        pytest.param([16, 19, 12, 21, 22, 16, 15, 20, 17, 15, 20, 20, 12], 16, "hit_or_miss", id="a month below it"),
        pytest.param([0] * 6, 0, "meets_reliably", id="nothing is the target"),
    ],
)
def test_capability_is_the_limits_against_the_target(values, target, capability):
    row = against(target, series(values))
    assert (row["capability"], row["capability_reason"], row["target"]) == (capability, None, target)


@pytest.mark.parametrize(
    ("one", "target", "reason"),
    [
        (series([9, 11] * 6), None, "no_target"),
        (series([9, 11, 9]), 5, "too_few_points"),
        (then(BEFORE, [19]), 5, "too_few_points"),
        (Series((Point(3, is_complete=False),)), 5, "no_complete_month"),
        (series([None] * 7), 5, "too_few_expected"),
    ],
)
def test_without_limits_or_a_target_there_is_no_capability_but_a_reason(one, target, reason):
    row = against(target, one)
    assert (row["capability"], row["capability_reason"]) == (None, reason)


def test_without_any_event_the_target_has_a_row_with_reasons():
    row = against(5)
    reasons = [row[name] for name in ("capability_reason", "year_reason", "chance_reason")]
    assert reasons == ["no_complete_month"] * 3
    assert (row["target"], row["year_period_count"], row["year_value"]) == (5, 0, None)


def test_the_year_so_far_against_its_plan():
    known = series([9, 11] * 6 + [7, 9])  # January 2020 to February 2021
    unknown = Point(None, reason="no_adoption_events")
    in_may = against(10, replace(known, points=(*known.points, unknown, Point(12), Point(13))))
    assert (in_may["year_starting"], in_may["month_starting"]) == (date(2021, 1, 1), date(2021, 5, 1))
    assert (in_may["year_period_count"], in_may["year_value"], in_may["year_target"]) == (4, 41, 40)
    assert in_may["year_reason"] is None
    without = against(None, series([9, 11]))
    assert (without["year_value"], without["year_target"], without["year_reason"]) == (20, None, "no_target")
    never = against(10, Series((unknown,)))
    assert (never["year_value"], never["year_reason"]) == (None, "no_adoption_events")


def test_the_chance_is_that_of_six_months_ahead():
    ahead = [
        {"horizon_months": number, "total_chance_of_target": number / 10, "reason": None} for number in range(1, 7)
    ]
    row = against(10, BEFORE, ahead=ahead)
    assert (row["total_chance_of_target"], row["chance_reason"]) == (0.6, None)
    ahead = [{"horizon_months": 6, "total_chance_of_target": None, "reason": "signal_in_phase"}]
    row = against(10, BEFORE, ahead=ahead)
    assert (row["total_chance_of_target"], row["chance_reason"]) == (None, "signal_in_phase")


# --- The flywheel's phases --------------------------------------------------------------------------


NET_FLOW = """
    select value, signal, signal_reason, numerator + denominator > 0 as is_moved
    from authoritative.leading_metrics_monthly
    where metric_id = 'net_flow' and domain = 'all' and is_complete and reason is null
"""


def deploying(adopted_days_ago: list[float]) -> list[dict]:
    """Three years of two deployments a month and 20 in the latest one, and adoptions so many days before AS_OF."""
    ages = [30.4 * age + 15 for age in range(35, 0, -1) for _ in range(20 if age == 1 else 2)]
    events = []
    for number, age in enumerate(ages):
        events += [event("idea_logged", f"p{number}", 1100, domain="sales"), event("deployed", f"p{number}", age)]
    return events + [
        event("adopted", f"p{number}", days, consumer_domain="finance") for number, days in enumerate(adopted_days_ago)
    ]


@pytest.mark.parametrize(
    ("adopted", "wanted"),
    [
        pytest.param([], "steady", id="never"),
        pytest.param([900, 400], "steady", id="more than three months ago"),
        pytest.param([900, 50], "gaining", id="two months ago"),
    ],
)
def test_a_phase_gains_only_where_something_was_adopted_lately(adopted, wanted):
    with shaped(deploying(adopted)) as db:
        scores = rows(db, "from authoritative.flywheel_scorecard where flywheel_phase = 'III'")
        flows = rows(db, NET_FLOW)
    improving = [row["metric_id"] for row in scores if row["verdict"] == "improving"]
    assert "first_deployments" in improving
    assert {row["flywheel_phase_verdict"] for row in scores} == {wanted}
    # all ideas were logged in one month: 0 in and 0 out is no success, and the month has no signal
    idle = {(row["value"], row["signal"], row["signal_reason"]) for row in flows if not row["is_moved"]}
    assert idle == ({(0, None, "nothing_started_or_finished")} if adopted else set())
    assert len([row for row in flows if row["is_moved"]]) == len(adopted)
