"""A file refused whole is tried again under another name, contract or reader, and leaves quarantine once it is read."""

import json
import os
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import NOW, as_lines, landed_count, make_event, put, visible
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.landing import inbox
from orchestration.landing.inbox import content_key, waiting_files
from orchestration.landing.land import land_again, land_inbox
from orchestration.landing.quarantine import dismiss, refused_rows, replay
from orchestration.landing.receipts import receipts

pytestmark = pytest.mark.usefixtures("unchecked")

DAY = timedelta(days=1)
CONTENT = as_lines([make_event(), make_event("adopted")])


def states(home) -> dict[str, str]:
    """{file: state} of every refused row; of one file once."""
    rows = refused_rows(home).select(["file_name", "state"]).to_pylist()
    found = {row["file_name"]: row["state"] for row in rows}
    assert len(found) == len(rows)
    return found


def waiting(home) -> list[str]:
    return [file.name for file in waiting_files(home)]


def flywheel(home, *arguments) -> tuple[int, str]:
    """(exit code, output as one line)."""
    done = CliRunner().invoke(app, [*map(str, arguments), "--home", str(home.root)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, " ".join(done.output.split())


def test_bytes_refused_by_their_name_land_under_another(home):
    put(home, "events.txt", CONTENT)
    [refused] = land_inbox(home, NOW)
    assert (refused["is_readable"], refused["rows_read"], refused["rows_quarantined"]) == (False, 1, 1)
    assert (waiting(home), states(home)) == ([], {"events.txt": "waiting"})

    put(home, "events.jsonl", CONTENT)
    assert waiting(home) == ["events.jsonl"]
    [receipt] = land_inbox(home, NOW + DAY)

    assert (receipt["rows_landed"], receipt["batch_id"]) == (2, receipt["sha256"][:32])
    assert (waiting(home), states(home), landed_count(home)) == ([], {"events.txt": "corrected"}, 2)
    assert land_inbox(home, NOW + DAY) == []


@pytest.mark.parametrize(("name", "found"), [("a.txt", {"a.txt": "corrected"}), ("z.txt", {})])
def test_a_copy_that_can_be_read_lands_in_the_run_that_refuses_the_other(home, name, found):
    put(home, name, CONTENT)
    put(home, "events.jsonl", CONTENT)

    land_inbox(home, NOW)

    assert (landed_count(home), waiting(home), states(home)) == (2, [], found)


def test_a_file_is_refused_once_however_often_it_is_looked_at(home):
    path = put(home, "events.txt", CONTENT)
    land_inbox(home, NOW)
    os.utime(path, (5, 5))

    assert (waiting(home), land_inbox(home, NOW + DAY), len(receipts(home))) == ([], [], 1)


def test_a_new_version_of_a_contract_or_of_the_reader_tries_a_refused_file_again(promise, home, monkeypatch):
    put(home, "events.txt", CONTENT)
    put(home, "good.jsonl", as_lines([make_event(event_id="other")]))
    land_inbox(home, NOW)

    promise("work_started", "\nversion: 2.1.0\n", "\nversion: 2.2.0\n")
    assert waiting(home) == ["events.txt"]
    assert [r["is_readable"] for r in land_inbox(home, NOW + DAY)] == [False]
    assert waiting(home) == []
    monkeypatch.setattr(inbox, "READER_VERSION", 99)
    assert waiting(home) == ["events.txt"]
    land_inbox(home, NOW + 2 * DAY)

    assert sorted(r["file_name"] for r in receipts(home)) == [*["events.txt"] * 3, "good.jsonl"]
    found = [(row["batch_id"], row["state"]) for row in refused_rows(home).to_pylist()]
    assert [state for _, state in found] == ["waiting", "corrected", "corrected"]
    assert len({batch for batch, _ in found}) == 3


def test_a_file_of_the_same_name_that_can_be_read_takes_the_refused_one_out_of_quarantine(home):
    put(home, "events.json", b"[{")
    land_inbox(home, NOW)
    put(home, "events.json", b"[")
    land_inbox(home, NOW + DAY)
    assert [row["state"] for row in refused_rows(home).to_pylist()] == ["waiting", "waiting"]

    put(home, "events.json", CONTENT)
    land_inbox(home, NOW + 2 * DAY)

    assert [row["state"] for row in refused_rows(home).to_pylist()] == ["corrected", "corrected"]


def test_a_file_that_lands_before_one_of_its_name_is_refused_does_not_correct_it(home):
    put(home, "events.json", CONTENT)
    land_inbox(home, NOW)
    put(home, "events.json", b"[{")
    land_inbox(home, NOW + DAY)

    assert states(home) == {"events.json": "waiting"}


def as_the_first_version_named_it(home) -> str:
    """Rename the only batch, an unreadable file, to the hash of its content; returns that name."""
    [receipt] = receipts(home)
    old = receipt["sha256"][:32]
    for table in ("batches", "quarantined_events"):
        path = home.landing / table / f"{receipt['batch_id']}.parquet"
        rows = [row | {"batch_id": old} for row in pq.read_table(path).to_pylist()]
        pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(path)), path.with_name(f"{old}.parquet"))
        path.unlink()
    return old


