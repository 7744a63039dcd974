"""Folders of the inbox are read: partitions, Spark's output; hidden and marker files are skipped."""

import json
import os

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from conftest import NOW, SETTLED, as_lines, landed_count, make_event, put, visible
from typer.testing import CliRunner

from orchestration.cli import _fill_inbox, app
from orchestration.landing.inbox import (
    files_to_place,
    has_received,
    is_marker,
    partitions,
    place_in_inbox,
    settled_files,
    waiting_files,
)
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined, replay
from orchestration.landing.receipts import receipts

pytestmark = pytest.mark.usefixtures("unchecked")

MARKERS = [
    ".DS_Store",
    "._events.csv",
    "_SUCCESS",
    "_committed_1234",
    "_started_1234",
    "_metadata",
    "_common_metadata",
    ".part-00000-1f.snappy.parquet.crc",
    "events.csv.crc",
    "Thumbs.db",
    "desktop.ini",
    "~$book.xlsx",
    ".~lock.book.ods#",
    "events.csv~",
    ".events.csv.swp",
]


def put_in(home, name: str, content: bytes):
    (home.inbox / name).parent.mkdir(parents=True, exist_ok=True)
    return put(home, name, content)


def settle(folder) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (SETTLED, SETTLED))


def waiting(home) -> list[str]:
    return [file.name for file in waiting_files(home)]


def test_hidden_and_marker_files_are_skipped_wherever_they_are(home):
    for name in [*MARKERS, ".hidden.jsonl"]:
        put(home, name, b"x")
        put_in(home, f"folder/{name}", b"x")
    assert (settled_files(home.inbox), has_received(home)) == ([], False)

    for name in ("_events.jsonl", "part-00000.csv", "folder/notes.txt", "upload.jsonl.part"):
        put_in(home, name, name.encode())

    assert waiting(home) == ["_events.jsonl", "folder/notes.txt", "part-00000.csv"]
    assert has_received(home)


@pytest.mark.parametrize("name", MARKERS)
def test_a_marker_file_that_is_named_is_refused_in_plain_words(home, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"x")

    done = CliRunner().invoke(app, ["run", "--home", str(home.root), "--events", str(path)])

    words = " ".join(done.output.split())
    assert (done.exit_code, list(home.inbox.iterdir())) == (2, [])
    assert words == (
        f"{path} holds no events: an operating system or a tool writes such a file next to data. Name the data file."
    )


def test_an_empty_folder_is_not_answered_with_the_sample(home, tmp_path):
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / ".DS_Store").write_bytes(b"x")

    done = CliRunner().invoke(app, ["run", "--home", str(home.root), "--events", str(tmp_path / "drop")])

    assert (done.exit_code, " ".join(done.output.split())) == (2, f"no file of events in {tmp_path / 'drop'}")
    assert home.sample() is None


def test_files_in_folders_land_under_their_path_and_links_to_folders_are_not_followed(home, tmp_path):
    put_in(home, "2026/08/a.jsonl", as_lines([make_event()]))
    put_in(home, "_temporary/0/b.jsonl", as_lines([make_event(event_id="temporary")]))
    put_in(home, "events/_delta_log/0.json", b"{}")
    put_in(home, "upload.tmp/c.jsonl", as_lines([make_event(event_id="unfinished")]))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "d.jsonl").write_bytes(as_lines([make_event(event_id="outside")]))
    (home.inbox / "link").symlink_to(outside, target_is_directory=True)
    (home.inbox / "2026" / "loop").symlink_to(home.inbox, target_is_directory=True)
    (home.inbox / "broken.jsonl").symlink_to(tmp_path / "nowhere")
    settle(outside)

    [receipt] = land_inbox(home, NOW)

    assert (receipt["file_name"], receipt["rows_landed"]) == ("2026/08/a.jsonl", 1)
    assert waiting(home) == []


