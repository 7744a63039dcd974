"""A quarantined row waits until it is replayed, sent again and landed, or dismissed; it is never lost or changed."""

import json
from datetime import timedelta

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import NOW, as_lines, make_event, put
from typer.testing import CliRunner

from orchestration import home as home_module
from orchestration.build import builds
from orchestration.cli import app
from orchestration.home import Dates
from orchestration.landing import batch, quarantine
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import dismiss, quarantined, refused_rows, replay, restore
from orchestration.landing.receipts import receipts

pytestmark = pytest.mark.usefixtures("unchecked")

BAD = make_event("adopted", "bad", occurred_at=5)
GOOD = make_event("adopted", "bad")
DAY = timedelta(days=1)


def states(home) -> dict[tuple, str]:
    """{(file, row): state} of every refused row."""
    rows = refused_rows(home).select(["file_name", "row_number", "state"]).to_pylist()
    return {(row["file_name"], row["row_number"]): row["state"] for row in rows}


def every_row_is_accounted_for(home) -> None:
    found = receipts(home)
    assert all(r["rows_read"] == r["rows_landed"] + r["rows_quarantined"] for r in found)
    assert refused_rows(home).num_rows == sum(r["rows_quarantined"] for r in found)


def forget_adopted(promise):
    """Adoptions become an unknown event type; calling what this returns makes them known again."""
    path = promise("products_adopted", "          - adopted\n", "          - granted\n")
    return lambda: path.write_text(path.read_text().replace("          - granted\n", "          - adopted\n", 1))


def test_a_row_that_is_sent_again_and_lands_no_longer_waits_and_stays_in_the_accounts(land, home):
    land(BAD, make_event("nonsense", "type"), make_event("nonsense", "other"), name="a.jsonl")
    land(GOOD, make_event("deployed", "type"), name="b.jsonl", now=NOW + DAY)

    assert states(home) == {("a.jsonl", 1): "corrected", ("a.jsonl", 2): "corrected", ("a.jsonl", 3): "waiting"}
    assert [row["event_id"] for row in quarantined(home).to_pylist()] == ["other"]
    every_row_is_accounted_for(home)


@pytest.mark.parametrize(
    ("again", "state"),
    [
        (GOOD, "corrected"),
        (GOOD | {"revision": 7, "is_retracted": True}, "corrected"),
        (GOOD | {"source": "another"}, "waiting"),
        (GOOD | {"event_id": "another"}, "waiting"),
        (BAD, "waiting"),
    ],
    ids=["the event", "its retraction", "of another source", "another event", "as bad as before"],
)
def test_only_the_same_event_of_the_same_source_corrects_a_row(land, home, again, state):
    land(BAD, name="a.jsonl")
    land(again, make_event(event_id="more"), name="b.jsonl", now=NOW + DAY)

    assert states(home)["a.jsonl", 1] == state


def test_what_had_landed_before_a_row_was_refused_does_not_correct_it(land, home):
    """The refused row may be the correction of what landed, also in the same file."""
    land(GOOD, name="a.jsonl")
    land(GOOD | {"title": "again"}, BAD, name="b.jsonl", now=NOW + DAY)

    assert states(home) == {("b.jsonl", 2): "waiting"}


def test_files_of_one_run_land_in_name_order(home):
    put(home, "a.jsonl", as_lines([BAD, make_event("adopted", "other")]))
    put(home, "b.jsonl", as_lines([GOOD, make_event("adopted", "other", occurred_at=5)]))

    land_inbox(home, NOW)

    assert states(home) == {("a.jsonl", 1): "corrected", ("b.jsonl", 2): "waiting"}


def test_a_replay_of_an_older_row_does_not_correct_a_newer_one(promise, land, home):
    """Both rows are of one event; the contract is changed for what the first breaks, and the second still waits."""
    learn = forget_adopted(promise)
    land(GOOD, name="a.jsonl")
    land(BAD, name="b.jsonl", now=NOW + DAY)
    learn()

    assert replay(home, NOW + 2 * DAY)["rows_landed"] == 1
    assert states(home) == {("a.jsonl", 1): "replayed", ("b.jsonl", 1): "waiting"}
    land(GOOD | {"revision": 1}, name="c.jsonl", now=NOW + 3 * DAY)
    assert states(home) == {("a.jsonl", 1): "replayed", ("b.jsonl", 1): "corrected"}
    every_row_is_accounted_for(home)


def test_a_corrected_row_is_not_replayed(promise, land, home):
    learn = forget_adopted(promise)
    land(GOOD, name="a.jsonl")
    learn()
    land(GOOD | {"title": "corrected"}, name="b.jsonl", now=NOW + DAY)

    assert replay(home, NOW + 2 * DAY) is None


