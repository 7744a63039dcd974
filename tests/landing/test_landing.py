"""Every row of every file lands once or waits in quarantine with its reason; a batch is visible whole or not at all."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import CHECKOUT, NOW, as_lines, examples, make_event, put, visible
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration import home as home_module
from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing import batch, check, inbox, rules
from orchestration.landing import land as landing
from orchestration.landing.batch import receipts
from orchestration.landing.inbox import place_in_inbox, waiting_files
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined, refused_rows, replay
from orchestration.landing.rules import LandingError

TABLES = sorted(load_layer("landing"))


def landed_count(home) -> int:
    return sum(len(visible(home, table)) for table in TABLES)


def reasons(home) -> list[tuple]:
    """(line, reasons) of what waits in quarantine."""
    return [(row["line_number"], row["reasons"]) for row in quarantined(home).to_pylist()]


def landing_files(home) -> dict[str, bytes]:
    """The data files; receipts tell the time and so differ."""
    files = sorted(home.landing.glob("*/*"))
    return {str(f.relative_to(home.landing)): f.read_bytes() for f in files if f.parent.name != "batches"}


# --- What lands -----------------------------------------------------------------------------------------


def test_each_event_type_lands_in_its_table_with_its_columns(land, home):
    receipt = land(
        make_event("idea_logged", named_consumer_domains=["risk"], initiative="one view"),
        make_event("work_started"),
        make_event("deployed", version="1.0"),
        make_event("adopted", evidence="granted"),
        make_event("withdrawn"),
        make_event("retired"),
        make_event("contract_activated", contract_version="2"),
        make_event("contract_checked"),
    )

    assert json.loads(receipt["landed_by_table"]) == {
        "contract_events": 2,
        "ideas_logged": 1,
        "products_adopted": 1,
        "products_closed": 2,
        "products_deployed": 1,
        "work_started": 1,
    }
    [idea] = visible(home, "ideas_logged")
    assert (idea["named_consumer_domains"], idea["initiative"]) == (["risk"], "one view")
    assert [row["close_reason"] for row in visible(home, "products_closed")] == ["withdrawn", "retired"]
    assert [row["contract_event"] for row in visible(home, "contract_events")] == [
        "contract_activated",
        "contract_checked",
    ]
    [adopted] = visible(home, "products_adopted")
    assert (adopted["consumer_domain"], adopted["evidence"], adopted["line_number"]) == ("finance", "granted", 4)
    assert adopted["batch_id"] == adopted["origin_batch_id"] == receipt["batch_id"]
    assert (receipt["rows_read"], receipt["rows_landed"], receipt["rows_quarantined"]) == (8, 8, 0)


def test_what_was_not_sent_takes_its_default_and_what_is_wrong_does_not(land, home):
    land(make_event(), make_event(revision=3, is_retracted=True), make_event(revision="x"), make_event(is_retracted=0))

    assert [(row["revision"], row["is_retracted"]) for row in visible(home, "ideas_logged")] == [(0, False), (3, True)]
    assert reasons(home) == [(3, ["revision_wrong_type"]), (4, ["is_retracted_wrong_type"])]


def test_a_row_that_can_not_be_routed_says_why(unchecked, land, home):
    receipt = land(make_event("milestone"), make_event(event_type=None), make_event(event_type=5), make_event(""))

    assert reasons(home) == [
        (1, ["event_type_unknown"]),
        (2, ["event_type_missing"]),
        (3, ["event_type_wrong_type"]),
        (4, ["event_type_unknown"]),
    ]
    first = quarantined(home).to_pylist()[0]
    assert (first["event_type"], first["table_name"]) == ("milestone", None)
    assert "event_type 'milestone' is in no contract; known are abandoned, adopted" in first["message"]
    assert json.loads(receipt["quarantined_by_table"]) == {"": 4}


def test_a_time_without_offset_is_utc_and_counted(unchecked, land, home):
    receipt = land(make_event(occurred_at="2026-08-01T10:00:00"), make_event(event_id="e2", occurred_at="2026-08-01"))

    rows = visible(home, "ideas_logged")
    assert [row["occurred_at"].isoformat() for row in rows] == [
        "2026-08-01T10:00:00+00:00",
        "2026-08-01T00:00:00+00:00",
    ]
    assert [row["is_assumed_utc"] for row in rows] == [True, True]
    assert receipt["assumed_utc_count"] == 2


def test_columns_no_contract_knows_are_kept_and_counted(land, home):
    receipt = land(
        make_event(team="a", mood=None),
        make_event(team="b", room={"z": 1, "a": [2]}),
        make_event(domain=None, team="c"),
    )

    assert [row["attributes"] for row in visible(home, "ideas_logged")] == [
        '{"team":"a"}',
        '{"room":{"a":[2],"z":1},"team":"b"}',
    ]
    assert json.loads(receipt["extra_columns"]) == {"room": 1, "team": 3}


def test_a_column_of_another_event_type_is_kept_beside(unchecked, land, home):
    land(
        make_event("work_started", version="1.0", consumer_domain=None),
        make_event("withdrawn", close_reason="no budget"),
        make_event("contract_checked", contract_event="contract_checked"),
    )

    assert [row["attributes"] for row in visible(home, "work_started")] == ['{"version":"1.0"}']
    [closed] = visible(home, "products_closed")
    assert (closed["close_reason"], closed["attributes"]) == ("withdrawn", '{"close_reason":"no budget"}')
    assert [row["attributes"] for row in visible(home, "contract_events")] == [None]


def test_only_the_fifty_most_frequent_extra_columns_are_named(unchecked, land):
    rows = [make_event(**{f"column {i}": 1 for i in range(k)}) for k in (200, 60, 50)]

    named = json.loads(land(*rows)["extra_columns"])

    assert len(named) == 50
    assert set(named.values()) == {3}


def test_what_the_real_sources_sent_is_accounted_for_to_the_row(shared, home):
    """Of k8s_keps' events 1,022 are milestones, which no contract knows."""
    for name in ("mitodl_dbt", "k8s_keps"):
        put(home, f"{name}.jsonl", (shared / "datasets" / name / "events.jsonl").read_bytes())

    by_file = {r["file_name"]: r for r in land_inbox(home, NOW)}

    for name, receipt in by_file.items():
        lines = (home.inbox / name).read_bytes().splitlines()
        unknown = sum(json.loads(line)["event_type"].startswith("milestone") for line in lines)
        assert receipt["rows_read"] == len(lines)
        assert json.loads(receipt["quarantined_by_reason"]) == ({"event_type_unknown": unknown} if unknown else {})
        assert receipt["rows_landed"] == len(lines) - unknown


