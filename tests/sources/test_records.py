"""Files of records in every format, as the tools write them; and where one can't be read."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.sources import records
from orchestration.sources.declaration import SourceError
from orchestration.sources.records import read_records, records_table


def read(tmp_path, name: str, content: bytes | str) -> list[dict]:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_records(name, tmp_path / name).to_pylist()


@pytest.mark.parametrize(
    ("name", "content", "bodies"),
    [
        ("a.jsonl", '{"a": 1}\n\n{"a":2}', ['{"a": 1}', '{"a":2}']),
        ("a.ndjson", '\ufeff{"a": 1}\r\n', ['{"a": 1}']),
        ("a.json", '{\n "a": 1}', ['{\n "a": 1}']),
        ("a.json", '[{"a": 12345678901234567890123}, 2]', ['{"a": 12345678901234567890123}', "2"]),
        ("a.json", '{"a": 1}\n{"a": 2}', ['{"a": 1}', '{"a": 2}']),
        ("a.JSONL", '{"a": "é"}'.encode("utf-16"), ['{"a": "é"}']),
        ("a.jsonl.gz", gzip.compress(b'{"a": 1}', mtime=0), ['{"a": 1}']),
    ],
)
def test_json_gives_a_body_for_each_value(tmp_path, name, content, bodies):
    assert [row["body"] for row in read(tmp_path, name, content)] == bodies


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("id,Id,id\n1,2,3\n", [{"id": "1", "Id_1": "2", "id_2": "3"}]),
        ("\ufeffa;b\r\n1;\r\n", [{"a": "1", "b": None}]),
        ('a,b\n"1\n2",", ""x"""\n', [{"a": "1\n2", "b": ', "x"'}]),
        ("a,b\n", []),
        ("a,,b\n1,2,3\n\n", [{"a": "1", "column_2": "2", "b": "3"}]),
    ],
)
def test_csv_gives_its_columns_as_text(tmp_path, content, rows):
    assert read(tmp_path, "a.csv", content) == rows


def test_parquet_keeps_its_types(tmp_path):
    pq.write_table(pa.table({"n": [1], "t": ["x"]}), tmp_path / "a.parquet")
    assert read_records("a.parquet", tmp_path / "a.parquet").to_pylist() == [{"n": 1, "t": "x"}]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": }', "a.jsonl line 2 column 7: not JSON: "),
        ("a.json", '{\n  "a": NaN}', "a.json line 2 column 8: not JSON: "),
        ("a.json", '{"a": 1}\n{"a": ', "a.json line 2 column 7: not JSON: "),
        ("a.csv", "a,b\n1,2\n3\n", "a.csv line 3: has 1 fields where the header has 2"),
        ("a.csv", 'a,b\n"1"x,2\n', "a.csv line 2: "),
        ("a.csv", b"a,b\n1,2\n\xff,3\n", "a.csv line 3: has bytes that are not UTF-8; export it as UTF-8"),
        ("a.csv", "", "a.csv line 1: has no header"),
        ("a.parquet", "nonsense", "a.parquet: can't be read in the format that its name gives"),
        ("a.jsonl.gz", b"\x1f\x8bnonsense", "a.jsonl.gz: can't be read in the format that its name gives"),
        ("a.xlsx", "nonsense", "a.xlsx: its format is not known; the formats are .jsonl, .ndjson, .json, .csv,"),
    ],
)
def test_one_that_cant_be_read_is_named_with_its_line(tmp_path, name, content, words):
    with pytest.raises(SourceError) as refused:
        read(tmp_path, name, content)
    assert str(refused.value).startswith(words)


def test_files_of_different_columns_are_one_table_and_each_row_has_its_place(tmp_path):
    (tmp_path / "a.csv").write_text("Key,file_name\nDP-1,mine\n")
    (tmp_path / "b.csv").write_text("KEY\nDP-2\nDP-3\n")
    (tmp_path / "c.json").write_text("{}")
    table = records_table([(name, tmp_path / name, "2026-01-01T00:00:00Z") for name in ("a.csv", "b.csv", "c.json")])
    assert table.select(["file_name", "record_number", "Key", "file_name_1", "body"]).to_pylist() == [
        {"file_name": "a.csv", "record_number": 1, "Key": "DP-1", "file_name_1": "mine", "body": None},
        {"file_name": "b.csv", "record_number": 1, "Key": "DP-2", "file_name_1": None, "body": None},
        {"file_name": "b.csv", "record_number": 2, "Key": "DP-3", "file_name_1": None, "body": None},
        {"file_name": "c.json", "record_number": 1, "Key": None, "file_name_1": None, "body": "{}"},
    ]


def test_more_records_than_fit_into_memory_are_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "MAX_BYTES", 200)
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text('{"text": "' + "x" * 100 + '"}')
    files = [(name, tmp_path / name, "2026-01-01T00:00:00Z") for name in ("a.jsonl", "b.jsonl")]
    assert records_table(files[:1]).num_rows == 1
    with pytest.raises(SourceError, match=r"more than 200 bytes up to b.jsonl. Narrow `pattern`"):
        records_table(files)
