"""What the page says of hand-made rows: every kind of verdict, reason and gap, word for word."""

import subprocess
import sys
from dataclasses import replace

import pytest
from page_data import MEDIAN, domain, interval, month, served, waiting

from dashboard.words import actions, codes, domains, north_star, numbers, time_to_value, verdicts
from dashboard.words.phrases import plain_text
from orchestration.contracts.odcs import load_layer


def answer(*months, **parts) -> str:
    return plain_text(north_star.north_star_answer(served(*months, **parts)))


def test_a_month_between_the_limits_has_not_changed():
    assert answer(month(3, 12.0)) == (
        "Cross-domain adoptions have not changed: 12 adoptions in March 2025 is routine variation around 10 adoptions. "
        "No target is declared."
    )


def test_a_month_outside_its_limits_names_the_limit():
    row = month(3, 17.0, rule="outside_limits", verdict="improving", target=20.0)
    assert answer(row) == (
        "More data is crossing domains: 17 adoptions in March 2025. "
        "The change is real: 17 is above the upper limit, 15. It misses the target of 20 adoptions."
    )
    row = month(3, 1.0, rule="outside_limits", verdict="worsening", target=1.0)
    assert answer(row) == (
        "Less data is crossing domains: 1 adoption in March 2025. The change is real: 1 is below the lower limit, 5. "
        "It reaches the target of 1 adoption."
    )


def test_a_declared_change_is_judged_by_the_phase_before_and_the_month_by_todays_limits():
    after = {"process_phase": 2, "center": 20.5, "lower_limit": 12.0, "upper_limit": 29.0}
    rows = [
        month(3, 9.0),
        month(4, 22.0, **after),
        month(5, 16.0, rule="previous_eight_on_one_side", verdict="improving", **after),
        month(6, 3.0, is_complete=False, verdict="not_enough_data", verdict_reason="incomplete", **after),
    ]
    assert answer(*rows) == (
        "More data is crossing domains: 20.5 adoptions a month on average since April 2025, up from 10. "
        "The change is real: at least eight months in a row lie above the average before the change. "
        "May 2025, with 16 adoptions, is within today's limits, 12 to 29: routine variation. No target is declared."
    )


def test_a_change_comes_with_the_parts_that_changed():
    after = {"process_phase": 2, "center": 20.5, "lower_limit": 12.0, "upper_limit": 29.0}
    rows = [month(3, 9.0), month(4, 22.0, rule="previous_outside_limits", verdict="improving", **after)]
    found = served(*rows, leading=[])
    found.definitions["first_adoptions"] = {"name": "First adoptions"}
    found.definitions["expansion_adoptions"] = {"name": "Expansion adoptions"}
    found.leading["all", "first_adoptions"] = [month(3, 5.0, center=4.7), month(4, 6.0, **after | {"center": 5.9})]
    assert "Expansion" not in plain_text(north_star.north_star_answer(found))
    found.leading["all", "expansion_adoptions"] = [
        month(3, 4.0, center=3.8),
        month(4, 16.0, **after | {"center": 14.6}),
    ]
    expected = "Expansion adoptions went from 3.8 to 14.6 and first adoptions went from 4.7 to 5.9."
    assert expected in plain_text(north_star.north_star_answer(found))


def test_a_new_phase_without_limits_yet_shows_its_latest_month():
    after = {"process_phase": 2, "center": None, "lower_limit": None, "upper_limit": None}
    rows = [month(3, 9.0), month(4, 22.0, rule="previous_outside_limits", verdict="improving", **after)]
    assert answer(*rows) == (
        "More data is crossing domains since April 2025: 22 adoptions in April 2025, 10 a month on average before. "
        "The change is real: 22 is above the upper limit before the change, 15. No target is declared."
    )


def test_a_routine_month_of_a_phase_too_young_for_limits_is_judged_by_those_before():
    after = {"process_phase": 2, "center": None, "lower_limit": None, "upper_limit": None}
    assert answer(month(3, 9.0), month(4, 12.0, **after)) == (
        "Cross-domain adoptions have not changed: 12 adoptions in April 2025 is routine variation "
        "by the limits before the change, 5 to 15. No target is declared."
    )


def test_where_quarters_are_judged_the_sentence_is_about_the_quarter():
    row = month(3, 0.0, rule="outside_limits", verdict="improving", limits_period="quarter")
    assert "The change is real: its quarter lies outside the limits." in answer(row)
    row = month(3, 0.0, rule="three_of_four_near_limit", verdict="worsening", limits_period="quarter")
    assert "of the last four quarters, at least three lie nearer a limit than the average." in answer(row)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            month(3, 4.0, verdict="not_enough_data", verdict_reason="too_few_points", center=None),
            "Cross-domain adoptions, March 2025: 4 adoptions. Whether it changed is not known: "
            "fewer than 6 months are known. No target is declared.",
        ),
        (
            month(3, None, verdict="not_enough_data", reason="no_adoption_events"),
            "Cross-domain adoptions: not known for March 2025, because there is no current adoption event.",
        ),
        (
            month(3, 2.0, is_complete=False),
            "There is no complete month yet. The current one has 2 so far.",
        ),
    ],
)
def test_what_is_not_known_has_a_reason(row, expected):
    assert answer(row) == expected


