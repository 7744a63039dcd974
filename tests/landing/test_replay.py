"""A replay lands what passes today from quarantine, once, and leaves the rest as it is."""

import csv
import io
import json
import os
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import NOW, Crash, as_lines, landed_count, make_event, put, reasons, visible

from orchestration import home as home_module
from orchestration.landing import batch
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined, replay
from orchestration.landing.receipts import receipts


def test_a_replay_lands_what_passes_today_once_with_its_origin(promise, land, home):
    strict = promise(
        "products_deployed",
        "maxLength: 2000\n          pattern: '^[^\\x00]*$'\n      - name: initiative",
        "maxLength: 5\n      - name: initiative",
    )
    first = land(
        make_event("deployed", "e1", version="1.0.0"),
        make_event("deployed", "e2", version="1.0.0-rc1"),
        make_event("deployed", "e3", version="x" * 300),
        make_event("nonsense", "e4"),
    )
    assert replay(home, NOW) is None
    strict.write_text(strict.read_text().replace("maxLength: 5\n", "maxLength: 50\n"))
    later = NOW + timedelta(days=1)

    receipt = replay(home, later)

    assert (receipt["rows_read"], receipt["rows_landed"], receipt["rows_quarantined"]) == (1, 1, 0)
    assert (receipt["is_replay"], receipt["landed_at"], receipt["file_name"]) == (True, later, "replay of 1 rows")
    assert receipt["batch_id"] != first["batch_id"]
    landed = {row["event_id"]: row for row in visible(home, "products_deployed")}
    assert landed.keys() == {"e1", "e2"}
    assert landed["e2"]["batch_id"] == receipt["batch_id"]
    assert (landed["e2"]["origin_batch_id"], landed["e2"]["line_number"]) == (first["batch_id"], 2)
    assert reasons(home) == [(3, ["version_length"]), (4, ["event_type_unknown"])]
    assert {row["batch_id"] for row in quarantined(home).to_pylist()} == {first["batch_id"]}
    assert replay(home, later) is None
    assert len(receipts(home)) == 2


def test_a_replay_lands_an_event_type_that_a_contract_has_learnt(promise, land, home):
    kinds = "          - adopted\n"
    contract = promise("products_adopted", kinds, "          - granted\n")
    land(make_event("adopted", "e1"), make_event("adopted", "e2", consumer_domain=None), make_event("adopted", "e3"))
    contract.write_text(
        contract.read_text().replace("          - granted\n        desc", f"          - granted\n{kinds}        desc")
    )

    receipt = replay(home, NOW)

    assert receipt["rows_landed"] == 2
    assert [(row["event_id"], row["line_number"]) for row in visible(home, "products_adopted")] == [
        ("e1", 1),
        ("e3", 3),
    ]
    [waiting] = quarantined(home).to_pylist()
    assert (waiting["line_number"], waiting["reasons"]) == (2, ["event_type_unknown"])
    assert replay(home, NOW) is None


def relax(promise, table="work_started"):
    """Titles may then have more than three characters."""
    strict = promise.folder / f"{table}.odcs.yaml"
    text = strict.read_text()
    title = "The data product's name for people.\n        logicalTypeOptions:\n          maxLength: "
    if f"{title}3\n" in text:
        strict.write_text(text.replace(f"{title}3\n", f"{title}2000\n"))
    else:
        promise(table, f"{title}2000\n", f"{title}3\n")


def test_rows_of_a_csv_are_replayed_with_their_header(promise, home):
    relax(promise)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["title", "event_id", "source", "event_type", "data_product_id", "occurred_at", "team"])
    writer.writerow(["a\nlong; title", "e1", "s", "work_started", "p", "2026-08-01T10:00", "x"])
    writer.writerow(["abc", "e2", "s", "work_started", "p", "2026-08-01", ""])
    text.write(json.dumps(make_event("work_started", "not a line of this CSV")) + "\n")
    writer.writerow(["long", "e3", "s", "work_started", "", "2026-08-01", ""])
    put(home, "a.csv", text.getvalue().encode())
    land_inbox(home, NOW)
    assert reasons(home) == [
        (2, ["title_length"]),
        (5, ["wrong_field_count"]),
        (6, ["data_product_id_missing", "title_length"]),
    ]
    relax(promise)

    replay(home, NOW)

    rows = {row["event_id"]: row for row in visible(home, "work_started")}
    assert rows.keys() == {"e1", "e2"}
    assert (rows["e1"]["title"], rows["e1"]["line_number"]) == ("a\nlong; title", 2)
    assert (rows["e1"]["attributes"], rows["e1"]["is_assumed_utc"]) == ('{"team":"x"}', True)
    assert [line for line, _ in reasons(home)] == [5, 6]