def test_a_partition_fills_the_column_that_its_file_does_not_have(home):
    lacking = make_event("adopted", consumer_domain=None)
    put_in(home, "consumer_domain=sales%20eu/a.jsonl", as_lines([lacking, make_event("adopted", "e2")]))
    put_in(home, "event_type=adopted/Consumer%5FDomain=hr/b.csv", b"event_id,source,data_product_id,occurred_at\n"
           b"e3,s,p,2026-08-01T10:00:00Z\n")  # fmt: skip
    put_in(
        home,
        "consumer_domain=__HIVE_DEFAULT_PARTITION__/dt=2026-08-01/c.jsonl",
        as_lines([lacking | {"event_id": "e4"}]),
    )

    found = land_inbox(home, NOW)

    assert [(r["rows_read"], r["rows_landed"]) for r in found] == [(1, 1), (2, 2), (1, 1)]
    rows = {row["event_id"]: (row["consumer_domain"], row["attributes"]) for row in visible(home, "products_adopted")}
    assert rows == {
        "e1": ("sales eu", None),
        "e2": ("finance", None),
        "e3": ("hr", None),
        "e4": (None, '{"dt":"2026-08-01"}'),
    }


def test_partitions_are_read_from_folders_only():
    assert partitions("a=b.csv") == {}
    assert partitions("x/domain=a%2Fb/y=1=2/=z/__HIVE/f=1.csv") == {"domain": "a/b", "y": "1=2"}
    assert partitions("domain=__HIVE_DEFAULT_PARTITION__/a.csv") == {"domain": None}


def test_equal_bytes_in_two_partitions_are_two_batches_and_in_two_folders_one(home):
    content = as_lines([make_event("adopted", consumer_domain=None)])
    for name in ("consumer_domain=a/f.jsonl", "consumer_domain=b/f.jsonl", "x/f.jsonl", "y/f.jsonl"):
        put_in(home, name, content)

    found = land_inbox(home, NOW)

    assert [r["file_name"] for r in found] == ["consumer_domain=a/f.jsonl", "consumer_domain=b/f.jsonl", "x/f.jsonl"]
    assert len({r["batch_id"] for r in found}) == 3
    assert found[2]["batch_id"] == found[2]["sha256"][:32]
    assert sorted(row["consumer_domain"] or "" for row in visible(home, "products_adopted")) == ["", "a", "b"]
    assert (waiting(home), land_inbox(home, NOW)) == ([], [])


def test_two_partitions_of_one_column_refuse_the_file(home):
    put_in(home, "domain=a/Domain=b/f.jsonl", as_lines([make_event()]))

    [receipt] = land_inbox(home, NOW)

    assert not receipt["is_readable"]
    [row] = quarantined(home).to_pylist()
    both = "in its folders 'domain' and 'Domain' both name the column domain: send one of them"
    assert row["message"] == f"domain=a/Domain=b/f.jsonl: {both}. Correct the file and send it again."


@pytest.mark.parametrize("name", ["f.jsonl", "f.csv", "f.parquet"])
def test_a_refused_row_of_a_partition_is_replayed_with_it(promise, home, name):
    contract = promise("products_adopted", "          - adopted\n", "          - other\n")
    event = make_event("adopted", consumer_domain=None)
    path = put_in(home, f"consumer_domain=sales/{name}", as_lines([event]))
    if name.endswith("csv"):
        pl.DataFrame([event]).write_csv(path)
    if name.endswith("parquet"):
        pl.DataFrame([event]).write_parquet(path)
    settle(home.inbox)
    land_inbox(home, NOW)
    contract.write_text(contract.read_text().replace("          - other\n", "          - adopted\n", 1))

    assert replay(home, NOW)["rows_landed"] == 1
    assert [row["consumer_domain"] for row in visible(home, "products_adopted")] == ["sales"]


EVENTS = [make_event("adopted", f"e{n}", consumer_domain=domain) for n, domain in enumerate(["sales eu", "hr", "hr"])]


def by_pyarrow(folder) -> None:
    schema = pa.schema([("consumer_domain", pa.string())])
    ds.write_dataset(
        pa.Table.from_pylist(EVENTS), folder, format="parquet", partitioning=ds.partitioning(schema, flavor="hive")
    )


def by_duckdb(folder) -> None:
    with duckdb.connect() as db:
        db.register("events", pa.Table.from_pylist(EVENTS))
        db.execute(f"copy events to '{folder}' (format parquet, partition_by (consumer_domain))")


