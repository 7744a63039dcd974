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
from conftest import CHECKOUT, NOW, as_lines, make_event, put, visible

from orchestration.contracts.odcs import load_layer
from orchestration.landing.check import wire_columns
from orchestration.landing.formats import read_file, read_texts
from orchestration.landing.land import land_inbox
from orchestration.landing.rows import CHUNK_ROWS, MAX_LINE_BYTES, UnreadableFile

KNOWN = wire_columns(load_layer("landing"))


def read(path) -> tuple[list[tuple], list[tuple]]:
    """([(line, row)], [(line, column, reason)]) of a file; raises UnreadableFile."""
    good, bad, numbers = [], [], []
    for chunk in read_file(path, KNOWN):
        for i, line in enumerate(chunk.lines):
            extra = chunk.extras[i] if chunk.extras else None
            sent = {name: column[i] for name, column in chunk.columns.items()} | (extra or {})
            values = {n: v.as_py() if isinstance(v, pa.Scalar) else v for n, v in sent.items()}
            good.append((line, {n: v for n, v in values.items() if v is not None}))
        bad += [(u.line, u.column, u.reason) for u in chunk.unreadable]
        numbers += [*chunk.rows, *(u.row for u in chunk.unreadable)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    return good, bad


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


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


# --- Where a row stood ------------------------------------------------------------------------------


def test_lines_are_counted_over_blank_lines_and_line_ends(file):
    content = b'\xef\xbb\xbf\n{"event_id": "a"}\r\n  \t\n\n{"event_id": "b"}\r\nnonsense\n{"event_id": "c"}'

    good, bad = read(file("events.jsonl", content))

    assert [(line, row["event_id"]) for line, row in good] == [(2, "a"), (5, "b"), (7, "c")]
    assert bad == [(6, 1, "malformed_json")]


def test_lines_are_counted_in_a_pretty_printed_array(file):
    text = '[\n  {\n    "event_id": "a"\n  },\n\n  {"event_id": "b"}, {"event_id": "c"},\n  3\n]\n'

    good, bad = read(file("events.json", text))

    assert [(line, row["event_id"]) for line, row in good] == [(2, "a"), (6, "b"), (6, "c")]
    assert bad == [(7, 1, "not_an_object")]


def test_a_value_inside_an_array_that_only_the_strict_parser_refuses_costs_its_row_and_says_where(file):
    lines = [
        b'[{"event_id": "a"},',
        b' {"event_id":',
        b'    "\\ud800"},',
        b' {"event_id": NaN}, {"event_id": "\xff"},',
        b' {"event_id": "b\tc"}, {"event_id": "d"}]',
    ]

    good, bad = read(file("events.json", b"\n".join(lines)))

    assert [(line, row["event_id"]) for line, row in good] == [(1, "a"), (5, "d")]
    assert [(line, reason) for line, _, reason in bad] == [
        (3, "malformed_json"),
        (4, "malformed_json"),
        (4, "invalid_utf8"),
        (5, "malformed_json"),
    ]


def test_lines_are_counted_after_csv_records_of_several_lines(file):
    text = 'event_id,title\na,"one\ntwo\n\nthree"\nb,plain\nc,"x ""quoted"" y"\n\nd,"e\nf"\ng,h,i\n'

    good, bad = read(file("events.csv", text))

    assert [(line, row["event_id"], row["title"]) for line, row in good] == [
        (2, "a", "one\ntwo\n\nthree"),
        (6, "b", "plain"),
        (7, "c", 'x "quoted" y'),
        (9, "d", "e\nf"),
    ]
    assert bad == [(11, None, "wrong_field_count")]


def test_a_parquet_row_is_counted_from_one_over_row_groups(tmp_path):
    pq.write_table(pa.table({"event_id": [f"e{i}" for i in range(7)]}), tmp_path / "e.parquet", row_group_size=3)

    good, _ = read(tmp_path / "e.parquet")

    assert [(line, row["event_id"]) for line, row in good] == [(i + 1, f"e{i}") for i in range(7)]


def test_the_places_of_rows_go_on_from_chunk_to_chunk(file, monkeypatch):
    monkeypatch.setattr("orchestration.landing.rows.CHUNK_ROWS", 2)
    path = file("events.jsonl", "".join(f'{{"event_id": "{i}"}}\n' if i % 3 else "bad\n" for i in range(1, 12)))

    good, bad = read(path)

    assert [line for line, _ in good] == [1, 2, 4, 5, 7, 8, 10, 11]
    assert [line for line, *_ in bad] == [3, 6, 9]
    assert len(list(read_file(path, KNOWN))) == 6


def test_json_values_are_found_whatever_block_they_are_cut_at(file):
    """Blocks are 65,536 bytes: the padding moves every character of the last values over the border."""
    tail = '{"event_id": "é🙂", "revision": 12345}, 12345, {"event_id": "b"}]'
    for shift in range(len(tail.encode()) + 2):
        padding = " " * (65_536 - len('[{"event_id": ""},') - shift)
        good, bad = read(file("events.json", f'[{{"event_id": ""}},{padding}{tail}'))

        assert [row.get("event_id") for _, row in good] == ["", "é🙂", "b"]
        assert good[1][1]["revision"] == 12345
        assert [reason for _, _, reason in bad] == ["not_an_object"]


# --- What can't be read -----------------------------------------------------------------------------

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
        read(file(name, content))


@pytest.mark.parametrize("name", ["none.jsonl", "none.json", "none.jsonl.gz", "none.ndjson"])
def test_an_empty_file_has_no_rows(file, name):
    assert read(file(name, b"")) == ([], [])


def test_an_empty_array_and_a_header_alone_have_no_rows(file):
    assert read(file("none.json", " [ ]\n")) == ([], [])
    assert read(file("none.csv", "event_id,title\n")) == ([], [])


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (b'{"event_id": "a"', 17, "malformed_json"),
        (b'{"event_id": "a"} {"event_id": "b"}', 19, "malformed_json"),
        (b'{"event_id": NaN}', 14, "malformed_json"),
        (b'{"event_id": "\\ud800"}', None, "malformed_json"),
        (b'{"event_id": "a\x00"}', 16, "malformed_json"),
        (b'{"event_id": "a"}\x00', 18, "malformed_json"),
        (b"\x00", 1, "malformed_json"),
        (b'{"event_id": "\xff"}', None, "invalid_utf8"),
        (b'{"event_id": "\xed\xa0\x80"}', None, "invalid_utf8"),  # a surrogate, as some encoders write it
        (b'["a"]', 1, "not_an_object"),
        (b"null", 1, "not_an_object"),
        (b"[" * 100_000 + b"]" * 100_000, None, "malformed_json"),
        (b'{"a":' * 252 + b"1" + b"}" * 252, 1, "nested_too_deep"),
        (b'{"specversion": "1.0", "data": [1]}', 1, "cloud_event_without_data"),
        (b'{"specversion": "1.0", "data_base64": "e30="}', 1, "cloud_event_without_data"),
    ],
)
def test_a_line_that_can_not_be_read_costs_that_line(file, line, column, reason):
    good, bad = read(file("events.jsonl", b'{"event_id": "before"}\n' + line + b'\n{"event_id": "after"}\n'))

    assert [(number, row["event_id"]) for number, row in good] == [(1, "before"), (3, "after")]
    [(number, found_column, found_reason)] = bad
    assert (number, found_reason) == (2, reason)
    assert column is None or found_column == column


