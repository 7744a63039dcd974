"""Parquet rows keep every digit on their way through quarantine, whatever their types."""

import json
import os
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from conftest import KNOWN_COLUMNS, NOW, SETTLED, examples, make_event, put, visible
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.landing.conform import conform
from orchestration.landing.formats import read_file, read_texts
from orchestration.landing.land import land_inbox
from orchestration.landing.parquet import read_arrow_rows
from orchestration.landing.quarantine import quarantined, refused_rows, replay
from orchestration.landing.typed_rows import json_text

LARGE = Decimal("12345678901234567890123456789012345678")
EXACT = {
    "amount": pa.array([Decimal("12345678901234567890.10")], pa.decimal128(38, 2)),
    "large": pa.array([LARGE], pa.decimal256(60, 0)),
    "signed": pa.array([-(1 << 63)], pa.int64()),
    "unsigned": pa.array([(1 << 64) - 1], pa.uint64()),
    "nested": pa.array([{"parts": [Decimal("0.10"), None]}], pa.struct([("parts", pa.list_(pa.decimal128(20, 2)))])),
    "binary": pa.array([b"\x00\xff"], pa.binary()),
    "id": pa.array([uuid.UUID(int=1).bytes], pa.uuid()),
    "seen_at": pa.array([1_754_042_400_123_456_789], pa.timestamp("ns", "UTC")),
    "day": pa.array([1], pa.date32()),
    "nan": pa.array([float("nan")]),
    "infinite": pa.array([float("-inf")]),
    "kind": pa.array(["a"]).dictionary_encode(),
}
TEXTS = [
    '"amount": "12345678901234567890.10"',
    f'"large": "{LARGE}"',
    '"signed": -9223372036854775808',
    '"unsigned": 18446744073709551615',
    '"nested": {"parts": ["0.10", null]}',
    '"id": "00000000-0000-0000-0000-000000000001"',
    '"seen_at": "2025-08-01T10:00:00.123456789+00:00"',
    '"day": "1970-01-02"',
    '"nan": NaN',
    '"infinite": -Infinity',
    '"kind": "a"',
]


def write(home, name: str, columns: dict) -> None:
    path = put(home, name, b"")
    pq.write_table(pa.table(columns), path)
    os.utime(path, (SETTLED, SETTLED))


def forget(promise):
    """Started work becomes an unknown event type; calling what this returns makes it known again."""
    path = promise("work_started", "          - work_started\n", "          - other\n")
    return lambda: path.write_text(path.read_text().replace("          - other\n", "          - work_started\n", 1))


def columns_of(event: dict) -> dict:
    return {name: [value] for name, value in event.items()}


def test_a_refused_row_shows_every_digit_and_lands_by_replay_as_it_would_have(promise, home, unchecked):
    learn = forget(promise)
    write(home, "a.parquet", columns_of(make_event("work_started", "replayed", revision=7)) | EXACT)
    land_inbox(home, NOW)
    [refused] = quarantined(home).to_pylist()
    for text in TEXTS:
        assert text in refused["original_text"]
    learn()
    assert replay(home, NOW)["rows_landed"] == 1
    write(home, "b.parquet", columns_of(make_event("work_started", "direct", revision=7)) | EXACT)
    land_inbox(home, NOW + timedelta(days=1))

    direct, replayed = sorted(visible(home, "work_started"), key=lambda row: row["event_id"])
    own = {"event_id", "batch_id", "origin_batch_id", "line_number"}
    assert {k: v for k, v in direct.items() if k not in own} == {k: v for k, v in replayed.items() if k not in own}
    assert json.loads(replayed["attributes"])["amount"] == "12345678901234567890.10"
    assert refused_rows(home).column_names.count("arrow_row") == 0


IDS = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1).map(lambda n: pa.array([n])),
    st.integers(0, (1 << 64) - 1).map(lambda n: pa.array([n], pa.uint64())),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**30, min_value=-(10**30)).map(
        lambda d: pa.array([d], pa.decimal128(38, 4))
    ),
    st.integers(-(10**70), 10**70).map(lambda n: pa.array([Decimal(n)], pa.decimal256(76, 0))),
    st.floats().map(lambda f: pa.array([f])),
    st.binary(max_size=20).map(lambda b: pa.array([b])),
    st.text(max_size=20).map(lambda t: pa.array([t])),
    st.integers(-(10**18), 10**18).map(lambda n: pa.array([n], pa.timestamp("ns"))),
    st.integers(-(2**62), 2**62).map(lambda n: pa.array([n], pa.timestamp("us", "Asia/Kolkata"))),
    st.integers(-719_162, 2_932_896).map(lambda n: pa.array([n], pa.int32()).cast(pa.date32())),
    st.lists(st.integers(), max_size=3).map(lambda v: pa.array([[n % 2**63 for n in v]], pa.list_(pa.int64()))),
)


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=IDS, other=IDS)
def test_a_row_read_again_is_the_row_that_was_read(tmp_path, value, other):
    """Of every type: the same Arrow values for our columns, and the same others."""
    columns = {"event_id": value, "mood": other}
    pq.write_table(
        pa.table({name: pa.concat_arrays([each] * 2) for name, each in columns.items()}), tmp_path / "a.parquet"
    )
    [chunk] = read_file(tmp_path / "a.parquet", KNOWN_COLUMNS)
    if not chunk.lines:  # blank
        return

    if chunk.arrow_row:
        [again] = read_arrow_rows([(5, chunk.arrow_row(1))], KNOWN_COLUMNS, {})
        assert again.columns["event_id"].type == chunk.columns["event_id"].type
        assert repr(again.columns["event_id"][0]) == repr(chunk.columns["event_id"][1])
        assert again.text(0) == chunk.text(1)
    else:
        [again] = read_texts([(5, chunk.text(1))], None, KNOWN_COLUMNS)

    assert list(again.rows) == [5]
    for kind in ("string", "timestamp", "integer", "number"):
        first, second = (conform(columns["event_id"], kind) for columns in (chunk.columns, again.columns))
        assert (first.values[1], first.is_wrong[1]) == (second.values[0], second.is_wrong[0])
    assert [*map(str, map(json_text, filter(None, again.extras)))] == [*map(json_text, filter(None, chunk.extras[1:]))]


