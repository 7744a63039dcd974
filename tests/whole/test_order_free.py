"""The same events give the same tables: in any order, in any files, sent again, landed run by run or all at once.

A few large histories go through the real pipeline, and many small ones through the models' compiled SQL alone.
"""

import json
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import CHECKOUT, examples
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import attached, build_file, build_well, shared_home, tables, write_events
from shaped import nothing_refused, with_raw

from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing.batch import prepare_landing

pytestmark = pytest.mark.slow

AS_OF = "2026-03-01T00:00:00Z"
FIRST = datetime(2025, 1, 6, tzinfo=UTC)
KINDS = ["idea_logged", "work_started", "deployed", "adopted", "adopted", "adopted", "withdrawn", "retired"]
KINDS += ["abandoned", "rejected", "contract_checked", "contract_activated"]
SOURCES, DOMAINS, TITLES = ["jira", "catalog"], ["sales", "finance", "risk"], [None, "Orders", "Orders, daily", ""]
COLUMNS_OF = {
    "idea_logged": lambda pick: {"domain": pick(DOMAINS), "named_consumer_domains": pick([None, [], ["risk"]])},
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
        **COLUMNS_OF.get(kind, lambda pick: {})(pick),
    }
    return {name: value for name, value in event.items() if value is not None}


# --- through the pipeline -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
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
    build_well(home, files[2], files[0], as_of=AS_OF)
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


