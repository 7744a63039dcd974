"""Every North Star that one line of dbt_project.yml can choose, on the same hand-made programme."""

from datetime import date
from functools import partial

import pytest
import yaml
from shaped import event, publication_rules, rows, shaped

from dashboard.counted import COUNTED, rows_behind
from dashboard.rows import select

pytestmark = pytest.mark.slow  # each North Star has dbt parse the project again

AS_OF = "2026-01-20T00:00:00+00:00"  # December is complete; the events below are days before 1 January 2026
# three products of sales, used by others; October is days 92 to 61, November 61 to 31, December 31 to 0
EVENTS = [
    *[event("idea_logged", product, 120, domain="sales") for product in ("a", "b", "c")],
    event("adopted", "a", 90, consumer_domain="finance"),
    event("adopted", "a", 70, consumer_domain="finance"),  # 20 days later: not sustained yet
    event("adopted", "a", 50, consumer_domain="finance"),  # 40 days later, in November: sustained
    event("adopted", "a", 45, consumer_domain="risk"),
    event("adopted", "a", 20, consumer_domain="legal"),
    event("adopted", "b", 20, consumer_domain="risk"),
    event("adopted", "b", 10, consumer_domain="sales"),  # its own domain
]
OCTOBER, NOVEMBER, DECEMBER = date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1)


def north_star(setting: str, events=EVENTS) -> dict[date, dict]:
    """{month or quarter: row of north_star_monthly}; and everything else was built beside it and may be published."""
    with shaped(events, north_star=setting, as_of=AS_OF) as db:
        found = {row["month_starting"]: row for row in rows(db, "from authoritative.north_star_monthly")}
        broken = [name for name, sql in publication_rules(AS_OF, setting).items() if rows(db, sql)]
        scores = rows(db, "select metric_id, value from authoritative.flywheel_scorecard where flywheel_phase = 'I'")
        assert_listed_as_counted(db, setting, found)
    assert broken == []
    [metric_id] = {row["metric_id"] for row in found.values()}
    assert metric_id in {row["metric_id"] for row in scores}
    return found


def assert_listed_as_counted(db, setting: str, found: dict[date, dict]) -> None:
    """A metric's page lists as many rows behind each complete period as its number counts."""
    db.execute("create temp table paged as select data_product_id from curated.data_products")
    months, about = [found[month] for month in sorted(found)], {"timezone": "UTC", "k": 3, "days": 180}
    for at, month in enumerate(months):
        if month["is_complete"] and month["metric_id"] in COUNTED and month["value"] is not None:
            series = {month["metric_id"]: months[: at + 1]}
            [behind] = rows_behind(partial(select, db), series, about | yaml.safe_load(setting)).values()
            counted = sum(row["is_counted"] for row in behind)
            share = month["metric_id"] == "adopted_within_days"
            assert (counted / len(behind) if share else counted) == month["value"], (setting, month["month_starting"])


def values(found: dict[date, dict], *columns: str) -> list[tuple]:
    return [tuple(found[month][column] for column in columns) for month in (OCTOBER, NOVEMBER, DECEMBER)]


def test_cross_domain_adoptions_count_a_pair_once_in_its_first_month():
    found = north_star("{metric: cross_domain_adoptions, target: 4}")
    parts = "value", "first_adoptions_count", "expansion_adoptions_count", "adopting_domains_count", "target"
    assert values(found, *parts) == [(1, 1, 0, 1, 4), (1, 0, 1, 1, 4), (2, 1, 1, 2, 4)]
    assert found[date(2025, 9, 1)]["reason"] == "no_adoption_events" and found[date(2025, 9, 1)]["value"] is None


def test_sustained_adoptions_count_where_the_pair_is_seen_again_28_days_later():
    found = north_star("{metric: sustained_adoptions}")
    assert values(found, "value", "first_adoptions_count") == [(0, 0), (1, 1), (0, 0)]


def test_products_reach_their_kth_domain_once():
    found = north_star("{metric: products_reaching_k_domains, k: 2}")
    assert values(found, "value", "first_adoptions_count") == [(0, None), (1, None), (0, None)]
    assert {row["signal_reason"] for row in found.values()} == {"no_adoption_events", "too_few_points", "incomplete"}


def test_adopted_within_days_is_told_by_quarter_once_all_could_be_followed():
    found = north_star("{metric: adopted_within_days, days: 100}")
    # of three ideas of 3 September a is adopted after 30 days and b after 100
    [(quarter, row), *_] = sorted(found.items())
    assert (quarter, row["period"], row["value"]) == (date(2025, 7, 1), "quarter", pytest.approx(2 / 3))
    assert found[OCTOBER]["value"] is None and found[OCTOBER]["reason"] == "too_recent"
    # complete, and so archived, only 100 days and the allowance after the quarter's end
    assert (row["is_complete"], found[OCTOBER]["is_complete"]) == (True, False)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [("time_to_value_median", "overlapping_windows"), ("active_cross_domain_pairs", "stock")],
)
def test_a_stock_and_an_overlapping_window_get_no_limits(metric, reason):
    found = north_star(f"{{metric: {metric}}}")
    assert {(row["center"], row["signal"], row["signal_reason"]) for row in found.values()} == {(None, None, reason)}
    if reason == "stock":  # a-finance by the end of October; with a-risk in November; all four in December
        assert values(found, "value") == [(1,), (2,), (4,)]
    else:
        assert values(found, "value", "reason") == [(None, "not_enough_data")] * 3


def test_the_median_says_whether_too_few_got_there_or_fewer_than_half():
    """By 1 December 9 of 25 ideas had been adopted after 50 days, by 1 January 10."""
    ideas = [event("idea_logged", f"p{n}", 100, domain="sales") for n in range(24)]
    ideas.append(event("idea_logged", "p24", 80, domain="sales"))
    used = [event("adopted", f"p{n}", 50, consumer_domain="finance") for n in range(9)]
    used.append(event("adopted", "p24", 30, consumer_domain="finance"))
    found = north_star("{metric: time_to_value_median}", ideas + used)
    assert values(found, "value", "reason")[1:] == [(None, "not_enough_data"), (None, "not_reached")]