def test_a_stored_row_has_nothing_of_the_other_rows(tmp_path):
    values = pa.array([f"a long value number {i}" for i in range(10_000)]).dictionary_encode()
    columns = {"event_id": values, "title": values.cast(pa.string()), "share": pa.nulls(10_000, pa.float64())}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")

    [chunk] = read_file(tmp_path / "a.parquet", KNOWN_COLUMNS)

    assert len(chunk.arrow_row(9_999)) < 2_000


def test_rows_of_different_files_are_replayed_together(promise, home, unchecked):
    learn = forget(promise)
    for number, revision in enumerate([pa.array([1]), pa.array([Decimal(2)], pa.decimal128(5, 0)), pa.array(["3"])]):
        write(home, f"{number}.parquet", columns_of(make_event("work_started", f"e{number}")) | {"revision": revision})
    put(home, "3.jsonl", json.dumps(make_event("work_started", "e3", revision=4)).encode())
    land_inbox(home, NOW)
    learn()

    assert replay(home, NOW)["rows_landed"] == 4
    assert {row["event_id"]: row["revision"] for row in visible(home, "work_started")} == {
        f"e{n}": n + 1 for n in range(4)
    }


def test_a_refused_row_of_the_first_version_is_replayed_from_its_text(promise, home, unchecked):
    learn = forget(promise)
    write(home, "a.parquet", columns_of(make_event("work_started")))
    [receipt] = land_inbox(home, NOW)
    for name in (receipt["batch_id"], "_empty"):
        path = home.landing / "quarantined_events" / f"{name}.parquet"
        pq.write_table(pq.read_table(path).drop_columns(["arrow_row"]), path)
    learn()

    assert replay(home, NOW)["rows_landed"] == 1


def test_wholly_empty_rows_of_every_writer_are_skipped_and_counted(tmp_path):
    frame = pd.DataFrame(
        {"event_id": ["e1", None, "e2", None], "revision": [1.0, None, 2.0, None], "title": [None] * 4}
    )
    frame.to_parquet(tmp_path / "fastparquet.parquet", engine="fastparquet")
    frame.to_parquet(tmp_path / "pyarrow.parquet", engine="pyarrow")
    duckdb.from_df(frame).write_parquet(str(tmp_path / "duckdb.parquet"))
    pl.DataFrame({"event_id": ["e1", "", "e2", None], "revision": [1.0, None, 2.0, float("nan")]}).write_parquet(
        tmp_path / "polars.parquet"
    )

    for path in tmp_path.iterdir():
        [chunk] = read_file(path, KNOWN_COLUMNS)
        assert (list(chunk.rows), list(chunk.lines), chunk.warnings) == ([1, 2], [1, 3], {"empty_row": 2}), path.name
        assert chunk.columns["event_id"].to_pylist() == ["e1", "e2"]


# --- Hostile values -----------------------------------------------------------------------------------


def test_hostile_parquet_values_reach_the_checks_as_what_they_are(tmp_path):
    offsets, data = pa.array([0, 2, 4], pa.int32()).buffers()[1], pa.py_buffer(b"ok\xff\xfe")
    not_utf8 = pa.StringArray.from_buffers(2, offsets, data)
    columns = {
        "event_id": not_utf8,
        "occurred_at": pa.array([0, 2**62], pa.timestamp("us", "UTC")),
        "revision": pa.array([float("nan"), 1.0]),
        "title": pa.array([b"\x00\xff", None]),
        "mood": not_utf8,
        "day": pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32()),
        "seen_at": pa.array([None, 5], pa.timestamp("us", "Nowhere/Land")),
    }
    pq.write_table(pa.table(columns), tmp_path / "hostile.parquet")

    [chunk] = read_file(tmp_path / "hostile.parquet", KNOWN_COLUMNS)

    assert chunk.extras == [
        {"mood": "ok", "day": datetime(1970, 1, 1).date()},
        {
            "mood": {"not UTF-8": "b'\\xff\\xfe'"},
            "day": {"out of range": 2**31 - 1},
            "seen_at": {"out of range": 5},
        },
    ]
    first, second = chunk.text(0), json.loads(chunk.text(1))
    assert '"occurred_at": "1970-01-01T00:00:00+00:00", "revision": NaN, "title": {"bytes": ' in first
    assert second["occurred_at"] == {"out of range": 2**62}
    assert second["event_id"] == {"not UTF-8": "b'\\xff\\xfe'"}
