"""The data factory: how far data products get, how long each step takes, where they wait longest; worked by hand."""

import random

import pytest
from conftest import make_event
from shaped import event, rows, shaped
from warehouse import Warehouse

STAGES = ("collected", "curated", "stored", "governed", "exposed")
COUNTS = ("product_count", "reported_count", "open_count", "lost_count", "wait_count", "out_of_order_count")


def stages(events: list[dict]) -> dict[str, dict]:
    with shaped(events, tables=["factory_stages"]) as db:
        return {row["stage"]: row for row in rows(db, "from authoritative.factory_stages order by stage_number")}


def reached(product: str, age: float, *waits: float) -> list[dict]:
    """An idea `age` days ago, which reached each stage in turn after so many days of waiting."""
    events = [event("idea_logged", product, age, domain="sales")]
    for stage, wait in zip(STAGES, waits, strict=False):
        age -= wait
        events.append(event("stage_reached", product, age, stage=stage))
    return events


def counts(row: dict) -> tuple:
    return tuple(row[name] for name in COUNTS)


def test_the_stage_with_the_largest_median_wait_is_the_bottleneck():
    events = []
    for number in range(11):
        events += reached(f"whole {number}", 400, 1, 2, 3, 30 + number, 5)
    events += reached("open", 400, 1, 2) + reached("lost", 400, 1, 2, 3)
    events += [event("abandoned", "lost", 100), event("idea_logged", "never collected", 90, domain="sales")]
    found = stages(events)
    assert {stage: counts(row) for stage, row in found.items()} == {
        "collected": (13, 13, 0, 0, None, None),
        "curated": (13, 13, 1, 0, 13, 0),
        "stored": (12, 12, 0, 1, 12, 0),
        "governed": (11, 11, 0, 0, 11, 0),
        "exposed": (11, 11, 11, 0, 11, 0),
    }
    assert [row["median_days"] for row in found.values()] == [None, 2, 3, 35, 5]
    assert [row["is_bottleneck"] for row in found.values()] == [None, False, False, True, False]
    assert [row["reason"] for row in found.values()] == ["first_stage", None, None, None, None]


def test_of_two_stages_with_the_same_median_none_is_the_bottleneck():
    found = stages([e for n in range(10) for e in reached(f"p{n}", 300, 1, 7, 7)])
    assert [row["is_bottleneck"] for row in found.values()] == [None, False, False, None, None]
    assert found["exposed"]["reason"] == found["exposed"]["count_reason"] == "no_stage_events"


def test_a_stage_that_nine_reached_has_no_median_and_one_median_has_nothing_to_compare():
    events = [e for n in range(10) for e in reached(f"p{n}", 300, 1, 7, *([4] if n else []))]
    found = stages(events)
    assert (found["stored"]["median_days"], found["stored"]["reason"]) == (None, "not_enough_data")
    assert found["stored"]["wait_count"] == 9
    curated = found["curated"]
    assert (curated["median_days"], curated["is_bottleneck"], curated["bottleneck_reason"]) == (
        7,
        None,
        "nothing_to_compare",
    )


def test_a_contract_stands_for_governed_and_a_deployment_for_exposed_where_nobody_reported_these():
    events = [
        *reached("both", 300, 1, 2, 3, 4, 5),
        event("contract_activated", "both", 10),
        event("deployed", "both", 9),
        *reached("neither", 300, 1, 2, 3),
        event("contract_activated", "neither", 20),
        event("deployed", "neither", 30),
        event("deployed", "neither", 5),
    ]
    found = stages(events)
    assert counts(found["governed"]) == (2, 1, 0, 0, 2, 0)
    # the contract came after the first deployment
    assert counts(found["exposed"]) == (2, 1, 2, 0, 1, 1)


def test_a_delivery_tool_alone_says_who_is_exposed_and_nothing_of_the_stages_before():
    found = stages([event("idea_logged", "p", 90, domain="sales"), event("deployed", "p", 30)])
    assert counts(found["exposed"]) == (1, 0, 1, 0, None, None)
    for stage in STAGES[:4]:
        assert counts(found[stage]) == (None,) * 6 and found[stage]["count_reason"] == "no_stage_events"
    assert {row["median_days"] for row in found.values()} == {None}


def test_a_stage_reached_again_counts_once_at_its_first_time():
    again = event("stage_reached", "p", 10, stage="collected")
    found = stages([*reached("p", 300, 1, 2), again])
    assert counts(found["curated"]) == (1, 1, 1, 0, 1, 0)


def test_open_and_lost_over_all_stages_are_the_products_that_reached_any():
    chance = random.Random(14)
    events, expected = [], 0
    for number in range(60):
        product = f"p{number}"
        events.append(event("idea_logged", product, 500, domain="sales"))
        sent = [stage for stage in STAGES if chance.random() < 0.4]
        events += [event("stage_reached", product, chance.uniform(0, 500), stage=stage) for stage in sent]
        other = [kind for kind in ("contract_activated", "deployed") if chance.random() < 0.3]
        events += [event(kind, product, chance.uniform(0, 500)) for kind in other]
        events += [event("withdrawn", product, chance.uniform(0, 500))] if chance.random() < 0.3 else []
        expected += bool(sent or other)
    found = stages(events).values()
    assert sum(row["open_count"] + row["lost_count"] for row in found) == expected
    assert all(row["product_count"] >= row["open_count"] + row["lost_count"] for row in found)


# --- What a stage_reached changes elsewhere: nothing ------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse() -> Warehouse:
    return Warehouse()


def test_a_stage_alone_makes_no_product_names_no_domain_and_begins_no_month(warehouse):
    def happened(kind: str, day: str, product: str = "churn", **columns) -> dict:
        return make_event(kind, f"{kind} {product}", occurred_at=f"{day}T00:00:00Z", data_product_id=product, **columns)

    life = [happened("idea_logged", "2025-03-01", domain="sales"), happened("deployed", "2025-06-01")]
    early = happened("stage_reached", "1991-01-10", "unknown", stage="stored", domain="moon")
    found = []
    for events in (life, [*life, early], [early, *life, happened("deployed", "2025-07-01", "unknown")]):
        warehouse.start_again()
        warehouse.land({f"batch {number}": [landed] for number, landed in enumerate(events)})
        names = [name for name in warehouse.build() if name.startswith("authoritative.")]
        names += ["curated.data_products", "curated.domains"]
        # a batch more was read, and its source has one event more
        kept = {*names} - {"authoritative.event_accounting", "authoritative.source_activity"}
        tables = {name: warehouse.db.execute(f"from {name} order by all").fetchall() for name in kept}
        found.append({name: [row for row in rows if "contract_pass_rate" not in row] for name, rows in tables.items()})
        issues = rows(warehouse.db, "from curated.data_quality_issues where rule_id = 'stage_without_product'")
        assert [(issue["event_id"], issue["detail"]) for issue in issues] == [
            (early["event_id"], "reached stored 1991-01-10 00:00:00+00, and there is no other event of it")
        ] * (events == [*life, early])
    assert found[0] == found[1] != found[2]
    assert ("moon",) in warehouse.db.execute("select domain from curated.domains").fetchall()
