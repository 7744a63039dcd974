"""Time to value in SQL, worked out by hand or printed in a textbook: the compiled models on made-up products."""

import numpy as np
import pytest
from oracles.survival import DAY, expect_nothing
from survival_tables import KEY, Compiled, build, compiled_models, product, waiting


@pytest.fixture(scope="session")
def models() -> Compiled:
    """{model: compiled SQL}, in the order in which they build."""
    return compiled_models()


# Remission in weeks under 6-MP (Freireich et al. 1963, as in Cox 1972); a plus sign is 9.5 -> still in remission at 9.
SIX_MP = [(6, 1), (6, 1), (6, 1), (6, 0), (7, 1), (9, 0), (10, 1), (10, 0), (11, 0), (13, 1), (16, 1)]
SIX_MP += [(17, 0), (19, 0), (20, 0), (22, 1), (23, 1), (25, 0), (32, 0), (32, 0), (34, 0), (35, 0)]


def six_mp() -> list[tuple]:
    return [waiting(took=t) if is_observed else waiting(age=t) for t, is_observed in SIX_MP]


def test_leukaemia_remissions_under_6_mp_are_as_in_the_textbook(models):
    built = build(models, six_mp())
    by_week = {step["elapsed_days"]: step for step in built.steps()}
    survival = [round(by_week[week]["km_survival"], 4) for week in (6, 7, 10, 13, 16, 22, 23)]
    assert survival == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    error = [round(np.sqrt(by_week[week]["km_variance"]), 4) for week in (6, 7, 10, 13, 16, 22, 23)]
    assert error == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert [by_week[week]["km_at_risk_count"] for week in (6, 7, 10, 23)] == [21, 17, 15, 6]
    assert built.figures(estimator="kaplan_meier")["reason"] == "not_enough_data"  # 9 relapses


def test_the_same_patients_twice_have_the_textbook_median(models):
    built = build(models, six_mp() * 2)
    row = built.figures(estimator="kaplan_meier")
    assert (row["median_days"], row["p85_days"], row["reason"]) == (23, None, "p85_not_reached")
    assert row["median_lower_days"] == 16 and row["median_upper_days"] is None
    assert row["share_by_day_30"] == pytest.approx(1 - 0.4482, abs=1e-4)
    assert row["share_by_day_730"] == row["share_by_day_90"] == row["share_by_day_30"]  # carried on


def test_four_products_with_a_closing_between_them(models):
    # day 1: one of 4 deployed; day 2: one of 3 closed; day 3: one of 2 deployed; the last stays open
    built = build(models, [waiting(1), waiting(closed_after=2), waiting(3), waiting()])
    found = [(s["elapsed_days"], s["share_observed"], s["share_closed"], s["km_survival"]) for s in built.steps()]
    assert found == [
        (1, pytest.approx(1 / 4), pytest.approx(0), pytest.approx(3 / 4)),
        (2, pytest.approx(1 / 4), pytest.approx(3 / 4 / 3), pytest.approx(3 / 4)),
        (3, pytest.approx(1 / 4 + 1 / 2 / 2), pytest.approx(1 / 4), pytest.approx(3 / 4 / 2)),
    ]
    # nobody is censored before the last event, so the variance is the binomial p (1 - p) / n
    assert [s["share_observed_variance"] for s in built.steps()] == [
        pytest.approx(1 / 4 * 3 / 4 / 4),
        pytest.approx(1 / 4 * 3 / 4 / 4),
        pytest.approx(1 / 2 * 1 / 2 / 4),
    ]


def test_withdrawn_half_means_the_headline_median_is_not_reached(models):
    products = [waiting(took=day) for day in range(1, 13)] + [waiting(closed_after=0.5)] * 13
    built = build(models, products)
    assert built.figures()["reason"] == "not_reached"
    assert built.figures()["share_by_day_30"] == pytest.approx(12 / 25)
    assert built.figures(estimator="kaplan_meier")["median_days"] == 6
    assert built.figures(estimator="completed_only")["median_days"] == 6.5


