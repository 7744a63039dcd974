"""The belt: what data products carry for which initiative, quick wins, and how long adoptions last.

The compiled models on made-up events and declared rows; medians and survival against statsmodels.
"""

from collections import Counter
from datetime import date

import numpy as np
import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.survival import Interval, at, band, first_at_most
from shaped import DAY, event, instant, publication_rules, rows, shaped
from statsmodels.duration.survfunc import SurvfuncRight

AS_OF = instant(0)
TABLES = ("purpose", "belt_slips", "quick_wins", "adoption_survival", "data_quality_issues")
TODAY = date(2026, 1, 1)
HALVES = [
    event("idea_logged", "orders", 300, domain="x", initiative="I"),
    event("adopted", "orders", 260, consumer_domain="y"),
    event("adopted", "orders", 30, consumer_domain="y"),
    event("idea_logged", "leads", 290, domain="x", initiative="I"),
    event("adopted", "leads", 200, consumer_domain="y"),
    event("deployed", "bills", 50, initiative="I"),
    event("idea_logged", "bills", 100, domain="x", initiative="old"),
    event("idea_logged", "gone", 200, domain="x", initiative="I"),
    event("adopted", "gone", 190, consumer_domain="z"),
    event("adopted", "gone", 20, consumer_domain="z"),
    event("retired", "gone", 10),
    event("idea_logged", "both", 80, domain="x", initiative="I"),
    event("idea_logged", "linked", 70, domain="x", initiative="I"),
    event("idea_logged", "alone", 60, domain="x"),
    event("idea_logged", "free", 50, domain="x"),
    event("adopted", "free", 40, consumer_domain="y"),
]
DECLARED = {
    "initiatives": [
        {"initiative_id": "J", "title": "Jam", "started_on": date(2025, 12, 1), "kpi": "jars", "kpi_target": 9.0},
        {"initiative_id": "later", "started_on": date(2026, 1, 2)},
    ],
    "initiative_kpis": [
        {"initiative_id": "J", "measured_on": day, "value": value}
        for day, value in ((date(2025, 11, 30), 5.0), (date(2025, 12, 31), 7.0), (date(2026, 1, 2), 9.0))
    ],
    "initiative_products": [
        {"initiative_id": initiative, "data_product_id": product}
        for initiative, product in (("J", "both"), ("I", "both"), ("J", "linked"), ("J", "nowhere"), ("K", "alone"))
    ],
}
COUNTS = ("product", "further_product", "ideas", "deployed", "adopted", "in_use", "consuming_domains")


def belt_tables(events: list[dict], declared: dict[str, list[dict]] | None = None):
    """A warehouse in which the tables of the belt, and all they need, are built."""
    return shaped(events, tables=TABLES, declared=declared)


def counts(belt: list[dict]) -> dict[str, tuple]:
    return {row["initiative_id"]: tuple(row[f"{name}_count"] for name in COUNTS) for row in belt}


# --- Worked out by hand -----------------------------------------------------------------------------


def test_each_product_counts_in_the_initiative_that_it_serves_most():
    with belt_tables(HALVES, DECLARED) as db:
        belt = rows(db, "from authoritative.belt_initiatives")
        slips = rows(db, "select kind, id, title, domain, age_days, age_reason from authoritative.belt_slips")
    assert counts(belt) == {
        "I": (5, 0, 5, 1, 3, 1, 2),
        "J": (1, 1, 1, 0, 0, 0, 0),
        "later": (0, 0, 0, 0, 0, 0, 0),
        "none": (2, 0, 2, 0, 1, 1, 1),
    }
    assert {row["use_basis"] for row in belt} == {"last_90_days"}
    assert sorted(tuple(row.values()) for row in slips) == [
        ("adopted_without_initiative", "free", None, "x", 40.0, None),
        ("initiative_without_use", "J", "Jam", None, 31.0, None),
        ("open_idea_without_initiative", "alone", None, "x", 60.0, None),
    ]
    found = {row["initiative_id"]: row for row in belt}
    kpi = ("kpi", "kpi_target", "kpi_value", "kpi_measured_on", "kpi_reason")
    assert [found["J"][name] for name in kpi] == ["jars", 9.0, 7.0, date(2025, 12, 31), None]
    assert [found["later"][name] for name in kpi] == [None, None, None, None, "not_declared"]
    assert [row["is_declared"] for row in (found["I"], found["J"], found["none"])] == [False, True, False]


