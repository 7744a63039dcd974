"""Pulls of what the receiver has written: each delivery counts once, whatever is killed, and none is lost."""

import os
import random
from pathlib import Path

import pytest
from conftest import NOW, examples
from test_statement import Killed
from webhooks import body_of, declare

from orchestration.home import Home
from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.pull import pull
from orchestration.sources.received import listings, records_of
from orchestration.sources.records import records_table
from orchestration.sources.webhooks import webhook
from orchestration.sources.webhooks.deliveries import Delivery, deliveries_folder, store


@pytest.fixture
def hooks(home) -> Home:
    declare(home)  # without its secret in the environment: a pull does not need it
    return home


def delivered(home: Home, number: int, body: bytes | None = None, at: str = "2026-01-01T00:00:00Z") -> bool:
    return store(home, "hooks", Delivery(at, "issues", f"d{number}", body or body_of(f"p{number}")))


def words(home: Home) -> str:
    return pull(home, "hooks").words


def records(home: Home) -> list[dict]:
    return records_table(records_of(load_source(home, "hooks"))).to_pylist()


def test_many_deliveries_become_one_file_and_a_repeat_of_one_changes_nothing(hooks):
    assert words(hooks) == "hooks: 0 records, 0 events, nothing new"
    for number in range(30):
        delivered(hooks, number)
    assert words(hooks) == "hooks: 30 records, 30 events, 30 new"
    before = sorted(hooks.received.rglob("*"))
    assert delivered(hooks, 3) and not delivered(hooks, 3)
    assert words(hooks) == "hooks: 30 records, 30 events, nothing new"
    assert sorted(hooks.received.rglob("*")) == before
    assert [len(listing.files) for listing in listings(load_source(hooks, "hooks"))] == [1, 1]


def test_a_record_has_the_time_the_id_and_the_kind_of_its_delivery_and_the_body_as_it_came(hooks):
    delivered(hooks, 2, b' {"n": 123456789012345678901234567890.10}\n', at="2026-01-02T00:00:00.5Z")
    delivered(hooks, 1, b'[{"a": 1}, [], "\\u00e9", 12345678901234567890123]', at="2026-01-01T00:00:00Z")
    words(hooks)
    first = {"file_name": "000002.deliveries.parquet", "kind": "issues"}
    at = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00.5Z")
    bodies = ['{"a": 1}', "[]", '"é"', "12345678901234567890123"]
    assert records(hooks) == [
        *(
            first | {"record_number": n, "received_at": at[0], "delivery_id": "d1", "body": b}
            for n, b in enumerate(bodies, 1)
        ),
        first
        | {
            "record_number": 5,
            "received_at": at[1],
            "delivery_id": "d2",
            "body": ' {"n": 123456789012345678901234567890.10}\n',
        },
    ]


def test_one_id_with_two_bodies_is_two_records(hooks):
    hooks.sources.joinpath("hooks.sql").write_text(
        "select body->>'product' as event_id, 'deployed' as event_type from records"
    )
    delivered(hooks, 1, body_of("a"))
    words(hooks)
    delivered(hooks, 1, body_of("b"))
    delivered(hooks, 1, body_of("a"))
    assert words(hooks) == "hooks: 2 records, 2 events, 1 new"


def test_more_deliveries_than_fit_into_memory_are_kept_in_several_files(hooks, monkeypatch):
    monkeypatch.setattr(webhook, "MAX_COUNT", 4)
    monkeypatch.setattr(webhook, "MAX_BYTES", 400)
    for number in range(9):
        delivered(hooks, number)
    delivered(hooks, 9, body_of("x" * 1000))
    assert words(hooks) == "hooks: 10 records, 10 events, 10 new"
    counts = [len(listing.state["deliveries"]) for listing in listings(load_source(hooks, "hooks"))]
    assert sum(counts) == 10 and max(counts) <= 4


def test_a_damaged_delivery_or_a_very_deep_one_is_left_in_place_and_named(hooks):
    delivered(hooks, 1)
    delivered(hooks, 2, b"[" * 1020 + b"]" * 1020)  # orjson reads it, json does not
    damaged = deliveries_folder(hooks, "hooks") / "00ff.delivery"
    damaged.write_bytes(b"\x00" * 40)
    assert words(hooks).startswith("hooks: 1 records, 1 events, 1 new; left out: deliveries/")
    assert "deliveries/00ff.delivery (damaged)" in words(hooks) and words(hooks).count("(damaged)") == 2
    assert damaged.exists()


def test_what_a_killed_receiver_did_not_finish_is_deleted_an_hour_later(hooks):
    delivered(hooks, 1)
    old, new = (deliveries_folder(hooks, "hooks") / f".{name}.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    words(hooks)
    assert (old.exists(), new.exists()) == (False, True)


def test_records_of_a_test_may_be_deliveries_a_person_wrote(hooks, file):
    path = file(
        "a.deliveries.jsonl", '{"body": {"a": 1}, "kind": "issues"}\n\n{"body": [], "received_at": "2026-01-02"}\n'
    )
    rows = records_table([("a.deliveries.jsonl", path, "2026-01-01")]).to_pylist()
    assert [(r["received_at"], r["kind"], r["delivery_id"], r["body"]) for r in rows] == [
        ("2026-01-01", "issues", None, '{"a": 1}'),
        ("2026-01-02", None, None, "[]"),
    ]


@pytest.mark.parametrize("line", ['{"kind": "issues"}', "[]", '{"body": {}, "mood": "good"}'])
def test_a_line_that_is_no_delivery_is_refused(file, line):
    path = file("a.deliveries.jsonl", '{"body": 1}\n' + line)
    with pytest.raises(SourceError, match=r"a\.deliveries\.jsonl record 2: a delivery has body, and may have received"):
        records_table([("a.deliveries.jsonl", path, "2026-01-01")])


def killed_at(count: int, monkeypatch) -> None:
    """Raise Killed before or after the rename or deletion that is so many points from now on."""
    left = [count]

    def point() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    def around(call):
        def killing(*arguments, **options):
            point()
            done = call(*arguments, **options)
            point()
            return done

        return killing

    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, around(getattr(Path, name)))


@pytest.mark.parametrize("seed", range(examples(8)))
def test_any_deliveries_repeats_and_kills_leave_each_acknowledged_delivery_once(hooks, monkeypatch, seed):
    chance, acknowledged, source = random.Random(seed), set[int](), load_source(hooks, "hooks")
    monkeypatch.setattr(webhook, "MAX_COUNT", 3)
    for _ in range(8):
        with monkeypatch.context() as patched:
            killed_at(chance.randint(1, 40), patched)
            try:
                for _ in range(chance.randint(0, 6)):
                    number = chance.randint(0, 20)
                    delivered(hooks, number)
                    acknowledged.add(number)
                webhook.receive(source, NOW)
            except Killed:
                continue
    webhook.receive(source, NOW)
    names = [record["delivery_id"] for record in records(hooks)]
    assert len(names) == len(set(names)) and {f"d{number}" for number in acknowledged} <= set(names)
    assert not list(deliveries_folder(hooks, "hooks").glob("*.delivery"))