CLOUD = {"specversion": "1.0", "id": "e", "source": "s", "type": "deployed", "data": "text"}
DEEP = json.loads("[" * 300 + "]" * 300)
KEYS = [
    (make_event("nonsense", "e"), ("jira.example.com", "e")),
    (make_event(event_id="e", revision=True), ("jira.example.com", "e")),
    (make_event(event_id="e", occurred_at=5, source=None), (None, "e")),
    (make_event(event_id=5.5), ("jira.example.com", None)),
    (make_event("nonsense", event_id=["e"]), ("jira.example.com", None)),
    (CLOUD, ("s", "e")),
    (make_event(event_id="e", deep=DEEP), ("jira.example.com", "e")),
    ('{"event_id": "e", "source": "s"', (None, None)),
    ('["e", "s"]', (None, None)),
]


def test_quarantine_keeps_the_source_and_event_id_of_a_row_as_far_as_they_can_be_read(land, home):
    land(*(row for row, _ in KEYS))

    found = sorted(refused_rows(home).to_pylist(), key=lambda row: row["row_number"])
    assert [(row["source"], row["event_id"]) for row in found] == [key for _, key in KEYS]


def test_quarantine_of_a_file_without_these_columns_is_read_and_waits(land, home):
    """As files were until they had them."""
    receipt = land(BAD, name="a.jsonl")
    for name in (receipt["batch_id"], "_empty"):
        path = home.landing / "quarantined_events" / f"{name}.parquet"
        pq.write_table(pq.read_table(path).drop_columns(["source", "event_id"]), path)
    assert states(home) == {("a.jsonl", 1): "waiting"}

    land(GOOD, make_event("nonsense", "new"), name="b.jsonl", now=NOW + DAY)

    assert states(home) == {("b.jsonl", 2): "waiting", ("a.jsonl", 1): "waiting"}
    assert dismiss(home, "a.jsonl", None, "sent again") == 1


@pytest.fixture
def three(land, home) -> dict:
    """a.jsonl with bad rows on lines 1 and 2, and the unreadable file b.json; the receipt of a.jsonl."""
    receipt = land(BAD, make_event("nonsense"), name="a.jsonl")
    put(home, "b.json", b"[")
    land_inbox(home, NOW + DAY)
    return receipt


def test_dismissed_rows_no_longer_wait_keep_their_note_and_can_be_restored(three, home):
    before = refused_rows(home).num_rows
    files = {path: path.read_bytes() for path in home.landing.glob("*/*.parquet")}

    assert dismiss(home, "a.jsonl", 2, "a test of theirs", NOW) == 1
    assert dismiss(home, "b.json", None, "sent as c.json", NOW) == 1
    assert states(home) == {("b.json", None): "dismissed", ("a.jsonl", 1): "waiting", ("a.jsonl", 2): "dismissed"}
    notes = {row["file_name"]: row["note"] for row in refused_rows(home).to_pylist() if row["note"]}
    assert notes == {"a.jsonl": "a test of theirs", "b.json": "sent as c.json"}

    assert restore(home, "a.jsonl", None, NOW) == 1
    assert [row["note"] for row in quarantined(home).to_pylist()] == [None, None]
    assert dismiss(home, three["batch_id"][:8], None, "both", NOW) == 2
    assert set(states(home).values()) == {"dismissed"}
    assert refused_rows(home).num_rows == before
    assert {path: path.read_bytes() for path in files} == files
    every_row_is_accounted_for(home)


def test_every_decision_is_a_file_of_its_own_with_when_and_why(three, home):
    dismiss(home, "a.jsonl", None, "why", NOW)
    restore(home, "a.jsonl", 1, NOW + DAY)

    first, second = (pq.read_table(path).to_pylist() for path in quarantine.dismissal_files(home))
    about = {"dismissal_number": 1, "decided_at": NOW, "is_dismissed": True, "note": "why"}
    assert first == [about | {"batch_id": three["batch_id"], "row_number": row} for row in (1, 2)]
    about = {"dismissal_number": 2, "decided_at": NOW + DAY, "is_dismissed": False, "note": None}
    assert second == [about | {"batch_id": three["batch_id"], "row_number": 1}]


@pytest.mark.parametrize(("name", "line"), [("c.jsonl", None), ("a.jsonl", 3), ("", None), ("a", None)])
def test_what_does_not_wait_is_not_dismissed(three, home, name, line):
    assert dismiss(home, name, line, "why") == 0
    assert restore(home, name, line) == 0
    assert dismiss(home, three["batch_id"][:7], None, "too short for a batch") == 0
    assert quarantine.dismissal_files(home) == []