# --- Once -----------------------------------------------------------------------------------------------


def test_a_file_landed_twice_counts_once_also_under_another_name(unchecked, home):
    content = as_lines([make_event(), make_event("adopted")])
    put(home, "a.jsonl", content)
    put(home, "same run.jsonl", content)

    assert [r["file_name"] for r in land_inbox(home, NOW)] == ["a.jsonl"]
    assert land_inbox(home, NOW) == []
    put(home, "later.jsonl", content)
    os.utime(home.inbox / "a.jsonl", (1, 1))
    assert land_inbox(home, NOW) == []
    assert landed_count(home) == 2


def test_a_batch_is_named_by_its_content(unchecked, home):
    content = as_lines([make_event()])
    put(home, "a.jsonl", content)

    [receipt] = land_inbox(home, NOW)

    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    assert receipt["batch_id"] == receipt["sha256"][:32]
    assert (receipt["file_bytes"], receipt["landed_at"]) == (len(content), NOW)
    assert receipts(home) == [receipt]


def test_a_file_that_changed_under_its_name_lands_again(unchecked, home):
    put(home, "a.jsonl", as_lines([make_event()]))
    land_inbox(home, NOW)
    put(home, "a.jsonl", as_lines([make_event(), make_event(event_id="e2")]))

    assert [r["rows_landed"] for r in land_inbox(home, NOW)] == [2]


def waiting(home) -> list[str]:
    return [file.path.name for file in waiting_files(home)]


def test_a_file_waits_until_its_content_has_landed(unchecked, home):
    a, b = (put(home, name, as_lines([make_event(event_id=name)])) for name in ("a.jsonl", "b.jsonl"))
    assert waiting(home) == ["a.jsonl", "b.jsonl"]

    land_inbox(home, NOW)
    assert waiting(home) == []

    os.utime(b, (1, 1))
    put(home, "c.jsonl", as_lines([make_event(event_id="c")]))
    put(home, "copy of a.jsonl", a.read_bytes())
    put(home, "copy of c.jsonl", (home.inbox / "c.jsonl").read_bytes())
    assert waiting(home) == ["c.jsonl"]


def test_a_file_of_the_same_name_size_and_time_that_has_landed_is_not_hashed_again(unchecked, home, monkeypatch):
    put(home, "a.jsonl", as_lines([make_event()]))
    land_inbox(home, NOW)
    monkeypatch.setattr(inbox, "_hash", lambda *_: pytest.fail("hashed"))

    assert waiting(home) == []


def test_a_receipt_is_read_again_when_its_file_was_changed_or_removed(unchecked, home):
    for name in ("a.jsonl", "b.jsonl"):
        put(home, name, as_lines([make_event(event_id=name)]))
    land_inbox(home, NOW)
    first, second = receipts(home)
    first["rows_read"] = 5  # the caller's own copy
    assert [r["rows_read"] for r in receipts(home)] == [1, 1]

    path = home.landing / "batches" / f"{first['batch_id']}.parquet"
    pq.write_table(pa.Table.from_pylist([first], batch.RECEIPT).drop_columns("warnings"), path)
    assert receipts(home) == [first | {"warnings": None}, second]

    path.unlink()
    assert receipts(home) == [second]


NOTHING_NEW = """
import sys
from orchestration.landing.batch import receipts
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined
from orchestration.home import Home

home = Home.at(sys.argv[1])
assert land_inbox(home) == []
waiting = quarantined(home).to_pylist()
print(len(receipts(home)), len(waiting), {"great_expectations", "pandas"} & sys.modules.keys())
"""


def test_a_run_with_nothing_new_imports_neither_great_expectations_nor_pandas(unchecked, land, home):
    land(make_event(), make_event("nonsense"))

    command = [sys.executable, "-c", NOTHING_NEW, home.root]
    found = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert found.stdout == "1 1 set()\n"


def test_a_file_still_being_written_waits_for_the_next_run(unchecked, home):
    now = time.time()
    for name, changed in {
        "old.jsonl": now - 3,
        "young.jsonl": now - 1,
        "clock ahead.jsonl": now + 3_600,
        "old.jsonl.tmp": now - 3,
        "old.part": now - 3,
        ".hidden.jsonl": now - 3,
    }.items():
        put(home, name, as_lines([make_event(event_id=name)]))
        os.utime(home.inbox / name, (changed, changed))
    (home.inbox / "folder.jsonl").mkdir()

    assert [r["file_name"] for r in land_inbox(home, NOW)] == ["clock ahead.jsonl", "old.jsonl"]
    os.utime(home.inbox / "young.jsonl", (now - 3, now - 3))
    assert [r["file_name"] for r in land_inbox(home, NOW)] == ["young.jsonl"]


