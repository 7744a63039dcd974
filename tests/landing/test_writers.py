"""Any event, written by any of the tools that people use, lands as the same row."""

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import fastparquet
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from conftest import NOW, examples, put, visible
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing.land import land_inbox

pytestmark = pytest.mark.filterwarnings("ignore:.*date format is deprecated", "ignore:The .future.infer_string")

TABLES = {"idea_logged": "ideas_logged", "deployed": "products_deployed", "adopted": "products_adopted"}
SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("source", pa.string()),
        ("event_type", pa.string()),
        ("data_product_id", pa.string()),
        ("occurred_at", pa.timestamp("us", "UTC")),
        ("recorded_at", pa.timestamp("us", "UTC")),
        ("revision", pa.int64()),
        ("is_retracted", pa.bool_()),
        ("domain", pa.string()),
        ("consumer_domain", pa.string()),
        ("title", pa.string()),
        ("named_consumer_domains", pa.list_(pa.string())),
    ]
)
DEFAULTS = {"revision": 0, "is_retracted": False}

# --- Events -------------------------------------------------------------------------------------------

# quotes make sure that no text is a marker of NULL, and none begins or ends with a space
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8).map("«{}»".format)
titles = st.text(st.sampled_from("a \"',;|\t\n\\🙂"), max_size=8).map("«{}»".format)
domains = st.sampled_from(["finance", "Überblick Süd", 'risk "A", B', "a;b"])
instants = st.datetimes(datetime(2001, 9, 10), datetime(2026, 8, 1), timezones=st.just(UTC))


def _event(event_type: str, **own: st.SearchStrategy) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries(
        {
            "event_id": texts,
            "source": texts,
            "event_type": st.just(event_type),
            "data_product_id": texts,
            "occurred_at": instants,
            "recorded_at": st.none() | instants,
            "revision": st.none() | st.integers(0, 1 << 40),
            "is_retracted": st.none() | st.booleans(),
            "title": st.none() | titles,
            **own,
        }
    )


events = st.one_of(
    _event("idea_logged", domain=domains, named_consumer_domains=st.none() | st.lists(domains, min_size=1, max_size=3)),
    _event("deployed", domain=st.none() | domains),
    _event("adopted", consumer_domain=domains),
)

# --- Writers: rows in, bytes out ----------------------------------------------------------------------


def _plain(rows: list[dict]) -> list[dict]:
    """As JSON has them: only what is known, times as text."""
    return [
        {name: v.isoformat() if isinstance(v, datetime) else v for name, v in row.items() if v is not None}
        for row in rows
    ]


def _flat(rows: list[dict]) -> list[dict]:
    """As CSV has them: lists as text."""
    return [row | {"named_consumer_domains": "|".join(row.get("named_consumer_domains") or []) or None} for row in rows]


def _table(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def _flat_table(rows: list[dict]) -> pa.Table:
    names = SCHEMA.get_field_index("named_consumer_domains")
    return pa.Table.from_pylist(_flat(rows), SCHEMA.set(names, pa.field("named_consumer_domains", pa.string())))


def _csv(rows: list[dict], **dialect) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, SCHEMA.names, **dialect)
    writer.writeheader()
    writer.writerows(_plain(_flat(rows)))
    return text.getvalue()


def _spelt(rows: list[dict]) -> list[dict]:
    """As .NET writes our names."""
    return [{name.title().replace("_", ""): value for name, value in row.items()} for row in _plain(rows)]


def _cloud_event(row: dict, is_envelope: bool, payload: Callable = dict) -> bytes:
    """By the SDK; what the envelope has a place for stands there, or in the payload with the envelope's own ids."""
    envelope = {"id": row["event_id"], "subject": row["data_product_id"], "time": row["occurred_at"]}
    taken = {"event_id", "data_product_id", "occurred_at", "source", "event_type"} if is_envelope else {"source"}
    if not is_envelope:
        envelope = {"id": "message-1", "subject": "topic", "time": NOW}
    attributes = envelope | {"source": row["source"], "type": f"com.example.{row['event_type']}.v1"}
    [data] = _plain([{name: value for name, value in row.items() if name not in taken}])
    return JSONFormat().write(CloudEvent(attributes, payload(data)))


def _bytes(data: dict) -> bytes:
    return json.dumps(data).encode()


def _by_duckdb(rows: list[dict], options: str, table=_table) -> bytes:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as db:
        db.register("sent", table(rows))
        db.execute(f"copy sent to '{folder}/out' ({options})")
        return Path(folder, "out").read_bytes()


