"""An id is the same text whoever wrote the file; one that has lost digits is refused."""

import json
from uuid import UUID

import duckdb
import fastparquet
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import NOW, as_lines, make_event, put, reasons, visible

from orchestration.landing.conform import conform
from orchestration.landing.formats import read_file
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined

NUMBERS = {"event_id": [4711, 9_007_199_254_740_991], "data_product_id": [1, 2]}
WITH_GAP = {"event_id": [4711, None], "data_product_id": [1, 2]}
TEXTS = {"event_id": ["4711", "9007199254740991"], "data_product_id": ["1", "2"]}
GAPS = {"event_id": ["4711", None], "data_product_id": ["1", "2"]}
UUIDS = ["00000000-0000-0000-0000-00000000002a", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
AS_UUIDS = {"event_id": UUIDS, "data_product_id": ["1", "2"]}


def _duckdb(path, columns, options="format parquet") -> None:
    with duckdb.connect() as db:
        db.execute(f"copy (select {columns} from range(2) as t(i)) to '{path}' ({options})")


def _bytes(path) -> None:
    table = pd.DataFrame({name: [text.encode() for text in texts] for name, texts in TEXTS.items()})
    fastparquet.write(str(path), table, object_encoding="bytes")


EVENT_ID = "case i when 0 then 4711 else 9007199254740991 end"
PRODUCT = "data_product_id"
UUID_ID = f"(case i when 0 then '{UUIDS[0]}' else '{UUIDS[1]}' end)::uuid as event_id, i + 1 as data_product_id"
WRITERS = {
    "pandas.parquet": (lambda path: pd.DataFrame(NUMBERS).to_parquet(path), TEXTS),
    "pandas_gap.parquet": (lambda path: pd.DataFrame(WITH_GAP).to_parquet(path), GAPS),
    "pandas.csv": (lambda path: pd.DataFrame(NUMBERS).to_csv(path, index=False), TEXTS),
    "pandas.json": (lambda path: pd.DataFrame(NUMBERS).to_json(path, orient="records"), TEXTS),
    "pandas_gap.json": (lambda path: pd.DataFrame(WITH_GAP).to_json(path, orient="records"), GAPS),
    "fastparquet.parquet": (lambda path: fastparquet.write(str(path), pd.DataFrame(NUMBERS)), TEXTS),
    "fastparquet_gap.parquet": (lambda path: fastparquet.write(str(path), pd.DataFrame(WITH_GAP)), GAPS),
    "fastparquet_bytes.parquet": (_bytes, TEXTS),
    "polars.parquet": (lambda path: pl.DataFrame(NUMBERS).write_parquet(path), TEXTS),
    "polars.ndjson": (lambda path: pl.DataFrame(NUMBERS).write_ndjson(path), TEXTS),
    "pyarrow.parquet": (lambda path: pq.write_table(pa.table(NUMBERS), path), TEXTS),
    "decimals.parquet": (
        lambda path: _duckdb(
            path, f"({EVENT_ID})::decimal(38, 0) as event_id, (i + 1)::decimal(9, 2) as data_product_id"
        ),
        TEXTS,
    ),
    "hugeint.csv": (
        lambda path: _duckdb(path, f"({EVENT_ID})::hugeint as event_id, i + 1 as data_product_id", "header"),
        TEXTS,
    ),
    "uuid.parquet": (lambda path: _duckdb(path, UUID_ID), AS_UUIDS),
    "uuid.json": (lambda path: _duckdb(path, UUID_ID, "format json"), AS_UUIDS),
    "arrow_uuid.parquet": (
        lambda path: pq.write_table(
            pa.table({"event_id": pa.array([UUID(u).bytes for u in UUIDS], pa.uuid()), "data_product_id": [1, 2]}), path
        ),
        AS_UUIDS,
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_an_id_is_the_same_text_whoever_wrote_the_file(tmp_path, name):
    write, expected = WRITERS[name]
    path = tmp_path / name
    write(path)

    [chunk] = read_file(path, {"event_id", "data_product_id"})

    typed = {column: conform(chunk.columns[column], "string") for column in expected}
    assert {column: got.values.to_pylist() for column, got in typed.items()} == expected
    assert not any(wrong for got in typed.values() for wrong in got.is_wrong.to_pylist())


TOO_LARGE = "is a number over 9,007,199,254,740,992, which loses digits as a float: send it as text"
DROPPED = "is a number of which the spreadsheet has dropped digits: format the column as text and export it again"


def test_an_id_that_a_spreadsheet_or_a_float_has_shortened_is_refused(unchecked, home):
    event = json.dumps(make_event(event_id="ID"))
    sent = ["2.02E+15", "2.02e15", "123456789012345678901234567890", "1.0", "12345678901234567"]
    put(home, "a.jsonl", as_lines(event.replace('"ID"', number) for number in sent))
    header = "event_id,source,event_type,data_product_id,occurred_at"
    rows = [f"{number},s,work_started,p,2026-08-01T10:00:00Z" for number in ("2.02E+15", '"2,02E+15"', "202e15", "7 ")]
    put(home, "b.csv", "\n".join([header, *rows]).encode())

    land_inbox(home, NOW)

    assert sorted(row["event_id"] for row in visible(home, "ideas_logged")) == ["1", "12345678901234567"]
    assert sorted(row["event_id"] for row in visible(home, "work_started")) == ["202e15", "7"]
    messages = {(row["file_name"], row["line_number"]): row["message"] for row in quarantined(home).to_pylist()}
    assert messages == {
        ("a.jsonl", 1): f"event_id: '2.02E+15' {DROPPED}",
        ("a.jsonl", 2): f"event_id: '2.02E+15' {DROPPED}",
        (
            "a.jsonl",
            3,
        ): "event_id: 1.2345678901234568e+29 is a number over 9,007,199,254,740,992, which loses digits as "
        "a float: send it as text",
        ("b.csv", 2): f"event_id: '2.02E+15' {DROPPED}",
        ("b.csv", 3): f"event_id: '2,02E+15' {DROPPED}",
    }
    assert {reason for _, reasons_ in reasons(home) for reason in reasons_} == {"event_id_wrong_type"}


def test_an_id_padded_by_a_fixed_width_export_is_the_same_data_product(unchecked, land, home):
    land(make_event(data_product_id="orders"), make_event("deployed", data_product_id="orders    ", event_id=" e2"))

    [deployed] = visible(home, "products_deployed")
    assert (deployed["data_product_id"], deployed["event_id"]) == ("orders", "e2")
