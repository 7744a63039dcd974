"""Current pace, pace index and momentum in SQL, worked out by hand."""

from datetime import date

import duckdb
import jinja2
import numpy as np
import pytest
from oracles.pace import Product
from scipy import stats
from shaped import DAY, DBT_PROJECT, instant, paced, rows


def product(idea: float, adopted: float | None = None, closed: float | None = None, domain="sales") -> Product:
    """Moments in days before as_of."""
    moments = {"idea": idea, "adopted": adopted, "closed": closed}
    return Product(domain, **{name: instant(days) for name, days in moments.items() if days is not None})


def steps(products: list[Product]) -> list[tuple]:
    """(age in days, at risk, survival) of the window of as_of, for ideas to adoption."""
    query = """
        select elapsed_days, at_risk_count, survival from curated.pace_steps
        inner join curated.pace_series using (series_id)
        where interval_id = 'idea_to_adopted' and domain = 'all' and window_number = -1 order by 1
        """
    with paced(products, tables=["current_pace"]) as db:
        return db.execute(query).fetchall()


def test_momentum_needs_twenty_adopted_products():
    def momentum(adopted: int) -> tuple:
        # two ideas a month, adopted after 20 days, then 40, and so on by turns
        products = [product(900 - 15 * n, adopted=900 - 15 * n - 20 * (1 + n % 2)) for n in range(adopted)]
        with paced([*products, product(800)]) as db:
            query = (
                "select value, lower, upper, reason from authoritative.flywheel_scorecard where metric_id = 'momentum'"
            )
            return db.execute(query).fetchone()

    assert momentum(19) == (None, None, None, "not_enough_data")
    value, lower, upper, reason = momentum(40)
    assert lower < value < upper and reason is None


def test_the_points_of_student_s_t_are_within_a_ten_thousandth_from_ten_degrees_on():
    macros = jinja2.Environment().from_string((DBT_PROJECT / "macros" / "survival.sql").read_text()).module
    quantile = macros.student_t_975("df")
    found = duckdb.sql(f"select df, {quantile} as t from range(10, 400) as degrees (df)").fetchall()
    wrong = {df: t - stats.t.ppf(0.975, df) for df, t in found if abs(t - stats.t.ppf(0.975, df)) > 1e-4}
    assert wrong == {}


def test_a_product_carried_into_the_window_is_at_risk_from_its_age_then():
    carried_in, new, still_open = product(300, adopted=100), product(100, adopted=50), product(150)  # 120 old; 0; 0
    before = product(400, adopted=200)  # over before the window began
    assert steps([carried_in, new, still_open, before]) == [(50, 2, 0.5), (200, 1, 0)]
    assert steps([carried_in, still_open, product(280, adopted=140)]) == [(140, 3, pytest.approx(2 / 3)), (200, 1, 0)]


def test_who_starts_with_the_window_is_at_risk_from_age_0_and_who_started_a_moment_before_is_not():
    moment = 1 / DAY  # a microsecond
    with_it, before, at_once = product(180), product(180 + moment), product(90, adopted=90)
    assert steps([with_it, at_once]) == [(0, 2, 0.5)]
    assert steps([before, at_once]) == [(0, 1, 0)]
    # adopted as the window began: over, unless it began then too
    assert steps([product(200, adopted=180), product(180, adopted=180), at_once]) == [(0, 2, 0)]


def test_what_happens_as_a_month_ends_belongs_to_the_next_one():
    # as_of is the first of January: the ideas are of 1 November, and 31 days before as_of December began
    products = [product(61, adopted=31), product(61, adopted=31 + 1 / DAY), product(61)]
    with paced(products) as db:
        query = """
            select period_number, observed_count from curated.pace_indexes
            where domain = 'all' and interval_id = 'idea_to_adopted' order by 1
            """
        assert db.execute(query).fetchall() == [(0, 1), (1, 1), (2, 0)]
        query = """
            select numerator, denominator from authoritative.leading_metrics_monthly
            where metric_id = 'time_to_value' and domain = 'all' order by month_starting
            """
        assert db.execute(query).fetchall() == [(1, 3), (2, 3), (2, 3)]


