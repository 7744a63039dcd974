"""The five lines at the top and the words of a verdict, word for word; what once read wrong reads right."""

from datetime import date

import pytest
from page_data import (
    ADOPTIONS,
    PUBLICATION,
    aim,
    changed,
    definitions,
    domain,
    evidence,
    judged,
    month,
    queue,
    served,
    unjudged,
)

from dashboard.views import parts
from dashboard.words import answer, codes, drivers, north_star, verdicts

QUARTER = {"limits_period": "quarter", "judged_starting": date(2025, 10, 1), "judged_value": 1.3}
OWN = {"rule": "outside_limits", "signal_starting": date(2025, 10, 1), "signal_value": 21.0}


def lines(*rows, **parts) -> dict[str, str]:
    """{label: sentence} of an organisation with these verdicts, in which there were 9 adoptions in a month."""
    return {line.label: line.text for line in answer.five_lines(served(month(12, 9.0), verdicts=rows, **parts))}


@pytest.mark.parametrize(
    ("row", "rising", "real"),
    [
        (
            changed(),
            "Higher since December 2024, steady now: average 17.3, before 8.5.",
            "Yes: eight months running above the earlier average.",
        ),
        (
            changed("improving", rule="previous_outside_limits"),
            "Yes since December 2024: average 17.3, before 8.5.",
            "Yes: December 2025's 17 exceeds the earlier limit, 15.8.",
        ),
        (
            changed("improving", center=None, lower_limit=None, upper_limit=None, limits_count=0),
            "Yes since December 2024: average 8.5 before.",
            "Yes: eight months running above the earlier average.",
        ),
        (
            judged("improving", verdict_since=date(2025, 9, 1), **OWN),
            "Yes since September 2025: above the average, 10.",
            "Yes: October 2025's 21 exceeds the limit, 15.",
        ),
        (
            judged("worsened", verdict_since=date(2025, 3, 1), **OWN | {"signal_value": 2.0}, is_provisional=True),
            "Lower since March 2025, steady now: below the average, 10.",
            "Probably: October 2025's 2 is under the limit, 5.",
        ),
        (
            judged("worsening", verdict_since=date(2025, 9, 1), **OWN | {"rule": "three_of_four_near_limit"}),
            "No, falling since September 2025: below the average, 10.",
            "Yes: three of four months near the upper limit.",
        ),
        (
            judged(),
            "No change in the last three months: average 10.",
            "No: December 2025's 12 is routine, 5 to 15.",
        ),
        (
            judged(**QUARTER),
            "No change in the last two quarters: average 10.",
            "No: Q4 2025's 1.3 is routine, 5 to 15.",
        ),
        (
            changed("no_change", center=None, lower_limit=None, upper_limit=None, rule=None),
            "No change in the last three months.",
            "No: December 2025's 17 is routine by earlier limits, 1.2 to 15.8.",
        ),
        (unjudged("too_few_points"), "Not known: 12 in December 2025.", "Not known: fewer than 6 months are known."),
        (
            unjudged("incomplete", limits_period="quarter", value=4.0),
            "Not known: 4 in December 2025.",
            "Not known: Q4 2025 is not complete yet.",
        ),
        (
            unjudged("no_adoption_events", value=None, reason="no_adoption_events"),
            "Not known for December 2025.",
            "Not known: there is no current adoption event.",
        ),
        (
            unjudged("no_complete_month", month_starting=None, value=None),
            "Not known: there is no complete month yet.",
            "Not known: a month is judged once it is complete.",
        ),
    ],
)
def test_the_first_two_lines_state_the_verdict_and_what_it_rests_on(row, rising, real):
    found = lines(row)
    assert (found["Rising?"], found["Real?"]) == (rising, real)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (aim(), "No target is declared."),
        (aim(16.0, "hit_or_miss"), "Hit or miss: the routine range includes 16; 2025: 208 of 192."),
        (aim(5.0, "meets_reliably"), "Yes, reliably: the lower limit, 5.8, is over 5; 2025: 208 of 60."),
        (aim(30.0, "misses_reliably"), "No, missed reliably: the upper limit, 28.8, is under 30; 2025: 208 of 360."),
        (aim(5.8, "meets_reliably", year_value=None), "Yes, reliably: the lower limit, 5.8, is at 5.8."),
        (
            aim(16.0, capability_reason="too_few_points", month_starting=date(2025, 3, 1), year_value=45.0),
            "Not known: fewer than 6 months are known; 2025 so far: 45 of 192.",
        ),
    ],
)
def test_a_target_is_judged_by_the_routine_range_never_by_one_month(target, expected):
    """December's 12 is under 16; that misses nothing that is not hit or miss."""
    assert lines(judged(), target=target)["On target?"] == expected


