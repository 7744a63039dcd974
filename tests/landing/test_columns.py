"""A column is found by any spelling of its name, in every format; two spellings of one column are refused."""

import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import KNOWN_COLUMNS, NOW, as_lines, make_event, put, read_rows, visible

from orchestration.landing.columns import Columns
from orchestration.landing.formats import read_file
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined, refused_rows
from orchestration.landing.rows import UnreadableFile

SPELLINGS = {
    "event_id": [
        "Event Id",
        "event-id",
        "EVENT_ID",
        "eventId",
        "EventID",
        "eventid",
        "\ufeffevent_id",
        "event_id\u200b",
    ],
    "revision": ["Revision", " revision ", "\xa0revision", "REVISION"],
    "is_retracted": ["Is_Retracted", "isRetracted", "Is Retracted", "is\xadretracted"],
    "consumer_domain": [" consumer_domain ", "Consumer Domain", "consumerDomain", "consumer\u00a0domain"],
    "event_type": ["EVENT_TYPE", "eventType", "\ufeff\ufeffevent_type"],
}
OTHERS = ["event.id", "id", "events_id", "revisions", "révision", "retracted", "event", "x" * 500]


def test_every_spelling_means_its_column_and_no_other_name_does():
    columns = Columns(KNOWN_COLUMNS)

    for column, spellings in SPELLINGS.items():
        assert [columns.meant(name) for name in [column, *spellings]] == [column] * (1 + len(spellings))
    assert [columns.meant(name) for name in OTHERS] == [None] * len(OTHERS)


SENT = {"Event Id": "e1", " Title": "t", "isRetracted": "true", "Team Mood": "good", "Consumer_Domain": "risk"}
MEANT = {"event_id": "e1", "title": "t", "is_retracted": "true", "Team Mood": "good", "consumer_domain": "risk"}


def write_all(folder) -> None:
    """The same row by every writer."""
    frame, polars = pd.DataFrame([SENT]), pl.DataFrame([SENT])
    frame.to_csv(folder / "pandas.csv", index=False)
    frame.to_csv(folder / "excel.csv", index=False, sep=";", encoding="utf-8-sig")
    frame.to_csv(folder / "unicode.tsv", index=False, sep="\t", encoding="utf-16")
    frame.to_json(folder / "pandas.jsonl", orient="records", lines=True)
    frame.to_json(folder / "pandas.json", orient="records")
    frame.to_parquet(folder / "fastparquet.parquet", engine="fastparquet")
    frame.to_parquet(folder / "pyarrow.parquet", engine="pyarrow")
    polars.write_csv(folder / "polars.csv")
    polars.write_ndjson(folder / "polars.ndjson")
    polars.write_parquet(folder / "polars.parquet")
    cloud = {"specversion": "1.0", "data": SENT}
    (folder / "cloud.json").write_text(json.dumps(cloud))


def test_columns_are_found_and_counted_in_every_format(tmp_path):
    write_all(tmp_path)

    for path in sorted(tmp_path.iterdir()):
        [(_, row)], bad = read_rows(path)
        [chunk] = read_file(path, KNOWN_COLUMNS)
        assert (row, bad, chunk.warnings) == (MEANT, [], {"column_renamed": 4}), path.name


def test_a_spelling_is_counted_once_a_file_however_many_rows_have_it(home, unchecked):
    rows = [make_event(event_id=f"e{n}") | {"Title": "t", "Is_Retracted": None} for n in range(3)]
    put(home, "a.jsonl", as_lines(rows))

    [receipt] = land_inbox(home, NOW)

    assert (receipt["rows_landed"], receipt["warnings"]) == (3, '{"column_renamed":2}')
    assert [row["title"] for row in visible(home, "ideas_logged")] == ["t"] * 3


def test_a_retraction_under_another_spelling_counts(home, unchecked):
    sent = make_event("adopted") | {"Revision": "2", "Is_Retracted": "TRUE"}
    put(home, "a.csv", "\n".join([",".join(sent), ",".join(sent.values())]).encode())

    land_inbox(home, NOW)

    [row] = visible(home, "products_adopted")
    assert (row["revision"], row["is_retracted"], row["attributes"]) == (2, True, None)


TWO = "{} 'revision' and 'Revision' both name the column revision: send one of them"


def test_two_spellings_of_one_column_refuse_a_csv_and_a_parquet_file(file, tmp_path):
    table = pa.table({"event_id": ["e1"], "revision": [1], "Revision": [2]})
    pq.write_table(table, tmp_path / "two.parquet")

    with pytest.raises(UnreadableFile) as error:
        read_rows(tmp_path / "two.parquet")
    assert str(error.value) == TWO.format("in its columns")
    with pytest.raises(UnreadableFile) as error:
        read_rows(file("two.csv", "event_id,revision,Revision\ne1,1,2\n"))
    assert str(error.value) == TWO.format("in its header")


def test_two_spellings_of_one_column_refuse_a_json_object_and_null_is_none(home, unchecked):
    rows = [
        make_event() | {"Title": "t", "TITLE": None},
        make_event(event_id="e2", revision=1) | {"Revision": 2},
        make_event(event_id="e3") | {"Is Retracted": True, "isRetracted": False},
    ]
    put(home, "a.jsonl", as_lines(rows))

    [receipt] = land_inbox(home, NOW)

    assert (receipt["rows_landed"], receipt["rows_quarantined"]) == (1, 2)
    found = sorted((row["event_id"], row["reasons"], row["message"]) for row in refused_rows(home).to_pylist())
    both = "'Is Retracted' and 'isRetracted' both name the column is_retracted: send one of them"
    assert found == [
        ("e2", ["ambiguous_column"], TWO.format("").strip()),
        ("e3", ["ambiguous_column"], both),
    ]
    put(home, "b.jsonl", as_lines([make_event(event_id="e2", revision=2)]))
    land_inbox(home, NOW.replace(hour=13))
    assert [row["event_id"] for row in quarantined(home).to_pylist()] == ["e3"]


def test_repeated_names_keep_the_first_and_number_the_rest(file, tmp_path):
    header, values = "event_id,title,mood,title,mood,mood_2,event_id,title", "e1,first,a,second,b,c,e2,third"
    path = file("repeated.csv", f"{header}\n{values}\n")
    arrays = [pa.array([value]) for value in values.split(",")]
    pq.write_table(pa.Table.from_arrays(arrays, names=header.split(",")), tmp_path / "repeated.parquet")

    for each in (path, tmp_path / "repeated.parquet"):
        [(_, row)], _ = read_rows(each)
        [chunk] = read_file(each, KNOWN_COLUMNS)
        assert row == {
            "event_id": "e1",
            "title": "first",
            "mood": "a",
            "title_2": "second",
            "mood_3": "b",
            "mood_2": "c",
            "event_id_2": "e2",
            "title_3": "third",
        }
        assert chunk.warnings == {"repeated_column": 4}
        assert "third" in chunk.text(0)


def test_repeated_names_are_counted_in_the_receipt_and_kept_in_attributes(home, unchecked):
    names = "event_id,source,event_type,data_product_id,occurred_at,domain,title,title"
    put(home, "a.csv", f"{names}\ne1,s,idea_logged,p,2026-08-01T10:00:00Z,d,first,second\n".encode())

    [receipt] = land_inbox(home, NOW)

    assert receipt["warnings"] == '{"repeated_column":1}'
    [row] = visible(home, "ideas_logged")
    assert (row["title"], row["attributes"]) == ("first", '{"title_2":"second"}')