@pytest.mark.parametrize("name", ["events.jsonl", "events.txt"])
def test_a_home_of_the_first_version_tries_its_refused_files_again_and_keeps_their_rows(home, name):
    put(home, "events.txt", CONTENT)
    land_inbox(home, NOW)
    old = as_the_first_version_named_it(home)
    put(home, name, CONTENT)

    new = land_inbox(home, NOW + DAY)

    assert old not in {receipt["batch_id"] for receipt in new}
    assert waiting(home) == []
    found = refused_rows(home).to_pylist()
    assert {row["batch_id"] for row in found} == {old, *(r["batch_id"] for r in new if not r["is_readable"])}
    if name == "events.jsonl":
        assert [row["state"] for row in found] == ["corrected"]
        assert {row["batch_id"] for row in visible(home, "ideas_logged")} == {content_batch(new)}
    else:
        assert [row["state"] for row in found] == ["waiting", "corrected"]
    assert land_inbox(home, NOW + 2 * DAY) == []


def content_batch(new) -> str:
    [batch] = [receipt["batch_id"] for receipt in new if receipt["is_readable"]]
    return batch


def learn_to_read(monkeypatch):
    """From now on .txt files are JSON Lines."""
    from orchestration.landing import formats

    reader_for = formats._reader_for
    learnt = lambda name: formats._read_json_lines if name.endswith(".txt") else reader_for(name)  # noqa: E731
    monkeypatch.setattr(formats, "_reader_for", learnt)


def test_a_replay_reads_refused_files_again_and_says_which_are_gone(home, monkeypatch):
    put(home, "events.txt", CONTENT + as_lines([make_event("nonsense")]))
    put(home, "gone.txt", b"1")
    put(home, "changed.txt", b"2")
    put(home, "still.json", b"[")
    put(home, "dismissed.txt", CONTENT)
    land_inbox(home, NOW)
    (home.inbox / "gone.txt").unlink()
    put(home, "changed.txt", b"more")
    dismiss(home, "dismissed.txt", None, "why")
    assert flywheel(home, "replay") == (
        0,
        "changed.txt: the inbox no longer holds this file as it was refused. Send it again, or dismiss it. "
        "gone.txt: the inbox no longer holds this file as it was refused. Send it again, or dismiss it. "
        "No quarantined row keeps its contract yet; 4 wait.",
    )

    learn_to_read(monkeypatch)
    code, output = flywheel(home, "replay")

    assert code == 0
    assert output.endswith(
        "events.txt: can be read now: 2 rows landed, 1 quarantined. 2 rows landed; 4 wait on. "
        "`flywheel run` publishes them."
    )
    assert landed_count(home) == 2
    assert all(r["rows_read"] == r["rows_landed"] + r["rows_quarantined"] for r in receipts(home))
    [row] = [row for row in refused_rows(home).to_pylist() if row["file_name"] == "events.txt" and row["line_number"]]
    assert row["reasons"] == ["event_type_unknown"]
    assert land_again(home, NOW)[0] == []
    assert replay(home, NOW) is None


def test_the_content_that_a_replay_has_read_does_not_land_again(home, monkeypatch):
    put(home, "events.txt", CONTENT)
    land_inbox(home, NOW)
    learn_to_read(monkeypatch)
    [receipt], _ = land_again(home, NOW + DAY)

    put(home, "events.jsonl", CONTENT)

    assert waiting(home) == []
    assert (landed_count(home), states(home)) == (2, {"events.txt": "corrected"})
    assert content_key(receipt["sha256"], receipt["file_name"]) == receipt["sha256"]


def test_status_and_run_agree_about_a_refused_file(home):
    put(home, "events.txt", json.dumps(make_event()).encode())
    assert "1 files wait to land" in flywheel(home, "status")[1]
    land_inbox(home, NOW)

    assert "0 files wait to land" in flywheel(home, "status")[1]
    assert land_inbox(home, NOW + DAY) == []
