"""Whatever writes an event, in whatever shape, it lands as the same row."""

import io
import json
import os
from collections.abc import Callable
from datetime import datetime

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from conftest import NOW, SETTLED, as_lines, examples, make_event, visible
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.home import Home
from orchestration.landing.land import land_inbox

pytestmark = [pytest.mark.usefixtures("unchecked"), pytest.mark.filterwarnings("ignore:The 'fastparquet' engine")]

Writer = Callable[[list[dict]], bytes]


def _saved(write: Callable) -> Writer:
    """A writer from one that takes (rows, buffer)."""

    def saved(rows: list[dict]) -> bytes:
        buffer = io.BytesIO()
        write(rows, buffer)
        return buffer.getvalue()

    return saved


def by_duckdb(rows: list[dict], path, options: str) -> None:
    with duckdb.connect() as db:
        db.register("events", pa.Table.from_pylist(rows))
        db.execute(f"copy events to '{path}' ({options})")


def cloud(row: dict, payload: Callable = dict) -> bytes:
    """A CloudEvent whose payload has every column but those that its envelope carries."""
    envelope = {
        "id": row["event_id"],
        "source": row["source"],
        "type": f"x.{row['event_type']}.v1",
        "time": datetime.fromisoformat(row["occurred_at"]),  # without one, the SDK would write the time of writing
    }
    return JSONFormat().write(
        CloudEvent(envelope, payload({n: v for n, v in row.items() if n not in ("event_id", "source")}))
    )


def spelt(row: dict) -> dict:
    """Our names as .NET and Java write them; others as they are."""
    return {name if name == "mood" else name.title().replace("_", ""): value for name, value in row.items()}


WRITERS: dict[str, Writer] = {
    "lines.jsonl": as_lines,
    "array.json": lambda rows: json.dumps(rows, indent=1).encode(),
    "camel.jsonl": lambda rows: as_lines(map(spelt, rows)),
    "wide.jsonl": lambda rows: as_lines(rows).decode().encode("utf-16"),
    "pandas.csv": lambda rows: pd.DataFrame(rows).to_csv(index=False).encode(),
    "excel.csv": lambda rows: (
        pd.DataFrame(rows).to_csv(index=False, sep=";", lineterminator="\r\n").encode("utf-8-sig")
    ),
    "unicode.csv": lambda rows: pd.DataFrame(rows).to_csv(index=False, sep="\t").encode("utf-16"),
    "stated.csv": lambda rows: b"sep=|\n" + pd.DataFrame(rows).to_csv(index=False, sep="|").encode(),
    "pandas.jsonl": lambda rows: pd.DataFrame(rows).to_json(orient="records", lines=True).encode(),
    "fastparquet.parquet": lambda rows: pd.DataFrame(rows).to_parquet(None, engine="fastparquet"),
    "pandas.parquet": lambda rows: pd.DataFrame(rows).to_parquet(None),
    "polars.csv": lambda rows: pl.DataFrame(rows).write_csv().encode(),
    "polars.ndjson": lambda rows: pl.DataFrame(rows).write_ndjson().encode(),
    "polars.parquet": _saved(lambda rows, buffer: pl.DataFrame(rows).write_parquet(buffer)),
    "arrow.csv": _saved(lambda rows, buffer: arrow_csv.write_csv(pa.Table.from_pylist(rows), buffer)),
    "arrow.parquet": _saved(lambda rows, buffer: pq.write_table(pa.Table.from_pylist(rows), buffer)),
    "cloud.jsonl": lambda rows: b"\n".join(map(cloud, rows)),
    "cloud.json": lambda rows: b"[" + b",".join(map(cloud, rows)) + b"]",
    "cloud text.json": lambda rows: b" ".join(cloud(row, json.dumps) for row in rows),
    "cloud base64.jsonl": lambda rows: b"\n".join(cloud(row, lambda data: json.dumps(data).encode()) for row in rows),
}
DUCKDB = {"duckdb.csv": "format csv, header", "duckdb.json": "format json", "duckdb.parquet": "format parquet"}

TEXT = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12).map(
    lambda text: f"{text} ü, \"'|;"
)
EVENT = st.fixed_dictionaries(
    {
        "title": TEXT,
        "domain": TEXT,
        "mood": TEXT,
        "revision": st.integers(0, 2**53),
        "is_retracted": st.booleans(),
        "occurred_at": st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2026, 1, 1)).map(
            lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z"
        ),
    }
)


@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(EVENT, min_size=2, max_size=3))
def test_an_event_lands_as_the_same_row_whatever_writes_it(tmp_path_factory, events):
    home = Home.at(tmp_path_factory.mktemp("home"))
    rows = [make_event(event_id=f"e{n}") | event for n, event in enumerate(events)]
    for name, write in WRITERS.items():
        (home.inbox / name).write_bytes(write(rows))
    for name, options in DUCKDB.items():
        by_duckdb(rows, home.inbox / name, options)
    settle(home)

    receipts = land_inbox(home, NOW)

    landed = visible(home, "ideas_logged")
    own = {"batch_id", "origin_batch_id", "line_number", "row_number"}
    expected = [
        (
            r["event_id"],
            r["title"],
            r["domain"],
            r["revision"],
            r["is_retracted"],
            r["occurred_at"],
            json.dumps({"mood": r["mood"]}),
        )
        for r in rows
    ]
    for receipt in receipts:
        mine = [row for row in landed if row["batch_id"] == receipt["batch_id"]]
        found = [
            (
                *(row[name] for name in ("event_id", "title", "domain", "revision", "is_retracted")),
                f"{row['occurred_at']:%Y-%m-%dT%H:%M:%S}Z",
                json.dumps(json.loads(row["attributes"])),
            )
            for row in mine
        ]
        assert found == expected, receipt["file_name"]
        others = [{name: value for name, value in row.items() if name not in own} for row in mine]
        assert others == [{n: v for n, v in row.items() if n not in own} for row in landed[: len(rows)]]
    assert len({(r["rows_landed"], r["rows_quarantined"]) for r in receipts}) == 1


def settle(home) -> None:
    for path in home.inbox.iterdir():
        os.utime(path, (SETTLED, SETTLED))
