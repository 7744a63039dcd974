"""A source of files at an address: what has changed is brought, what can't be opened is refused plainly."""

import fsspec
import pytest
from conftest import as_lines
from source_home import World, record
from test_pulling import refusal, words


@pytest.fixture
def store():
    """A store of objects in memory, and one that counts what is read from it."""
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield store
    store.store.clear()


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    (world.home.sources / "crm.yml").write_text('kind: files\nwhere: memory://exports/crm\npattern: "**/*.jsonl"\n')
    return world


def put(store, name: str, *records: dict) -> None:
    store.pipe_file(f"/exports/crm/{name}", as_lines(list(records)))


def test_the_files_below_an_address_are_records_by_their_path_in_it(world, store):
    put(store, "a.jsonl", record(1))
    put(store, "2026/01/b.jsonl", record(2), record(3))
    put(store, ".tmp/c.jsonl", record(4))
    store.pipe_file("/exports/other/d.jsonl", b"not read")
    world.map("select file_name || record_number as event_id, 'deployed' as event_type from records")
    assert words(world) == "crm: 3 records, 3 events, 3 new"
    assert [line["event_id"] for line in world.lines()] == ["2026/01/b.jsonl1", "2026/01/b.jsonl2", "a.jsonl1"]


def test_only_what_has_changed_is_brought_again(world, store, monkeypatch):
    put(store, "a.jsonl", record(1))
    put(store, "b.jsonl", record(2))
    words(world)
    read, open_file = [], type(store)._open

    def counted(self, path, mode="rb", **options):
        read.extend([path] if mode == "rb" else [])
        return open_file(self, path, mode, **options)

    monkeypatch.setattr(type(store), "_open", counted)
    assert words(world) == "crm: 2 records, 2 events, nothing new"
    assert read == []
    put(store, "b.jsonl", record(2, product="stock"))
    assert words(world) == "crm: 2 records, 2 events, 1 corrected"
    put(store, "a.jsonl", record(1))  # the same content anew
    assert words(world) == "crm: 2 records, 2 events, nothing new"
    assert read == ["/exports/crm/b.jsonl", "/exports/crm/a.jsonl"]
    words(world)
    assert read == ["/exports/crm/b.jsonl", "/exports/crm/a.jsonl"]
    store.rm("/exports/crm/a.jsonl")
    assert words(world) == "crm: 1 records, 1 events, 1 retracted"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("memory://exports/none", "memory://exports/none holds no file to read that **/*.jsonl matches. Correct"),
        ("gs://exports", "gs://exports needs a package that is not installed: pip install 'flywheel-metrics[gcs]'."),
        ("oops://exports", "oops://exports can't be opened: Protocol not known: oops; correct `where` or `options`."),
    ],
)
def test_an_address_that_can_t_be_read_is_refused(world, store, where, message):
    (world.home.sources / "crm.yml").write_text(f'kind: files\nwhere: {where}\npattern: "**/*.jsonl"\n')
    assert refusal(world).startswith(message)


def test_options_are_given_to_the_store_and_their_secrets_never_shown(world, monkeypatch):
    monkeypatch.setenv("STORE_SECRET", "hush-hush")
    (world.home.sources / "crm.yml").write_text(
        "kind: files\nwhere: zip://*\noptions: {fo: '/no/${STORE_SECRET}.zip', mode: r}\n"
    )
    assert "'/no/${STORE_SECRET}.zip'" in refusal(world)


def test_a_file_address_is_a_folder_of_this_machine(world):
    world.write("a.jsonl", [record(1)])
    (world.home.sources / "crm.yml").write_text(f"kind: files\nwhere: file://{world.folder}\n")
    assert words(world) == "crm: 1 records, 1 events, 1 new"