def test_an_empty_organisation_has_no_complete_month():
    assert answer() == "There is no complete month yet."


def test_fewer_days_reach_a_target_in_days():
    row = month(3, 80.0, verdict="not_enough_data", verdict_reason="overlapping_windows", target=90.0)
    row["metric_id"] = "time_to_value_median"
    assert answer(row, definition=MEDIAN) == (
        "Median time to value, March 2025: 80 days. Whether it changed is not known: its windows overlap, "
        "so its changes can't be judged. It reaches the target of 90 days."
    )


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (interval(), "half of all ideas are adopted by another domain within 90 days (95% interval 80 to 110)"),
        (
            interval(median_upper_days=None),
            "55% of all ideas are adopted by another domain within 180 days, "
            "half within 90 days (95% interval 80 or more)",
        ),
        (interval(median_days=None), "70% of all ideas are adopted by another domain within a year"),
        (interval(median_days=None, share_by_day_365=None, reason="not_enough_data"), "not enough data yet"),
        # of few ideas a share says nothing without their number
        (
            interval(median_days=None, share_by_day_365=1.0, product_count=1, observed_count=1),
            "1 of 1 idea has been adopted by another domain",
        ),
        (
            interval(median_days=None, share_by_day_365=0.4, product_count=19, observed_count=6),
            "6 of 19 ideas have been adopted by another domain",
        ),
        (interval(median_days=None, product_count=20), "70% of all ideas are adopted by another domain within a year"),
        (
            interval(product_count=12),
            "half of 12 ideas are adopted by another domain within 90 days (95% interval 80 to 110)",
        ),
    ],
)
def test_time_to_value_is_a_median_or_a_share_or_a_reason(figures, expected):
    assert time_to_value.half_within(figures).endswith(expected.removeprefix("… "))


def test_pace_is_judged_by_its_own_verdict():
    row = month(3, 90.0, metric_id="time_to_value", verdict="worsening", rule="outside_limits")
    assert plain_text([time_to_value.time_to_value_answer(served(leading=[row]))]).startswith(
        "Ideas are adopted more slowly than before: half of all ideas"
    )


def test_no_adoption_ever_means_time_to_value_is_not_known():
    nothing = {"incidence": interval(median_days=None, reason="no_adoption_events")}
    assert plain_text([time_to_value.time_to_value_answer(served(intervals=nothing))]) == (
        "Time to value is not known: there is no current adoption event."
    )


def test_without_any_idea_time_to_value_is_that_from_deployment():
    lag = {("all", "deployed_to_adopted", "all", "incidence"): interval(interval_id="deployed_to_adopted")}
    finished = {("all", "deployed_to_adopted", "all", "completed_only"): interval(median_days=40.0)}
    no_idea = served(intervals={"incidence": interval(product_count=0, reason="no_products")})
    data = replace(no_idea, time_to_value=no_idea.time_to_value | lag | finished)
    assert plain_text([time_to_value.time_to_value_answer(data)]) == (
        "Time to value is known from deployment on only: half of all data products are adopted by another domain "
        "within 90 days of deployment (95% interval 80 to 110)."
    )
    assert time_to_value.finished_only(data) == (
        " Counting adopted data products only would show 40 days instead of 90."
    )
    few = interval(interval_id="deployed_to_adopted", median_days=None, product_count=7, observed_count=2)
    assert time_to_value.half_within(few) == "2 of 7 data products have been adopted by another domain"
    with_ideas = served()
    data = replace(with_ideas, time_to_value=with_ideas.time_to_value | lag)
    assert plain_text([time_to_value.time_to_value_answer(data)]).startswith("Time to value: half of all ideas are")


def test_counting_finished_ideas_only_is_shown_for_what_it_is():
    both = {"incidence": interval(), "completed_only": interval(median_days=40.0)}
    assert time_to_value.finished_only(served(intervals=both)).strip() == (
        "Counting finished ideas only would show 40 days instead of 90."
    )
    both["completed_only"] = interval(median_days=90.3)
    assert time_to_value.finished_only(served(intervals=both)) == ""  # both read 90 days
    both["completed_only"] = interval(median_days=40.0)
    both["incidence"] = interval(median_days=None)
    assert time_to_value.finished_only(served(intervals=both)).endswith(
        "it leaves out the ideas that are open or were dropped."
    )
    assert time_to_value.finished_only(served(intervals={"incidence": interval(), "completed_only": None})) == ""