def _by_fastparquet(rows: list[dict]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        frame = _flat_table(rows).to_pandas()
        fastparquet.write(f"{folder}/out", frame.astype({"is_retracted": "boolean"}))
        return Path(folder, "out").read_bytes()


def _into(write, *arguments, **options) -> bytes:
    buffer = io.BytesIO()
    write(buffer, *arguments, **options)
    return buffer.getvalue()


WRITERS = {
    "lines.jsonl": lambda rows: "\n".join(map(json.dumps, _plain(rows))).encode(),
    "lines.jsonl.gz": lambda rows: gzip.compress("\r\n".join(map(json.dumps, _plain(rows))).encode()),
    "camel.jsonl": lambda rows: "\n".join(map(json.dumps, _spelt(rows))).encode(),
    "wide.jsonl": lambda rows: "\n".join(map(json.dumps, _plain(rows))).encode("utf-16"),
    "array.json": lambda rows: json.dumps(_plain(rows), indent=2, ensure_ascii=False).encode(),
    "comma.csv": lambda rows: _csv(rows).encode(),
    "semicolon.csv": lambda rows: _csv(rows, delimiter=";", quoting=csv.QUOTE_ALL).encode("utf-8-sig"),
    "stated.csv": lambda rows: b"sep=|\n" + _csv(rows, delimiter="|").encode(),
    "unicode text.tsv": lambda rows: _csv(rows, delimiter="\t").encode("utf-16"),
    "envelope.jsonl": lambda rows: b"\n".join(_cloud_event(row, True) for row in rows),
    "payload.json": lambda rows: b"[" + b",".join(_cloud_event(row, False) for row in rows) + b"]",
    "text.json": lambda rows: b" ".join(_cloud_event(row, True, json.dumps) for row in rows),
    "base64.jsonl": lambda rows: b"\n".join(_cloud_event(row, False, _bytes) for row in rows),
    "pandas.csv": lambda rows: _into(_flat_table(rows).to_pandas().to_csv, index=False),
    "pandas.jsonl": lambda rows: _into(
        _table(rows).to_pandas().to_json, orient="records", lines=True, date_format="iso", date_unit="us"
    ),
    "pandas epoch.jsonl": lambda rows: _into(
        _table(rows).to_pandas().to_json, orient="records", lines=True, date_format="epoch", date_unit="us"
    ),
    "pandas.parquet": lambda rows: _into(_table(rows).to_pandas().to_parquet),
    "polars.csv": lambda rows: _into(pl.from_arrow(_flat_table(rows)).write_csv),
    "polars.ndjson": lambda rows: _into(pl.from_arrow(_table(rows)).write_ndjson),
    "polars.parquet": lambda rows: _into(pl.from_arrow(_table(rows)).write_parquet),
    "duckdb.csv": lambda rows: _by_duckdb(rows, "format csv, header", _flat_table),
    "duckdb.json": lambda rows: _by_duckdb(rows, "format json"),
    "duckdb.parquet": lambda rows: _by_duckdb(rows, "format parquet"),
    "fastparquet.parquet": _by_fastparquet,
    "pyarrow.csv": lambda rows: _into(lambda to: pyarrow.csv.write_csv(_flat_table(rows), to)),
    "pyarrow.parquet": lambda rows: _into(lambda to: pq.write_table(_table(rows), to, version="1.0")),
}


@pytest.mark.slow
def test_every_writer_lands_the_same_rows(tmp_path_factory):
    contracts = load_layer("landing")

    @settings(max_examples=examples(6), deadline=None)
    @given(rows=st.lists(events, min_size=1, max_size=4))
    def lands(rows):
        home = Home.at(tmp_path_factory.mktemp("home"))
        for name, write in WRITERS.items():
            put(home, name, write(rows))

        receipts = land_inbox(home, NOW)

        found = {r["batch_id"]: r["file_name"] for r in receipts}
        landed: dict[str, list] = {name: [] for name in WRITERS}
        for table in TABLES.values():
            for row in visible(home, table):
                landed[found[row["batch_id"]]].append((row["row_number"], table, row))
        for name in WRITERS:
            in_order = [(table, row) for _, table, row in sorted(landed[name], key=lambda each: each[0])]
            assert [table for table, _ in in_order] == [TABLES[row["event_type"]] for row in rows], name
            for (table, got), sent in zip(in_order, rows, strict=True):
                columns = [p.name for p in contracts[table].properties if p.name in SCHEMA.names]
                expected = {column: sent.get(column) for column in columns}
                expected |= {column: v for column, v in DEFAULTS.items() if expected[column] is None}
                assert {column: got[column] for column in columns} == expected, name

    lands()
