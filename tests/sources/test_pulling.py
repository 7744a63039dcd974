"""A pull: what is received stays, what has changed is sent once, and a failing step leaves the last statement."""

import os
import random
import time

import pytest
from conftest import NOW, examples, landed_count
from source_home import SQL, World, folded, record
from test_statement import Killed, killed_at

from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined
from orchestration.sample.home import other_files
from orchestration.sources.declaration import SourceError
from orchestration.sources.mapping import Mapping
from orchestration.sources.pull import pull, pull_all
from orchestration.sources.statement import live, said


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def words(world: World, **options) -> str:
    return pull(world.home, "crm", **options).words


def refusal(world: World, **options) -> str:
    with pytest.raises(SourceError) as refused:
        pull(world.home, "crm", **options)
    return str(refused.value)


def files_of(world: World) -> set[str]:
    return {str(path.relative_to(world.home.root)) for path in world.home.root.rglob("*") if path.is_file()}


def test_records_become_events_in_the_inbox_and_a_repeat_says_nothing(world):
    world.write("a.jsonl", [record(1), record(2)])
    world.write("b/c.csv", "x\n1\n")
    world.map(SQL + "where body is not null")
    assert words(world) == "crm: 3 records, 2 events, 2 new"
    before = files_of(world)
    assert words(world) == "crm: 3 records, 2 events, nothing new"
    assert files_of(world) == before
    assert world.lines()[0] == {
        "event_id": "e1",
        "event_type": "deployed",
        "data_product_id": "orders",
        "occurred_at": "2026-01-01T00:00:00Z",
        "source": "crm",
        "revision": 0,
        "is_retracted": False,
    }


def test_edited_deleted_and_returned_records_are_corrections_retractions_and_corrections(world):
    world.write("a.jsonl", [record(1), record(2)])
    words(world)
    world.write("a.jsonl", [record(1, product="stock")])
    assert words(world) == "crm: 1 records, 1 events, 1 corrected, 1 retracted"
    world.write("a.jsonl", [record(1), record(2)])
    assert words(world) == "crm: 2 records, 2 events, 2 corrected"
    assert [(e["event_id"], e["revision"]) for e in world.lines()] == [
        *(("e1", 0), ("e2", 0), ("e1", 1), ("e2", 1), ("e1", 2), ("e2", 2)),
    ]


def test_a_changed_mapping_is_a_correction(world):
    world.write("a.jsonl", [record(1), record(2)])
    words(world)
    world.map(SQL.replace("body->>'product'", "upper(body->>'product')"))
    assert words(world) == "crm: 2 records, 2 events, 2 corrected"


def test_all_files_ever_received_can_be_mapped_also_those_that_were_replaced(world):
    world.declare("records: all\n")
    world.write("manifest.json", "[" + '{"id": 1, "type": "deployed"}' + "]")
    words(world)
    world.write("manifest.json", "[" + '{"id": 2, "type": "deployed"}' + "]")
    assert words(world) == "crm: 2 records, 2 events, 1 new"
    world.declare("records: current\nvanished: keep\n")
    assert words(world) == "crm: 1 records, 2 events, nothing new"
    world.declare()
    assert words(world) == "crm: 1 records, 1 events, 1 retracted"


def test_a_file_that_is_still_written_to_stays_as_it_was(world):
    world.write("a.jsonl", [record(1)])
    words(world)
    path = world.write("a.jsonl", '{"id": 1, "ty')
    os.utime(path, (time.time(), time.time()))
    world.write("b.jsonl.part", "half")
    world.write(".hidden.jsonl", "half")
    said_so = "crm: 1 records, 1 events, nothing new; left out: a.jsonl (may still be written to), b.jsonl.part (may"
    assert words(world).startswith(said_so)


def test_a_folder_with_nothing_but_a_new_file_says_to_pull_again(world):
    os.utime(world.write("a.jsonl", [record(1)]), (time.time(), time.time()))
    message = refusal(world)
    assert "matches; left out: a.jsonl (may still be written to). Correct" in message
    assert message.endswith("or pull again in 2 seconds.")


