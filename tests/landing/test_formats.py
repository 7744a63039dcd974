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
from conftest import CHECKOUT, KNOWN_COLUMNS, NOW, as_lines, make_event, put, read_rows, visible

from orchestration.landing.formats import read_file, read_texts
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


# --- CloudEvents --------------------------------------------------------------------------------------


def test_a_cloud_event_maps_onto_the_flat_columns(file):
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "/catalog",
        "type": "com.example.dataproduct.adopted",
        "time": None,
        "subject": "orders",
        "traceparent": "00-1",
        "data": {"consumer_domain": "finance", "occurred_at": "2026-08-01", "source": "overruled"},
    }

    [(_, row)], _ = read_rows(file("event.json", json.dumps(event)))

    assert row == {
        "event_id": "e1",
        "source": "/catalog",
        "event_type": "adopted",
        "occurred_at": "2026-08-01",
        "data_product_id": "orders",
        "consumer_domain": "finance",
        "traceparent": "00-1",
    }


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": {}}])
def test_a_cloud_event_needs_no_data(file, data):
    event = {"specversion": "1.0", "id": "e1", "type": "work_started"} | data

    assert read_rows(file("event.json", json.dumps(event))) == (
        [(1, {"event_id": "e1", "event_type": "work_started"})],
        [],
    )


# --- CSV ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", ['b,"open', '"b,open', 'b"b,"open'])
def test_an_unclosed_quote_costs_one_line(file, opened):
    rest = 'c,plain\nd,"quoted"\ne,"two\nlines"\n' + "".join(f"f{i},t\n" for i in range(3_000))

    good, bad = read_rows(file("events.csv", f'event_id,title\na,t\n{opened}\n{rest}g,"open again\nh,t\n'))

    assert bad[0] == (3, None, "malformed_csv")
    assert [line for line, *_ in bad] == [3, 3_008]
    assert [(line, row["event_id"]) for line, row in good[:5]] == [(2, "a"), (4, "c"), (5, "d"), (6, "e"), (8, "f0")]
    assert [(line, row["event_id"]) for line, row in good[-2:]] == [(3_007, "f2999"), (3_009, "h")]


def test_a_quote_inside_a_field_is_a_character(file):
    good, bad = read_rows(file("events.csv", 'event_id,title\na,5" disk\nb,t\nc,7" disk\n'))

    assert [(line, row["title"]) for line, row in good] == [(2, '5" disk'), (3, "t"), (4, '7" disk')]
    assert not bad


def test_bytes_that_are_not_utf8_cost_their_csv_line_and_are_not_tried_again(file):
    path = file("events.csv", b"event_id,title\na,caf\xe9\nb,caf\xc3\xa9\n")

    [chunk] = read_file(path, KNOWN_COLUMNS)

    assert (chunk.lines, chunk.columns["title"]) == ([3], ["café"])
    [refused] = chunk.unreadable
    assert (refused.line, refused.reason, refused.text) == (2, "invalid_utf8", "a,caf\\xe9")
    assert not refused.is_whole_text


def test_a_csv_value_may_be_as_long_as_a_line(file):
    path = file("events.csv", "event_id,title\na," + "x" * 500_000 + "\n")

    [(_, row)], _ = read_rows(path)
    [again] = read_texts([(0, "a," + "x" * 500_000)], "event_id,title", KNOWN_COLUMNS)

    assert len(row["title"]) == len(again.columns["title"][0]) == 500_000


def test_csv_columns_without_a_name_are_kept_under_their_place(file):
    [(_, row)], _ = read_rows(file("events.csv", "event_id,,title,\na,x,t,y\n"))

    assert row == {"event_id": "a", "column_2": "x", "title": "t", "column_4": "y"}


def test_an_empty_csv_field_was_not_sent_and_a_blank_one_was(file):
    [(_, row)], _ = read_rows(file("events.csv", 'event_id,title,domain,source\na,,"", \n'))

    assert row == {"event_id": "a", "source": " "}


# --- Parquet ------------------------------------------------------------------------------------------


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


def test_a_parquet_file_that_names_a_column_twice_is_unreadable(tmp_path):
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["event_id", "event_id"])
    pq.write_table(table, tmp_path / "twice.parquet")

    with pytest.raises(UnreadableFile, match="it names event_id more than once"):
        read_rows(tmp_path / "twice.parquet")


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
    "utf16.jsonl": ('{"event_id": "a"}\n'.encode("utf-16"), "it is UTF-16; save it as UTF-8"),
    "utf16.csv": (b"\xfe\xff" + "event_id\na\n".encode("utf-16-be"), "it is UTF-16"),
    "utf32.json": ("[]".encode("utf-32"), "it is UTF-16"),
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
    "twice.csv": (b"event_id,title,title\na,b,c\n", "its header names title more than once"),
    "old mac.csv": (b"event_id,title\ra,b\r", "its first line is not a header"),
}


@pytest.mark.parametrize(("name", "content", "message"), [(n, *rest) for n, rest in UNREADABLE.items()], ids=UNREADABLE)
def test_a_file_that_is_not_what_its_name_says_is_unreadable(file, name, content, message):
    with pytest.raises(UnreadableFile, match=message):
        read_rows(file(name, content))