def test_a_median_at_exactly_one_half_is_reached(models):
    products = [waiting(took=day) for day in range(1, 13)] + [waiting()] * 12  # S falls to 12/24 by rounding steps
    built = build(models, products)
    assert built.figures(estimator="kaplan_meier")["median_days"] == 12
    assert built.figures()["median_days"] == 12


def test_completed_only_medians_lie_about_a_young_programme(models):
    # ideas evenly over four months, each deployed after a random time with median 90 days; most still wait
    draw = np.random.default_rng(7)
    ages = np.linspace(0.01, 120, 3000)
    took = draw.exponential(90 / np.log(2), 3000)
    products = [waiting(took=t if t <= age else None, age=age) for age, t in zip(ages, took, strict=True)]
    built = build(models, products)
    km = built.figures(estimator="kaplan_meier")
    assert km["median_lower_days"] < 90 < km["median_upper_days"]
    assert km["median_days"] == pytest.approx(90, rel=0.1)
    assert built.figures(estimator="completed_only")["median_days"] < 50


# --- The rules --------------------------------------------------------------------------------------


def test_who_is_left_out_and_why(models):
    products = [
        product(deployed_at=5),  # no idea
        product(deployed_at=5, closed_at=9),  # no idea, whatever else
        product(idea_logged_at=5, deployed_at=6),  # negative
        product(idea_logged_at=5, deployed_at=6, closed_at=7),  # negative before closed
        product(idea_logged_at=5, closed_at=6),  # closed before it began
        product(idea_logged_at=5, deployed_at=2, closed_at=6),
        product(idea_logged_at=5, closed_at=5),  # closed at the very start: no time, but in
        product(idea_logged_at=5, deployed_at=5),
        product(idea_logged_at=0),
    ]
    built = build(models, products)
    row = built.figures()
    left_out = [row[f"left_out_{why}_count"] for why in ("no_start", "negative", "closed_before_start")]
    assert left_out == [2, 2, 2]
    assert [row[f"{kind}_count"] for kind in ("product", "observed", "closed", "open")] == [3, 1, 1, 1]
    assert row["share_by_day_30"] == pytest.approx(1 / 3)


def test_an_adoption_after_a_closing_counts_for_kaplan_meier_and_not_for_the_headline(models):
    built = build(models, [waiting(took=8, closed_after=3), waiting(took=4), waiting()])
    headline, km = built.figures(), built.figures(estimator="kaplan_meier")
    assert (headline["observed_count"], headline["closed_count"], headline["open_count"]) == (1, 1, 1)
    assert (km["observed_count"], km["closed_count"], km["open_count"]) == (2, 0, 1)
    assert headline["share_by_day_30"] == pytest.approx(2 / 3 / 2)
    assert km["share_by_day_30"] == pytest.approx(2 / 3)


def test_closed_in_the_moment_of_the_deployment_is_deployed(models):
    built = build(models, [waiting(took=3, closed_after=3), waiting()])
    assert (built.figures()["observed_count"], built.figures()["closed_count"]) == (1, 0)


def test_censored_in_the_moment_of_an_event_is_still_at_risk(models):
    built = build(models, [waiting(took=7), waiting(age=7), waiting(age=7), waiting(age=50)])
    (step,) = built.steps()
    assert step["at_risk_count"] == step["km_at_risk_count"] == 4
    assert step["km_survival"] == pytest.approx(3 / 4)


def test_the_band_is_unknown_where_the_share_is_0_or_1(models):
    built = build(models, [waiting(took=1), waiting(took=2)])
    assert [(r["day"], r["share_adopted"], r["lower"] is None, r["upper"] is None) for r in built.curve()] == [
        (0, 0, True, True),
        (1, 0.5, False, False),
        (2, 1, True, True),
    ]
    built = build(models, [waiting(took=3)] * 12)
    row = built.figures(estimator="kaplan_meier")
    assert (row["median_days"], row["p85_days"], row["reason"]) == (3, 3, None)
    assert row["median_lower_days"] is None and row["median_upper_days"] is None


