"""Time to value in SQL against statsmodels and numpy: the compiled models on made-up products."""

import numpy as np
import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.survival import (
    DAY,
    INTERVALS,
    MOMENTS,
    Interval,
    at,
    expect_completed_only,
    expect_counts,
    expect_curve,
    expect_figures,
    expect_nothing,
)
from survival_tables import AS_OF, Built, Compiled, build, compiled_models, waiting, warehouse

REASONS_WHY_NOTHING_IS_KNOWN = {"no_products", "no_deployment_events", "no_adoption_events", "no_work_started_events"}


@pytest.fixture(scope="session")
def models() -> Compiled:
    """{model: compiled SQL}, in the order in which they build."""
    return compiled_models()


# --- Against statsmodels, on anything ---------------------------------------------------------------


@st.composite
def portfolios(draw) -> list[tuple]:
    """Data products on a grid of times coarse enough for ties, from a few to enough for a median."""
    unit = draw(st.sampled_from([DAY, 20 * DAY, 1, DAY // 7]))
    often, rarely = st.integers(0, 8), st.none() | st.integers(-1, 8)
    never, at_once = st.none(), st.just(0)
    after = st.sampled_from([often, rarely, never, at_once])
    started, deployed, adopted, closed = (
        draw(after),
        draw(after),
        draw(after),
        draw(st.sampled_from([rarely, never, often])),
    )
    idea = draw(st.sampled_from([st.integers(0, 12), st.none() | st.integers(0, 12), st.just(9)]))
    one = st.tuples(
        st.sampled_from(["sales", "ops", None]), idea, st.integers(0, 12), started, deployed, adopted, closed
    )

    def moments(domain, idea, base, *delays) -> tuple:
        born = AS_OF - (base if idea is None else idea) * unit
        later = [None if delay is None or born + delay * unit > AS_OF else born + delay * unit for delay in delays]
        return domain, None if idea is None else born, *later

    size = draw(st.sampled_from([1, 5, 40]))
    return [moments(*drawn) for drawn in draw(st.lists(one, min_size=size // 2, max_size=size))]


@pytest.mark.slow
@settings(max_examples=examples(40), deadline=None)
@given(products=portfolios())
def test_every_step_and_figure_equals_statsmodels(models, products):
    built = build(models, products)
    received = {name: any(one[1 + MOMENTS.index(name)] is not None for one in products) for name in MOMENTS}
    for interval_id, (_, end) in INTERVALS.items():
        for domain in {"all"} | {owner for owner, *_ in products if owner}:
            check_interval(built, Interval(products, interval_id, domain, AS_OF), interval_id, domain, received[end])


def check_interval(built: Built, expected: Interval, interval_id: str, domain: str, is_received: bool) -> None:
    by_estimator = {e: built.figures(interval_id, domain, e) for e in ("incidence", "kaplan_meier", "completed_only")}
    drawn = built.curve(interval_id, domain)
    expect_counts(by_estimator, expected, is_received)
    if not len(expected.km) or not is_received:
        for row in by_estimator.values():
            expect_nothing(row, "no_products" if not len(expected.km) else row["reason"])
            assert row["reason"] in REASONS_WHY_NOTHING_IS_KNOWN
        assert drawn == []
        return
    times, survival, error = expected.kaplan_meier()
    aj_times, share, share_error, closed = expected.incidence()
    expect_figures(by_estimator["kaplan_meier"], times, survival, error, expected.km)
    expect_figures(by_estimator["incidence"], aj_times, 1 - share, share_error, expected.aj)
    expect_completed_only(by_estimator["completed_only"], expected.durations)
    expect_curve(drawn, expected, aj_times, share, share_error, closed)
    for step in built.steps(interval_id, domain):
        when = round(step["elapsed_days"] * DAY)
        found = [step[name] for name in ("km_survival", "km_variance", "share_observed", "share_closed")]
        found.append(step["share_observed_variance"])
        wanted = [at(times, survival, when, 1.0), at(times, error, when, 0.0) ** 2, at(aj_times, share, when, 0.0)]
        wanted += [at(aj_times, closed, when, 0.0), at(aj_times, share_error, when, 0.0) ** 2]
        assert found == pytest.approx(wanted, abs=1e-9)
        for exits, prefix in ((expected.km, "km_"), (expected.aj, "")):
            assert step[f"{prefix}at_risk_count"] == (exits[:, 0] >= when).sum()
            assert step[f"{prefix}observed_count"] == ((exits[:, 0] == when) & (exits[:, 1] == 1)).sum()


@pytest.mark.slow
@settings(max_examples=examples(20), deadline=None)
@given(products=portfolios())
def test_without_closings_incidence_is_one_minus_kaplan_meier(models, products):
    never_closed = [(*one[:-1], None) for one in products]
    built = build(models, never_closed)
    for step in built.survival_steps:
        assert step["share_observed"] == pytest.approx(1 - step["km_survival"], abs=1e-12)
        assert step["share_observed_variance"] == pytest.approx(step["km_variance"], abs=1e-12)
        assert step["at_risk_count"] == step["km_at_risk_count"]


def test_in_a_large_organisation_times_are_rounded_up_to_whole_hours(models):
    assert "> 100000" in models["risk_sets"]
    large = Compiled((name, sql.replace("> 100000", "> 0")) for name, sql in models.items())
    draw = np.random.default_rng(3)
    took, is_closed = draw.integers(1, 60 * 24 * 90, 80) / (60 * 24), draw.random(80) < 0.2

    def estimated(models: Compiled, days: np.ndarray) -> list:
        ways = np.where(is_closed, "closed_after", "took")
        products = [waiting(**{way: after}) for way, after in zip(ways, days, strict=True)]
        built = build(models, [*products, waiting(), waiting()])
        figures = [built.figures(estimator=estimator) for estimator in ("incidence", "kaplan_meier")]
        return [built.steps(), built.curve(), figures]

    exact, in_hours = estimated(models, took), estimated(large, took)
    assert in_hours == estimated(models, np.ceil(np.round(took * 24, 9)) / 24)
    assert in_hours != exact
    assert {round(step["elapsed_days"] * 24, 9) % 1 for step in in_hours[0]} == {0}


@pytest.mark.slow
def test_building_again_gives_the_same_bits(models):
    draw = np.random.default_rng(3)
    ages, took, closed = (draw.uniform(0, 900, 20_000), draw.exponential(300, 20_000), draw.exponential(700, 20_000))
    products = [
        waiting(t if t <= age else None, c if c <= age else None, age, domain=f"domain {i % 7}")
        for i, (age, t, c) in enumerate(zip(ages, took, closed, strict=True))
    ]
    prints = set()
    for threads in (1, 4, 4):
        with warehouse(models, products, threads) as db:
            prints |= set(
                db.execute("select sum(hash(steps)::hugeint) from curated.survival_steps as steps").fetchall()
            )
    assert len(prints) == 1
