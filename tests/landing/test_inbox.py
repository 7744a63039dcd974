"""A file waits in the inbox until it is whole and its content has landed, whatever its name."""

import hashlib
import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from conftest import CHECKOUT, NOW, as_lines, landed_count, make_event, put

from orchestration.landing import inbox
from orchestration.landing import land as landing
from orchestration.landing.inbox import place_in_inbox, waiting_files
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined


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


NOTHING_NEW = """
import sys
from orchestration.landing.receipts import receipts
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

    def read_slowly(*file):
        yield from read_file(*file)
        put(home, "a.jsonl", as_lines([make_event(), make_event("work_started")]))

    monkeypatch.setattr(landing, "read_file", read_slowly)
    [receipt] = land_inbox(home, NOW)
    monkeypatch.setattr(landing, "read_file", read_file)
    [refused] = quarantined(home).to_pylist()
    [again] = land_inbox(home, NOW + timedelta(days=1))

    assert (receipt["rows_landed"], receipt["is_readable"]) == (0, False)
    assert "it changed while it was read" in refused["message"]
    assert quarantined(home).num_rows == 0
    assert (again["rows_landed"], again["sha256"]) == (2, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("ending", [".part", ".tmp", ".crdownload", ".filepart", ".TMP"])
def test_a_file_placed_in_the_inbox_keeps_its_name_and_lands_at_once(unchecked, home, tmp_path, ending):
    source = tmp_path / f"events.jsonl{ending}"
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