class Warehouse:
    """The models over landing tables in memory."""

    def __init__(self, landing_folder):
        self.models = with_raw(AS_OF)
        self.contracts = load_layer("landing")
        self.db = duckdb.connect()
        self.db.execute("set TimeZone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
        for schema in ("landing", "raw", "curated", "authoritative", "declared"):
            self.db.execute(f"create schema {schema}")
        for seed in (CHECKOUT / "dbt_project" / "seeds" / "declared").glob("*.csv"):
            self.db.execute(f"create table declared.{seed.stem} as from read_csv('{seed}')")
        self.db.execute("create table declared.process_changes (changed_on date, note text)")
        self.schemas = {
            folder.name: pq.read_schema(folder / "_empty.parquet")
            for folder in landing_folder.iterdir()
            if folder.is_dir()
        }
        self.schemas["quarantined_events"] = nothing_refused().schema
        for name, schema in self.schemas.items():
            empty = schema.empty_table()  # noqa: F841 - the SQL reads it by name
            self.db.execute(f"create table landing.{name} as from empty")
        for model in self.models.values():
            if model.schema == "raw":
                sql = re.sub(r"read_parquet\('[^']*/landing/(\w+)/[^)]*\)", r"landing.\1", model.sql)
                self.db.execute(f"create view raw.{model.name} as {sql}")

    def start_again(self) -> None:
        for name in self.schemas:
            self.db.execute(f"delete from landing.{name}")

    def land(self, batches: dict[str, list[dict]]) -> None:
        """Make batches visible, as landing would."""
        for batch, events in batches.items():
            for name, contract in self.contracts.items():
                rows = [
                    self._landed(event, contract, batch, i)
                    for i, event in enumerate(events)
                    if event["event_type"] in contract.event_types
                ]
                self._insert(name, rows)
            counts = {"rows_read": len(events), "rows_landed": len(events), "rows_quarantined": 0}
            self._insert("batches", [{"batch_id": batch, "file_name": batch, "landed_at": FIRST, **counts}])

    def _landed(self, event: dict, contract, batch: str, i: int) -> dict:
        own = {p.name: event.get(p.name, p.default) for p in contract.properties}
        if column := contract.custom.get("eventTypeColumn"):
            own[column] = event["event_type"]
        own["occurred_at"] = datetime.fromisoformat(event["occurred_at"])
        if event.get("recorded_at"):
            own["recorded_at"] = datetime.fromisoformat(event["recorded_at"])
        return own | {"is_assumed_utc": False, "batch_id": batch, "line_number": i, "row_number": i}

    def _insert(self, table: str, rows: list[dict]) -> None:
        if rows:
            landed = pa.Table.from_pylist(rows, self.schemas[table])
            self.db.register("landed", landed)
            self.db.execute(f"insert into landing.{table} from landed")
            self.db.unregister("landed")

    def versions(self) -> list[tuple]:
        """Every landed row with what became of it."""
        self.db.execute(f"create or replace table curated.event_versions as {self.models['event_versions'].sql}")
        columns = "source, event_id, revision, is_retracted, version_status"
        return self.db.execute(f"select {columns} from curated.event_versions").fetchall()

    def build(self) -> dict[str, list[tuple]]:
        """Build everything; returns the tables that must not differ, and the totals of event_accounting."""
        built = [model for model in self.models.values() if model.schema != "raw" and model.sql]
        for model in built:
            kind = "view" if model.is_view else "table"
            self.db.execute(f"create or replace {kind} {model.schema}.{model.name} as {model.sql}")
        same = [name for name in (f"{model.schema}.{model.name}" for model in built) if SAME.match(name)]
        found = {name: without_landing(self.db.execute(f"from {name} order by all").fetchall()) for name in same}
        unbalanced, _, current, retracted, _ = self.db.execute(TOTALS).fetchone()
        return found | {"totals": [(unbalanced, current, retracted)]}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    home = Home(tmp_path_factory.mktemp("landing"))
    prepare_landing(home, load_layer("landing"))
    return Warehouse(home.landing)


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


@settings(max_examples=examples(15), deadline=None)
@given(data=st.data())
def test_any_order_and_any_batches_give_the_same_tables(warehouse, data):
    events = data.draw(histories())
    warehouse.start_again()
    warehouse.land({"all": events})
    one_at_once = warehouse.build()
    assert one_at_once["totals"][0][0] == 0

    warehouse.start_again()
    warehouse.land(data.draw(splits(events)))
    assert warehouse.build() == one_at_once


@settings(max_examples=examples(30), deadline=None)
@given(data=st.data())
def test_of_each_event_the_highest_revision_counts_and_every_row_is_accounted_for(warehouse, data):
    events = data.draw(histories())
    warehouse.start_again()
    warehouse.land(data.draw(splits(events)))
    rows = warehouse.versions()
    assert len(rows) == len(events)
    contents_of: dict[tuple, set[str]] = {}
    for event in events:
        contents_of.setdefault((event["source"], event["event_id"]), set()).add(json.dumps(event, sort_keys=True))
    by_event: dict[tuple, list[tuple]] = {}
    for source, event_id, *version in rows:
        by_event.setdefault((source, event_id), []).append(version)
    for key, versions in by_event.items():
        highest = max(revision for revision, *_ in versions)
        [winner] = [v for v in versions if v[-1] in ("current", "retracted")]
        assert winner[0] == highest
        assert winner[-1] == ("retracted" if winner[1] else "current")
        status = Counter(v[-1] for v in versions)
        assert status["superseded"] == len(contents_of[key]) - 1
        assert status["duplicate"] == len(versions) - len(contents_of[key])


def test_contents_that_read_the_same_when_joined_are_two_versions(warehouse):
    alike = [("a\x1fb", "c"), ("a", "b\x1fc"), ("a\x1fb\x1fc", None), ("a\x1fb\x1fc", ""), ("", "a"), (None, "a")]
    texts = [dict(zip(("title", "source_ref"), pair, strict=True)) for pair in alike]
    event = make_event(random.Random(1).choice, product_count=1, event_count=1) | {"is_retracted": False, "revision": 0}
    warehouse.start_again()
    warehouse.land({"b": [event | text for text in texts]})
    assert Counter(status for *_, status in warehouse.versions()) == {"current": 1, "superseded": len(alike) - 1}
