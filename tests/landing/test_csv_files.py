"""A CSV is read by what it says itself: delimiter, encoding, header; what no reading fits is refused in plain words."""

import gzip
import json

import pandas as pd
import polars as pl
import pytest
from conftest import KNOWN_COLUMNS, NOW, make_event, put, read_rows, visible

from orchestration.landing.formats import read_file, read_texts
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined, replay
from orchestration.landing.rows import UnreadableFile


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


def test_empty_fields_after_the_last_column_are_left_out(file):
    good, bad = read_rows(file("events.csv", "event_id,title\na,t,,\nb,t,,x\nc\n"))

    assert good == [(2, {"event_id": "a", "title": "t"})]
    assert bad == [(3, None, "wrong_field_count"), (4, None, "wrong_field_count")]


def test_an_empty_csv_field_was_not_sent_and_a_blank_one_was(file):
    [(_, row)], _ = read_rows(file("events.csv", 'event_id,title,domain,source\na,,"", \n'))

    assert row == {"event_id": "a", "source": " "}


HEADER = "event_id,source,event_type,data_product_id,occurred_at,title,domain"
ROW = 'e1,jira,idea_logged,orders,2026-08-01T10:00:00Z,"Überblick, kurz",sales'
SEMICOLONS = (
    f"{HEADER}\r\n".replace(",", ";") + 'e1;jira;idea_logged;orders;2026-08-01T10:00:00Z;"Überblick, kurz";sales\r\n'
)
EXCEL = {  # "CSV UTF-8", "Unicode Text", semicolons where the comma is decimal, a first line that states the delimiter
    "utf8.csv": b"\xef\xbb\xbf" + f"{HEADER}\r\n{ROW}\r\n".encode(),
    "two marks.csv": b"\xef\xbb\xbf" * 2 + f"{HEADER}\r\n{ROW}\r\n".encode(),
    "unicode.csv": SEMICOLONS.replace(";", "\t").encode("utf-16"),
    "unicode.tsv": SEMICOLONS.replace(";", "\t").encode("utf-16"),
    "big endian.csv": b"\xfe\xff" + f"{HEADER}\n{ROW}\n".encode("utf-16-be"),
    "two wide marks.csv": b"\xff\xfe" * 2 + f"{HEADER}\n{ROW}\n".encode("utf-16-le"),
    "utf32.csv": f"{HEADER}\n{ROW}\n".encode("utf-32"),
    "wide.csv.gz": gzip.compress(SEMICOLONS.encode("utf-16")),
    "semicolons.csv": SEMICOLONS.encode(),
    "stated.csv": ("sep=;\r\n" + SEMICOLONS).encode(),
    "stated wide.csv": ("sep=;\r\n" + SEMICOLONS).encode("utf-16"),
    "stated tab.csv": ("sep=\t\n" + SEMICOLONS.replace(";", "\t")).encode(),
    "stated odd.csv": ('"sep=^"\n' + SEMICOLONS.replace(";", "^")).encode(),
    "commas in names.csv": SEMICOLONS.replace("title", '"title"')
    .replace("\r\n", ';"a,b,c,d,e,f,g,h,i"\r\n', 1)
    .replace("sales\r\n", "sales;\r\n")
    .encode(),
}


@pytest.mark.parametrize("name", EXCEL)
def test_a_csv_of_excel_is_read_by_what_it_says(file, name):
    good, bad = read_rows(file(name, EXCEL[name]))

    first = 3 if name.startswith("stated") else 2
    event = make_event("idea_logged", "e1", source="jira", title="Überblick, kurz")
    assert (good, bad) == ([(first, event)], [])