def test_an_idea_counts_in_its_month_with_what_it_serves():
    """June's idea serves none; July's is declared, August's events name one; the first of them makes 0 known."""
    sent = [event("idea_logged", name, days_before(date(2025, month, 9)), domain="x") for month, name in IDEAS]
    later = event("deployed", "named", 30, initiative="I")
    with shaped([*sent, later], tables=("leading_metrics_monthly", "belt_initiatives"), declared=LINKED) as db:
        found = rows(
            db,
            "select month(month_starting), numerator, denominator, reason from authoritative.leading_metrics_monthly"
            " where metric_id = 'initiative_share' and domain = 'all' order by month_starting",
        )
        [(belt, everything)] = db.execute(
            "select sum(ideas_count) filter (initiative_id <> 'none'), sum(ideas_count)"
            " from authoritative.belt_initiatives"
        ).fetchall()
    assert [tuple(row.values()) for row in found][:5] == [
        (6, None, 1, "no_initiatives"),
        (7, 1, 2, None),
        (8, 1, 1, None),
        (9, 0, 1, None),
        (10, None, None, "no_ideas"),
    ]
    assert (belt, everything) == (2, 5)


IDEAS = ((6, "early"), (7, "linked"), (7, "free"), (8, "named"), (9, "late"))
LINKED = {
    "initiatives": [{"initiative_id": "J"}],
    "initiative_products": [{"initiative_id": "J", "data_product_id": "linked"}],
}


def test_one_use_is_enough_where_nobody_sends_more():
    once = [row for row in HALVES if row["event_type"] != "adopted" or row["occurred_at"] < instant(35)]
    with belt_tables(once, DECLARED) as db:
        belt = rows(db, "from authoritative.belt_initiatives")
    assert counts(belt)["I"] == (5, 0, 5, 1, 3, 2, 2)  # `gone` is closed
    assert {row["use_basis"] for row in belt} == {"ever"}


def test_where_nothing_is_declared_and_no_event_names_an_initiative_nothing_is_invented():
    plain = [row | {"initiative": None} for row in HALVES]
    with belt_tables(plain) as db:
        [belt] = rows(db, "from authoritative.belt_initiatives")
        slips = rows(db, "from authoritative.belt_slips")
        quick = rows(db, "from authoritative.quick_wins")
        [purpose] = rows(db, "from authoritative.purpose")
        issues = rows(db, "from curated.data_quality_issues where rule_id like 'initiative%'")
    assert (belt["initiative_id"], belt["reason"], belt["product_count"]) == ("none", "no_initiatives", 8)
    assert slips == issues == []
    assert {row["reason"] for row in quick} == {"no_adoption_events", "no_initiatives"}
    assert {(row["aligned_count"], row["quick_wins_count"], row["quick_wins_share"]) for row in quick} == {(None,) * 3}
    assert (purpose["statement_reason"], purpose["outcome_reason"]) == ("not_declared", "not_declared")


def test_what_was_never_sent_is_not_zero():
    with belt_tables([event("contract_activated", "orders", 9, domain="x", initiative="I")]) as db:
        found = {row["initiative_id"]: row for row in rows(db, "from authoritative.belt_initiatives")}
        slips = rows(db, "from authoritative.belt_slips")
        lives = rows(db, "from authoritative.adoption_survival")
    assert counts([found["I"]])["I"] == (1, 0, None, None, None, None, None)
    reasons = ("ideas_reason", "deployed_reason", "use_reason", "median_reason")
    assert [found["I"][name] for name in reasons] == [
        "no_idea_events",
        "no_deployment_events",
        "no_adoption_events",
        "no_adoption_events",
    ]
    assert slips == []
    assert {(row["reason"], row["adoption_count"], row["share_in_use"]) for row in lives} == {
        ("no_adoption_events", None, None)
    }


def days_before(day: date) -> int:
    return (TODAY - day).days


def used(product: str, idea: date, *uses: date, initiative=None) -> list[dict]:
    first = event("idea_logged", product, days_before(idea), domain="x", initiative=initiative)
    return [first, *(event("adopted", product, days_before(day), consumer_domain="y") for day in uses)]