def test_what_to_act_on_is_what_worsens_what_is_slow_and_what_is_overdue():
    worse = month(3, 90.0, metric_id="build_time", verdict="worsening", rule="outside_limits")
    slow = domain(
        difference="slower",
        slow_stage="started_to_deployed",
        slow_stage_median_days=142.4,
        slow_stage_all_median_days=40.6,
    )
    counts = [waiting(7, 3, 1, deployed=5), waiting(5, 2, 0, deployed=4)]
    assert plain_text(
        [actions.act_on(served(leading=[worse], domains=[slow, domain("sales")], open_counts=counts))]
    ) == (
        "Act on: worsening: build time; the claims domain is slower than all others, mostly from started to deployed "
        "(half within 142 days, in the whole organisation within 41; dropped ideas excluded); "
        "1 of 5 open ideas with a known threshold is overdue."
    )


def test_the_longest_queue_is_named_where_it_waits_for_a_first_consumer():
    counts = [waiting(7, 3, 0, deployed=5), waiting(5, 2, 0, deployed=4)]
    adopted = served(month(3, 12.0), open_counts=counts)
    assert (
        plain_text([actions.act_on(adopted)]) == "Act on: 9 of 12 open ideas are deployed and used by no other domain."
    )
    never = served(month(3, None, reason="no_adoption_events"), open_counts=counts)
    assert actions.without_consumer(never) == ""


def test_nothing_calls_for_action_only_where_something_is_known_to_be_routine():
    routine = month(3, 90.0, metric_id="build_time")
    assert (
        plain_text([actions.act_on(served(leading=[routine]))]) == "Nothing calls for action: all variation is routine."
    )
    assert actions.act_on(served()) == []


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        (["slower", "faster", "faster"], "d0 is credibly slower; d1 and d2 are credibly faster."),
        (
            ["slower", "within_chance", "within_chance", None],
            "d0 is credibly slower. 2 others differ by no more than chance. 1 domain can't be compared yet.",
        ),
        (["within_chance", None], "No domain is credibly slower or faster than all others."),
        ([None], "No domain can be compared yet: a comparison needs 10 adoptions that are expected of its ideas."),
        (["slower"] * 7, "d0, d1, d2, d3, d4 and 2 more are credibly slower."),
    ],
)
def test_domains_differ_only_beyond_chance(differences, expected):
    rows = [domain(f"d{i}", difference=difference) for i, difference in enumerate(differences)]
    assert domains.domains_in_words(rows).startswith(expected)


def test_a_domain_that_is_slower_in_a_stage_only_is_named_with_the_stage():
    slow = domain(slow_stage="started_to_deployed", slow_stage_median_days=142.4, slow_stage_all_median_days=40.6)
    assert domains.domains_in_words([domain("sales"), slow]) == (
        "claims is credibly slower from started to deployed. 1 other differs by no more than chance."
    )
    assert domains.slow_domain(slow) == (
        "the claims domain is slower than all others from started to deployed "
        "(half within 142 days, in the whole organisation within 41; dropped ideas excluded)"
    )
    later_fast = slow | {"slow_stage_median_days": 30.0}  # slower over all time, and no longer in the last 180 days
    unknown = slow | {"slow_stage_median_days": None}
    for row in (later_fast, unknown):
        assert domains.slow_domain(row) == "the claims domain is slower than all others from started to deployed"


def test_the_flywheel_names_its_slowing_and_gaining_phases():
    rows = [
        {"flywheel_phase": p, "flywheel_phase_verdict": v}
        for p, v in zip("ABCD", ["steady", "slowing", "gaining", "slowing"], strict=True)
    ]
    assert verdicts.flywheel_in_words(rows) == "phases B and D are slowing"
    assert verdicts.flywheel_in_words([rows[2]]) == "phase C is gaining"
    assert verdicts.flywheel_in_words([rows[0]]) == "steady"
    assert (
        verdicts.flywheel_in_words([{"flywheel_phase": "I", "flywheel_phase_verdict": "not_enough_data"}])
        == "not enough data yet"
    )