def test_a_file_that_changes_while_it_is_read_is_refused_and_lands_when_it_is_whole(unchecked, home, monkeypatch):
    path = put(home, "a.jsonl", as_lines([make_event()]))
    read_file = landing.read_file

    def read_slowly(path, known):
        yield from read_file(path, known)
        put(home, "a.jsonl", as_lines([make_event(), make_event("work_started")]))

    monkeypatch.setattr(landing, "read_file", read_slowly)
    [receipt] = land_inbox(home, NOW)
    monkeypatch.setattr(landing, "read_file", read_file)
    [again] = land_inbox(home, NOW)

    assert (receipt["rows_landed"], receipt["is_readable"]) == (0, False)
    assert "it changed while it was read" in quarantined(home)["message"][0].as_py()
    assert (again["rows_landed"], again["sha256"]) == (2, hashlib.sha256(path.read_bytes()).hexdigest())


def test_the_same_inbox_gives_the_same_bytes_in_every_home(tmp_path):
    found = []
    for k, now in enumerate((NOW, NOW + timedelta(days=1))):
        home = Home.at(tmp_path / str(k))
        put(home, "a.jsonl", as_lines([make_event(f, team=1) for f in ("idea_logged", "adopted", "nonsense")] * 20))
        put(home, "b.csv", b"event_id,source,event_type\ne1,s,work_started\ne2,s\n")
        put(home, "c.json", b"[")
        land_inbox(home, now)
        found.append(landing_files(home))

    assert found[0] == found[1]
    assert len(found[0]) == 8 + 5  # an empty file a table; ideas, adoptions, and three files of quarantined rows


def test_a_rule_that_several_tables_state_refuses_the_right_rows_of_each(home):
    """Two files, three tables; the rule on `title` is the same in each, the one on `version` is one table's own."""
    kinds = ["idea_logged", "work_started", "deployed"]
    for k, name in enumerate(["a.jsonl", "b.jsonl"]):
        rows = [make_event(kind, f"{kind} {i}", title="x" * (2001 * (i == k))) for i in range(3) for kind in kinds]
        put(home, name, as_lines([*rows, make_event("deployed", "own", version="x" * 2001)]))

    land_inbox(home, NOW)

    rows = refused_rows(home).select(["file_name", "line_number", "table_name"]).to_pylist()
    refused = [tuple(row.values()) for row in rows]
    tables = ["ideas_logged", "work_started", "products_deployed"]
    assert refused == [
        *zip(["a.jsonl"] * 3, [1, 2, 3], tables, strict=True),
        ("a.jsonl", 10, "products_deployed"),
        *zip(["b.jsonl"] * 3, [4, 5, 6], tables, strict=True),
        ("b.jsonl", 10, "products_deployed"),
    ]
    for table in tables:
        rows = visible(home, table)
        assert [len(row["title"]) for row in rows] == [0] * 4


def test_a_rule_that_one_table_states_twice_gives_both_reasons(promise, land, home):
    again = (
        "          - name: domain_of_nobody\n            description: Again.\n            type: custom\n"
        "            engine: greatExpectations\n            implementation:\n              type: "
    )
    promise("work_started", RESERVED, RESERVED + again + RESERVED)

    land(make_event("work_started", domain="all"), make_event("deployed", domain="all"))

    assert reasons(home) == [(1, ["domain_reserved", "domain_of_nobody"]), (2, ["domain_reserved"])]


UNIQUE = """expect_column_values_to_be_unique
              kwargs:
                column: domain
"""


def test_a_rule_on_several_rows_sees_the_rows_of_its_own_table_only(promise, land, home):
    for table in ("work_started", "products_deployed"):
        promise(table, RESERVED, UNIQUE)

    land(
        make_event("work_started", "e1", domain="sales"),
        make_event("deployed", "e2", domain="sales"),
        make_event("deployed", "e3", domain="risk"),
        make_event("work_started", "e4", domain="risk"),
        make_event("deployed", "e5", domain="risk"),
    )

    assert reasons(home) == [(3, ["domain_reserved"]), (5, ["domain_reserved"])]