def test_a_json_file_in_utf16_is_read_and_a_lone_surrogate_costs_its_line(file):
    text = '{"event_id": "é"}\n{"event_id": "\ud800"}\n{"event_id": "b"}\n'
    good, bad = read_rows(file("a.jsonl", b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass")))
    array, _ = read_rows(file("a.json", json.dumps([{"event_id": "a"}]).encode("utf-16")))

    assert good == [(1, {"event_id": "é"}), (3, {"event_id": "b"})]
    assert [(line, reason) for line, _, reason in bad] == [(2, "invalid_utf8")]
    assert array == [(1, {"event_id": "a"})]


def test_a_long_file_in_utf16_is_read_whole(file):
    text = "event_id,title\n" + "".join(f"e{i},{'ü' * 50}\n" for i in range(5_000))

    good, bad = read_rows(file("a.csv", text.encode("utf-16")))

    assert (len(good), good[-1], bad) == (5_000, (5_001, {"event_id": "e4999", "title": "ü" * 50}), [])


def test_rows_of_a_csv_that_states_its_delimiter_are_replayed_with_it(promise, home, unchecked):
    contract = promise("ideas_logged", "          - idea_logged\n", "          - other\n")
    put(home, "a.csv", EXCEL["stated odd.csv"])
    land_inbox(home, NOW)
    assert quarantined(home)["csv_header"].to_pylist()[0].startswith('"sep=^"\n')
    contract.write_text(contract.read_text().replace("          - other\n", "          - idea_logged\n"))

    assert replay(home, NOW)["rows_landed"] == 1
    assert [row["title"] for row in visible(home, "ideas_logged")] == ["Überblick, kurz"]


NO_HEADER = (
    "its first line is not a header: it names no event_id column; a CSV needs one: "
    '`WITH (FORMAT csv, HEADER)` in COPY of Postgres, `.option("header", True)` in Spark'
)
WORKBOOK = "it is a ZIP file, as Excel's workbooks are; save the sheet as CSV UTF-8 and send that"
SENT = "send one of .jsonl, .ndjson, .json, .csv, .tsv, .parquet (text formats also as .gz)"
REFUSED = {
    "copy.tsv": (b"e1\tjira\tadopted\torders\t2026-08-01 10:00:00+00\t\\N\n", NO_HEADER),
    "part-00000-1f.csv": (b"e1,jira,adopted,orders,2026-08-01T10:00:00.000Z\n", NO_HEADER),
    "events.txt": (b"event_id\n", f"its format is not known; {SENT}: if it is a CSV, rename it to events.csv"),
    "book.xlsx": (b"PK\x03\x04", "it is a spreadsheet; save the sheet as CSV UTF-8 and send that"),
    "book.csv": (b"PK\x03\x04\x14\x00", WORKBOOK),
    "old.csv": (b"\xd0\xcf\x11\xe0\xa1", "it is a file of an older Excel; save the sheet as CSV UTF-8 and send that"),
    "events.zip": (b"PK\x03\x04", "it is packed; unpack it, or pack it with gzip (.gz)"),
    "parquet.csv": (b"PAR1\x15", "it is a Parquet file; give it a name that ends in .parquet"),
    "gzipped.csv": (gzip.compress(b"event_id\n"), "it is gzipped; give it a name that ends in .gz"),
    "no mark.csv": (
        "event_id\n".encode("utf-16-le"),
        "it looks like UTF-16 without a byte-order mark; save it as UTF-8",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_no_reading_fits_is_refused_in_plain_words(file, name):
    content, message = REFUSED[name]

    with pytest.raises(UnreadableFile) as error:
        read_rows(file(name, content))
    assert str(error.value) == message


LIKELY = "has bytes that are not UTF-8, likely Windows-1252, where they read {!r}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "event_id,title\ne1,Caf\xe9 au lait\n".encode("cp1252"), LIKELY.format("Café")),
        ("a.csv", 'event_id,title\ne1,"\u20ac 5"\n'.encode("cp1252"), LIKELY.format("€")),
        ("a.jsonl", '{"event_id": "Stra\xdfe"}\n'.encode("cp1252"), LIKELY.format("Straße")),
        ("a.csv", b"event_id,title\ne1,\xe9 \xc3\xa9\n", "has bytes that are not UTF-8"),
        ("a.csv", b"event_id,title\ne1,\x81\n", "has bytes that are not UTF-8"),
    ],
)
def test_bytes_that_are_not_utf8_are_refused_with_the_likely_encoding(file, name, content, message):
    [chunk] = read_file(file(name, content), KNOWN_COLUMNS)

    assert [(u.reason, u.message) for u in chunk.unreadable] == [("invalid_utf8", message)]


def test_wholly_empty_rows_are_skipped_and_counted(file):
    path = file("a.csv", 'event_id,title\n,\ne1,t\n\n"",""\n , \n,,,\ne2,\n')
    good, bad = read_rows(path)
    [chunk] = read_file(path, KNOWN_COLUMNS)
    lines = file(
        "a.jsonl", '{}\n{"event_id": null, "mood": " "}\n{"event_id": "e1"}\n{"revision": 0}\n{"specversion": "1.0"}'
    )

    assert (good, bad) == ([(3, {"event_id": "e1", "title": "t"}), (8, {"event_id": "e2"})], [])
    assert (chunk.warnings, chunk.rows) == ({"empty_row": 4}, [1, 2])
    assert read_rows(lines) == ([(3, {"event_id": "e1"}), (4, {"revision": 0}), (5, {})], [])


def test_a_file_of_empty_rows_only_reads_no_row_and_says_so(home, unchecked):
    put(home, "a.csv", f"{HEADER}\n,,,,,,\n,,,,,,\n".encode())

    [receipt] = land_inbox(home, NOW)

    assert (receipt["rows_read"], receipt["is_readable"], receipt["warnings"]) == (0, True, '{"empty_row":2}')


def test_empty_rows_of_pandas_and_polars_are_skipped(tmp_path):
    frame = {"event_id": ["e1", None], "revision": [1.0, None], "title": ["t", None]}
    pd.DataFrame(frame).to_csv(tmp_path / "pandas.csv", index=False)
    pd.DataFrame(frame).to_json(tmp_path / "pandas.jsonl", orient="records", lines=True)
    pl.DataFrame(frame).write_csv(tmp_path / "polars.csv")
    pl.DataFrame(frame).write_ndjson(tmp_path / "polars.ndjson")

    for path in tmp_path.iterdir():
        [chunk] = read_file(path, KNOWN_COLUMNS)
        assert (chunk.rows, chunk.warnings) == ([1], {"empty_row": 1}), path