def test_a_domains_page_answers_with_what_it_gives_its_pace_and_what_waits():
    counts = {"open_count": 4, "overdue_count": 1}
    assert plain_text(domains.domain_answer(domain(), counts)) == (
        "In the last 12 complete months other domains adopted its data products 3 times (3 adoptions given), "
        "and it adopted others' once (1 adoption taken). "
        "Its pace differs from that of all others by no more than chance. Of its 4 open ideas, 1 is overdue."
    )
    idle = domain(gave_count=None, difference=None, product_count=0)
    assert plain_text(domains.domain_answer(idle, {"open_count": 0, "overdue_count": 0})) == (
        "Its adoptions given and taken are not known: there is no current adoption event. It owns no data products."
    )


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (12.0, "adoptions", "12"),
        (17.25, "adoptions", "17.2"),
        (12345.6, "adoptions", "12,346"),
        (9.96, "days", "10"),
        (9.94, "days", "9.9"),
        (0.5, "share", "50%"),
        (0.9967, "share", "99.7%"),
        (0.003, "share", "0.3%"),
        (1.0, "share", "100%"),
        (0.0, "share", "0%"),
    ],
)
def test_numbers_are_written_as_they_are_read(value, unit, expected):
    assert numbers.figure(value, unit) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.0, "under 1%"), (0.04, "4%"), (0.999, "over 99%"), (None, "–")])
def test_no_chance_is_ever_none_or_certain(value, expected):
    assert numbers.chance(value) == expected


def test_a_share_of_few_is_written_as_a_count():
    assert numbers.small_share({"numerator": 7, "denominator": 9}) == "7 of 9"
    assert numbers.small_share({"numerator": 7, "denominator": 20}) is None
    assert numbers.small_share({"numerator": None, "denominator": 9}) is None


def test_every_code_a_contract_allows_has_its_words():
    worded = {
        "reason": codes.REASONS,
        "verdict_reason": codes.REASONS,
        "chance_reason": codes.REASONS,
        "count_reason": codes.REASONS,
        "bottleneck_reason": codes.REASONS,
        "concentration_reason": codes.REASONS,
        "unit_reason": codes.REASONS,
        "agreement_reason": codes.REASONS,
        "building_reason": codes.REASONS,
        "review_reason": codes.REASONS,
        "in_use_reason": codes.REASONS,
        "adoption_reason": codes.REASONS,
        "unused_reason": codes.REASONS,
        "retired_reason": codes.REASONS,
        "open_ideas.stage": codes.STAGES,
        "factory_stages.stage": codes.FACTORY_STAGES,
        "ownership_shares.measure": codes.OWNED,
        "ownership_changes.kind": codes.OWNERSHIP_CHANGES,
        "ownership_changes.evidence": codes.OWNERSHIP_EVIDENCE,
        "governance_model": codes.GOVERNANCE_MODELS,
        "sourcing": codes.SOURCING,
        "evolution": codes.EVOLUTION,
        "product_costs.measure": codes.COST_MEASURES,
        "use_basis": codes.USE_BASES,
        "flywheel_phase_verdict": codes.FLYWHEEL_VERDICTS,
        "evidence_class": codes.EVIDENCE_CLASSES,
    }
    missing, seen = [], 0
    for contract in load_layer("authoritative").values():
        if contract.name == "product_evolution":
            continue  # its reasons are gates, which the page does not show
        for prop in contract.properties:
            for rule in prop.quality:
                allowed = rule.get("arguments", {}).get("validValues", [])
                known = worded.get(f"{contract.name}.{prop.name}", worded.get(prop.name, allowed))
                missing += [f"{contract.name}.{prop.name}: {value}" for value in allowed if value not in known]
                seen += len(allowed)
    assert seen > 50 and missing == []


def test_the_pages_know_the_serving_file_and_nothing_of_what_moves_the_data():
    """Nor do they load what costs a second, until there is something to draw."""
    never = {"orchestration", "dagster", "pandas", "altair", "vl_convert"}
    code = f"import sys, dashboard.rendering; print({{m.split('.')[0] for m in sys.modules}} & {never})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, "October 2025 is not complete yet"),
        ({"limits_period": "quarter"}, "Q4 2025 is not complete yet"),
        ({"limits_period": "quarter", "period": "quarter"}, "Q4 2025 is not complete yet"),
    ],
)
def test_a_period_without_a_verdict_names_what_is_not_complete(columns, expected):
    """A complete month can be judged by its quarter, which is not complete."""
    row = month(10, 4.0, verdict="not_enough_data", verdict_reason="incomplete", **columns)
    assert verdicts.reason_without_rule(row) == expected
    assert answer(row).startswith(
        f"Cross-domain adoptions, {numbers.period(row['month_starting'], row['period'])}: 4 adoptions. "
        f"Whether it changed is not known: {expected}."
    )


def test_adoptions_that_were_sent_and_retracted_are_not_said_to_be_never_sent():
    none = served(month(3, None, reason="no_adoption_events"))
    assert plain_text([actions.act_on(none)]) == (
        "Act on: there is no current adoption event, so value is not known: none was sent, or all were replaced or "
        "retracted."
    )
    assert not [words for words in codes.REASONS.values() if "ever been sent" in words]