def test_rows_that_share_a_line_are_replayed_one_by_one(promise, home):
    relax(promise)
    relax(promise, "ideas_logged")
    rows = [make_event("work_started", "e1", title="long"), make_event("idea_logged", "e2", title="long")]
    put(home, "a.json", json.dumps([*rows, make_event("work_started", "e3"), 5]).encode())
    land_inbox(home, NOW)
    assert [row["line_number"] for row in quarantined(home).to_pylist()] == [1, 1, 1]

    relax(promise)
    first = replay(home, NOW)
    waiting = quarantined(home).to_pylist()
    relax(promise, "ideas_logged")
    second = replay(home, NOW)

    assert (first["rows_landed"], second["rows_landed"]) == (1, 1)
    assert first["batch_id"] != second["batch_id"]
    assert [row["row_number"] for row in waiting] == [2, 4]
    assert sorted(row["event_id"] for row in visible(home, "work_started")) == ["e1", "e3"]
    assert [row["event_id"] for row in visible(home, "ideas_logged")] == ["e2"]
    assert [row["reasons"] for row in quarantined(home).to_pylist()] == [["not_an_object"]]


def test_rows_of_parquet_and_of_cloud_events_are_replayed(promise, home):
    relax(promise)
    event = make_event("work_started", "e1", title="long", team="x")
    table = pa.Table.from_pylist([event]).drop_columns("occurred_at")
    at = pa.array([1_754_042_400_000_000], pa.timestamp("us", "UTC"))
    pq.write_table(table.append_column("occurred_at", at), home.inbox / "a.parquet")
    os.utime(home.inbox / "a.parquet", (1, 1))
    cloud = {"specversion": "1.0", "id": "e2", "source": "s", "type": "x.work_started", "time": "2026-08-01T00:00:00Z"}
    put(home, "b.json", json.dumps(cloud | {"subject": "p", "data": {"title": "long"}}).encode())
    land_inbox(home, NOW)
    assert landed_count(home) == 0
    relax(promise)

    replay(home, NOW)

    first, second = sorted(visible(home, "work_started"), key=lambda row: row["event_id"])
    assert (first["occurred_at"].isoformat(), first["attributes"]) == ("2025-08-01T10:00:00+00:00", '{"team":"x"}')
    assert (second["event_id"], second["data_product_id"], second["title"]) == ("e2", "p", "long")


def test_what_is_not_kept_whole_is_never_replayed(promise, home):
    """A long line keeps 4 KiB, bytes that are not UTF-8 are kept as text that stands for them."""
    relax(promise)
    long = as_lines([make_event("work_started", title="x" * (1 << 20))])
    latin = b"event_id,source,event_type,data_product_id,occurred_at,title\ne1,s,work_started,p,2026-08-01,caf\xe9\n"
    wide = pa.Table.from_pylist([make_event("work_started", notes="y" * (2 << 20), title="long")])
    put(home, "a.jsonl", long)
    put(home, "b.csv", latin)
    pq.write_table(wide, home.inbox / "c.parquet")
    os.utime(home.inbox / "c.parquet", (1, 1))
    land_inbox(home, NOW)
    rows = quarantined(home).to_pylist()
    relax(promise)

    assert [(row["reasons"], row["is_whole_text"], len(row["original_text"])) for row in rows] == [
        (["line_too_long"], False, 4096),
        (["invalid_utf8"], False, len("e1,s,work_started,p,2026-08-01,caf\\xe9")),
        (["title_length"], False, 4096),
    ]
    assert replay(home, NOW) is None


def test_a_replay_without_a_change_of_contract_lands_nothing(home):
    """What is refused as infinite, bytes or a number must not come back as null or text."""
    columns = {name: [value] * 3 for name, value in make_event("work_started").items()}
    columns["revision"] = pa.array([float("inf"), 0.0, 0.0])
    columns["title"] = pa.array([None, b"\xff", None], pa.binary())
    columns["is_retracted"] = pa.array([None, None, 2])
    pq.write_table(pa.table(columns), home.inbox / "a.parquet")
    os.utime(home.inbox / "a.parquet", (1, 1))
    put(home, "b.jsonl", as_lines([make_event(event_id=5.5), "bad", b"\xff", make_event(revision=True)]))
    put(home, "c.csv", b'event_id,source,event_type\ne,s\n"\n')
    land_inbox(home, NOW)

    assert quarantined(home).num_rows == 3 + 4 + 2
    assert replay(home, NOW) is None


def test_a_replay_that_crashes_leaves_its_rows_in_quarantine(promise, land, home, monkeypatch):
    relax(promise)
    land(make_event("work_started", title="long"))
    relax(promise)

    def crash_at_receipt(temporary, path):
        if path.parent.name == "batches":
            raise Crash
        home_module.publish(temporary, path)

    monkeypatch.setattr(batch, "publish", crash_at_receipt)
    with pytest.raises(Crash):
        replay(home, NOW)
    monkeypatch.setattr(batch, "publish", home_module.publish)

    assert (quarantined(home).num_rows, landed_count(home)) == (1, 0)
    assert replay(home, NOW)["rows_landed"] == 1
    assert (quarantined(home).num_rows, landed_count(home)) == (0, 1)