def test_many_small_files_are_checked_together_without_a_file_open_for_each(home, monkeypatch):
    resource = pytest.importorskip("resource")
    checks = []
    results = rules._results
    monkeypatch.setattr(rules, "_results", lambda rules, *args: checks.extend(rules[:1]) or results(rules, *args))
    for i in range(60):
        put(home, f"{i}.jsonl", as_lines([make_event(event_id=f"e{i}"), make_event("adopted", f"a{i}"), "bad"]))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 100, hard))
    try:
        land_inbox(home, NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert landed_count(home) == 120
    assert len(checks) == 5  # the rules both tables state, those of either, and the repeats in either


# --- All or nothing -------------------------------------------------------------------------------------


class Crash(Exception):
    pass


MIXED = [make_event(), make_event("adopted"), make_event("adopted", consumer_domain=5), "nonsense"]


@pytest.mark.parametrize("is_renamed", [False, True], ids=["before the rename", "after it"])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_crash_before_the_receipt_leaves_nothing_visible_and_the_next_run_lands_it_whole(
    unchecked, home, monkeypatch, call, is_renamed
):
    """Three renames: ideas_logged, products_adopted, quarantined_events. The fourth is the receipt."""
    content = as_lines(MIXED)
    put(home, "a.jsonl", content)
    batch.prepare_landing(home, load_layer("landing"))
    calls = []

    def crash(temporary, path):
        calls.append(path)
        if is_renamed or len(calls) < call:
            home_module.publish(temporary, path)
        if len(calls) == call:
            raise Crash

    monkeypatch.setattr(batch, "publish", crash)
    with pytest.raises(Crash):
        land_inbox(home, NOW)
    monkeypatch.setattr(batch, "publish", home_module.publish)

    assert (receipts(home), landed_count(home), quarantined(home).num_rows) == ([], 0, 0)
    [receipt] = land_inbox(home, NOW)
    assert (receipt["rows_read"], receipt["rows_landed"], receipt["rows_quarantined"]) == (4, 2, 2)
    assert (landed_count(home), quarantined(home).num_rows) == (2, 2)


def test_the_receipt_is_the_last_file_to_appear(unchecked, home, monkeypatch):
    put(home, "a.jsonl", as_lines(MIXED))
    batch.prepare_landing(home, load_layer("landing"))
    published = []

    def note(temporary, path):
        published.append(path.parent.name)
        home_module.publish(temporary, path)

    monkeypatch.setattr(batch, "publish", note)

    land_inbox(home, NOW)

    assert sorted(published[:-1]) == ["ideas_logged", "products_adopted", "quarantined_events"]
    assert published[-1] == "batches"


def test_what_a_crashed_attempt_left_never_becomes_visible_with_a_later_one(home, monkeypatch):
    """Between the attempts the clock moved on: what was in the future and quarantined, now lands."""
    put(home, "a.jsonl", as_lines([make_event(occurred_at="2026-08-22T13:00:00Z")]))

    def crash_at_receipt(temporary, path):
        if path.parent.name == "batches" and path.stem != "_empty":
            raise Crash
        home_module.publish(temporary, path)

    monkeypatch.setattr(batch, "publish", crash_at_receipt)
    with pytest.raises(Crash):
        land_inbox(home, NOW)
    monkeypatch.setattr(batch, "publish", home_module.publish)
    assert len(list((home.landing / "quarantined_events").glob("*.parquet"))) == 2
    [receipt] = land_inbox(home, NOW + timedelta(hours=1))

    assert (receipt["rows_landed"], receipt["rows_quarantined"]) == (1, 0)
    assert quarantined(home).num_rows == 0
    assert len(visible(home, "ideas_logged")) == 1


def test_a_crash_in_one_file_leaves_those_before_it_landed(unchecked, home, monkeypatch):
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        put(home, name, as_lines([make_event(event_id=name)]))
    finish = batch.Batch.finish

    def crash_at_b(self, **about):
        if self.file_name == "b.jsonl":
            raise Crash
        return finish(self, **about)

    monkeypatch.setattr(batch.Batch, "finish", crash_at_b)
    with pytest.raises(Crash):
        land_inbox(home, NOW)
    monkeypatch.setattr(batch.Batch, "finish", finish)

    assert [row["event_id"] for row in visible(home, "ideas_logged")] == ["a.jsonl"]
    assert [r["file_name"] for r in land_inbox(home, NOW)] == ["b.jsonl", "c.jsonl"]
    assert not list(home.landing.glob("*/*.tmp"))


RESERVED = """expect_column_values_to_not_be_in_set
              kwargs:
                column: domain
                value_set:
                  - all
"""
CRASHING = """expect_column_values_to_be_between
              kwargs:
                column: domain
                min_value: 1
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (RESERVED, CRASHING, "the rule domain_reserved could not be checked: .*must .*of the same type"),
        (
            "landed_at_plus_ten_minutes",
            "nobody_gives_it",
            "its rules could not be checked: No value found for .PARAMETER nobody",
        ),
    ],
    ids=["a rule that crashes", "a rule without its parameter"],
)
def test_a_rule_that_can_not_run_stops_the_batch(promise, land, home, old, new, message):
    promise("work_started", old, new)

    with pytest.raises(LandingError, match=rf"work_started: {message}"):
        land(make_event(), make_event("work_started", domain="sales"))

    assert (receipts(home), landed_count(home)) == ([], 0)
    assert not list(home.landing.glob("*/*.tmp"))


def test_accounts_that_do_not_add_up_stop_the_batch(unchecked, land, home, monkeypatch):
    deliver = check.Checker._deliver
    monkeypatch.setattr(
        check.Checker,
        "_deliver",
        lambda self, table, pending, warnings: table == "work_started" or deliver(self, table, pending, warnings),
    )

    with pytest.raises(LandingError, match=r"events.jsonl: 2 rows read, but 1 landed \+ 0 quarantined"):
        land(make_event(), make_event("work_started"))

    assert (receipts(home), landed_count(home)) == ([], 0)


def test_an_unreadable_file_is_one_quarantined_row_and_costs_no_other(unchecked, home, monkeypatch):
    """The array breaks after two chunks of good rows: none of them lands."""
    monkeypatch.setattr("orchestration.landing.rows.CHUNK_ROWS", 10)
    monkeypatch.setattr(check, "CHECKED_ROWS", 15)
    put(home, "a.jsonl", as_lines([make_event(event_id="before")]))
    put(home, "b.json", b"[" + b",\n".join(as_lines([make_event()]).strip() for _ in range(25)))
    put(home, "c.xlsx", b"PK")
    put(home, "d.jsonl", as_lines([make_event(event_id="after")]))

    found = {r["file_name"]: r for r in land_inbox(home, NOW)}

    assert {name: (r["rows_read"], r["rows_landed"], r["is_readable"]) for name, r in found.items()} == {
        "a.jsonl": (1, 1, True),
        "b.json": (1, 0, False),
        "c.xlsx": (1, 0, False),
        "d.jsonl": (1, 1, True),
    }
    assert {row["event_id"] for row in visible(home, "ideas_logged")} == {"before", "after"}
    rows = quarantined(home).to_pylist()
    assert [(row["file_name"], row["reasons"], row["line_number"]) for row in rows] == [
        ("b.json", ["unreadable_file"], None),
        ("c.xlsx", ["unreadable_file"], None),
    ]
    assert rows[0]["message"].startswith("b.json: it ends on line 25 where it should have a comma or ]")
    assert rows[0]["message"].endswith("Correct the file and send it again.")
    assert replay(home, NOW) is None


ROWS = st.sampled_from(
    [
        make_event(),
        make_event("adopted"),
        make_event("withdrawn", title="\x00"),
        make_event("nonsense"),
        make_event(occurred_at=5),
        make_event(team="x"),
        "",
        "nonsense",
        b"\xff",
        "[]",
    ]
)


def waiting_of(rows: list, later: list[list]) -> list:
    """The rows of a file that wait: those refused, but an event that a later file sends well."""

    def lands(row) -> bool:
        return isinstance(row, dict) and row["event_type"] != "nonsense" and row["occurred_at"] != 5

    is_corrected = any(lands(row) for rows in later for row in rows)  # every one of ROWS is the same event
    return [row for row in rows if row != "" and not lands(row) and not (is_corrected and isinstance(row, dict))]


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(ROWS, max_size=8), min_size=1, max_size=4))
def test_rows_read_are_rows_landed_and_rows_quarantined_whatever_is_sent(unchecked, tmp_path_factory, files):
    home = Home.at(tmp_path_factory.mktemp("home"))
    for k, rows in enumerate(files):
        put(home, f"{k}.jsonl", as_lines([*rows, make_event(event_id=f"file {k}")]))

    found = land_inbox(home, NOW)

    sent = [len([row for row in rows if row != ""]) + 1 for rows in files]
    assert [r["rows_read"] for r in found] == sent
    assert [r["rows_landed"] + r["rows_quarantined"] for r in found] == sent
    assert landed_count(home) == sum(r["rows_landed"] for r in found)
    assert refused_rows(home).num_rows == sum(r["rows_quarantined"] for r in found)
    assert quarantined(home).num_rows == sum(len(waiting_of(rows, files[k + 1 :])) for k, rows in enumerate(files))
    for receipt in found:
        assert sum(json.loads(receipt["landed_by_table"]).values()) == receipt["rows_landed"]
        assert sum(json.loads(receipt["quarantined_by_table"]).values()) == receipt["rows_quarantined"]


def test_how_rows_are_cut_into_chunks_changes_nothing(tmp_path, monkeypatch):
    rows = [make_event(("idea_logged", "adopted", "nonsense")[i % 3], f"e{i}", revision=i % 5 - 1) for i in range(60)]
    found = []
    for k, (read_rows, checked_rows) in enumerate([(1_000, 1_000), (7, 1_000), (7, 20)]):
        monkeypatch.setattr("orchestration.landing.rows.CHUNK_ROWS", read_rows)
        monkeypatch.setattr(check, "CHECKED_ROWS", checked_rows)
        home = Home.at(tmp_path / str(k))
        put(home, "a.jsonl", as_lines(rows))
        [receipt] = land_inbox(home, NOW)
        found.append((receipt, [visible(home, table) for table in TABLES], quarantined(home).to_pylist()))

    assert found[0][0]["rows_landed"] == 32  # of 40 ideas and adoptions, every fifth has revision -1
    assert found[0] == found[1] == found[2]


# --- Replay ---------------------------------------------------------------------------------------------


def test_a_replay_lands_what_passes_today_once_with_its_origin(promise, land, home):
    strict = promise(
        "products_deployed",
        "maxLength: 2000\n          pattern: '^[^\\x00]*$'\n    quality:",
        "maxLength: 5\n    quality:",
    )
    first = land(
        make_event("deployed", "e1", version="1.0.0"),
        make_event("deployed", "e2", version="1.0.0-rc1"),
        make_event("deployed", "e3", version="x" * 300),
        make_event("nonsense", "e4"),
    )
    assert replay(home, NOW) is None
    strict.write_text(strict.read_text().replace("maxLength: 5\n", "maxLength: 50\n"))
    later = NOW + timedelta(days=1)

    receipt = replay(home, later)

    assert (receipt["rows_read"], receipt["rows_landed"], receipt["rows_quarantined"]) == (1, 1, 0)
    assert (receipt["is_replay"], receipt["landed_at"], receipt["file_name"]) == (True, later, "replay of 1 rows")
    assert receipt["batch_id"] != first["batch_id"]
    landed = {row["event_id"]: row for row in visible(home, "products_deployed")}
    assert landed.keys() == {"e1", "e2"}
    assert landed["e2"]["batch_id"] == receipt["batch_id"]
    assert (landed["e2"]["origin_batch_id"], landed["e2"]["line_number"]) == (first["batch_id"], 2)
    assert reasons(home) == [(3, ["version_length"]), (4, ["event_type_unknown"])]
    assert {row["batch_id"] for row in quarantined(home).to_pylist()} == {first["batch_id"]}
    assert replay(home, later) is None
    assert len(receipts(home)) == 2


def test_a_replay_lands_an_event_type_that_a_contract_has_learnt(promise, land, home):
    kinds = "          - adopted\n"
    contract = promise("products_adopted", kinds, "          - granted\n")
    land(make_event("adopted", "e1"), make_event("adopted", "e2", consumer_domain=None), make_event("adopted", "e3"))
    contract.write_text(
        contract.read_text().replace("          - granted\n        desc", f"          - granted\n{kinds}        desc")
    )

    receipt = replay(home, NOW)

    assert receipt["rows_landed"] == 2
    assert [(row["event_id"], row["line_number"]) for row in visible(home, "products_adopted")] == [
        ("e1", 1),
        ("e3", 3),
    ]
    [waiting] = quarantined(home).to_pylist()
    assert (waiting["line_number"], waiting["reasons"]) == (2, ["event_type_unknown"])
    assert replay(home, NOW) is None


def relax(promise, table="work_started"):
    """Titles may then have more than three characters."""
    strict = promise.folder / f"{table}.odcs.yaml"
    text = strict.read_text()
    title = "The data product's name for people.\n        logicalTypeOptions:\n          maxLength: "
    if f"{title}3\n" in text:
        strict.write_text(text.replace(f"{title}3\n", f"{title}2000\n"))
    else:
        promise(table, f"{title}2000\n", f"{title}3\n")


def test_rows_of_a_csv_are_replayed_with_their_header(promise, home):
    relax(promise)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["title", "event_id", "source", "event_type", "data_product_id", "occurred_at", "team"])
    writer.writerow(["a\nlong; title", "e1", "s", "work_started", "p", "2026-08-01", "x"])
    writer.writerow(["abc", "e2", "s", "work_started", "p", "2026-08-01", ""])
    text.write(json.dumps(make_event("work_started", "not a line of this CSV")) + "\n")
    writer.writerow(["long", "e3", "s", "work_started", "", "2026-08-01", ""])
    put(home, "a.csv", text.getvalue().encode())
    land_inbox(home, NOW)
    assert reasons(home) == [
        (2, ["title_length"]),
        (5, ["wrong_field_count"]),
        (6, ["data_product_id_missing", "title_length"]),
    ]
    relax(promise)

    replay(home, NOW)

    rows = {row["event_id"]: row for row in visible(home, "work_started")}
    assert rows.keys() == {"e1", "e2"}
    assert (rows["e1"]["title"], rows["e1"]["line_number"]) == ("a\nlong; title", 2)
    assert (rows["e1"]["attributes"], rows["e1"]["is_assumed_utc"]) == ('{"team":"x"}', True)
    assert [line for line, _ in reasons(home)] == [5, 6]


def test_rows_that_share_a_line_are_replayed_one_by_one(promise, home):
    relax(promise)
    relax(promise, "ideas_logged")
    rows = [make_event("work_started", "e1", title="long"), make_event("idea_logged", "e2", title="long")]
    put(home, "a.json", json.dumps([*rows, make_event("work_started", "e3"), 5]).encode())
    land_inbox(home, NOW)
    assert [row["line_number"] for row in quarantined(home).to_pylist()] == [1, 1, 1]

    relax(promise)
    first = replay(home, NOW)
    waiting = quarantined(home).to_pylist()
    relax(promise, "ideas_logged")
    second = replay(home, NOW)

    assert (first["rows_landed"], second["rows_landed"]) == (1, 1)
    assert first["batch_id"] != second["batch_id"]
    assert [row["row_number"] for row in waiting] == [2, 4]
    assert sorted(row["event_id"] for row in visible(home, "work_started")) == ["e1", "e3"]
    assert [row["event_id"] for row in visible(home, "ideas_logged")] == ["e2"]
    assert [row["reasons"] for row in quarantined(home).to_pylist()] == [["not_an_object"]]


def test_rows_of_parquet_and_of_cloud_events_are_replayed(promise, home):
    relax(promise)
    event = make_event("work_started", "e1", title="long", team="x")
    table = pa.Table.from_pylist([event]).drop_columns("occurred_at")
    at = pa.array([1_754_042_400_000_000], pa.timestamp("us", "UTC"))
    pq.write_table(table.append_column("occurred_at", at), home.inbox / "a.parquet")
    os.utime(home.inbox / "a.parquet", (1, 1))
    cloud = {"specversion": "1.0", "id": "e2", "source": "s", "type": "x.work_started", "time": "2026-08-01T00:00:00Z"}
    put(home, "b.json", json.dumps(cloud | {"subject": "p", "data": {"title": "long"}}).encode())
    land_inbox(home, NOW)
    assert landed_count(home) == 0
    relax(promise)

    replay(home, NOW)

    first, second = sorted(visible(home, "work_started"), key=lambda row: row["event_id"])
    assert (first["occurred_at"].isoformat(), first["attributes"]) == ("2025-08-01T10:00:00+00:00", '{"team":"x"}')
    assert (second["event_id"], second["data_product_id"], second["title"]) == ("e2", "p", "long")


def test_what_is_not_kept_whole_is_never_replayed(promise, home):
    """A long line keeps 4 KiB, bytes that are not UTF-8 are kept as text that stands for them."""
    relax(promise)
    long = as_lines([make_event("work_started", title="x" * (1 << 20))])
    latin = b"event_id,source,event_type,data_product_id,occurred_at,title\ne1,s,work_started,p,2026-08-01,caf\xe9\n"
    wide = pa.Table.from_pylist([make_event("work_started", notes="y" * (2 << 20), title="long")])
    put(home, "a.jsonl", long)
    put(home, "b.csv", latin)
    pq.write_table(wide, home.inbox / "c.parquet")
    os.utime(home.inbox / "c.parquet", (1, 1))
    land_inbox(home, NOW)
    rows = quarantined(home).to_pylist()
    relax(promise)

    assert [(row["reasons"], row["is_whole_text"], len(row["original_text"])) for row in rows] == [
        (["line_too_long"], False, 4096),
        (["invalid_utf8"], False, len("e1,s,work_started,p,2026-08-01,caf\\xe9")),
        (["title_length"], False, 4096),
    ]
    assert replay(home, NOW) is None


def test_a_replay_without_a_change_of_contract_lands_nothing(home):
    """What is refused as NaN, bytes or a number must not come back as null or text."""
    columns = {name: [value] * 3 for name, value in make_event("work_started").items()}
    columns["revision"] = pa.array([float("nan"), 0.0, 0.0])
    columns["title"] = pa.array([None, b"abc", None], pa.binary())
    columns["is_retracted"] = pa.array([None, None, 1])
    pq.write_table(pa.table(columns), home.inbox / "a.parquet")
    os.utime(home.inbox / "a.parquet", (1, 1))
    put(home, "b.jsonl", as_lines([make_event(event_id=5), "bad", b"\xff", make_event(revision=True)]))
    put(home, "c.csv", b'event_id,source,event_type\ne,s\n"\n')
    land_inbox(home, NOW)

    assert quarantined(home).num_rows == 3 + 4 + 2
    assert replay(home, NOW) is None


def test_a_replay_that_crashes_leaves_its_rows_in_quarantine(promise, land, home, monkeypatch):
    relax(promise)
    land(make_event("work_started", title="long"))
    relax(promise)

    def crash_at_receipt(temporary, path):
        if path.parent.name == "batches":
            raise Crash
        home_module.publish(temporary, path)

    monkeypatch.setattr(batch, "publish", crash_at_receipt)
    with pytest.raises(Crash):
        replay(home, NOW)
    monkeypatch.setattr(batch, "publish", home_module.publish)

    assert (quarantined(home).num_rows, landed_count(home)) == (1, 0)
    assert replay(home, NOW)["rows_landed"] == 1
    assert (quarantined(home).num_rows, landed_count(home)) == (0, 1)


# --- The inbox and the empty home -----------------------------------------------------------------------


def test_a_file_placed_in_the_inbox_keeps_its_name_and_lands_at_once(unchecked, home, tmp_path):
    source = tmp_path / "events.jsonl.part"
    source.write_bytes(as_lines([make_event()]))

    target = place_in_inbox(home, source)

    assert target == home.inbox / "events.jsonl"
    assert [r["file_name"] for r in land_inbox(home, NOW)] == ["events.jsonl"]
    assert [path.name for path in home.inbox.iterdir()] == ["events.jsonl"]


def test_another_file_of_the_same_name_is_placed_beside_the_first(home, tmp_path):
    names = []
    for text in ("one", "two", "one", "two"):
        source = tmp_path / text / "events.2026.jsonl.gz"
        source.parent.mkdir(exist_ok=True)
        source.write_text(text)
        names.append(place_in_inbox(home, source).name)

    beside = f"events-{hashlib.sha256(b'two').hexdigest()[:8]}.2026.jsonl.gz"
    assert names == ["events.2026.jsonl.gz", beside, "events.2026.jsonl.gz", beside]
    assert (home.inbox / beside).read_text() == "two"


def test_a_hidden_file_placed_in_the_inbox_is_read(home, tmp_path):
    source = tmp_path / ".events.jsonl"
    source.write_bytes(as_lines([make_event()]))

    assert place_in_inbox(home, source).name == "events.jsonl"


def test_a_home_without_events_has_every_promised_column_and_nothing_in_quarantine(home):
    assert quarantined(home).num_rows == 0
    assert (receipts(home), land_inbox(home, NOW), replay(home, NOW)) == ([], [], None)
    for table, contract in load_layer("landing").items():
        [empty] = (home.landing / table).glob("*.parquet")
        assert pq.read_schema(empty).names[: len(contract.properties)] == [p.name for p in contract.properties]


def test_a_column_added_to_a_contract_can_be_read_at_once_also_of_old_batches(promise, land, home):
    receipt = land(make_event("work_started", title="\x00"))
    column = "      - name: team\n        logicalType: string\n        description: Who.\n      - name: title\n"
    promise("work_started", "      - name: title\n", column)

    land(make_event("work_started", event_id="e2", team="x"), name="b.jsonl")

    assert [row["team"] for row in visible(home, "work_started")] == ["x"]
    assert quarantined(home)["batch_id"].to_pylist() == [receipt["batch_id"]]


# --- The hostile file -----------------------------------------------------------------------------------

START = b'{"event_id": "bad", "source": "s", "data_product_id": "p", "event_type": "idea_logged", "domain": "d", '
TEN_THOUSAND = {f"column {i:05}": i for i in range(10_000)}
LONG = b'{"event_id": "x'
HOSTILE = [
    # (the line, its reasons; none where it lands)
    (b'{"event_id": "x"', ["malformed_json"]),
    (b"{'event_id': 'x'}", ["malformed_json"]),
    (LONG, ["line_too_long"]),
    (b'{"event_id": "a\x00b"}', ["malformed_json"]),
    (b"\x00\x00\x00", ["malformed_json"]),
    (make_event(event_id="nul\x00"), ["event_id_pattern"]),
    (make_event(title="nul\x00"), ["title_pattern"]),
    (b'{"event_id": "\xff\xfe"}', ["invalid_utf8"]),
    (b'{"event_id": "\\ud800"}', ["malformed_json"]),
    (b'{"event_id": "\\udc00\\ud800"}', ["malformed_json"]),
    (b"[" * 100_000 + b"]" * 100_000, ["malformed_json"]),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, ["malformed_json"]),
    (START + b'"occurred_at": "2026-08-01", "deep": ' + b"[" * 900 + b"]" * 900 + b"}", ["nested_too_deep"]),
    (make_event(event_id=json.loads("[" * 200 + "]" * 200)), ["event_id_wrong_type"]),
    (b'"text"', ["not_an_object"]),
    (b"NaN", ["malformed_json"]),
    (START + b'"occurred_at": "2026-08-01", "revision": 1e999}', ["malformed_json"]),
    (make_event(occurred_at=20260801), ["occurred_at_wrong_type"]),
    (make_event(occurred_at=1_755_864_000.5), ["occurred_at_wrong_type"]),
    (make_event(occurred_at="0000-01-01T00:00:00Z"), ["occurred_at_wrong_type"]),
    (make_event(occurred_at="0001-01-01T00:00:00Z"), ["occurred_at_out_of_range"]),
    (make_event(occurred_at="9999-12-31T23:59:59Z"), ["occurred_at_in_the_future"]),
    (make_event(occurred_at="10000-01-01T00:00:00Z"), ["occurred_at_wrong_type"]),
    (make_event(occurred_at="2027-01-01T00:00:00Z"), ["occurred_at_in_the_future"]),
    (make_event(recorded_at="9999-12-31T23:59:59Z"), None),
    (make_event(title="'; drop table ideas_logged; --"), None),
    (make_event(title="<script>alert(1)</script>", source_ref="javascript:alert(1)"), None),
    (make_event(title='=HYPERLINK("http://evil.example","x")', domain="+1+cmd|' /C calc'!A0"), None),
    (make_event(title="👩‍👩‍👧‍👦 🇩🇪 é é"), None),
    (make_event(title="\u202eevil\u202c مرحبا שלום"), None),
    (make_event(**TEN_THOUSAND), None),
    (START.replace(b"bad", b"first") + b'"occurred_at": "2026-08-01", "event_id": "last"}', None),
    (make_event(domain="all"), ["domain_reserved"]),
    (make_event(event_id=""), ["event_id_length"]),
    (make_event(data_product_id=""), ["data_product_id_length"]),
    (make_event(event_id="e\n"), ["event_id_pattern"]),
    (make_event(data_product_id="p\n"), ["data_product_id_pattern"]),
    (make_event(event_id="x" * 201), ["event_id_length"]),
    (make_event(event_id="x" * 200), None),
    (make_event(revision=True), ["revision_wrong_type"]),
    (make_event(revision=-1), ["revision_out_of_range"]),
    (make_event(revision=2**63), ["revision_wrong_type"]),
    (make_event(revision=2**70), ["revision_wrong_type"]),
    (make_event(is_retracted="yes"), ["is_retracted_wrong_type"]),
    (make_event(event_type="__proto__"), ["event_type_unknown"]),
    (make_event(event_id="good"), None),
]


def test_a_hostile_file_lands_its_good_rows_and_every_other_waits_with_reason_line_and_text(home):
    lines = [as_lines([row]).rstrip(b"\n") + b"x" * (50 << 20) * (row == LONG) for row, _ in HOSTILE]
    put(home, "hostile.jsonl", b"\n".join(lines))

    [receipt] = land_inbox(home, NOW)

    bad = [(number, row, found) for number, (row, found) in enumerate(HOSTILE, 1) if found]
    good = [(number, row) for number, (row, found) in enumerate(HOSTILE, 1) if not found]
    assert (receipt["rows_read"], receipt["rows_landed"], receipt["rows_quarantined"]) == (46, 10, 36)
    waiting = quarantined(home).to_pylist()
    assert [(row["line_number"], row["reasons"]) for row in waiting] == [(number, found) for number, _, found in bad]
    for row, (number, *_) in zip(waiting, bad, strict=True):
        text = lines[number - 1].decode("utf-8", "backslashreplace")
        assert row["original_text"] == (text[:4096] if row["reasons"] == ["line_too_long"] else text)
        assert row["file_name"] == "hostile.jsonl"
        assert row["message"]
    landed = visible(home, "ideas_logged")
    assert [row["line_number"] for row in landed] == [number for number, _ in good]
    by_line = {row["line_number"]: row for row in landed}
    for number, row in good:
        if isinstance(row, dict):
            assert [by_line[number][c] for c in ("event_id", "title", "domain")] == [
                row.get(c) for c in ("event_id", "title", "domain")
            ]
    assert json.loads(next(row["attributes"] for row in landed if row["attributes"])) == TEN_THOUSAND
    assert "last" in {row["event_id"] for row in landed}
    assert replay(home, NOW) is None
    assert len(list(home.landing.glob("ideas_logged/*"))) == 2