def test_a_quick_win_is_soon_serves_an_initiative_and_lasts():
    sent = [
        *used("win", date(2025, 1, 5), date(2025, 2, 1), date(2025, 5, 10), initiative="I"),
        *used("slow", date(2024, 6, 1), date(2025, 2, 1), date(2025, 5, 10), initiative="I"),
        *used("serves none", date(2025, 1, 5), date(2025, 2, 1), date(2025, 5, 10)),
        *used("89 days", date(2025, 1, 5), date(2025, 3, 1), date(2025, 5, 29), initiative="I"),
        *used("180 days", date(2025, 1, 5), date(2025, 4, 5), date(2025, 10, 2), initiative="I"),
        *used("181 days", date(2025, 4, 1), date(2025, 4, 5), date(2025, 10, 3), initiative="I"),
        *used("too young", date(2025, 8, 1), date(2025, 8, 2), initiative="I"),
    ]
    with belt_tables(sent) as db:
        found = {row.pop("month_starting"): tuple(row.values()) for row in rows(db, "from authoritative.quick_wins")}
    none_sent = (False, None, None, None, None, None, "no_adoption_events")
    assert found == {
        date(2024, 4, 1): (True, *none_sent[1:]),
        date(2024, 7, 1): (True, *none_sent[1:]),
        date(2024, 10, 1): (True, *none_sent[1:]),
        date(2025, 1, 1): (True, 4, 3, 2, 1, 0.25, None),
        date(2025, 4, 1): (False, 2, 2, 2, 1, 0.5, None),  # followed, and events may still be late
        date(2025, 7, 1): (False, 1, 1, 1, None, None, "too_recent"),
        date(2025, 10, 1): (False, 0, 0, 0, None, None, "too_recent"),
        date(2026, 1, 1): (False, 0, 0, 0, None, None, "too_recent"),
    }


def test_an_adoption_ends_90_days_after_its_last_use():
    """10 of 20 are used once and end at 90 days, 5 once more after 100 days and end at 190, 5 are still in use."""
    sent = [event("idea_logged", f"p{number}", 800, domain="x") for number in range(20)]
    for number in range(20):
        again = [] if number < 10 else [600] if number < 15 else [600, 400, 200, 5]
        for days in [700, *again]:
            sent.append(event("adopted", f"p{number}", days, consumer_domain="y"))
    with belt_tables(sent) as db:
        found = rows(db, "from authoritative.adoption_survival order by day")
    assert [(r["day"], r["followed_count"], r["ended_count"], r["share_in_use"], r["reason"]) for r in found] == [
        (90, 20, 10, 0.5, None),
        (180, 20, 10, 0.5, None),
        (365, 20, 15, 0.25, None),
    ]
    assert found[0]["lower"] < 0.5 < found[0]["upper"]


# --- On anything, against statsmodels ---------------------------------------------------------------


NAMES = st.sampled_from([None, "a", "b", "c"])


@st.composite
def programmes(draw) -> tuple[list[dict], dict]:
    """(products as their moments in days before as_of, declared tables); a third of the products come late or never."""
    size = draw(st.sampled_from([3, 30]))
    step = st.none() | st.integers(0, 12)
    one = st.fixed_dictionaries(
        {
            "idea": st.integers(1, 12) | st.none(),
            "deployed": step,
            "uses": st.lists(st.integers(0, 12), max_size=3),
            "closed": st.sampled_from([None, None, None, 0, 2, 6]),
            "initiative": NAMES,
            "named_later": NAMES,
        }
    )
    products = draw(st.lists(one, min_size=size, max_size=size))
    ids = st.sampled_from([*(f"p{number}" for number in range(size)), "unknown"])
    links = draw(st.sets(st.tuples(st.sampled_from("abcd"), ids), max_size=size))
    known = draw(st.sets(st.sampled_from("ab")))
    declared = {
        "initiatives": [{"initiative_id": name, "started_on": date(2025, 1, ord(name) - 96)} for name in known],
        "initiative_products": [{"initiative_id": name, "data_product_id": product} for name, product in sorted(links)],
    }
    return products, declared


def events_of(products: list[dict]) -> list[dict]:
    sent = []
    for number, about in enumerate(products):
        name = f"p{number}"
        sent.append(event("contract_activated", name, 1000, domain="x", initiative=about["initiative"]))
        sent.append(event("contract_activated", name, 999, initiative=about["named_later"]))
        for kind in ("idea", "deployed", "closed"):
            if about[kind] is not None:
                kind_sent = {"idea": "idea_logged", "closed": "retired"}.get(kind, kind)
                sent.append(event(kind_sent, name, 30 * about[kind]))
        sent += [event("adopted", name, 30 * days, consumer_domain="y") for days in about["uses"]]
    return sent


def main_initiative(name: str, about: dict, declared: dict) -> str:
    """By the rules of docs/metrics.md, without a table."""
    by_events = about["named_later"] or about["initiative"]
    return chosen(name, by_events, declared) or by_events or "none"


