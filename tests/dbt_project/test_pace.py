"""Current pace, pace index, cohorts and momentum in SQL against the same figures from the single products."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest
from oracles.pace import (
    INTERVALS,
    METRICS,
    NOT_RECEIVED,
    WINDOW,
    WINDOW_AS_OF,
    Product,
    Programme,
    expect_equal,
    slope_of,
)
from oracles.survival import Interval, expect_completed_only, expect_counts, expect_figures
from scipy import stats
from shaped import AS_OF, DAY, WHOLE_DAYS_ABOVE, compiled, instant, paced, rows
from statsmodels.duration.survfunc import SurvfuncRight

CHANGED_ON = date(2025, 3, 10)  # so the second phase begins in April


# --- Against single products, on anything -----------------------------------------------------------


def random_programme(draw: np.random.Generator, domain: str, as_of: int, edges: np.ndarray) -> list[Product]:
    """Products on a grid of days, weeks or microseconds; every kind of coincidence that windows have to get right."""
    unit = int(draw.choice([DAY, DAY, 7 * DAY, 1]))
    history = int(draw.choice([60, 150, 250, 500, 900])) * DAY
    usual = draw.choice([3.0, 40.0, 150.0, 400.0], 3) * DAY  # days to work, to deployed, from there to adopted
    closes = float(draw.choice([0, 0, 0.2, 0.6]))
    chance = draw.choice([0.5, 0.9, 1.0])

    def later(after: int | None, days: float) -> int | None:
        if after is None or draw.random() > chance:
            return None
        took = 0 if draw.random() < 0.08 else round(draw.exponential(days) / unit) * unit
        return after + took if after + took <= as_of else None

    def one() -> Product:
        idea = as_of - int(draw.integers(history // unit + 1)) * unit
        kind = draw.random()
        if kind < 0.06:
            idea = as_of - WINDOW + int(draw.choice([-1, 0, 1]))
        elif kind < 0.15:
            idea = int(min(draw.choice(edges) - draw.choice([0, WINDOW]) + draw.choice([-1, 0, 0, 1]), as_of))
        work = later(idea, usual[0])
        deployed = later(idea if draw.random() < 0.2 else work, usual[1])
        adopted = later(deployed if draw.random() < 0.9 else idea, usual[2])
        if adopted is not None and draw.random() < 0.15:
            adopted = int(edges[np.searchsorted(edges, adopted)])
            adopted = adopted if adopted <= as_of else None
        closed = later(idea, 2 * usual.mean()) if draw.random() < closes else None
        is_known = draw.random() < 0.95 or deployed is None
        return Product(domain, idea if is_known else None, work, deployed, adopted, closed)

    return [one() for _ in range(int(draw.choice([1, 4, 15, 30, 60])))]


BUILDS = {"utc": (500, AS_OF, "UTC"), "new_york": (60, "2025-12-17T09:30:00+00:00", "America/New_York")}


@pytest.fixture(scope="module", params=BUILDS)
def programmes(request) -> Iterator[tuple[duckdb.DuckDBPyConnection, Programme]]:
    """Random programmes of as many owning domains, built, and what should come out."""
    count, as_of, timezone = BUILDS[request.param]
    draw = np.random.default_rng(count)
    moment = round(datetime.fromisoformat(as_of).timestamp() * 1_000_000)
    zone = ZoneInfo(timezone)
    edges = np.array(
        [round(datetime(2023 + n // 12, n % 12 + 1, 1, tzinfo=zone).timestamp()) * 1_000_000 for n in range(6, 37)]
    )
    products = [one for n in range(count) for one in random_programme(draw, f"domain {n:03}", moment, edges)]
    with paced(products, [(str(CHANGED_ON), "a change")], as_of, timezone) as db:
        yield db, Programme(products, as_of, timezone, CHANGED_ON)


@pytest.mark.slow
def test_every_window_equals_the_single_products(programmes):
    db, expected = programmes
    names = list(next(iter(expected.windows.values())).figures())
    found = {
        (row["interval_id"], row["domain"], row["window_number"]): tuple(row[name] for name in names)
        for row in rows(db, "select * from curated.current_pace")
    }
    expect_equal(found, {key: tuple(window.figures().values()) for key, window in expected.windows.items()})


def test_the_oracle_equals_statsmodels(programmes):
    """Except that statsmodels counts nobody who enters at 0 among those at risk at 0: hence the entry at -1."""
    _, expected = programmes
    for (*_, number), window in expected.windows.items():
        if number == WINDOW_AS_OF and (window.status == 1).any():
            fit = SurvfuncRight(window.exit, (window.status == 1).astype(int), entry=window.entry)
            ages, at_risk, survival, error = window.survival
            assert (fit.surv_times == ages).all() and (fit.n_risk == at_risk).all()
            assert np.allclose(fit.surv_prob, survival, rtol=0, atol=1e-12)
            inside = survival > 1e-9
            assert np.allclose(fit.surv_prob_se[inside], error[inside], rtol=0, atol=1e-12)


def paces(products: list[Product], whole_days_above: int) -> dict[tuple, tuple]:
    """current_pace, in an organisation that is large above so many data products."""
    with paced(products, tables=["current_pace"], whole_days_above=whole_days_above) as db:
        query = "select count(*), count(case when at_risk_count < observed_count then 1 end) from curated.pace_steps"
        count, impossible = db.execute(query).fetchone()
        assert count > 1000 and impossible == 0
        found = db.execute("select * from curated.current_pace").fetchall()
    return {row[:3]: row[3:] for row in found}  # interval, domain, window


def test_in_a_large_organisation_whole_days_change_nothing_that_happens_in_whole_days():
    draw, as_of = np.random.default_rng(8), instant(0)
    edges = np.array([as_of - days * DAY for days in (365, 181, 180, 92, 61, 31, 0)])
    drawn = [one for n in range(20) for one in random_programme(draw, f"domain {n:03}", as_of, edges)]
    whole = [
        Product(one.domain, *(moment and moment // DAY * DAY for moment in vars(one).values() if moment != one.domain))
        for one in drawn
    ]
    assert f"> {WHOLE_DAYS_ABOVE}" in compiled()["pace_exposures"].sql
    expect_equal(paces(whole, whole_days_above=0), paces(whole, whole_days_above=WHOLE_DAYS_ABOVE))
    assert paces(drawn, whole_days_above=0)  # at any other time nobody leaves before coming in


def test_the_published_current_pace_is_that_of_the_trailing_180_days(programmes):
    db, expected = programmes
    published = rows(db, "select * from authoritative.time_to_value where estimator = 'current_pace'")
    assert {(row["interval_id"], row["domain"]) for row in published} == {
        (name, domain) for name in INTERVALS for domain in expected.domains
    }
    for row in published:
        window = expected.windows.get((row["interval_id"], row["domain"], WINDOW_AS_OF))
        assert row["cohort"] == "all"
        if window is None:
            assert (row["product_count"], row["observed_count"], row["open_count"], row["closed_count"]) == (0, 0, 0, 0)
            assert row["reason"] == "no_products" and row["median_days"] is None and row["share_by_day_30"] is None
            continue
        wanted = window.figures()
        wanted |= {"open_count": (window.status == 0).sum(), "closed_count": (window.status == 2).sum()}
        del wanted["median_at_risk_count"]
        reason = "not_reached" if wanted["median_days"] is None else None
        reason = reason or ("p85_not_reached" if wanted["p85_days"] is None else None)
        if not window.is_enough:
            wanted |= {"median_days": None, "median_lower_days": None, "median_upper_days": None}
            # few at risk at young ages can take the whole curve to 0: nothing of it is told
            wanted |= dict.fromkeys(("p85_days", *(name for name in wanted if name.startswith("share_by_day"))))
        assert row["reason"] == (reason if window.is_enough else "not_enough_data")
        expect_equal({(): tuple(row[name] for name in wanted)}, {(): tuple(wanted.values())})


@pytest.mark.slow
def test_the_monthly_pace_is_that_of_the_180_days_before_each_month_s_end(programmes):
    db, expected = programmes
    wanted, reasons = {}, {}
    for metric_id, name in METRICS.items():
        for (domain, number), (reason, figures) in expected.monthly(name).items():
            key = metric_id, domain, expected.months[number]
            counts = [figures[f"{of}_count"] for of in ("observed", "product")]
            counts = [count if reason is None or count > 0 else None for count in counts]
            observed, hazard = expected.indexes[name].get((domain, number), (0, 0))
            is_known = reason not in NOT_RECEIVED.values()
            index = observed / hazard if is_known and hazard >= 1 else None
            value = figures["median_days"] if reason is None else None
            reasons[key], wanted[key] = reason, (value, *counts, index, expected.is_complete[number])
    found = {
        (row["metric_id"], row["domain"], row["month_starting"]): row
        for row in rows(db, "select * from authoritative.leading_metrics_monthly")
        if row["metric_id"] in METRICS and row["domain"] != "users"
    }
    names = ("value", "numerator", "denominator", "pace_index", "is_complete")
    expect_equal({key: tuple(row[name] for name in names) for key, row in found.items()}, wanted)
    assert {key: row["reason"] for key, row in found.items()} == reasons
    assert set(reasons.values()) >= {None, "not_enough_data", "not_reached", "no_products"}


def test_the_pace_index_expects_what_the_first_phase_would_have_brought(programmes):
    db, expected = programmes
    found = rows(db, "select * from curated.pace_indexes")
    for name in METRICS.values():
        its = {
            (row["domain"], row["period_number"]): (row["observed_count"], row["expected_count"])
            for row in found
            if row["interval_id"] == name
        }
        expect_equal(its, expected.indexes[name])


def test_over_its_baseline_the_index_expects_what_was_observed(programmes):
    db, expected = programmes
    query = f"""
        select interval_id, sum(observed_count) as observed, sum(expected_count) as expected
        from curated.pace_indexes where domain = 'all' and period_number < {expected.baseline_months} group by 1
        """
    found = rows(db, query)
    assert {row["interval_id"] for row in found} == set(METRICS.values())
    for row in found:
        assert row["observed"] > 100
        assert row["expected"] == pytest.approx(row["observed"], abs=1e-9)


def test_the_domains_parts_of_the_index_sum_to_everyone_s(programmes):
    db, _ = programmes
    query = """
        select interval_id, period_number, domain = 'all' as is_all, sum(observed_count), sum(expected_count)
        from curated.pace_indexes group by all
        """
    found: dict[bool, dict] = {True: {}, False: {}}
    for name, number, is_all, *sums in db.execute(query).fetchall():
        found[is_all][name, number] = sums
    expect_equal(found[False], found[True])


def test_quarter_cohorts_equal_statsmodels(programmes):
    db, expected = programmes
    published: dict[tuple, dict[str, dict]] = {}
    for row in rows(db, "select * from authoritative.time_to_value where cohort <> 'all'"):
        published.setdefault((row["interval_id"], row["domain"], row["cohort"]), {})[row["estimator"]] = row
    cohorts: dict[tuple, list[tuple]] = {}
    for one in expected.products:
        for name, (start, _) in INTERVALS.items():
            if getattr(one, start) is not None:
                month = expected.month_of(getattr(one, start))
                cohort = f"{month.year}-Q{(month.month + 2) // 3}"
                at = (one.idea, one.work, one.deployed, one.adopted, one.closed)
                for domain in ("all", one.domain):
                    cohorts.setdefault((name, domain, cohort), []).append((one.domain, *at))
    assert published.keys() == cohorts.keys()
    for (name, domain, cohort), members in cohorts.items():
        if domain not in expected.domains[1::5]:  # the oracle's sums are slow
            continue
        of, its = Interval(members, name, "all", expected.as_of), published[name, domain, cohort]
        expect_counts(its, of, is_received=True)
        if not len(of.km):
            assert {row["reason"] for row in its.values()} == {"no_products"}
            continue
        times, survival, error = of.kaplan_meier()
        expect_figures(its["kaplan_meier"], times, survival, error, of.km)
        times, share, error, _ = of.incidence()
        expect_figures(its["incidence"], times, 1 - share, error, of.aj)
        expect_completed_only(its["completed_only"], of.durations)


def test_momentum_is_a_weighted_regression_of_the_pace_index(programmes):
    db, expected = programmes
    found = {row["metric_id"]: row for row in rows(db, "select * from curated.momentum")}
    x, y, weights, before = [], [], [], 0
    index = expected.indexes["idea_to_adopted"]
    for number in range(len(expected.months)):
        observed, hazard = index.get(("all", number), (0, 0.0))
        if before >= 1 and observed > 0 and hazard >= 1 and expected.is_complete[number]:
            x.append(np.log(before))
            y.append(-np.log(observed / hazard))
            weights.append(observed)
        before += observed
    expect_momentum(found["momentum"], x, y, weights)
    done = [
        (one.adopted, number, one.adopted - one.idea)
        for number, one in enumerate(expected.products)
        if one.idea is not None and one.adopted is not None and one.idea <= one.adopted <= (one.closed or one.adopted)
    ]
    days = [(rank, took / DAY) for rank, (*_, took) in enumerate(sorted(done), 1) if took > 0]
    rank, took = np.log(np.array(days)).T
    expect_momentum(found["momentum_completed_only"], rank, took, np.ones(len(rank)))


def expect_momentum(row: dict, x, y, weights) -> None:
    assert row["point_count"] == len(x)
    assert (row["slope"], row["standard_error"]) == pytest.approx(slope_of(x, y, weights), abs=1e-9)


def test_momentum_is_published_by_doublings_with_its_interval(programmes):
    db, _ = programmes
    found = {row["metric_id"]: row for row in rows(db, "select * from curated.momentum")}
    published = {row["metric_id"]: row for row in rows(db, "select * from authoritative.flywheel_scorecard")}
    for metric_id, row in found.items():
        quantile = stats.t.ppf(0.975, row["point_count"] - 2)
        for name, away in (("value", 0), ("lower", -quantile), ("upper", quantile)):
            wanted = 100 * (2 ** (row["slope"] + away * row["standard_error"]) - 1)
            assert published[metric_id][name] == pytest.approx(wanted, abs=1e-9 if name == "value" else 0.01)
    momentum = published["momentum"]
    is_clear = "improving" if momentum["upper"] < 0 else "worsening" if momentum["lower"] > 0 else "no_change"
    assert momentum["verdict"] == is_clear
    assert published["momentum_completed_only"]["verdict"] == "not_enough_data"  # shown beside it, never judged
