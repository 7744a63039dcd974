"""Where each row of a file stands, and what a row or a file that can not be read costs."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import KNOWN_COLUMNS, read_rows

from orchestration.landing.formats import read_file
from orchestration.landing.rows import CHUNK_ROWS, MAX_LINE_BYTES

# --- Where a row stood ------------------------------------------------------------------------------


def test_lines_are_counted_over_blank_lines_and_line_ends(file):
    content = b'\xef\xbb\xbf\n{"event_id": "a"}\r\n  \t\n\n{"event_id": "b"}\r\nnonsense\n{"event_id": "c"}'

    good, bad = read_rows(file("events.jsonl", content))

    assert [(line, row["event_id"]) for line, row in good] == [(2, "a"), (5, "b"), (7, "c")]
    assert bad == [(6, 1, "malformed_json")]


def test_lines_are_counted_in_a_pretty_printed_array(file):
    text = '[\n  {\n    "event_id": "a"\n  },\n\n  {"event_id": "b"}, {"event_id": "c"},\n  3\n]\n'

    good, bad = read_rows(file("events.json", text))

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

    good, bad = read_rows(file("events.json", b"\n".join(lines)))

    assert [(line, row["event_id"]) for line, row in good] == [(1, "a"), (5, "d")]
    assert [(line, reason) for line, _, reason in bad] == [
        (3, "malformed_json"),
        (4, "malformed_json"),
        (4, "invalid_utf8"),
        (5, "malformed_json"),
    ]


def test_lines_are_counted_after_csv_records_of_several_lines(file):
    text = 'event_id,title\na,"one\ntwo\n\nthree"\nb,plain\nc,"x ""quoted"" y"\n\nd,"e\nf"\ng,h,i\n'

    good, bad = read_rows(file("events.csv", text))

    assert [(line, row["event_id"], row["title"]) for line, row in good] == [
        (2, "a", "one\ntwo\n\nthree"),
        (6, "b", "plain"),
        (7, "c", 'x "quoted" y'),
        (9, "d", "e\nf"),
    ]
    assert bad == [(11, None, "wrong_field_count")]


def test_a_parquet_row_is_counted_from_one_over_row_groups(tmp_path):
    pq.write_table(pa.table({"event_id": [f"e{i}" for i in range(7)]}), tmp_path / "e.parquet", row_group_size=3)

    good, _ = read_rows(tmp_path / "e.parquet")

    assert [(line, row["event_id"]) for line, row in good] == [(i + 1, f"e{i}") for i in range(7)]


def test_the_places_of_rows_go_on_from_chunk_to_chunk(file, monkeypatch):
    monkeypatch.setattr("orchestration.landing.rows.CHUNK_ROWS", 2)
    path = file("events.jsonl", "".join(f'{{"event_id": "{i}"}}\n' if i % 3 else "bad\n" for i in range(1, 12)))

    good, bad = read_rows(path)

    assert [line for line, _ in good] == [1, 2, 4, 5, 7, 8, 10, 11]
    assert [line for line, *_ in bad] == [3, 6, 9]
    assert len(list(read_file(path, KNOWN_COLUMNS))) == 6


def test_json_values_are_found_whatever_block_they_are_cut_at(file):
    """Blocks are 65,536 bytes: the padding moves every character of the last values over the border."""
    tail = '{"event_id": "é🙂", "revision": 12345}, 12345, {"event_id": "b"}]'
    for shift in range(len(tail.encode()) + 2):
        padding = " " * (65_536 - len('[{"event_id": ""},') - shift)
        good, bad = read_rows(file("events.json", f'[{{"event_id": ""}},{padding}{tail}'))

        assert [row.get("event_id") for _, row in good] == ["", "é🙂", "b"]
        assert good[1][1]["revision"] == 12345
        assert [reason for _, _, reason in bad] == ["not_an_object"]


@pytest.mark.parametrize("name", ["none.jsonl", "none.json", "none.jsonl.gz", "none.ndjson"])
def test_an_empty_file_has_no_rows(file, name):
    assert read_rows(file(name, b"")) == ([], [])


def test_an_empty_array_and_a_header_alone_have_no_rows(file):
    assert read_rows(file("none.json", " [ ]\n")) == ([], [])
    assert read_rows(file("none.csv", "event_id,title\n")) == ([], [])


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
    ],
)
def test_a_line_that_can_not_be_read_costs_that_line(file, line, column, reason):
    good, bad = read_rows(file("events.jsonl", b'{"event_id": "before"}\n' + line + b'\n{"event_id": "after"}\n'))

    assert [(number, row["event_id"]) for number, row in good] == [(1, "before"), (3, "after")]
    [(number, found_column, found_reason)] = bad
    assert (number, found_reason) == (2, reason)
    assert column is None or found_column == column


def test_nesting_is_kept_as_deep_as_it_can_be_written_again(file):
    [(_, row)], bad = read_rows(file("events.jsonl", b'{"a":' * 250 + b"1" + b"}" * 250))

    assert json.dumps(row).count("{") == 250
    assert not bad


def test_of_two_equal_keys_the_last_counts(file):
    [(_, row)], _ = read_rows(file("events.jsonl", '{"event_id": "a", "event_id": "b"}'))

    assert row == {"event_id": "b"}


def test_a_line_of_a_mebibyte_is_read_and_one_byte_more_is_not(file):
    start, end = b'{"event_id": "', b'"}'
    longest = start + b"x" * (MAX_LINE_BYTES - len(start) - len(end)) + end
    too_long = start + b"y" + longest[len(start) :]
    content = b"\n".join([longest, too_long, b'{"event_id": "after"}', too_long])

    good, bad = read_rows(file("events.jsonl", content))
    [chunk] = read_file(file("again.jsonl", content), KNOWN_COLUMNS)

    assert [(line, len(row["event_id"])) for line, row in good] == [(1, MAX_LINE_BYTES - 16), (3, 5)]
    assert bad == [(2, MAX_LINE_BYTES + 1, "line_too_long"), (4, MAX_LINE_BYTES + 1, "line_too_long")]
    assert [u.text for u in chunk.unreadable] == [too_long[:4096].decode()] * 2
    assert not any(u.is_whole_text for u in chunk.unreadable)


def test_a_value_over_a_mebibyte_in_an_array_is_refused_alone(file):
    long = '{"event_id": "' + "x" * MAX_LINE_BYTES + '"}'

    good, bad = read_rows(file("events.json", f'[{{"event_id": "a"}}, {long}, {{"event_id": "b"}}]'))

    assert [row["event_id"] for _, row in good] == ["a", "b"]
    assert [reason for _, _, reason in bad] == ["line_too_long"]


def test_a_number_of_five_thousand_digits_costs_its_row(file):
    good, bad = read_rows(file("events.json", '[{"revision": ' + "9" * 5_000 + '}, {"event_id": "b"}]'))

    assert [row["event_id"] for _, row in good if "event_id" in row] == ["b"]
    assert [reason for _, _, reason in bad] == ["malformed_json"]


def test_a_json_file_of_lines_is_known_by_a_line_that_is_an_object_of_its_own(file):
    lines, bad = read_rows(file("lines.json", 'nonsense\n{"event_id": "a"}\n'))
    pretty, _ = read_rows(file("pretty.json", '{\n  "event_id": "a",\n  "more":\n  {"b": 1}\n}\n'))

    assert ([row for _, row in lines], bad) == ([{"event_id": "a"}], [(1, 1, "malformed_json")])
    assert pretty == [(1, {"event_id": "a", "more": {"b": 1}})]


def test_many_short_lines_do_not_wait_for_each_other(file):
    """A chunk of 8 MiB of two-byte lines would be four million refusals at once."""
    path = file("events.jsonl", "x\n" * (2 * CHUNK_ROWS + 1))

    assert [len(chunk.unreadable) for chunk in read_file(path, KNOWN_COLUMNS)] == [CHUNK_ROWS, CHUNK_ROWS, 1]
