"""Every open data product is in one queue, and a queue's age is compared with those that moved on: by hand, and against
plain Python on random organisations."""

from statistics import median

import pytest
from oracles.lives import DAY, Organisation, some_events
from shaped import event, instant, publication_rules, rows, shaped

AS_OF = instant(0)
TABLES = ("open_ideas", "queues")
STARTS = [event("idea_logged", "another", 5000, domain="ops"), event("work_started", "another", 4990)]
OTHERS = [*STARTS, event("deployed", "another", 4980), event("adopted", "another", 4970, consumer_domain="sales")]


def moves(events: list[dict]) -> dict[str, dict]:
    """{queue that can exist: how many of the organisation moved on from it, and their age}."""
    with shaped(events, tables=["queue_moves"]) as db:
        return {row["queue"]: row for row in rows(db, "from curated.queue_moves")}


LIFE = {
    "idea": event("idea_logged", "p", 100, domain="sales"),
    "started": event("work_started", "p", 80),
    "deployed": event("deployed", "p", 60),
    "own use": event("adopted", "p", 40, consumer_domain="sales"),
    "adopted": event("adopted", "p", 30, consumer_domain="ops"),
    "retired": event("retired", "p", 20),
    "reopened": event("work_started", "p", 10),
    "checked": event("contract_checked", "p", 120, passed_count=1, failed_count=0),
    "handed over": event("owner_changed", "p", 200, domain="ops"),
}


CASES = [
    (["idea"], "not_started", 100),
    (["idea", "started"], "in_build", 80),
    (["started"], "in_build", 80),
    (["idea", "started", "deployed"], "deployed_unused", 60),
    (["idea", "deployed"], "deployed_unused", 60),
    (["deployed"], "deployed_unused", 60),
    (["idea", "deployed", "own use"], "deployed_unused", 60),  # nobody else uses it
    (["checked"], "not_started", 120),  # no idea was logged: from its first event
    (["handed over", "checked"], "not_started", 120),  # a new owner is no beginning
    (["checked", "idea"], "not_started", 100),
    (["idea", "started", "deployed", "adopted"], None, None),
    (["idea", "started", "retired"], None, None),
    (["idea", "retired", "reopened"], "in_build", 10),
    (["idea", "started", "deployed", "retired", "reopened"], "deployed_unused", 10),  # not since it was deployed
    (["idea", "started", "deployed", "adopted", "retired", "reopened"], None, None),
    (["handed over"], None, None),
]


@pytest.fixture(scope="module")
def queued() -> dict[str, dict]:
    """{number of the case: the row of its data product in open_ideas}."""
    lives = [LIFE[name] | {"data_product_id": str(number)} for number, case in enumerate(CASES) for name in case[0]]
    with shaped([*OTHERS, *lives], tables=["open_ideas"]) as db:
        return {row["data_product_id"]: row for row in rows(db, "from authoritative.open_ideas")}


@pytest.mark.parametrize("number", range(len(CASES)), ids=[", ".join(case[0]) for case in CASES])
def test_a_data_product_is_in_the_queue_of_its_next_step_since_it_came_there(queued, number):
    _, queue, days = CASES[number]
    found = queued.get(str(number))
    assert (found and (found["queue"], found["days_in_queue"])) == (queue and (queue, days))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([], set()),
        (["idea_logged"], {"not_deployed"}),
        (["contract_checked"], {"not_deployed"}),  # in stage idea, though none was logged
        (["idea_logged", "deployed"], {"not_deployed", "deployed_unused"}),
        (["idea_logged", "work_started"], {"not_started", "in_build"}),
        (["idea_logged", "work_started", "deployed"], {"not_started", "in_build", "deployed_unused"}),
        (["deployed", "adopted"], {"deployed_unused"}),
    ],
)
def test_a_queue_exists_where_the_events_that_lead_into_it_are_sent(sent, expected):
    """None is 0 where nobody can tell: without work_started an idea is only not deployed."""
    assert {*moves([event(kind, "p", 50, domain="sales", consumer_domain="ops") for kind in sent])} == expected


def moved(count: int, start: str, end: str, until: float = 10, closing: float | None = None) -> list[dict]:
    """So many that moved on `until` days ago, the n-th of them after n × 100 / `count`; closed `closing` days ago."""
    events = []
    for number in range(1, count + 1):
        name = f"{start} {end} {until} {closing} {number}"
        events += [event(start, name, until + number * 100 / count, domain="sales")]
        events += [event(end, name, until, consumer_domain="ops")]
        events += [] if closing is None else [event("retired", name, closing)]
    return events


NOT_MOVED_ON = [
    *moved(7, "idea_logged", "work_started", until=365),  # before the last 12 months
    *moved(7, "idea_logged", "work_started", closing=10.5),  # closed first, and reopened by the work
    *moved(7, "idea_logged", "retired"),
    *moved(7, "idea_logged", "adopted"),  # neither started nor deployed
    *moved(7, "contract_activated", "work_started"),  # no idea: nobody knows how long it took
    *moved(7, "work_started", "idea_logged"),
]


