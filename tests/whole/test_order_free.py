"""The same events give the same tables: in any order, in any files, sent again, landed run by run or all at once.

A few large histories go through the real pipeline, and many small ones through the models' compiled SQL alone.
"""

import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.versions import contenders, content
from pipeline import attached, build_file, build_well, shared_home, tables, write_events
from warehouse import Warehouse

from orchestration.home import Home
from orchestration.landing.inbox import place_in_inbox
from orchestration.landing.land import land_inbox

pytestmark = pytest.mark.slow

AS_OF = "2026-03-01T00:00:00Z"
FIRST = datetime(2025, 1, 6, tzinfo=UTC)
KINDS = ["idea_logged", "work_started", "deployed", "adopted", "adopted", "adopted", "withdrawn", "retired"]
KINDS += ["abandoned", "rejected", "contract_checked", "contract_activated", "owner_changed", "stage_reached"]
SOURCES, DOMAINS, TITLES = ["jira", "catalog"], ["sales", "finance", "risk"], [None, "Orders", "Orders, daily", ""]
COLUMNS_OF = {
    "idea_logged": lambda pick: {"domain": pick(DOMAINS), "named_consumer_domains": pick([None, [], ["risk"]])},
    "owner_changed": lambda pick: {"domain": pick(DOMAINS)},
    "stage_reached": lambda pick: {"stage": pick(["collected", "stored", "exposed"]), "domain": pick([None, *DOMAINS])},
    "deployed": lambda pick: {"version": pick([None, "1"])},
    "adopted": lambda pick: {"consumer_domain": pick(DOMAINS), "evidence": pick([None, "observed"])},
    "contract_checked": lambda pick: {"passed_count": pick([0, 3]), "failed_count": pick([0, 1])},
}
# the tables that must not differ; event_accounting tells batches apart, so only its sums must not
SAME = re.compile(r"authoritative\.(?!event_accounting)|curated\.(data_products|adoptions)$")
TOTALS = """
    select
        count_if(not is_balanced), sum(landed_count), sum(current_count), sum(retracted_count),
        sum(superseded_count) + sum(duplicate_count)
    from authoritative.event_accounting
"""


def make_event(pick, product_count: int, event_count: int) -> dict:
    """Any event at all. Ids are few, so many rows are corrections, repeats and contradictions of others."""
    kind = pick(KINDS)
    event = {
        "source": pick(SOURCES),
        "event_id": f"e{pick(range(event_count))}",
        "event_type": kind,
        "data_product_id": f"p{pick(range(product_count))}",
        # some at the same instant, some after AS_OF
        "occurred_at": (FIRST + timedelta(days=pick(range(0, 600, 7)), hours=pick([0, 0, 9]))).isoformat(),
        "revision": pick([0, 0, 0, 1, 2]),
        "is_retracted": pick([False, False, False, False, True]),
        "domain": pick([None, *DOMAINS]),
        "title": pick(TITLES),
        "source_ref": pick([None, "a link"]),
        "recorded_at": pick([None, None, "2026-02-01T00:00:00+00:00", "2026-02-08T00:00:00+00:00"]),
        **COLUMNS_OF.get(kind, lambda pick: {})(pick),
    }
    return {name: value for name, value in event.items() if value is not None}


# --- through the pipeline -------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2])
def test_order_files_repeats_and_runs_make_no_difference(seed, tmp_path):
    chance = random.Random(seed)
    events = [make_event(chance.choice, product_count=60, event_count=300) for _ in range(400)]
    events += chance.sample(events, 40)
    home = shared_home().empty()
    build_well(home, write_events(tmp_path / "all.jsonl", events), as_of=AS_OF)
    expected, totals = built(home)
    assert totals["unbalanced"] == 0
    assert totals["current"] > 150 and totals["retracted"] > 10 and totals["replaced"] > 80

    chance.shuffle(events)
    cuts = [0, *sorted(chance.sample(range(len(events)), 3)), len(events)]
    files = [
        write_events(tmp_path / f"part-{i}.jsonl", events[start:end]) for i, (start, end) in enumerate(pairwise(cuts))
    ]
    home = shared_home().empty()
    for file in (files[2], files[0]):
        place_in_inbox(Home(home), file)
    assert len(land_inbox(Home(home))) == 2
    again = write_events(tmp_path / "part-0-sent-again.jsonl", events[cuts[0] : cuts[1]])
    more = write_events(tmp_path / "some-sent-again.jsonl", chance.sample(events, 30))
    build_well(home, again, files[3], files[1], more, as_of=AS_OF)
    assert_same(home, expected, totals, landed=totals["landed"] + 30)