def by_duckdb_as_csv(folder) -> None:
    with duckdb.connect() as db:
        db.register("events", pa.Table.from_pylist(EVENTS))
        db.execute(f"copy events to '{folder}' (format csv, header, partition_by (consumer_domain))")


def by_polars(folder) -> None:
    pl.DataFrame(EVENTS).write_parquet(f"{folder}/", partition_by="consumer_domain", mkdir=True)


@pytest.mark.parametrize("write", [by_pyarrow, by_duckdb, by_duckdb_as_csv, by_polars])
def test_a_partitioned_data_set_lands_whole(home, tmp_path, write):
    write(tmp_path / "events")

    _fill_inbox(None, home, [tmp_path / "events"])
    land_inbox(home, NOW)

    rows = {row["event_id"]: row["consumer_domain"] for row in visible(home, "products_adopted")}
    assert rows == {"e0": "sales eu", "e1": "hr", "e2": "hr"}
    assert all(r["file_name"].startswith("consumer_domain=") for r in receipts(home))


def spark_output(folder):
    """As Spark 3 leaves one: a marker, hidden checksums, part files, a folder of an attempt that failed."""
    for name, content in {
        "_SUCCESS": b"",
        "._SUCCESS.crc": b"crc\x00",
        ".part-00000-1f2e-c000.snappy.parquet.crc": b"crc\x00",
        "_temporary/0/part-00009.snappy.parquet": b"half",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for number, event in enumerate(EVENTS):
        pl.DataFrame([event]).write_parquet(
            folder / f"part-0000{number}-1f2e-c000.snappy.parquet", compression="snappy"
        )
    return folder


def test_an_output_folder_of_spark_lands_from_the_inbox_and_by_name(home, tmp_path):
    spark_output(home.inbox / "events.parquet")
    settle(home.inbox)
    assert len(land_inbox(home, NOW)) == 3
    assert receipts(home)[0]["file_name"].startswith("events.parquet/part-0000")

    _fill_inbox(None, home, [spark_output(tmp_path / "events.parquet"), spark_output(tmp_path / "other")])

    assert (waiting(home), landed_count(home)) == ([], 3)
    names = sorted(path.relative_to(home.inbox).as_posix() for path in settled_files(home.inbox))
    parts = [f"part-0000{n}-1f2e-c000.snappy.parquet" for n in range(3)]
    assert names == [*(f"events.parquet/{part}" for part in parts), *parts]


def test_partitions_above_what_is_placed_are_part_of_its_name(tmp_path):
    file = tmp_path / "lake" / "domain=a" / "dt=1" / "f.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"{}")

    for path, name in {
        file: "domain=a/dt=1/f.jsonl",
        file.parent: "domain=a/dt=1/f.jsonl",
        tmp_path / "lake" / "domain=a": "domain=a/dt=1/f.jsonl",
        tmp_path / "lake": "domain=a/dt=1/f.jsonl",
        tmp_path: "lake/domain=a/dt=1/f.jsonl",
    }.items():
        assert [placed for _, placed in files_to_place(path)] == [name]


def test_a_folder_where_a_file_stands_and_a_file_where_a_folder_stands_are_placed_apart(home, tmp_path):
    source = tmp_path / "f.jsonl"
    source.write_bytes(b"{}")
    put(home, "events.json", b"[]")
    put_in(home, "folder.json/g.json", b"[]")

    assert place_in_inbox(home, source, "events.json/f.jsonl") == home.inbox / "f.jsonl"
    placed = place_in_inbox(home, source, "folder.json")
    assert (placed.parent, placed.name.startswith("folder-"), placed.is_file()) == (home.inbox, True, True)


def test_a_name_that_is_not_utf8_is_escaped(home):
    put(home, os.fsdecode(b"caf\xe9.jsonl"), json.dumps(make_event()).encode())

    [receipt] = land_inbox(home, NOW)

    assert (receipt["file_name"], receipt["rows_landed"], waiting(home)) == ("caf\\xe9.jsonl", 1, [])


def test_names_of_data_are_no_markers():
    assert not any(map(is_marker, ["_events.csv", "part-0.csv", "a.parquet", "success", "x=_y", "desktop.csv", "a_b"]))