def test_a_file_of_an_unknown_format_is_named(world):
    world.write("a.jsonl", [record(1)])
    world.write("notes.xlsx", "x")
    assert words(world) == "crm: 1 records, 1 events, 1 new; left out: notes.xlsx (format not known)"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda w: w.map("select\n nope from records"), "crm.sql line 2 column 2: Referenced column"),
        (lambda w: w.write("a.jsonl", "{"), "a.jsonl line 1 column 2: not JSON"),
        (lambda w: w.write("b.jsonl", [record(1, product="other")]), "event 'e1' is said twice, differently"),
        (lambda w: (w.folder / "a.jsonl").unlink(), "holds no file to read that **/* matches. Correct"),
        (lambda w: w.folder.rename(w.folder.with_name("gone")), "exports is no folder; correct `where` in crm.yml"),
        (lambda w: (w.home.sources / "crm.sql").unlink(), "crm.sql is missing"),
        (lambda w: w.declare("vanished: maybe\n"), "crm.yml line 3: vanished can't be"),
    ],
)
def test_a_failing_step_leaves_the_last_statement_in_place(world, spoil, message):
    world.write("a.jsonl", [record(1)])
    words(world)
    sent = world.lines()
    spoil(world)
    assert message in refusal(world)
    assert world.lines() == sent and live(said(world.home.sent / "crm")).keys() == {"e1"}
    [failed] = pull_all(world.home)
    assert message in failed.words and failed.words.endswith("Its last statement stands.")


def test_many_retractions_wait_for_a_person(world):
    world.write("a.jsonl", [record(n) for n in range(30)])
    words(world)
    world.write("a.jsonl", [record(n) for n in range(5)])
    assert "25 of the 30 events that it said before have vanished, such as e10." in refusal(world)
    assert words(world, allow_retractions=True) == "crm: 5 records, 5 events, 25 retracted"


def test_a_failing_source_stops_no_other(world):
    world.write("a.jsonl", [record(1)])
    for suffix in ("yml", "sql"):
        (world.home.sources / f"other.{suffix}").write_text((world.home.sources / f"crm.{suffix}").read_text())
    (world.home.sources / "crm.yml").write_text("kind: [")
    first, second = pull_all(world.home)
    assert "crm.yml: not YAML" in first.error and second.words == "other: 1 records, 1 events, 1 new"


def test_a_value_of_the_environment_is_in_no_file_and_no_message(world, monkeypatch):
    world.write("a.jsonl", [record(1)])
    monkeypatch.setenv("EXPORTS", str(world.folder))
    (world.home.sources / "crm.yml").write_text("kind: files\nwhere: ${EXPORTS}\n")
    words(world)
    texts = [path.read_text() for path in world.home.root.rglob("*") if path.is_file()]
    monkeypatch.setattr("orchestration.sources.received.sha256", lambda path: world.folder.joinpath("x").stat())
    world.write("a.jsonl", [record(2)])
    texts.append(refusal(world))
    assert "${EXPORTS}/x" in texts[-1]
    world.folder.rename(world.folder.with_name("gone"))
    texts.append(refusal(world))
    assert "${EXPORTS} is no folder" in texts[-1]
    assert [text for text in texts if str(world.folder) in text] == []
    monkeypatch.delenv("EXPORTS")
    assert "crm.yml line 2: EXPORTS is not in the environment; set it, or write the value." in refusal(world)


def test_a_home_of_sample_events_takes_no_source(world):
    world.home.remember_sample(NOW, [], ["checks"])
    assert "holds sample events; give your sources a home of their own" in refusal(world)


