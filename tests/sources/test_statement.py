"""What a source says now against what it said before: additions, corrections, retractions, and nothing twice."""

import json
import random
from pathlib import Path

import pytest
from conftest import examples
from source_home import folded

from orchestration.home import Home
from orchestration.sources.declaration import SourceError
from orchestration.sources.statement import commit, deliver, difference, ledger, live, said


def event(event_id="a", **columns) -> dict:
    return {"event_id": event_id, "event_type": "deployed", "data_product_id": "orders"} | columns


def said_so(*events, revision=0, is_retracted=False) -> dict[str, dict]:
    own = {"source": "crm", "revision": revision, "is_retracted": is_retracted}
    return {e["event_id"]: e | own for e in events}


def revisions(events: list[dict]) -> list[tuple]:
    return [(e["event_id"], e["revision"], e["is_retracted"]) for e in events]


def test_what_is_new_is_an_addition_and_what_is_the_same_is_not_said_again():
    changes = difference("crm", [event("b"), event("a")], said_so(event("b")))
    assert changes.events == [event("a") | {"source": "crm", "revision": 0, "is_retracted": False}]


def test_a_changed_event_is_a_correction_with_the_next_revision():
    changes = difference("crm", [event(title="new")], said_so(event(title="old"), revision=3))
    assert revisions(changes.corrections) == [("a", 4, False)] and not changes.additions + changes.retractions
    assert changes.corrections[0]["title"] == "new"


def test_a_null_and_an_absent_column_are_the_same():
    assert difference("crm", [event(title=None)], said_so(event())).events == []


def test_an_event_that_vanished_is_retracted_with_its_last_content_or_kept():
    before = said_so(event(title="old", recorded_at="2026-01-01T00:00:00Z"))
    [retraction] = difference("crm", [], before).retractions
    assert retraction == event(title="old") | {"source": "crm", "revision": 1, "is_retracted": True}
    assert difference("crm", [], before, "keep").events == []


def test_an_event_that_comes_back_is_said_again_with_the_next_revision():
    changes = difference("crm", [event()], said_so(event(), revision=5, is_retracted=True))
    assert revisions(changes.events) == [("a", 6, False)]


@pytest.mark.parametrize("vanished", ["retract", "keep"])
def test_an_event_that_the_sql_retracts_never_happened(vanished):
    retracted = event(is_retracted=True)
    assert difference("crm", [retracted], {}, vanished).events == []
    assert revisions(difference("crm", [retracted], said_so(event()), vanished).events) == [("a", 1, True)]
    assert difference("crm", [retracted], said_so(event(), revision=1, is_retracted=True), vanished).events == []


def test_the_time_of_recording_is_that_of_the_source_for_an_addition_and_of_landing_for_a_change():
    recorded = event(recorded_at="2026-01-01T00:00:00Z")
    assert difference("crm", [recorded], {}).additions[0]["recorded_at"] == "2026-01-01T00:00:00Z"
    assert difference("crm", [recorded], said_so(event())).events == []
    assert "recorded_at" not in difference("crm", [recorded | {"title": "new"}], said_so(event())).corrections[0]


def test_an_event_said_twice_alike_counts_once_and_differently_is_refused_with_both_rows():
    assert len(difference("crm", [event(), event()], {}).events) == 1
    with pytest.raises(SourceError) as refused:
        difference("crm", [event(title="one"), event(title="two")], {})
    words = str(refused.value)
    assert "event 'a' is said twice, differently:" in words and '"title":"one"' in words and '"title":"two"' in words


@pytest.mark.parametrize("event_id", [None, "", 7])
def test_an_event_without_an_id_is_refused(event_id):
    with pytest.raises(SourceError, match="has no event_id as text"):
        difference("crm", [event(event_id)], {})


@pytest.mark.parametrize(
    ("before", "now", "is_refused"),
    [(20, 0, False), (21, 0, True), (100, 80, False), (100, 79, True), (1000, 800, False), (1000, 799, True)],
)
def test_more_than_20_events_and_a_fifth_of_all_may_not_vanish_at_once(before, now, is_refused):
    known = said_so(*[event(f"e{n:04}") for n in range(before)])
    events = [event(f"e{n:04}") for n in range(now)]
    if is_refused:
        with pytest.raises(SourceError, match=rf"{before - now} of the {before:,} events .* --allow-retractions"):
            difference("crm", events, known)
    assert len(difference("crm", events, known, allow_retractions=True).retractions) == before - now
    assert difference("crm", events, known, "keep").events == []


def test_a_damaged_ledger_stops_the_source_and_names_the_line(tmp_path):
    commit(tmp_path, difference("crm", [event("a"), event("b")], {}))
    [path] = ledger(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"000001.jsonl line 2 is damaged. Restore the file"):
        said(tmp_path)


def test_a_ledger_older_than_the_inbox_is_refused(home):
    sent = home.sent / "crm"
    for number in range(2):
        commit(sent, difference("crm", [event(f"e{number}")], said(sent), "keep"))
    deliver(home, "crm", sent)
    (sent / "000002.jsonl").unlink()
    with pytest.raises(SourceError, match=r"inbox/crm-000002.jsonl is not in .* Copy the file there, as 000002.jsonl"):
        deliver(home, "crm", sent)


def random_events(chance: random.Random, world: dict[str, dict]) -> list[dict]:
    """The world after a few of its events were created, edited, retracted or deleted."""
    for _ in range(chance.randint(0, 5)):
        event_id = f"e{chance.randint(0, 9)}"
        if chance.random() < 0.3:
            world.pop(event_id, None)
        else:
            world[event_id] = event(event_id, title=chance.choice("xyz"), is_retracted=chance.random() < 0.1)
    return list(world.values())


def step(home: Home, events: list[dict]) -> int:
    """What a pull does with its events; returns how many it sent."""
    sent = home.sent / "crm"
    deliver(home, "crm", sent)
    changes = difference("crm", events, said(sent))
    commit(sent, changes)
    deliver(home, "crm", sent)
    return len(changes.events)


class Killed(BaseException):
    """What no code handles, as none can handle a SIGKILL."""


def killed_at(count: int, monkeypatch):
    """Raise Killed at the point before or after a rename that is so many points from now on."""
    left, rename = [count], Path.replace

    def replace(path, target):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        renamed = rename(path, target)
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return renamed

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("seed", range(examples(20)))
def test_any_changes_and_kills_leave_the_last_statement_in_the_inbox_and_nothing_twice(tmp_path, monkeypatch, seed):
    chance, home, world = random.Random(seed), Home.at(tmp_path), dict[str, dict]()
    for _ in range(10):
        events = random_events(chance, world)
        with monkeypatch.context() as patched:
            killed_at(chance.randint(1, 8), patched)
            try:
                step(home, events)
            except Killed:
                continue
    step(home, events)
    assert step(home, events) == 0

    files = sorted(home.inbox.glob("*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    want = {e["event_id"]: e["title"] for e in world.values() if not e["is_retracted"]}
    assert {event_id: e["title"] for event_id, e in folded(lines).items()} == want
    assert live(said(home.sent / "crm")).keys() == want.keys()
    assert len(files) == len(ledger(home.sent / "crm"))