def test_nesting_is_kept_as_deep_as_it_can_be_written_again(file):
    [(_, row)], bad = read(file("events.jsonl", b'{"a":' * 250 + b"1" + b"}" * 250))

    assert json.dumps(row).count("{") == 250
    assert not bad


def test_of_two_equal_keys_the_last_counts(file):
    [(_, row)], _ = read(file("events.jsonl", '{"event_id": "a", "event_id": "b"}'))

    assert row == {"event_id": "b"}


def test_a_line_of_a_mebibyte_is_read_and_one_byte_more_is_not(file):
    start, end = b'{"event_id": "', b'"}'
    longest = start + b"x" * (MAX_LINE_BYTES - len(start) - len(end)) + end
    too_long = start + b"y" + longest[len(start) :]
    content = b"\n".join([longest, too_long, b'{"event_id": "after"}', too_long])

    good, bad = read(file("events.jsonl", content))
    [chunk] = read_file(file("again.jsonl", content), KNOWN)

    assert [(line, len(row["event_id"])) for line, row in good] == [(1, MAX_LINE_BYTES - 16), (3, 5)]
    assert bad == [(2, MAX_LINE_BYTES + 1, "line_too_long"), (4, MAX_LINE_BYTES + 1, "line_too_long")]
    assert [u.text for u in chunk.unreadable] == [too_long[:4096].decode()] * 2
    assert not any(u.is_whole_text for u in chunk.unreadable)


