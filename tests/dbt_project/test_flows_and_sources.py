"""Who gives to whom, and which source of events has stopped: the served tables on made-up events, by hand and in
plain Python."""

import random
from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from oracles.lives import DAY, Organisation, some_events
from shaped import event, instant, rows, shaped

NOW = instant(0)


# --- Flows -------------------------------------------------------------------------------------------


def flows(events: list[dict]) -> tuple[dict[tuple, tuple], dict[str, tuple]]:
    """({(owner, consumer): (in 12 months, ever)}, {domain: (gave, took)})."""
    with shaped(events, tables=["domain_scorecard"]) as db:
        pairs = rows(db, "from authoritative.adoption_flows")
        domains = rows(db, "from authoritative.domain_scorecard")
    return (
        {(p["owner_domain"], p["consumer_domain"]): (p["adoption_count"], p["total_adoption_count"]) for p in pairs},
        {row["domain"]: (row["gave_count"], row["took_count"]) for row in domains},
    )


def test_a_flow_is_the_adoptions_of_one_domains_data_products_by_another():
    events = [
        event("idea_logged", "orders", 800, domain="sales"),
        event("idea_logged", "leads", 800, domain="sales"),
        event("idea_logged", "nobody's", 800),
        event("adopted", "orders", 500, consumer_domain="ops"),  # before the last 12 complete months
        event("adopted", "orders", 400, consumer_domain="finance"),
        event("adopted", "orders", 200, consumer_domain="finance"),  # again: one adoption, of its first day
        event("adopted", "leads", 300, consumer_domain="finance"),
        event("owner_changed", "leads", 290, domain="risk"),
        event("adopted", "leads", 200, consumer_domain="sales"),  # the former owner's use
        event("adopted", "leads", 100, consumer_domain="risk"),  # its own
        event("adopted", "leads", 5, consumer_domain="ops"),  # December 2025 is not complete on 1 January
        event("adopted", "nobody's", 100, consumer_domain="ops"),
    ]
    pairs, domains = flows(events)
    assert pairs == {
        ("sales", "ops"): (0, 1),
        ("sales", "finance"): (1, 2),
        ("risk", "sales"): (1, 1),
        ("risk", "ops"): (0, 1),
    }
    assert domains == {"sales": (1, 1), "finance": (0, 1), "risk": (1, 0), "ops": (0, 0)}


def test_without_any_adoption_there_is_no_flow_and_what_was_given_is_unknown():
    assert flows([event("deployed", "orders", 100, domain="sales")]) == ({}, {"sales": (None, None)})


@pytest.mark.parametrize("seed", [1, 2])
def test_flows_are_what_plain_python_counts(seed):
    events = some_events(seed, NOW)
    pairs: dict[tuple, list[int]] = defaultdict(list)
    for life in Organisation(events, NOW).lives.values():
        for consumer, used in life.uses.items():
            pairs[life.owner_at(used[0]), consumer].append(used[0])
    first_month, incomplete = instant(31 + 365), instant(31)  # 1 December 2024, 1 December 2025
    found, domains = flows(events)
    assert found == {
        pair: (sum(first_month <= at < incomplete for at in used), len(used)) for pair, used in pairs.items()
    }
    for position, column in enumerate(("gave", "took")):
        totals = Counter()
        for pair, (lately, _) in found.items():
            totals[pair[position]] += lately
        assert {domain: counts[position] for domain, counts in domains.items()} == {
            domain: totals[domain] for domain in domains
        }, column


# --- Sources -----------------------------------------------------------------------------------------


def activity(sources: dict[str, list[float]], *others: dict) -> dict[str, dict]:
    """{source: its row} where each source sent events so many days ago."""
    sent = [event("deployed", "orders", age, source=source) for source, ages in sources.items() for age in ages]
    with shaped([*sent, *others], tables=["source_activity"]) as db:
        return {row["source"]: row for row in rows(db, "from authoritative.source_activity")}


def weekly(last: float, count: int = 20) -> list[float]:
    return [last + 7 * number for number in range(count)]


SOURCES = {
    # source: (ages of its events in days, longest gap, is it silent)
    "regular": (weekly(3), 7, False),
    "stopped": (weekly(31), 7, True),
    "stopped 30 days ago": (weekly(30), 7, False),
    "seldom": ([40 + 45 * n for n in range(12)], 45, False),  # its gaps are longer
    "seldom, stopped": ([45.5 + 45 * n for n in range(12)], 45, True),
    "as long as ever": ([45 + 45 * n for n in range(12)], 45, False),
    "once paused for a year": ([*weekly(40, 10), *weekly(480, 10)], 377, False),
    "that is 366 days ago": ([*weekly(40, 54), *weekly(1000)], 7, True),  # the gap ended over a year before its last
    "loaded once": ([100 + n / 1e6 for n in range(12)], None, True),  # no gap, and silent since
    "nine events": (weekly(300, 9), 7, None),
    "ten events": (weekly(300, 10), 7, True),
    "one event": ([500], None, None),
}


def test_a_source_is_silent_after_longer_than_its_longest_gap_and_30_days():
    found = activity({name: ages for name, (ages, _, _) in SOURCES.items()})
    assert {name: (row["longest_gap_days"], row["is_silent"]) for name, row in found.items()} == {
        name: (gap and pytest.approx(gap), is_silent) for name, (_, gap, is_silent) in SOURCES.items()
    }
    assert {name for name, row in found.items() if row["silent_reason"] == "too_few_events"} == {
        "nine events",
        "one event",
    }
    [row] = [row for name, row in found.items() if name == "stopped"]
    assert (row["event_count"], row["days_silent"]) == (20, 31)
    assert row["first_event_at"].timestamp() * 1_000_000 == instant(31 + 19 * 7)
    assert row["last_event_at"].timestamp() * 1_000_000 == instant(31)


def test_only_events_that_count_by_the_analysis_date_are_activity():
    """What was retracted, replaced or recorded after known_at never came; what is dated later has not come yet."""
    others = [
        event("deployed", "orders", age, source="stopped", version_status=status)
        for age, status in ((1, "not_yet_known"), (2, "retracted"), (3, "superseded"), (-5, "current"))
    ]
    found = activity(
        {"stopped": weekly(60)}, *others, event("deployed", "p", 1, source="never", version_status="retracted")
    )
    assert {name: (row["event_count"], row["days_silent"], row["is_silent"]) for name, row in found.items()} == {
        "stopped": (20, 60, True)
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_the_longest_gap_is_what_plain_python_finds(seed):
    chance = random.Random(seed)
    sources = {
        f"source {number}": [
            chance.uniform(0, chance.choice([5, 60, 900])) for _ in range(chance.choice([1, 12, 60, 300]))
        ]
        for number in range(12)
    }
    found = activity(sources)
    for name, ages in sources.items():
        ages = sorted(instant(age) for age in ages)
        gaps = [
            (later - earlier) / DAY
            for earlier, later in pairwise(ages)
            if ages[-1] - later <= 365 * DAY and (NOW - earlier) // (DAY // 24) != (NOW - later) // (DAY // 24)
        ]
        row, silent = found[name], (NOW - ages[-1]) / DAY
        assert row["longest_gap_days"] == (pytest.approx(max(gaps)) if gaps else None), name
        expected = silent > 30 and silent > max(gaps, default=0) if len(ages) >= 10 else None
        assert (row["event_count"], row["is_silent"]) == (len(ages), expected), name
