"""The same events give the same things on an engine: in any order, in any batches, sent again, at any knowledge date.

Many small histories are landed at once, each with sources, data products and domains of its own, so that one pass on
the engine answers for all of them.
"""

import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from conftest import SOAK_FACTOR
from engine_sql import EngineSql
from engines import needs_sail
from test_order_free import make_event
from warehouse import FIRST_LANDING, Warehouse

from orchestration.build.engines.checks import thing_names
from orchestration.build.engines.content import content_sql

pytestmark = [pytest.mark.slow, needs_sail]

HISTORIES = 12
KNOWN_AT = "2026-02-04T00:00:00+00:00"  # of what sends recorded_at, about half is known
OF_BATCHES = {"event_versions", "batch_accounting"}  # which say how the rows came
EVENT_FILES = re.compile(r"/(event_versions|contract_events|\w+_\w+ed)/")  # such as products_adopted
NAMES = ("source", "data_product_id", "domain", "consumer_domain")
MORE = [pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 2 * SOAK_FACTOR)]


@pytest.fixture(scope="module")
def warehouse() -> Warehouse:
    return Warehouse()


@pytest.fixture(scope="module")
def sail(tmp_path_factory) -> Iterator[EngineSql]:
    session = EngineSql(tmp_path_factory.mktemp("sail"))
    yield session
    session.close()


def histories(chance: random.Random) -> list[dict]:
    """Events of histories that have nothing in common: few ids, so many corrections, repeats and contradictions."""
    events = []
    for number in range(HISTORIES):
        for _ in range(chance.randint(2, 60)):
            event = make_event(chance.choice, product_count=3, event_count=8)
            occurred_at = datetime.fromisoformat(event["occurred_at"]) - timedelta(
                days=200
            )  # some are after AS_OF still
            its_own = {name: f"{event[name]} {number}" for name in NAMES if name in event}
            events.append(event | its_own | {"occurred_at": occurred_at.isoformat()})
    return events


def in_batches(chance: random.Random, events: list[dict]) -> dict[str, list[dict]]:
    """The events in any order in batches of any size, some of them twice; names of batches sort in any order."""
    sent = events + chance.sample(events, len(events) // 4)
    chance.shuffle(sent)
    batches: dict[str, list[dict]] = {name: [] for name in chance.sample("abcdefgh", 6)}
    for event in sent:
        batches[chance.choice([*batches])].append(event)
    return batches


def landed(warehouse: Warehouse, batches: dict[str, list[dict]]) -> Warehouse:
    warehouse.start_again()
    warehouse.land(batches)
    return warehouse


def without_batches(contents: dict[str, tuple]) -> dict[str, tuple]:
    return {name: content for name, content in contents.items() if name not in OF_BATCHES}


def is_known(event: dict) -> bool:
    recorded_at = event.get("recorded_at", FIRST_LANDING.isoformat())  # else when it landed, in the weeks after that
    return datetime.fromisoformat(recorded_at) <= datetime.fromisoformat(KNOWN_AT)


@pytest.mark.parametrize("seed", [0, *MORE])
def test_any_order_any_batches_and_any_knowledge_give_the_same_things_on_sail(warehouse, sail, seed):
    chance = random.Random(seed)
    events = histories(chance)
    at_once = sail.contents(landed(warehouse, {"all": events}))
    assert at_once["data_products"][0] > HISTORIES and at_once["adoptions"][0] > HISTORIES // 2

    split = in_batches(chance, events)
    in_parts = sail.contents(landed(warehouse, split))
    warehouse.build()
    assert in_parts == sail.of_duckdb(warehouse)
    assert without_batches(in_parts) == without_batches(at_once)
    assert in_parts["event_versions"][0] == at_once["event_versions"][0] + len(events) // 4

    then = sail.contents(landed(warehouse, split), KNOWN_AT)
    of_then = {name: [event for event in batch if is_known(event)] for name, batch in split.items()}
    known = sail.contents(landed(warehouse, of_then))
    assert without_batches(then) == without_batches(known) != without_batches(in_parts)


def first_input(plan: list[str], join: int) -> str:
    """The lines of a join's first input: from the one below the join to the next that is no deeper."""
    depths = [len(line) - len(line.lstrip()) for line in plan]
    end = next(n for n in range(join + 2, len(plan)) if depths[n] <= depths[join + 1])
    return "\n".join(plan[join + 1 : end])


def kept_in_memory(plan: list[str]) -> list[str]:
    """The first inputs of joins that are events as they came: Sail keeps a first input, and can't spill it."""
    joins = [n for n, line in enumerate(plan) if "HashJoinExec" in line or "NestedLoopJoinExec" in line]
    inputs = [first_input(plan, join) for join in joins]
    return [each for each in inputs if EVENT_FILES.search(each) and "AggregateExec" not in each]


def test_no_join_keeps_all_events_in_memory_on_sail(warehouse, sail):
    sail.contents(landed(warehouse, {"all": histories(random.Random(0))}))
    plans = {name: sail.plan(name) for name in thing_names()}
    assert any("HashJoinExec" in line for line in plans["event_versions"])
    assert {name: kept for name, plan in plans.items() if (kept := kept_in_memory(plan))} == {}


def test_a_content_is_the_same_number_on_sail_as_on_duckdb(warehouse, sail, tmp_path):
    values = {
        "a_text": ["null", "''", "'a\U0001f926\U0001f3fc\u200d\u2642é'", "'x' || chr(30) || 'y'", "'1:a'"],
        "a_double": ["null", "0.1::double + 0.2::double", "-1e-10", "1e300", "'nan'", "'-inf'", "4503599627370497.5"],
        "a_time": ["timestamptz '1969-12-31 23:59:59.999999Z'", "null"],
        "texts": ["null", "[]", "['a', null, '']", "['a:', 'b']"],
        "a_decimal": ["123456789012345678901234567890", "-1", "null"],
        "a_flag": ["true", "false", "null"],
    }
    kinds = dict(
        zip(values, ["varchar", "double", "timestamptz", "varchar[]", "decimal(38, 0)", "boolean"], strict=True)
    )
    columns = dict(
        zip(values, ["string", "double", "timestamp", "array<string>", "decimal(38,0)", "boolean"], strict=True)
    )
    for number in range(7):
        row = ", ".join(f"cast({v[number % len(v)]} as {kinds[name]}) as {name}" for name, v in values.items())
        path = tmp_path / f"{number}.parquet"
        warehouse.db.execute(f"copy (select {row}) to '{path}' (format parquet)")
        on_duckdb = warehouse.db.execute(content_sql(f"read_parquet('{path}')", columns, "duckdb")).fetchone()
        assert tuple(sail.ask(content_sql(f"parquet.`{path}`", columns, "spark"))[0]) == on_duckdb