def test_a_value_over_a_mebibyte_in_an_array_is_refused_alone(file):
    long = '{"event_id": "' + "x" * MAX_LINE_BYTES + '"}'

    good, bad = read(file("events.json", f'[{{"event_id": "a"}}, {long}, {{"event_id": "b"}}]'))

    assert [row["event_id"] for _, row in good] == ["a", "b"]
    assert [reason for _, _, reason in bad] == ["line_too_long"]


def test_a_number_of_five_thousand_digits_costs_its_row(file):
    good, bad = read(file("events.json", '[{"revision": ' + "9" * 5_000 + '}, {"event_id": "b"}]'))

    assert [row["event_id"] for _, row in good if "event_id" in row] == ["b"]
    assert [reason for _, _, reason in bad] == ["malformed_json"]


def test_a_json_file_of_lines_is_known_by_a_line_that_is_an_object_of_its_own(file):
    lines, bad = read(file("lines.json", 'nonsense\n{"event_id": "a"}\n'))
    pretty, _ = read(file("pretty.json", '{\n  "event_id": "a",\n  "more":\n  {"b": 1}\n}\n'))

    assert ([row for _, row in lines], bad) == ([{"event_id": "a"}], [(1, 1, "malformed_json")])
    assert pretty == [(1, {"event_id": "a", "more": {"b": 1}})]


def test_many_short_lines_do_not_wait_for_each_other(file):
    """A chunk of 8 MiB of two-byte lines would be four million refusals at once."""
    path = file("events.jsonl", "x\n" * (2 * CHUNK_ROWS + 1))

    assert [len(chunk.unreadable) for chunk in read_file(path, KNOWN)] == [CHUNK_ROWS, CHUNK_ROWS, 1]


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

    [(_, row)], _ = read(file("event.json", json.dumps(event)))

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

    assert read(file("event.json", json.dumps(event))) == ([(1, {"event_id": "e1", "event_type": "work_started"})], [])


# --- CSV ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", ['b,"open', '"b,open', 'b"b,"open'])
def test_an_unclosed_quote_costs_one_line(file, opened):
    rest = 'c,plain\nd,"quoted"\ne,"two\nlines"\n' + "".join(f"f{i},t\n" for i in range(3_000))

    good, bad = read(file("events.csv", f'event_id,title\na,t\n{opened}\n{rest}g,"open again\nh,t\n'))

    assert bad[0] == (3, None, "malformed_csv")
    assert [line for line, *_ in bad] == [3, 3_008]
    assert [(line, row["event_id"]) for line, row in good[:5]] == [(2, "a"), (4, "c"), (5, "d"), (6, "e"), (8, "f0")]
    assert [(line, row["event_id"]) for line, row in good[-2:]] == [(3_007, "f2999"), (3_009, "h")]


def test_a_quote_inside_a_field_is_a_character(file):
    good, bad = read(file("events.csv", 'event_id,title\na,5" disk\nb,t\nc,7" disk\n'))

    assert [(line, row["title"]) for line, row in good] == [(2, '5" disk'), (3, "t"), (4, '7" disk')]
    assert not bad


def test_bytes_that_are_not_utf8_cost_their_csv_line_and_are_not_tried_again(file):
    path = file("events.csv", b"event_id,title\na,caf\xe9\nb,caf\xc3\xa9\n")

    [chunk] = read_file(path, KNOWN)

    assert (chunk.lines, chunk.columns["title"]) == ([3], ["café"])
    [refused] = chunk.unreadable
    assert (refused.line, refused.reason, refused.text) == (2, "invalid_utf8", "a,caf\\xe9")
    assert not refused.is_whole_text


def test_a_csv_value_may_be_as_long_as_a_line(file):
    path = file("events.csv", "event_id,title\na," + "x" * 500_000 + "\n")

    [(_, row)], _ = read(path)
    [again] = read_texts([(0, "a," + "x" * 500_000)], "event_id,title", KNOWN)

    assert len(row["title"]) == len(again.columns["title"][0]) == 500_000


def test_csv_columns_without_a_name_are_kept_under_their_place(file):
    [(_, row)], _ = read(file("events.csv", "event_id,,title,\na,x,t,y\n"))

    assert row == {"event_id": "a", "column_2": "x", "title": "t", "column_4": "y"}


def test_an_empty_csv_field_was_not_sent_and_a_blank_one_was(file):
    [(_, row)], _ = read(file("events.csv", 'event_id,title,domain,source\na,,"", \n'))

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

    [chunk] = read_file(tmp_path / "hostile.parquet", KNOWN)

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
        read(tmp_path / "twice.parquet")


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