def built(home) -> tuple[dict, dict]:
    """(the tables that must not differ, the totals of event_accounting) of a home's build."""
    found = tables(build_file(home))
    with attached(build_file(home)) as db:
        totals = db.execute(TOTALS).fetchone()
    names = ("unbalanced", "landed", "current", "retracted", "replaced")
    same = {name: without_landing(rows) for name, rows in found.items() if SAME.match(name)}
    return same, dict(zip(names, totals, strict=True))


def without_landing(rows: list[tuple]) -> list[tuple]:
    """The rows but those of the one metric that is about files: of rows read twice, twice as many are read."""
    return [row for row in rows if "contract_pass_rate" not in row]


def assert_same(home, expected: dict, totals: dict, landed: int) -> None:
    found, found_totals = built(home)
    for name in expected:
        assert found[name] == expected[name], name
    kept = {name: totals[name] for name in ("unbalanced", "current", "retracted")}
    assert found_totals == kept | {"landed": landed, "replaced": landed - kept["current"] - kept["retracted"]}


# --- through the SQL alone ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse() -> Warehouse:
    return Warehouse(AS_OF)


def in_memory(warehouse: Warehouse) -> dict[str, list[tuple]]:
    """Build everything; returns the tables that must not differ, and the totals of event_accounting."""
    same = [name for name in warehouse.build() if SAME.match(name)]
    found = {name: without_landing(warehouse.db.execute(f"from {name} order by all").fetchall()) for name in same}
    unbalanced, _, current, retracted, _ = warehouse.db.execute(TOTALS).fetchone()
    return found | {"totals": [(unbalanced, current, retracted)]}


@st.composite
def histories(draw) -> list[dict]:
    def pick(options):
        return draw(st.sampled_from(options))

    size = draw(st.integers(2, 25))
    events = [make_event(pick, product_count=3, event_count=6) for _ in range(size)]
    return events + draw(st.lists(st.sampled_from(events), max_size=4))


@st.composite
def splits(draw, events: list[dict]) -> dict[str, list[dict]]:
    """The events in any order, in batches of any size, with batch names that sort in any order."""
    shuffled = draw(st.permutations(events))
    batch_of = draw(st.lists(st.sampled_from("bdacfe"), min_size=len(events), max_size=len(events)))
    batches: dict[str, list[dict]] = {}
    for batch, event in zip(batch_of, shuffled, strict=True):
        batches.setdefault(batch, []).append(event)
    return batches


@settings(max_examples=examples(4), deadline=None)
@given(data=st.data())
def test_any_order_and_any_batches_give_the_same_tables(warehouse, data):
    events = data.draw(histories())
    warehouse.start_again()
    warehouse.land({"all": events})
    one_at_once = in_memory(warehouse)
    assert one_at_once["totals"][0][0] == 0

    warehouse.start_again()
    warehouse.land(data.draw(splits(events)))
    assert in_memory(warehouse) == one_at_once


@settings(max_examples=examples(12), deadline=None)
@given(data=st.data())
def test_of_each_event_one_version_counts_and_every_row_is_accounted_for(warehouse, data):
    events = data.draw(histories())
    warehouse.start_again()
    warehouse.land(data.draw(splits(events)))
    found: dict[tuple, list[dict]] = {}
    for row in warehouse.versions():
        found.setdefault((row["source"], row["event_id"]), []).append(row)
    sent: dict[tuple, list[dict]] = {}
    for event in events:
        sent.setdefault((event["source"], event["event_id"]), []).append(event)
    assert {key: len(rows) for key, rows in found.items()} == {key: len(rows) for key, rows in sent.items()}
    for key, rows in found.items():
        [winner] = [row for row in rows if row["version_status"] in ("current", "retracted")]
        left = contenders(sent[key])
        assert (winner["revision"], winner["is_retracted"]) in {(v["revision"], v["is_retracted"]) for v in left}
        assert any(row["is_conflicting"] for row in rows) == (len({content(v) for v in left}) > 1)
        assert winner["version_status"] == ("retracted" if winner["is_retracted"] else "current")
        status = Counter(row["version_status"] for row in rows)
        assert status["superseded"] == len({content(v) for v in sent[key]}) - 1
        assert status["duplicate"] == len(rows) - len({content(v) for v in sent[key]})


def test_contents_that_read_the_same_when_joined_are_two_versions(warehouse):
    alike = [("a\x1fb", "c"), ("a", "b\x1fc"), ("a\x1fb\x1fc", None), ("a\x1fb\x1fc", ""), ("", "a"), (None, "a")]
    texts = [dict(zip(("title", "source_ref"), pair, strict=True)) for pair in alike]
    event = make_event(random.Random(1).choice, product_count=1, event_count=1) | {"is_retracted": False, "revision": 0}
    warehouse.start_again()
    warehouse.land({"b": [event | text for text in texts]})
    assert Counter(row["version_status"] for row in warehouse.versions()) == {
        "current": 1,
        "superseded": len(alike) - 1,
    }
