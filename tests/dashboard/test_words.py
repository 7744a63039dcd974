"""What the page says of hand-made rows, word for word: time to value, domains, numbers, codes."""

import subprocess
import sys
from dataclasses import replace

import pytest
from page_data import domain, interval, queue, served

from dashboard.words import codes, domains, numbers, time_to_value
from dashboard.words.phrases import plain_text
from orchestration.contracts.odcs import load_layer


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (interval(), "half of all ideas are adopted by another domain within 90 days"),
        # without an upper end a single late adoption can decide the median
        (interval(median_upper_days=None), "55% of all ideas are adopted by another domain within 180 days"),
        (interval(median_lower_days=None), "55% of all ideas are adopted by another domain within 180 days"),
        (interval(median_days=None), "55% of all ideas are adopted by another domain within 180 days"),
        (interval(median_days=None, share_by_day_180=None, reason="not_enough_data"), "not enough data yet"),
        # of few ideas a share says nothing without their number
        (
            interval(median_days=None, share_by_day_180=1.0, product_count=1, observed_count=1),
            "1 of 1 idea has been adopted by another domain",
        ),
        (
            interval(median_days=None, product_count=19, observed_count=6),
            "6 of 19 ideas have been adopted by another domain",
        ),
        (interval(product_count=12), "half of 12 ideas are adopted by another domain within 90 days"),
    ],
)
def test_the_headline_of_time_to_value_is_one_figure(figures, expected):
    assert time_to_value.headline(figures) == expected


def test_the_headline_says_what_it_is_about_and_its_interval_only_where_it_is_the_median():
    about = "40 ideas of all time: open ones count as not adopted yet, dropped as never."
    assert time_to_value.scope(interval()) == f"{about} 95% interval 80 to 110 days."
    assert time_to_value.scope(interval(median_upper_days=None)) == about


def test_no_adoption_ever_means_time_to_value_is_not_known():
    nothing = {"incidence": interval(median_days=None, reason="no_adoption_events")}
    assert time_to_value.time_to_value_answer(served(intervals=nothing)) == (
        "Time to value is not known: there is no current adoption event."
    )


def test_without_any_idea_time_to_value_is_that_from_deployment():
    lag = {("all", "deployed_to_adopted", "all", "incidence"): interval(interval_id="deployed_to_adopted")}
    finished = {("all", "deployed_to_adopted", "all", "completed_only"): interval(median_days=40.0)}
    no_idea = served(intervals={"incidence": interval(product_count=0, reason="no_products")})
    data = replace(no_idea, time_to_value=no_idea.time_to_value | lag | finished)
    assert time_to_value.time_to_value_answer(data) == (
        "Time to value is known from deployment on only: half of all data products are adopted by another domain "
        "within 90 days of deployment."
    )
    assert time_to_value.finished_only(data) == (
        "Of adopted data products only, half took 40 days or less; that leaves out the open and the dropped ones."
    )
    few = interval(interval_id="deployed_to_adopted", median_days=None, product_count=7, observed_count=2)
    assert time_to_value.headline(few) == "2 of 7 data products have been adopted by another domain"
    with_ideas = served()
    data = replace(with_ideas, time_to_value=with_ideas.time_to_value | lag)
    assert time_to_value.time_to_value_answer(data).startswith("Half of all ideas are")


def test_finished_ideas_only_is_named_for_what_it_is():
    both = {"incidence": interval(), "completed_only": interval(median_days=40.0)}
    assert time_to_value.finished_only(served(intervals=both)) == (
        "Of finished ideas only, half took 40 days or less; that leaves out the open and the dropped ones."
    )
    both["completed_only"] = interval(median_days=90.3)
    assert time_to_value.finished_only(served(intervals=both)) == ""  # both read 90 days
    assert time_to_value.finished_only(served(intervals={"incidence": interval(), "completed_only": None})) == ""


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


def test_a_domains_page_answers_with_what_it_gives_its_pace_and_what_waits():
    queues = [queue("in_build", 3, None), queue("deployed_unused", 1, 1)]
    assert plain_text(domains.domain_answer(domain(), queues)) == (
        "In the last 12 complete months other domains adopted its data products 3 times (3 adoptions given), "
        "and it adopted others' once (1 adoption taken). "
        "Over all time its pace differs from that of all others by no more than chance. 4 data products of its own are "
        "open, 1 of them in their step for longer than 85% of those that moved on in the last 12 months."
    )
    idle = domain(gave_count=None, difference=None, product_count=0)
    assert plain_text(domains.domain_answer(idle, [])) == (
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
        **dict.fromkeys(("ubiquity_reason", "before_reason", "silent_reason"), codes.REASONS),
        "queue": codes.QUEUES.keys() & codes.QUEUES_IN_WORDS.keys(),
        **dict.fromkeys(("certainty", "before_certainty"), codes.CERTAINTIES),
        "ubiquity_basis": codes.UBIQUITY_BASES,
        **dict.fromkeys(("estimator", "slow_stage_estimator"), codes.ESTIMATORS),
        **dict.fromkeys(("count_reason", "bottleneck_reason", "concentration_reason", "unit_reason"), codes.REASONS),
        **dict.fromkeys(("agreement_reason", "building_reason", "review_reason", "in_use_reason"), codes.REASONS),
        **dict.fromkeys(("adoption_reason", "unused_reason", "retired_reason"), codes.REASONS),
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
        "signal": codes.SIGNALS,
        "signal_reason": codes.REASONS,
        "capability": codes.CAPABILITIES,
        "capability_reason": codes.REASONS,
        "year_reason": codes.REASONS,
        **dict.fromkeys(("figure_reason", "assessment_reason"), codes.REASONS),
        "figure_class": codes.EVIDENCE_CLASSES,
        "figure_verdict": codes.VERDICTS,
        "evidence_class": codes.EVIDENCE_CLASSES,
    }
    assert codes.QUEUES_IN_WORDS.keys() == codes.QUEUES.keys()
    missing, seen = [], 0
    for contract in load_layer("authoritative").values():
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
