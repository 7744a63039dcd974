"""Files of every format become the same rows, each with its place; what can't be read costs as little as possible."""

import csv
import gzip
import io
import json
import subprocess
import sys
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import CHECKOUT, NOW, as_lines, make_event, put, read_rows, visible

from orchestration.landing.land import land_inbox
from orchestration.landing.rows import UnreadableFile

# --- The same rows from every format ---------------------------------------------------------------

EVENTS = [
    make_event(
        event_id="e1",
        title='Line one\nline "two", three; four\ttabbed',
        named_consumer_domains=["finance", "risk"],
        revision=2,
        is_retracted=True,
        recorded_at="2026-08-02T10:00:00+02:00",
        team_mood="🙂",
    ),
    make_event(event_id="e2", title="Überblick", occurred_at="2026-08-01T10:00:00"),
    make_event(event_id="e3", source="=HYPERLINK(1)"),
]
PAYLOADS = [
    {
        "specversion": "1.0",
        "id": e["event_id"],
        "source": e["source"],
        "type": "com.example.idea_logged",
        "time": e["occurred_at"],
        "subject": e["data_product_id"],
        "datacontenttype": "application/json",
        "data": {k: v for k, v in e.items() if k not in ("event_id", "source", "occurred_at", "data_product_id")},
    }
    for e in EVENTS
]


def as_csv(events, delimiter=",", end="\n", quoting=csv.QUOTE_MINIMAL) -> bytes:
    names = list(dict.fromkeys(name for event in events for name in event))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writeheader()
    for event in events:
        flat = {n: "|".join(v) if isinstance(v, list) else v for n, v in event.items()}
        writer.writerow({n: str(v).lower() if isinstance(v, bool) else v for n, v in flat.items()})
    return text.getvalue().encode()


def as_parquet(events) -> bytes:
    typed = [e | {n: datetime.fromisoformat(e[n]) for n in ("recorded_at",) if n in e} for e in events]
    buffer = io.BytesIO()
    pq.write_table(
        pa.Table.from_pylist(typed, pa.table({n: [e.get(n) for e in typed] for n in typed[0]}).schema), buffer
    )
    return buffer.getvalue()


FORMATS = {
    "no line end.jsonl": as_lines(EVENTS).rstrip(),
    "lines.jsonl": as_lines(EVENTS),
    "lines.ndjson": as_lines(EVENTS),
    "UPPER.JSONL": as_lines(EVENTS),
    "lines.json": as_lines(EVENTS),
    "crlf.jsonl": as_lines(EVENTS).replace(b"\n", b"\r\n"),
    "bom.jsonl": b"\xef\xbb\xbf" + as_lines(EVENTS),
    "array.json": json.dumps(EVENTS).encode(),
    "pretty array.json": b"\xef\xbb\xbf" + json.dumps(EVENTS, indent=2).encode(),
    "pretty objects.json": b"\n".join(json.dumps(e, indent=4).encode() for e in EVENTS),
    "flat objects.json": b"\n".join(json.dumps(e, indent=0).encode() for e in EVENTS),
    "cloud lines.jsonl": as_lines(PAYLOADS),
    "cloud array.json": json.dumps(PAYLOADS, indent=2).encode(),
    "cloud objects.json": b" ".join(json.dumps(e, indent=2).encode() for e in PAYLOADS),
    "comma.csv": as_csv(EVENTS),
    "quoted.csv": as_csv(EVENTS, quoting=csv.QUOTE_ALL),
    "excel.csv": b"\xef\xbb\xbf" + as_csv(EVENTS, ";", "\r\n"),
    "tab.tsv": as_csv(EVENTS, "\t"),
    "tab.csv": as_csv(EVENTS, "\t"),
    "columns.parquet": as_parquet(EVENTS),
}


def test_every_format_and_its_gzip_land_the_same_rows(home):
    for k, (name, content) in enumerate(FORMATS.items()):
        content += b"" if name.endswith(".parquet") else b"\n" * k  # the same bytes would be the same batch
        put(home, name, content)
        put(home, f"{name}.gz", gzip.compress(content))
    (home.inbox / "columns.parquet.gz").unlink()

    receipts = land_inbox(home, NOW)

    assert len(receipts) == 2 * len(FORMATS) - 1
    assert {r["file_name"]: (r["rows_read"], r["rows_landed"], r["assumed_utc_count"]) for r in receipts} == {
        r["file_name"]: (3, 3, 1) for r in receipts
    }
    rows = visible(home, "ideas_logged")
    for receipt in receipts:
        landed = [row for row in rows if row["batch_id"] == receipt["batch_id"]]
        assert [_content(row) for row in landed] == [_content(row) for row in rows[:3]], receipt["file_name"]
    first, second, third = rows[:3]
    assert first["title"] == 'Line one\nline "two", three; four\ttabbed'
    assert first["named_consumer_domains"] == ["finance", "risk"]
    assert (first["revision"], first["is_retracted"], first["attributes"]) == (2, True, '{"team_mood":"🙂"}')
    assert first["recorded_at"].isoformat() == "2026-08-02T08:00:00+00:00"
    assert (second["title"], second["is_assumed_utc"], second["revision"]) == ("Überblick", True, 0)
    assert (third["source"], third["is_retracted"], third["title"]) == ("=HYPERLINK(1)", False, None)