def flywheel(**phases) -> list[dict]:
    return [{"flywheel_phase": p, "flywheel_phase_verdict": v} for p, v in phases.items()]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"evidence": {"a": evidence()}, "flywheel": flywheel(I="gaining", II="slowing")},
            "Ideas with a named consumer: 2 months ahead of expansion adoptions; phase II is slowing.",
        ),
        (
            {
                "evidence": {
                    "a": evidence(p_value=0.03),
                    "b": evidence("build_time", correlation=-0.5, lag=1, outcome_metric_id="cross_domain_adoptions"),
                }
            },
            "Build time: inversely 1 month ahead of the North Star.",
        ),
        (
            {
                "evidence": {"a": evidence(verdict="not_enough_evidence")},
                "flywheel": flywheel(I="gaining", IV="gaining"),
            },
            "No lever has evidence yet; phases I and IV are gaining.",
        ),
        (
            {"evidence": {"a": evidence(verdict="not_enough_evidence", reason="not_monthly")}, "flywheel": []},
            "No lever can be tested yet.",
        ),
    ],
)
def test_the_lever_is_the_one_with_the_strongest_evidence(parts, expected):
    assert lines(judged(), **parts)["Lever?"] == expected


def test_a_part_of_the_north_star_has_changed_only_by_its_own_verdict():
    """First adoptions went from 4.7 to 5.9 a month, which is no change."""
    first = judged(metric_id="first_adoptions", center=5.9, process_phase=2, previous_center=4.7)
    expansion = changed(metric_id="expansion_adoptions")
    assert lines(changed(), first, expansion)["Lever?"] == "No lever can be tested yet; expansion adoptions are higher."


SLOW = domain(difference="slower", slow_stage="deployed_to_adopted")
BUILD = judged("worsening", metric_id="build_time")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"domains": [domain("sales"), SLOW], "queues": [queue(), queue("in_build", 12, 3)]},
            "claims (slow from deployed to adopted); 106 unused products; 40 of them longer than usual.",
        ),
        (
            {"queues": [queue(older_count=None), queue("in_build", 12, None)]},
            "106 unused products.",
        ),
        ({"queues": [queue("in_build", 12, None)]}, "nothing: all variation is routine."),
        ({"domains": [domain(slow_stage=None, difference="slower")]}, "claims (slower than the others)."),
        ({"domains": [SLOW | {"domain": "a very long name " * 9}]}, "one domain (slow from deployed to adopted)."),
        ({"domains": [SLOW, SLOW, SLOW]}, "claims (slow from deployed to adopted); 2 more slow domains."),
        ({"leading": [month(12, 9.0, metric_id="build_time")]}, "build time (worsening)."),
    ],
)
def test_the_last_line_is_what_calls_for_action(parts, expected):
    rows = [judged(), *([BUILD] if "leading" in parts else [])]
    assert lines(*rows, **parts)["Act on"] == expected


def test_without_any_adoption_event_the_action_is_to_send_some():
    row = unjudged("no_adoption_events", value=None, reason="no_adoption_events")
    assert lines(row, queues=[queue()])["Act on"].startswith("missing adopted events (value is not known); ")
    assert lines()["Act on"] == "nothing yet: too little is known."