def test_the_index_by_hand():
    # the first phase is October and November: of four ideas of 2 October one is adopted after 10 days, one after 20:
    # hazards 1/4 and 1/3. In December, the second phase, three of four new ideas are adopted after 15 days
    old = [product(91, adopted=81), product(91, adopted=71), product(91), product(91, closed=20)]
    new = [product(30, adopted=15)] * 3 + [product(30)]
    with paced(old + new, [("2025-12-01", "a change")], as_of="2026-01-06T00:00:01+00:00") as db:
        query = """
            select observed_count, expected_count from curated.pace_indexes
            where domain = 'all' and interval_id = 'idea_to_adopted' order by period_number
            """
        found = db.execute(query).fetchall()
    hazard = 1 / 4 + 1 / 3
    assert found == [
        (2, pytest.approx(1 / 4 + 3 * hazard)),  # one left after 10 days, three others grew older than 20
        (0, 0),  # older than anything ever seen: nothing more is expected
        (3, pytest.approx(3 * 1 / 4 + hazard)),
        (0, 0),
    ]


def test_a_median_needs_ten_observed_and_five_at_risk():
    def pace(products: list[Product]) -> dict:
        with paced(products, tables=["time_to_value"]) as db:
            query = "select * from authoritative.time_to_value where estimator = 'current_pace' and domain = 'all'"
            return next(row for row in rows(db, query) if row["interval_id"] == "idea_to_adopted")

    ten = [product(100, adopted=100 - day) for day in range(1, 11)]  # half of them after 5 days, 6 at risk there
    assert (pace(ten)["median_days"], pace(ten)["reason"]) == (5, None)
    assert (pace(ten[1:])["median_days"], pace(ten[1:])["reason"]) == (None, "not_enough_data")
    young = [product(1.5) for _ in range(20)]  # nobody of them is seen at the age of five days
    few = [product(100, adopted=99) for _ in range(9)] + [product(100, adopted=100 - day) for day in (5, 6, 7, 8)]
    assert (pace(few + young)["median_days"], pace(few + young)["reason"]) == (None, "not_enough_data")
    assert pace(ten + [product(100)] * 11)["reason"] == "not_reached"


def test_the_index_sees_a_doubling_of_speed_months_before_the_median():
    """40 ideas a month; half are adopted within 150 days, and from 2025 on, also of those waiting, within 75."""
    first, changed, draw = 1461, 365, np.random.default_rng(5)
    products = []
    for idea in np.linspace(first, 0, 1920, endpoint=False):
        took = draw.exponential(150 / np.log(2))
        slow = max(idea - changed, 0)  # the days it has at the old pace
        took = took if took <= slow else slow + (took - slow) / 2
        products.append(product(idea, idea - took if took <= idea else None))
    with paced(products, [("2025-01-01", "twice the speed")]) as db:
        query = """
            select month_starting, value, signal from authoritative.leading_metrics_monthly
            where metric_id = 'time_to_value' and domain = 'all' and is_complete order by 1
            """
        found = rows(db, query)
        [verdict] = rows(db, "from curated.series_verdicts where metric_id = 'time_to_value' and domain = 'all'")
    before = [row for row in found if row["month_starting"] < date(2025, 1, 1)]
    after = [row for row in found if row["month_starting"] >= date(2025, 1, 1)]
    assert before[-1]["value"] == pytest.approx(150, rel=0.15) and after[-1]["value"] == pytest.approx(75, rel=0.15)
    seen = next(number for number, row in enumerate(after) if row["signal"] == "better")
    shown = next(number for number, row in enumerate(after) if row["value"] <= 0.75 * 150)
    told = next(number for number, row in enumerate(after) if row["value"] <= 75 * 1.15)
    assert seen == 0 and shown >= 2 and told >= 4
    assert [row["signal"] for row in before].count("better") <= 1
    assert {row["signal"] for row in after} == {"better"}
    assert (verdict["verdict"], verdict["verdict_since"]) == ("improved", date(2025, 1, 1))


def test_nobody_is_expected_where_nobody_was_observed():
    with paced([product(60), product(50, closed=40), event_free("ops")]) as db:
        query = "select distinct expected_count, observed_count from curated.pace_indexes"
        assert db.execute(query).fetchall() == [(0, 0)]
        query = (
            "select distinct value, pace_index, reason from authoritative.leading_metrics_monthly where metric_id = $1"
        )
        assert db.execute(query, ["time_to_value"]).fetchall() == [(None, None, "no_adoption_events")]


def event_free(domain: str) -> Product:
    """An idea of as_of: no time yet in which anything could happen."""
    return product(0, domain=domain)