def _content(row: dict) -> dict:
    return {k: v for k, v in row.items() if k not in ("batch_id", "origin_batch_id", "line_number")}


# --- Memory -------------------------------------------------------------------------------------------

MEASURE = """
import resource, sys
from pathlib import Path
from orchestration.contracts.odcs import load_layer
from orchestration.landing.formats import read_file
from orchestration.landing.check import wire_columns

known, peak = wire_columns(load_layer("landing")), lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
rows = sum(len(chunk.lines) for chunk in read_file(Path(sys.argv[1]), known))
print(rows, (peak() - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "title_bytes", "line_count"),
    [("many rows.jsonl", 40, 120_000), ("wide rows.jsonl.gz", 100_000, 3_000), ("one line.json", 40, 60_000)],
)
def test_a_large_file_is_read_in_bounded_memory(tmp_path, name, title_bytes, line_count):
    """24 MB of short rows, a bomb of 300 MB, a 12 MB array on one line: held at once, 200 MB or more each."""
    path = tmp_path / name
    line = as_lines([make_event(title="x" * title_bytes)])
    with gzip.open(path, "wb", compresslevel=1) if name.endswith(".gz") else path.open("wb") as file:
        if name.endswith(".json"):
            file.write(b"[" + line.strip() + (b"," + line.strip()) * (line_count - 1) + b"]")
        else:
            for _ in range(line_count // 1_000):
                file.write(line * 1_000)

    found = subprocess.run(
        [sys.executable, "-c", MEASURE, path], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    rows, extra_megabytes = map(int, found.stdout.split())
    assert rows == line_count
    assert extra_megabytes < 150


# --- Not what its name says -------------------------------------------------------------------------

UNREADABLE = {
    "events.txt": (b"{}", "its format is not known; send one of .jsonl"),
    "events.parquet.gz": (b"", "can't be read in the format that its name gives"),
    "cut.jsonl.gz": (gzip.compress(as_lines(EVENTS) * 50)[:-12], "end-of-stream"),
    "plain.jsonl.gz": (b'{"event_id": "a"}\n', "can't be read"),
    "damaged.csv.gz": (gzip.compress(as_csv(EVENTS) * 50)[:40] + b"\x00" * 60, "can't be read"),
    "corrupt.parquet": (as_parquet(EVENTS)[:-20] + b"x" * 12 + b"PAR1", "can't be read"),
    "names.parquet": (as_parquet(EVENTS).replace(b"event_id", b"event\xff\xff\xff"), "can't be read"),
    "cut.parquet": (as_parquet(EVENTS)[:200], "can't be read"),
    "empty.parquet": (b"", "can't be read"),
    "cut.json": (b'[{"event_id": "a"}, {"event_id": "b"}', "ends on line 1 where it should have a comma or ]"),
    "cut value.json": (b'[{"event_id": "a"},\n{"event_id": "b', "line 2 is not JSON: Unterminated string"),
    "trailing comma.json": (b'[{"event_id": "a"},]', "line 1 is not JSON"),
    "two commas.json": (b'[{"event_id": "a"},, {"event_id": "b"}]', "line 1 is not JSON"),
    "no comma.json": (b'[{"event_id": "a"}\n{"event_id": "b"}]', "line 2 has '{' where it should have a comma or ]"),
    "two arrays.json": (b'[{"event_id": "a"}] [{"event_id": "b"}]', "has '\\[' where it should have nothing more"),
    "word.json": (b"{\n hello\n}", "the value that starts on line 1 is not JSON: .* on line 2"),
    "deep.json": (b"[" * 100_000, "line 1 is nested too deep"),
    "long.json": (b'[{"event_id": "' + b"x" * 1_200_000, "or longer than 1,048,576 characters"),
    "header.csv": (b"a,b\n1,2\n", "names no event_id column"),
    "nothing.csv": (b"", "names no event_id column"),
    "old mac.csv": (b"event_id,title\ra,b\r", "its lines end with a carriage return alone"),
}


@pytest.mark.parametrize(("name", "content", "message"), [(n, *rest) for n, rest in UNREADABLE.items()], ids=UNREADABLE)
def test_a_file_that_is_not_what_its_name_says_is_unreadable(file, name, content, message):
    with pytest.raises(UnreadableFile, match=message):
        read_rows(file(name, content))