def test_a_home_of_sample_events_takes_its_own_source(world):
    world.home.remember_sample(NOW, [], ["crm"])
    world.write("a.jsonl", [record(1)])
    assert words(world) == "crm: 1 records, 1 events, 1 new"
    assert other_files(world.home) == ""
    (world.home.inbox / "crm-1.jsonl").write_text("{}")
    os.utime(world.home.inbox / "crm-1.jsonl", (0, 0))
    assert "and now crm-1.jsonl in its inbox" in other_files(world.home)


def test_declared_products_are_those_of_the_source(world, unchecked):
    world.write("a.jsonl", [record(1, product="acme/orders"), record(2, product="acme/stock")])
    world.home.declared.mkdir()
    rows = "data_product_id,domain,source,key\norders,sales,crm,acme/orders\nother,,erp,acme/stock\n"
    (world.home.declared / "data_products.csv").write_text(rows)
    world.map(
        "select 'e' || (body->>'id') as event_id, 'deployed' as event_type, products.data_product_id, domain\n"
        "from records left join products on products.key = body->>'product'"
    )
    words(world)
    assert [(e.get("data_product_id"), e.get("domain")) for e in world.lines()] == [("orders", "sales"), (None, None)]
    (world.home.declared / "data_products.csv").write_text("data_product_id,source,key,mood\na,crm,x,good\n")
    assert "data_products.csv line 1: mood is no column of this table" in refusal(world)


def changed(chance: random.Random, world: World, records: dict[int, dict], mapping: str) -> str:
    """Change records, the file that they are in, and sometimes the mapping; returns the mapping."""
    for _ in range(chance.randint(0, 4)):
        number = chance.randint(0, 7)
        if chance.random() < 0.3:
            records.pop(number, None)
        else:
            records[number] = record(number, product=chance.choice(["orders", "stock"])) | {"file": chance.choice("ab")}
    for name in "ab":
        world.write(f"{name}.jsonl", [r for r in records.values() if r["file"] == name])
    mapping = chance.choice([mapping, mapping, "lower", "upper"])
    world.map(SQL.replace("body->>'product'", f"{mapping}(body->>'product')"))
    return mapping


@pytest.mark.parametrize("seed", range(examples(3)))
def test_any_world_with_kills_lands_as_its_last_statement_says_and_nothing_twice(world, unchecked, monkeypatch, seed):
    chance, records, mapping = random.Random(seed), dict[int, dict](), "lower"
    for _ in range(6):
        mapping = changed(chance, world, records, mapping)
        with monkeypatch.context() as patched:
            killed_at(chance.randint(1, 16), patched)
            try:
                pull(world.home, "crm")
            except Killed:
                continue
        land_inbox(world.home, NOW)
    pull(world.home, "crm")
    assert pull(world.home, "crm").words.endswith("nothing new")

    want = {f"e{n}": getattr(r["product"], mapping)() for n, r in records.items()}
    assert {event_id: e["data_product_id"] for event_id, e in folded(world.lines()).items()} == want
    land_inbox(world.home, NOW)
    assert landed_count(world.home) == len(world.lines()) and quarantined(world.home).num_rows == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.write("a.jsonl", [record(1), record(2)]),
        lambda world: world.map(SQL + " where true"),
        lambda world: world.declare("vanished: keep\n"),
        lambda world: (world.home.declared / "data_products.csv").write_text("data_product_id,domain,source,key\n"),
        lambda world: (
            (world.home.sent / "crm" / "000001.jsonl").unlink() or [f.unlink() for f in world.home.inbox.iterdir()]
        ),
    ],
)
def test_a_pull_maps_again_only_when_something_has_changed(world, unchecked, monkeypatch, change):
    world.home.declared.mkdir()
    world.write("a.jsonl", [record(1)])
    words(world)
    mapped = []
    monkeypatch.setattr(Mapping, "events", lambda self, _events=Mapping.events: mapped.append(1) or _events(self))
    assert words(world) == "crm: 1 records, 1 events, nothing new" and mapped == []
    change(world)
    words(world)
    assert mapped == [1]