def test_a_dismissed_row_is_not_replayed_until_it_is_restored(promise, land, home):
    learn = forget_adopted(promise)
    land(GOOD, name="a.jsonl")
    dismiss(home, "a.jsonl", None, "not now")
    learn()

    assert replay(home, NOW) is None
    restore(home, "a.jsonl", None)
    assert replay(home, NOW)["rows_landed"] == 1
    assert states(home) == {("a.jsonl", 1): "replayed"}


def test_a_crash_while_a_dismissal_is_written_dismisses_nothing(three, home, monkeypatch):
    def crash(temporary, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "publish", crash)
    with pytest.raises(KeyboardInterrupt):
        dismiss(home, "a.jsonl", None, "why")
    monkeypatch.setattr(batch, "publish", home_module.publish)

    assert set(states(home).values()) == {"waiting"}
    assert dismiss(home, "a.jsonl", None, "why") == 2


def test_a_dismissal_is_a_change_that_the_next_run_publishes(three, home):
    prints = {builds.fingerprint(home, Dates(NOW))}
    dismiss(home, "a.jsonl", None, "why")
    prints.add(builds.fingerprint(home, Dates(NOW)))
    restore(home, "a.jsonl", None)
    prints.add(builds.fingerprint(home, Dates(NOW)))

    assert len(prints) == 3


def test_a_build_holds_every_refused_row_with_its_state_and_a_thousand_characters_of_text(three, land, home):
    land(make_event("nonsense", title="x" * 5_000), name="c.jsonl", now=NOW + 2 * DAY)
    dismiss(home, "b.json", None, "why")

    build = builds.begin(home, "a run", Dates(NOW))

    with duckdb.connect(str(build.path), read_only=True) as db:
        query = "select file_name, state, length(original_text) from landing.quarantined_events order by all"
        found = db.execute(query).fetchall()
    texts = [len(as_lines([row])) - 1 for row in (BAD, make_event("nonsense"))]
    assert found == [
        *(("a.jsonl", "waiting", length) for length in sorted(texts)),
        ("b.json", "dismissed", 0),
        ("c.jsonl", "waiting", 1_000),
    ]


def check(waiting: list[dict], new: list[dict]):
    from orchestration.defs.landing import _waiting_check

    return _waiting_check(["landing", "products_adopted"], "contract", waiting, new, "Nothing waits.")


def test_a_contract_check_fails_while_rows_wait_and_shows_those_of_this_run_first(land, home):
    old = land(BAD, name="a.jsonl")
    new = land(BAD | {"event_id": "new"}, name="b.jsonl", now=NOW - DAY)  # a clock set back
    waiting = quarantined(home).to_pylist()

    for of_this_run, files, count in ([[new], ["b.jsonl", "a.jsonl"], 1], [[], ["a.jsonl", "b.jsonl"], 0]):
        result = check(waiting, of_this_run)
        assert (result.passed, result.severity.value) == (False, "WARN")
        assert (result.metadata["waiting_rows"].value, result.metadata["new_rows"].value) == (2, count)
        assert [record.data["file"] for record in result.metadata["rows"].records] == files
        assert [record.data for record in result.metadata["reasons"].records] == [
            {"reason": "occurred_at_wrong_type", "rows": 2}
        ]
        assert result.description.startswith(
            f"2 rows wait in quarantine, {count} of them new in this run. First: {files[0]} line 1: occurred_at: 5 is"
        )
        assert "flywheel replay" in result.description and "flywheel quarantine --dismiss" in result.description

    land(GOOD, name="c.jsonl", now=NOW + DAY)
    dismiss(home, "b.jsonl", None, "why")
    result = check(quarantined(home).to_pylist(), [old])
    assert (result.passed, result.description) == (True, "Nothing waits.")


def test_rows_without_a_table_and_unreadable_files_fail_the_checks_of_the_batches(three, home):
    from orchestration.defs.landing import _batch_results

    _, files, rows, share, accounting = _batch_results([], receipts(home), quarantined(home).to_pylist())

    assert [(result.check_name, result.passed) for result in (files, rows, share, accounting)] == [
        ("files_readable", False),
        ("rows_routed", False),
        ("quarantine_share", False),
        ("accounting", True),
    ]
    assert [record.data["file"] for record in files.metadata["rows"].records] == ["b.json"]
    assert [record.data["reasons"] for record in rows.metadata["rows"].records] == ["event_type_unknown"]