def chosen(name: str, by_events: str | None, declared: dict) -> str | None:
    starts = {row["initiative_id"]: row["started_on"] for row in declared["initiatives"]}
    links = {r["initiative_id"] for r in declared["initiative_products"] if r["data_product_id"] == name}
    links &= starts.keys() | declared["named"]
    order = sorted(links, key=lambda link: (link != by_events, starts.get(link, date.max), link))
    return order[0] if order else None


@pytest.mark.slow
@settings(max_examples=examples(8), deadline=None)
@given(programme=programmes())
def test_initiatives_and_none_are_all_data_products(programme):
    products, declared = programme
    declared = declared | {"named": {p["named_later"] or p["initiative"] for p in products} - {None}}
    with belt_tables(events_of(products), {k: v for k, v in declared.items() if k != "named"}) as db:
        belt = {row["initiative_id"]: row for row in rows(db, "from authoritative.belt_initiatives")}
        assert rows(db, publication_rules()["initiatives_and_none_are_all"]) == []
        lives = rows(db, "from authoritative.adoption_survival order by day")
    mains = {f"p{n}": main_initiative(f"p{n}", about, declared) for n, about in enumerate(products)}
    expected = Counter(mains.values())
    assert {name: row["product_count"] for name, row in belt.items() if row["product_count"]} == expected
    assert sum(row["product_count"] for row in belt.values()) == len(products)
    for name, row in belt.items():
        members = [about for n, about in enumerate(products) if mains[f"p{n}"] == name]
        assert row["ideas_count"] in (None, sum(about["idea"] is not None for about in members))
        assert row["adopted_count"] in (None, sum(bool(about["uses"]) for about in members))
        if row["adopted_count"] is not None:
            check_median(row, members)
    check_lives(lives, [about["uses"] for about in products if about["uses"]])


def moment(days: int | None) -> int | None:
    return None if days is None else instant(30 * days)


def check_median(row: dict, members: list[dict]) -> None:
    moments = [
        ("x", moment(m["idea"]), None, moment(m["deployed"]), moment(max(m["uses"], default=None)), moment(m["closed"]))
        for m in members
    ]
    expected = Interval(moments, "idea_to_adopted", "all", AS_OF)
    if not len(expected.aj):
        assert row["median_reason"] in ("no_products", "no_idea_events")
        return
    times, share, error, _ = expected.incidence()
    observed = int((expected.aj[:, 1] == 1).sum())
    median = first_at_most(times, 1 - share, 0.5)
    at_risk = 5 if median is None else int((expected.aj[:, 0] >= round(median * DAY)).sum())
    assert row["observed_count"] == observed
    if observed < 10 or at_risk < 5:
        assert (row["median_days"], row["median_reason"]) == (None, "not_enough_data")
        return
    lower, upper = band(1 - share, error)
    assert row["median_days"] == pytest.approx(median, abs=1e-9)
    assert row["median_lower_days"] == pytest.approx(first_at_most(times, lower, 0.5), abs=1e-9)
    assert row["median_upper_days"] == pytest.approx(first_at_most(times, upper, 0.5), abs=1e-9)
    assert row["median_reason"] == (None if median is not None else "not_reached")


def check_lives(found: list[dict], uses: list[list[int]]) -> None:
    ages = np.array([[30 * max(days), 30 * min(days)] for days in uses]).reshape(-1, 2)
    has_repeats = bool(len(ages)) and any(first - last >= 28 for first, last in ages)
    is_ended = ages[:, 1] >= 90
    lasted = np.where(is_ended, ages[:, 0] - ages[:, 1] + 90, ages[:, 0])
    for row in found:
        followed = int((ages[:, 0] >= row["day"]).sum())
        if not has_repeats or len(ages) < 10 or followed < 10:
            assert row["share_in_use"] is None and row["reason"] is not None
            continue
        fit = SurvfuncRight(lasted, is_ended.astype(int)) if is_ended.any() else None
        share = at(fit.surv_times, fit.surv_prob, row["day"], 1.0) if fit else 1.0
        assert row["share_in_use"] == pytest.approx(share, abs=1e-9)
        if fit and 0 < share < 1:
            error = np.array([at(fit.surv_times, fit.surv_prob_se, row["day"], 0.0)])
            lower, upper = band(np.array([share]), error)
            assert (row["lower"], row["upper"]) == pytest.approx((lower[0], upper[0]), abs=1e-9)
        assert (row["followed_count"], row["adoption_count"]) == (followed, len(ages))