def test_a_median_needs_ten_observed_and_five_at_risk(models):
    nine = [waiting(took=3)] * 9
    built = build(models, nine)
    for estimator in ("incidence", "kaplan_meier", "completed_only"):
        row = built.figures(estimator=estimator)
        assert (row["median_days"], row["p85_days"], row["reason"]) == (None, None, "not_enough_data")
        assert row["share_by_day_30"] == 1
    # ten observed early, most open ones too young to say more, and 4 left at risk where half are there
    few_left = [waiting(took=1)] * 9 + [waiting(age=2)] * 20 + [waiting(took=day) for day in (5, 6, 7, 8)]
    built = build(models, few_left)
    km = built.figures(estimator="kaplan_meier")
    assert (km["observed_count"], km["median_days"], km["reason"]) == (13, None, "not_enough_data")
    assert built.figures(estimator="completed_only")["median_days"] == 1


def test_an_event_never_received_is_unknown_and_one_never_reached_is_zero(models):
    products = [waiting(took=day) for day in range(10)] + [waiting(domain="ops")]
    built = build(models, products)
    for estimator in ("incidence", "kaplan_meier", "completed_only"):
        for interval_id in ("idea_to_adopted", "deployed_to_adopted"):
            expect_nothing(built.figures(interval_id, estimator=estimator), "no_adoption_events")
        expect_nothing(built.figures("idea_to_started", estimator=estimator), "no_work_started_events")
        expect_nothing(built.figures("started_to_deployed", estimator=estimator), "no_products")
    assert built.figures("idea_to_adopted")["observed_count"] is None
    assert built.figures("idea_to_adopted")["product_count"] == 11
    assert built.curve("idea_to_adopted") == []
    never = built.figures(domain="ops")
    assert (never["observed_count"], never["share_by_day_730"], never["reason"]) == (0, 0, "not_enough_data")
    assert [(row["day"], row["share_adopted"], row["at_risk_count"]) for row in built.curve(domain="ops")] == [
        (0, 0, 1)
    ]


def test_deployments_never_received_have_their_own_reason(models):
    built = build(models, [product(idea_logged_at=5, work_started_at=3)])
    expect_nothing(built.figures("idea_to_deployed"), "no_deployment_events")
    expect_nothing(built.figures("started_to_deployed"), "no_deployment_events")


def test_every_interval_domain_and_estimator_has_its_row(models):
    built = build(models, [])
    found = built.time_to_value
    assert len(found) == 5 * 4
    assert {(row["domain"], row["product_count"], row["reason"]) for row in found} == {("all", 0, "no_products")}
    assert built.time_to_value_curve == []
    built = build(models, [waiting(1), waiting(2, domain="ops"), waiting(3, domain=None)])
    found = built.time_to_value
    assert len({tuple(row[name] for name in KEY) for row in found}) == len(found)
    assert sum(row["cohort"] == "all" for row in found) == 5 * 3 * 4
    # the ideas are 100 days old: one quarter, two owners and everyone, no pace of its own
    cohorts = {row["cohort"] for row in found if row["interval_id"] == "idea_to_deployed"}
    assert cohorts == {"all", "2025-Q3"}
    assert sum(row["cohort"] == "2025-Q3" and row["interval_id"] == "idea_to_deployed" for row in found) == 3 * 3
    assert {row["domain"] for row in found} == {"all", "sales", "ops"}


def test_an_unknown_owner_counts_for_everyone_only(models):
    built = build(models, [waiting(1), waiting(2, domain=None), waiting(3, domain="all")])
    assert built.figures()["product_count"] == 3
    assert built.figures(domain="sales")["product_count"] == 1
    assert {row["domain"] for row in built.time_to_value} == {"all", "sales"}


def test_a_step_belongs_to_the_day_at_whose_end_it_has_happened(models):
    moment = 1 / DAY  # one microsecond
    built = build(models, [waiting(0), waiting(moment), waiting(1), waiting(1 + moment), waiting(30)])
    assert [(row["day"], round(row["share_adopted"], 9), row["at_risk_count"]) for row in built.curve()] == [
        (0, 0.2, 5),
        (1, 0.6, 4),
        (2, 0.8, 2),
        (30, 1.0, 1),
    ]
    assert built.figures()["share_by_day_30"] == 1