def test_rows_that_no_longer_wait_do_not_count_in_the_share_that_stops_publication(land, home):
    from orchestration.defs.landing import CONTRACTS, _share_check

    land(*(BAD | {"event_id": f"e{i}"} for i in range(20)), name="a.jsonl")

    def share() -> tuple:
        result = _share_check(CONTRACTS["products_adopted"], receipts(home), quarantined(home).to_pylist())
        return result.passed, result.metadata["share"].value

    assert share() == (False, 1.0)
    for line in range(1, 11):
        dismiss(home, "a.jsonl", line, "why")
    assert share() == (True, 0.5)


def flywheel(home, *arguments) -> tuple[int, str]:
    """(exit code, output as one line) of `flywheel quarantine`."""
    done = CliRunner().invoke(app, ["quarantine", "--home", str(home.root), *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, " ".join(done.output.split())


def test_the_list_shows_where_each_row_is_what_is_wrong_and_what_to_do(land, home):
    assert flywheel(home) == (0, "Nothing waits in quarantine.")
    land(make_event("nonsense"), make_event("milestone", title="x" * 300), '{"event_id": nul}', name="[b]a.jsonl")
    land("\x1b[31m{", name="b.jsonl", now=NOW + DAY)

    code, output = flywheel(home)

    assert code == 0
    assert output.startswith("4 rows in quarantine. b.jsonl line 1 column 1 (batch ")
    assert "landed 2026-08-23 12:00 UTC) malformed_json: not JSON: " in output
    assert "\x1b" not in output and "�[31m{" in output
    assert "[b]a.jsonl line 1 (batch" in output
    assert "event_type_unknown: event_type 'nonsense' is in no contract; known are abandoned" in output
    assert "x" * 300 not in output and "…" in output
    assert "[b]a.jsonl line 3 column 14 (batch" in output
    by_reason = output.partition(" By reason, with the first row of each: ")[2]
    assert by_reason.startswith("malformed_json 2: b.jsonl line 1 column 1: not JSON: ")
    assert "event_type_unknown 2: [b]a.jsonl line 1: event_type 'nonsense' is in no contract;" in by_reason
    assert "What to do: Send one of the event types that the message names; " in by_reason
    assert output.endswith(quarantine.WHAT_TO_DO)

    _, output = flywheel(home, "--limit", 1)
    assert output.startswith("4 rows in quarantine. The newest 1: b.jsonl line 1")
    assert "a.jsonl" not in output.partition(" By reason, ")[0]


def test_rows_are_dismissed_and_restored_from_the_command_line(three, home):
    words = "1 row dismissed, 2 in quarantine now. `flywheel run` publishes that."
    assert flywheel(home, "--dismiss", "a.jsonl", "--line", 2, "--note", "a test") == (0, words)
    code, output = flywheel(home, "--dismissed")
    assert code == 0 and output.startswith("1 row dismissed. a.jsonl line 2 (batch") and "Note: a test" in output
    assert "b.json" in flywheel(home)[1] and "a.jsonl line 2" not in flywheel(home)[1]

    words = "1 row back in quarantine, 3 in quarantine now. `flywheel run` publishes that."
    assert flywheel(home, "--restore", three["batch_id"]) == (0, words)
    assert flywheel(home, "--dismissed") == (0, "No row is dismissed.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dismiss", "a.jsonl"], "A dismissal, and nothing else, has a reason"),
        (["--dismiss", "a.jsonl", "--note", " "], "A dismissal, and nothing else, has a reason"),
        (["--restore", "a.jsonl", "--note", "x"], "A dismissal, and nothing else, has a reason"),
        (["--dismiss", "a.jsonl", "--restore", "a.jsonl"], "not both"),
        (["--line", "1"], "belong to --dismiss or --restore"),
        (["--note", "x"], "belong to --dismiss or --restore"),
        (["--dismiss", "[/]", "--note", "x"], "No row of [/] waits in quarantine; `flywheel quarantine` lists"),
        (["--dismiss", "a.jsonl", "--line", "9", "--note", "x"], "No row of a.jsonl line 9 waits in quarantine"),
        (["--restore", "a.jsonl"], "No row of a.jsonl is dismissed; `flywheel quarantine --dismissed` lists"),
        (["--limit", "0"], "Invalid value for '--limit'"),
    ],
)
def test_bad_usage_of_quarantine_exits_2_and_changes_nothing(three, home, arguments, words):
    code, output = flywheel(home, *arguments)

    assert (code, words in output) == (2, True), output
    assert quarantine.dismissal_files(home) == []


def test_the_home_is_locked_while_a_dismissal_is_written(three, home, monkeypatch):
    locked = []
    monkeypatch.setattr(quarantine, "write_file", lambda *_: locked.append(home_module._held.get(home.root)))

    assert flywheel(home, "--dismiss", "a.jsonl", "--note", "why")[0] == 0
    assert locked == [True]
