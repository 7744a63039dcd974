"""A batch lands whole or not at all, its rows add up, and the same file gives the same bytes."""

import gzip
import hashlib
import json
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import NOW, Crash, as_lines, examples, landed_count, make_event, put, visible
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from orchestration import home as home_module
from orchestration.cli import app
from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing import batch, check
from orchestration.landing.land import land_inbox
from orchestration.landing.landing_mirror import as_parquet
from orchestration.landing.quarantine import quarantined, refused_rows, replay
from orchestration.landing.receipts import RECEIPT, receipts
from orchestration.landing.rules import LandingError


def landing_files(home) -> dict[str, bytes]:
    """The data files; receipts tell the time and so differ."""
    files = sorted(home.landing.glob("*/*"))
    return {str(f.relative_to(home.landing)): f.read_bytes() for f in files if f.parent.name != "batches"}


def test_a_batch_is_named_by_its_content(unchecked, home):
    content = as_lines([make_event()])
    put(home, "a.jsonl", content)

    [receipt] = land_inbox(home, NOW)

    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    assert receipt["batch_id"] == receipt["sha256"][:32]
    assert (receipt["file_bytes"], receipt["landed_at"]) == (len(content), NOW)
    assert receipts(home) == [receipt]


def test_a_receipt_is_read_again_when_its_file_was_changed_or_removed(unchecked, home):
    for name in ("a.jsonl", "b.jsonl"):
        put(home, name, as_lines([make_event(event_id=name)]))
    land_inbox(home, NOW)
    first, second = receipts(home)
    first["rows_read"] = 5  # the caller's own copy
    assert [r["rows_read"] for r in receipts(home)] == [1, 1]

    path = home.landing / "batches" / f"{first['batch_id']}.parquet"
    pq.write_table(pa.Table.from_pylist([first], RECEIPT).drop_columns("warnings"), path)
    assert receipts(home) == [first | {"warnings": None}, second]

    path.unlink()
    assert receipts(home) == [second]


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
    assert len(found[0]) == 10 + 5  # an empty file a table; ideas, adoptions, and three files of quarantined rows


MIXED = [make_event(), make_event("adopted"), make_event("adopted", consumer_domain=True), "nonsense"]


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


@pytest.mark.slow
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
        found.append(
            (receipt, [visible(home, table) for table in load_layer("landing")], quarantined(home).to_pylist())
        )

    assert found[0][0]["rows_landed"] == 32  # of 40 ideas and adoptions, every fifth has revision -1
    assert found[0] == found[1] == found[2]


# files that are typed together where they can be: other values, columns, formats and faults in each
SMALL_FILES = {
    "a.jsonl": as_lines([make_event(event_id="a1", team={"name": "x"}), make_event("adopted", "a2", title=5)]),
    "a2.jsonl": as_lines([make_event(event_id="a3"), make_event("adopted", "a4"), make_event(event_id="a3")]),
    "b.jsonl": as_lines(["{", make_event("nonsense", "b2"), "[]", make_event(event_id=12, occurred_at="2026-08-01")]),
    "c.jsonl": as_lines([str(make_event(event_id="c1")), '{"event_id": 1e+5, "event_type": "idea_logged"}']),
    "d.csv": b"event_id,source,event_type,data_product_id,domain,occurred_at\nd1,s,idea_logged,p,x,20260801T1000\nd\n",
    "e.csv": b"event_id,source,event_type,data_product_id,domain,occurred_at\nd1,s,nonsense,p,sales,NULL\ne2,s,,p,,x\n",
    "f.csv": b"Source;Event ID;event_type;occurred_at;budget\ns;1E+05;deployed;2026-08-01;7\n",
    "g.jsonl.gz": gzip.compress(as_lines(make_event(event_id=f"g{i}", note="n" * i) for i in range(99)))[:-200],
    "h.json": as_lines([[make_event("products_retired", "h1"), 7, make_event(event_id="h3", source="other")]]),
    "i.parquet": as_parquet(
        pa.Table.from_pylist([make_event(event_id="i1"), make_event("deployed", "i2", version=[1])])
    ),
    "j.jsonl": as_lines([make_event(event_id=f"j{i}", revision=i % 4 - 1, is_retracted=i % 2) for i in range(9)]),
    "k.jsonl": b"\n",
}


def what_landed(home: Home, is_together: bool) -> tuple[list[dict], list[list[dict]], list[dict]]:
    """(receipts, rows by table, quarantined rows) of SMALL_FILES, landed together or one by one."""
    (home.root / "declared").mkdir()
    (home.root / "declared/source_timezones.csv").write_text("source,timezone\ns,Europe/Berlin\n")
    for name, content in SMALL_FILES.items():
        put(home, name, content)
        if not is_together:
            land_inbox(home, NOW)
    land_inbox(home, NOW)
    waiting = sorted(quarantined(home).to_pylist(), key=lambda row: (row["file_name"], row["row_number"] or 0))
    of_file = sorted(receipts(home), key=lambda receipt: receipt["file_name"])
    return of_file, [visible(home, table) for table in load_layer("landing")], waiting


def test_which_files_are_typed_together_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("orchestration.landing.rows.CHUNK_ROWS", 10)  # some rows of g are read before its fault is
    apart = what_landed(Home.at(tmp_path / "apart"), is_together=False)
    files, tables, waiting = apart
    assert (len(files), sum(map(len, tables)), len(waiting)) == (len(SMALL_FILES), 16, 15)
    for k, (most_rows, most_bytes) in enumerate([(50_000, 8 << 20), (12, 8 << 20), (50_000, 400)]):
        monkeypatch.setattr(check, "CHUNK_ROWS", most_rows)
        monkeypatch.setattr(check, "CHUNK_BYTES", most_bytes)
        assert what_landed(Home.at(tmp_path / str(k)), is_together=True) == apart


DAMAGES = {"empty": lambda whole: b"", "cut": lambda whole: whole[:-9], "zeros": lambda whole: whole[:4] + bytes(99)}


@pytest.mark.parametrize(("command", "damage"), [("status", "empty"), ("quarantine", "cut"), ("replay", "zeros")])
def test_a_damaged_receipt_is_named_with_what_to_do(unchecked, land, home, command, damage):
    path = home.landing / "batches" / f"{land(make_event())['batch_id']}.parquet"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    ended = CliRunner().invoke(app, [command, "--home", str(home.root)])
    assert (ended.exit_code, ended.output.count("\n")) == (1, 1)
    assert ended.output.startswith(f"{path} can't be read: ")
    assert ended.output.endswith(
        "It is the receipt of a batch: copy it back from a backup, which may be of any age. Without one, "
        f"delete the batch, rm {home.landing}/*/{path.name}, and run: its file lands again.\n"
    )


def test_a_damaged_empty_file_of_receipts_holds_nothing(unchecked, land, home):
    land(make_event())
    (home.landing / "batches" / "_empty.parquet").write_bytes(b"PAR1")
    ended = CliRunner().invoke(app, ["status", "--home", str(home.root)])
    assert ended.exit_code == 1 and ended.output.endswith("It holds no rows: delete it and run.\n")