@pytest.mark.parametrize(
    ("row", "metric", "expected", "shape"),
    [
        (judged("improving", verdict_since=date(2025, 10, 1)), "first_adoptions", "Improving since Oct 2025", "▲"),
        (judged("worsening", verdict_since=date(2025, 10, 1)), "first_adoptions", "Worsening since Oct 2025", "▽"),
        (
            judged("improved", verdict_since=date(2024, 12, 1)),
            "first_adoptions",
            "Higher since Dec 2024, steady now",
            "▲",
        ),
        (
            judged("worsened", verdict_since=date(2024, 12, 1)),
            "first_adoptions",
            "Lower since Dec 2024, steady now",
            "▽",
        ),
        (judged("improved", verdict_since=date(2024, 12, 1)), "net_flow", "Lower since Dec 2024, steady now", "▼"),
        (judged("worsened", verdict_since=date(2024, 12, 1)), "net_flow", "Higher since Dec 2024, steady now", "△"),
        (judged("improved", verdict_since=date(2024, 12, 1)), "build_time", "Faster since Dec 2024, steady now", "▲"),
        (judged("worsened", verdict_since=date(2024, 12, 1)), "build_time", "Slower since Dec 2024, steady now", "▽"),
        (
            judged("improving", verdict_since=date(2025, 7, 1), limits_period="quarter"),
            "adopted_90d",
            "Improving since Q3 2025",
            "▲",
        ),
        (judged(), "first_adoptions", "No change", "○"),
        (unjudged("too_few_points"), "first_adoptions", "Not enough data yet", "…"),
        (unjudged("stock"), "active_cross_domain_pairs", "Not judged", "…"),
    ],
)
def test_a_verdict_names_the_direction_in_which_the_value_went(row, metric, expected, shape):
    view = parts.verdict(row, definitions()[metric])
    assert (view["words"], view["shape"], view["code"]) == (expected, shape, row["verdict"])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (judged("improving", **OWN), "21 in October 2025 is above the upper limit, 15"),
        (changed(), "eight months in a row to December 2025 lie above the average before the change, 8.5"),
        (
            judged("worsening", **OWN | {"rule": "three_of_four_near_limit", "signal_value": 6.0}),
            "three of four months to October 2025 lie nearer the lower limit than the average",
        ),
        (judged(), "no signal in the last three months: routine variation, no explanation needed"),
        (unjudged("stock"), codes.REASONS["stock"]),
    ],
)
def test_the_rule_behind_a_verdict_is_named_with_its_month(row, expected):
    assert verdicts.why(row, ADOPTIONS) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (judged(), "over 24 months"),
        (judged(limits_count=8, limits_period="quarter"), "over 8 quarters"),
        (changed(), "since December 2024"),
        (changed(limits_starting=date(2025, 12, 1)), "over 13 months"),  # the window begins after the change
    ],
)
def test_the_average_names_its_months(row, expected):
    assert verdicts.scope_of_average(row) == expected


@pytest.mark.parametrize(
    ("columns", "as_of", "expected"),
    [
        ({}, date(2026, 1, 7), "3 in 6 of 31 days"),
        ({"period": "quarter"}, date(2026, 2, 1), "3 in 31 of 90 days"),
        ({}, date(2026, 2, 3), "3, late events may follow"),
    ],
)
def test_a_period_that_goes_on_says_how_much_of_it_is_over(columns, as_of, expected):
    row = month(1, 3.0, is_complete=False, month_starting=date(2026, 1, 1), **columns)
    assert north_star.so_far(row, PUBLICATION | {"as_of_day": as_of}, "adoptions") == expected


@pytest.mark.parametrize(
    ("value", "lower", "upper", "expected"),
    [
        (11.6, -3.0, 28.0, "11.6% slower (−3 to +28%)"),
        (-4.0, -9.5, -0.2, "4% faster (−9.5 to −0.2%)"),
        (0.0, None, None, "as fast as before"),
    ],
)
def test_momentum_says_whether_it_is_faster_or_slower(value, lower, upper, expected):
    row = {"value": value, "lower": lower, "upper": upper, "reason": None}
    assert drivers.pace_change(row) + drivers.momentum_interval(row) == expected


def test_what_is_not_known_is_one_line_with_the_events_that_would_tell():
    metrics = [("retained_adoption", "no_repeat_use_events"), ("contract_checks_passed", "no_contract_events")]
    metrics += [("adopted_90d", "too_recent")]
    assert drivers.unknown_metrics([(definitions()[metric], reason) for metric, reason in metrics]) == [
        "Not known: retained adoption and contract checks passed (2). To know them, send: an adopted event for each "
        "later use; contract_activated and contract_checked events. "
        "Not known yet: adopted within 90 days (not all have been observed for long enough yet).",
        "An adopted event for each later use: for retained adoption (whether use lasts).",
        "Contract_activated and contract_checked events: for contract checks passed (whether consumers can rely on the "
        "data).",
    ]
    assert drivers.unknown_metrics([(definitions()["adopted_90d"], "too_recent")]) == [
        "Not known yet: adopted within 90 days (not all have been observed for long enough yet)."
    ]
    assert drivers.unknown_metrics([]) == []


def test_the_flywheel_names_its_slowing_and_gaining_phases():
    words = drivers.flywheel_in_words
    assert words(flywheel(I="steady", II="slowing", III="gaining", IV="slowing")) == "phases II and IV are slowing"
    assert words(flywheel(III="gaining")) == "phase III is gaining"
    assert words(flywheel(I="steady", II="not_enough_data")) == "no phase is slowing"
    assert words(flywheel(I="not_enough_data")) == ""
