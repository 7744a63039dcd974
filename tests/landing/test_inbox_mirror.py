"""An inbox in S3: each object lands as a file of its name would, and is brought once."""

import os

import pytest
from conftest import NOW, as_lines, landed_count, make_event, put
from s3_server import requests
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.landing import inbox, inbox_mirror, mirrors
from orchestration.landing.inbox import MIRRORED, place_in_inbox, waiting_files
from orchestration.landing.land import land_again, land_inbox
from orchestration.landing.quarantine import quarantined
from orchestration.landing.receipts import receipts
from orchestration.sources.statement import Difference, commit, deliver, delivered


def copies(home) -> list[str]:
    """The files of the home's inbox."""
    found = (path for path in home.inbox.rglob("*") if path.is_file() and path.name != MIRRORED)
    return sorted(path.relative_to(home.inbox).as_posix() for path in found)


def test_an_object_waits_as_soon_as_it_is_listed_lands_once_and_its_copy_goes(unchecked, bucket, tmp_path):
    home = bucket.home(tmp_path, landing=False)
    bucket.put("a.jsonl", as_lines([make_event()]))
    mirrors.sync(home)
    assert [file.name for file in waiting_files(home)] == ["a.jsonl"] == copies(home)
    [receipt] = land_inbox(home, NOW)
    [entry] = bucket.store("inbox").list()
    assert (receipt["file_name"], receipt["file_bytes"], receipt["file_modified_ns"]) == (
        "a.jsonl",
        entry.size,
        entry.modified_ns,
    )
    with requests(lambda *_: None) as sent:
        assert land_inbox(home, NOW) == [] and copies(home) == []
    assert sent == ["list_objects_v2"]
    bucket.put("copy.jsonl", as_lines([make_event()]))
    with requests(lambda *_: None) as sent:
        assert land_inbox(home, NOW) == [] == land_inbox(home, NOW)
    assert sent == ["list_objects_v2", "get_object", "list_objects_v2"], "a copy of what landed is brought once too"
    assert landed_count(home) == 1


def test_only_objects_that_a_folder_would_read_are_brought(unchecked, bucket, tmp_path):
    home = bucket.home(tmp_path)
    event = as_lines([make_event(domain=None)])
    skipped = [".hidden.jsonl", "_SUCCESS", "a.jsonl.tmp", "x/.b/c.jsonl", "_temporary/d.jsonl", "folder/", "e.crc"]
    for name in skipped:
        bucket.put(name, event)
    bucket.put("domain=sales%20eu/year=2026/part-0.jsonl", event)
    with requests(lambda *_: None) as sent:
        [receipt] = land_inbox(home, NOW)
    assert receipt["file_name"] == "domain=sales%20eu/year=2026/part-0.jsonl" and receipt["rows_landed"] == 1
    assert sent.count("get_object") == 1
    local = tmp_path / "local"
    for name in [*skipped, "domain=sales%20eu/year=2026/part-0.jsonl"]:
        if not name.endswith("/"):
            (local / name).parent.mkdir(parents=True, exist_ok=True)
            (local / name).write_bytes(event)
    assert [path.relative_to(local).as_posix() for path in inbox.files_with_events(local)] == [receipt["file_name"]]


HOSTILE = [
    "../out.jsonl",
    "/abs.jsonl",
    "a//b.jsonl",
    "x/../../out.jsonl",
    "./c.jsonl",
    "y" * 300 + ".jsonl",
    "é" * 200,
]


def test_a_name_that_no_file_can_have_is_left_out_and_nothing_is_written_outside(unchecked, bucket, tmp_path):
    home = bucket.home(tmp_path / "in" / "home")
    for name in HOSTILE:
        bucket.put(name, as_lines([make_event(event_id=name)]))
    bucket.put("a", b"")
    bucket.put("a/b.jsonl", as_lines([make_event()]))
    longest = "n" * 249 + ".jsonl"
    bucket.put(longest, as_lines([make_event(event_id="long")]))
    left = mirrors.sync(home)
    assert left == [f"{name}: {inbox_mirror.NO_PATH}" for name in sorted(HOSTILE)] + [
        f"a/b.jsonl: {inbox_mirror.BLOCKED}"
    ]
    assert copies(home) == ["a", longest]
    assert sorted(path.name for path in tmp_path.rglob("*.jsonl")) == [longest]
    land_inbox(home, NOW)
    assert [r["file_name"] for r in land_inbox(home, NOW)] == ["a/b.jsonl"], "once `a` has landed there is room"


def test_an_object_that_changed_or_vanished_before_it_landed_has_no_old_copy(unchecked, bucket, tmp_path):
    home = bucket.home(tmp_path)
    bucket.put("a.jsonl", as_lines([make_event()]))
    bucket.put("b.jsonl", as_lines([make_event(event_id="b")]))
    mirrors.sync(home)
    bucket.put("a.jsonl", as_lines([make_event(event_id="other"), make_event(event_id="two")]))
    bucket.store("inbox").delete("b.jsonl")
    assert [(r["file_name"], r["rows_landed"]) for r in land_inbox(home, NOW)] == [("a.jsonl", 2)]
    mirrors.sync(home)
    assert bucket.names("inbox") == ["a.jsonl"] and copies(home) == []