@pytest.mark.parametrize(
    ("events", "count", "p85"),
    [
        (moved(20, "idea_logged", "work_started"), 20, 85.75),  # 85 + 0.15 × 5, between the 17th and the 18th
        (moved(10, "idea_logged", "deployed", until=364.9), 10, 86.5),
        (moved(10, "idea_logged", "deployed", closing=10), 10, 86.5),  # closed at that moment
        (moved(9, "idea_logged", "work_started"), 9, None),
    ],
)
def test_moving_on_is_the_next_step_in_the_last_12_months(events, count, p85):
    row = moves([*STARTS, *events, *NOT_MOVED_ON])["not_started"]
    assert (row["moved_on_count"], row["moved_on_p85_days"]) == (count, p85 and pytest.approx(p85, abs=1e-9))
    assert row["reason"] == (None if count >= 10 else "not_enough_data")


def test_each_queue_has_its_own_next_step():
    built, used = moved(20, "work_started", "deployed"), moved(10, "deployed", "adopted", until=5)
    found = moves(moved(20, "idea_logged", "deployed")) | moves([*built, *used])
    assert {name: (row["moved_on_count"], row["moved_on_p85_days"]) for name, row in found.items()} == {
        "in_build": (20, pytest.approx(85.75, abs=1e-9)),
        "deployed_unused": (10, pytest.approx(86.5, abs=1e-9)),
        "not_deployed": (20, pytest.approx(85.75, abs=1e-9)),
    }


def test_a_next_step_that_was_never_sent_is_unknown_and_not_none():
    events = [*STARTS, event("idea_logged", "p", 100, domain="sales")]
    with shaped(events, tables=["queues"]) as db:
        [row] = rows(db, "from authoritative.queues where queue = 'in_build' and domain = 'all'")
    assert (row["open_count"], row["reason"]) == (1, "no_deployment_events")
    assert {row[name] for name in ("moved_on_count", "moved_on_p85_days", "older_count")} == {None}
    assert moves([*events, event("deployed", "p", 90)])["deployed_unused"]["reason"] == "no_adoption_events"


def test_older_is_longer_than_85_percent_of_what_moved_on_took():
    at_the_edge = 86.5  # of 10, between the 8th after 80 days and the 9th after 90
    waiting = [
        event("idea_logged", name, days, domain=domain)
        for name, days, domain in [
            ("older", 87, "sales"),
            ("younger", 86, "ops"),
            ("old", 900, "ops"),
            ("nobody's", 88, None),
        ]
    ]
    with shaped([*STARTS, *moved(10, "idea_logged", "work_started"), *waiting], tables=TABLES) as db:
        ideas = rows(db, "from authoritative.open_ideas where queue = 'not_started' order by queue_rank")
        counts = {row["domain"]: row for row in rows(db, "from authoritative.queues where queue = 'not_started'")}
    assert [(row["data_product_id"], row["queue_rank"], row["is_older"]) for row in ideas] == [
        ("old", 1, True),
        ("nobody's", 2, True),
        ("older", 3, True),
        ("younger", 4, False),
    ]
    assert [row["moved_on_p85_days"] for row in ideas] == pytest.approx([at_the_edge] * 4, abs=1e-9)
    figures = ("open_count", "median_age_days", "oldest_age_days", "older_count", "moved_on_count")
    assert {domain: tuple(row[name] for name in figures) for domain, row in counts.items()} == {
        "all": (4, 87.5, 900.0, 3, 10),  # with the one that nobody owns
        "ops": (2, 493.0, 900.0, 1, 10),
        "sales": (1, 87.0, 87.0, 1, 10),
    }


@pytest.mark.parametrize(("has_starts", "seed"), [(True, 1), (True, 2), (False, 3)])
def test_queues_are_what_plain_python_says_of_any_organisation(has_starts, seed):
    events = some_events(seed, AS_OF, has_starts=has_starts)
    made = Organisation(events, AS_OF)
    expected = made.queued()
    with shaped(events, tables=(*TABLES, "domain_scorecard")) as db:
        ideas = {row["data_product_id"]: row for row in rows(db, "from authoritative.open_ideas")}
        counts = rows(db, "from authoritative.queues")
        for name in ("queues_add_up", "adoption_flows_add_up"):
            assert db.execute(publication_rules()[name]).fetchall() == [], name
    assert {name: row["queue"] for name, row in ideas.items()} == {name: queue for name, (queue, _) in expected.items()}
    days = {name: (AS_OF - entered) / DAY for name, (_, entered) in expected.items()}
    assert {name: row["days_in_queue"] for name, row in ideas.items()} == pytest.approx(days)
    assert len(counts) == len({row["queue"] for row in counts}) * len({row["domain"] for row in counts})
    for row in counts:
        ages = [
            days[name]
            for name, (queue, _) in expected.items()
            if queue == row["queue"] and row["domain"] in ("all", made.lives[name].owner)
        ]
        count, p85 = made.moves(row["queue"])
        assert row["open_count"] == len(ages), row
        assert (row["median_age_days"], row["oldest_age_days"]) == (
            (pytest.approx(median(ages)), pytest.approx(max(ages))) if ages else (None, None)
        ), row
        assert (row["moved_on_count"], row["moved_on_p85_days"]) == (count, p85 and pytest.approx(p85)), row
        assert row["older_count"] == (sum(age > p85 for age in ages) if p85 else None), row
    assert {row["domain"] for row in counts} == {"all", *(life.owner for life in made.lives.values() if life.owner)}
    assert any(row["moved_on_p85_days"] for row in counts)  # else nothing was compared