def test_what_is_placed_in_the_home_goes_up_once_and_overwrites_nothing(unchecked, bucket, tmp_path):
    home, other = bucket.home(tmp_path / "one"), bucket.home(tmp_path / "other")
    bucket.put("taken.jsonl", as_lines([make_event(event_id="theirs")]))
    files = {"new.jsonl": "e1", "taken.jsonl": "e2"}
    for name, event_id in files.items():
        (tmp_path / name).write_bytes(as_lines([make_event(event_id=event_id)]))
        place_in_inbox(home, tmp_path / name)
        place_in_inbox(other, tmp_path / name)
    (home.inbox / "unfinished.jsonl").write_bytes(b"being written")
    assert len(land_inbox(home, NOW)) == 3
    names = bucket.names("inbox")
    assert names[:2] == ["new.jsonl", "taken-" + names[1][6:14] + ".jsonl"] and names[2:] == ["taken.jsonl"]
    assert land_inbox(other, NOW) == [] and bucket.names("inbox") == names
    mirrors.sync(home)
    assert copies(home) == ["unfinished.jsonl"]
    with requests(lambda *_: None) as sent:
        place_in_inbox(home, tmp_path / "new.jsonl")
        mirrors.sync(home)
    assert sent == ["list_objects_v2"] * 2, "what the bucket has is not sent again"


def test_files_of_a_local_inbox_go_up_when_it_moves_to_s3_but_not_those_that_have_landed(unchecked, bucket, tmp_path):
    home = bucket.home(tmp_path, inbox=False, landing=False)
    put(home, "old.jsonl", as_lines([make_event()]))
    land_inbox(home, NOW)
    put(home, "new.jsonl", as_lines([make_event(event_id="e2")]))
    bucket.home(tmp_path)
    assert [r["file_name"] for r in land_inbox(home, NOW)] == ["new.jsonl"]
    assert bucket.names("inbox") == ["new.jsonl"]
    mirrors.sync(home)
    assert copies(home) == ["old.jsonl"]


def test_what_a_source_delivered_is_not_sent_again_and_an_older_ledger_is_noticed(unchecked, bucket, tmp_path):
    home = bucket.home(tmp_path / "one")
    event = {"event_id": "e1", "source": "crm", "event_type": "idea_logged", "revision": 0}
    commit(home.sent / "crm", Difference([event], [], []))
    deliver(home, "crm", home.sent / "crm")
    land_inbox(home, NOW)
    mirrors.sync(home)
    assert bucket.names("inbox") == ["crm-000001.jsonl"] and copies(home) == []
    deliver(home, "crm", home.sent / "crm")
    assert copies(home) == [] and delivered(home, "crm") == {"crm-000001.jsonl"}
    other = bucket.home(tmp_path / "other")
    mirrors.sync(other)
    with pytest.raises(Exception, match=r"crm-000001.jsonl is not in .*that folder is older than the inbox"):
        deliver(other, "crm", other.sent / "crm")


def test_a_file_that_could_not_be_read_is_brought_again_by_a_replay(unchecked, bucket, tmp_path, monkeypatch):
    home = bucket.home(tmp_path)
    bucket.put("notes.jsonl", as_lines([make_event()]))
    with monkeypatch.context() as patch:
        patch.setattr("orchestration.landing.land._reason_unreadable", lambda *_: "of a test")
        land_inbox(home, NOW)
    mirrors.sync(home)
    assert copies(home) == [] and quarantined(home).num_rows == 1
    landed, gone = land_again(home, NOW)
    assert [r["rows_landed"] for r in landed] == [1] and gone == [] and quarantined(home).num_rows == 0
    bucket.put("gone.csv", b"no columns")
    land_inbox(home, NOW)
    bucket.store("inbox").delete("gone.csv")
    mirrors.sync(home)
    assert land_again(home, NOW) == ([], ["gone.csv"])


def test_commands_say_what_is_left_out_what_waits_and_what_can_t_be_reached(unchecked, bucket, tmp_path):
    home = bucket.home(tmp_path)
    run = CliRunner().invoke
    options = ["--home", str(home.root)]
    refused = run(app, ["run", *options])
    assert refused.exit_code == 2 and "the made-up sample organisation would mix" in refused.output
    assert run(app, ["sample", *options]).exit_code == 2 and receipts(home) == []
    bucket.put("../a.jsonl", b"")
    bucket.put("b.jsonl", as_lines([make_event(), make_event(event_id="bad", occurred_at="never")]))
    shown = run(app, ["status", *options]).output
    assert "Left out of the inbox: ../a.jsonl: no file can have its path" in shown and "Inbox: 1 files wait" in shown
    land_inbox(home, NOW)
    dismiss = ["quarantine", "--dismiss", "b.jsonl", "--note", "why", *options]

    home.settings.write_text(home.settings.read_text().replace(bucket.name, "no-such-bucket"))
    no_bucket = "storage.landing s3://no-such-bucket/landing: There is no such bucket. Create it"
    for command in (["status"], ["quarantine"]):
        shown = run(app, [*command, *options])
        assert f"Warning: {no_bucket}" in shown.output
        assert shown.exit_code == 0 and "in quarantine" in shown.output
    for command in (["run", *options], ["replay", *options], dismiss):
        stopped = run(app, command)
        words = "Not published. The last good tables stay in place.\n✗ " if command[0] == "run" else ""
        assert stopped.exit_code == 1 and stopped.output.startswith(words + no_bucket)
    bucket.home(tmp_path)
    assert "1 row dismissed, 0 in quarantine now" in run(app, dismiss).output


def test_times_of_objects_are_those_of_the_listing_also_after_going_up(unchecked, bucket, tmp_path):
    home = bucket.home(tmp_path)
    placed = put(home, "a.jsonl", as_lines([make_event()]))
    mirrors.sync(home)
    [entry] = bucket.store("inbox").list()
    assert placed.stat().st_mtime_ns == entry.modified_ns != 0 and os.access(placed, os.R_OK)
