"""Text that tools write where a value is missing is no name: refused where one is required, else null and counted."""

import json

import duckdb
import fastparquet
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import NOW, make_event, put, reasons, visible

from orchestration.contracts.null_markers import NULL_MARKERS
from orchestration.landing.conform import conform
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined

MARKERS = [r"\N", "NULL", "null", "nan", "NaN", "NaT", "None", "nil", "N/A", "n/a", "NA", "<NA>", "#N/A", "#NULL!", "-"]
MARKERS += ["--", "(null)", "?", " NULL ", "(blank)", "-1.#IND", "__HIVE_DEFAULT_PARTITION__", "#DIV/0!", "undefined"]
NAMES = ["Nancy", "nullable", "NAM", "unknown", "other", "-1", "a-b", "0", "no", "n", "n/a-team", "Nil Novi", "*"]


@pytest.mark.parametrize("logical_type", ["string", "timestamp", "date", "integer", "number", "boolean", "array"])
def test_a_marker_is_no_value_of_any_type_however_it_is_written(logical_type):
    markers = [*MARKERS, *NULL_MARKERS, *(marker.upper() for marker in NULL_MARKERS)]

    for sent in (markers, pa.array(markers), pa.array(markers, pa.large_string())):
        got = conform(sent, logical_type)
        assert got.values.to_pylist() == [None] * len(markers)
        assert got.is_null_marker.to_pylist() == [True] * len(markers)
        assert got.is_wrong.to_pylist() == [False] * len(markers)


def test_words_that_people_choose_are_values():
    got = conform(NAMES, "string")

    assert (got.values.to_pylist(), got.is_null_marker.to_pylist()) == (NAMES, [False] * len(NAMES))


def test_not_a_number_is_no_value():
    got = conform(pa.array([1.0, float("nan"), None]), "integer")

    assert got.values.to_pylist() == [1, None, None]
    assert (got.is_null_marker.to_pylist(), got.is_wrong.to_pylist()) == ([False, True, False], [False] * 3)


@pytest.mark.parametrize(
    "sent", [["risk|NULL", "a||b", "n/a | -", ""], [["risk", "NULL"], ["a", "b"], ["n/a", "-"], []]]
)
def test_a_marker_in_a_list_is_no_item(sent):
    got = conform(sent, "array")

    assert got.values.to_pylist()[0::2] == [["risk"], None]
    assert got.is_null_marker.to_pylist() == [True, False, True, False]
    assert got.is_wrong.to_pylist() == [False] * 4


def test_a_required_column_that_holds_a_marker_is_refused_with_what_to_send(unchecked, land, home):
    receipt = land(
        make_event("adopted", consumer_domain="NULL"),
        make_event("adopted", event_id="nan", source=r"\N"),
        make_event("adopted", occurred_at="NaT"),
        make_event("None"),
        make_event("adopted", "good"),
    )

    assert reasons(home) == [
        (1, ["consumer_domain_null_marker"]),
        (2, ["event_id_null_marker", "source_null_marker"]),
        (3, ["occurred_at_null_marker"]),
        (4, ["event_type_null_marker"]),
    ]
    first, *_, last = quarantined(home).to_pylist()
    assert first["message"] == "consumer_domain: 'NULL' stands for no value, and this column needs one"
    assert last["message"] == "event_type: 'None' stands for no value, and this column needs one"
    assert (receipt["rows_landed"], receipt["warnings"]) == (1, "{}")


def test_an_optional_column_that_holds_a_marker_is_null_and_counted(land, home):
    receipt = land(
        make_event(title="NULL", source_ref="-", named_consumer_domains=["risk", "n/a"], recorded_at="None"),
        make_event(event_id="e2", revision="nan", is_retracted="NULL", team="NULL"),
        make_event("contract_checked", passed_count="NULL"),
    )

    first, second = visible(home, "ideas_logged")
    assert [first[c] for c in ("title", "source_ref", "named_consumer_domains", "recorded_at")] == [
        None,
        None,
        ["risk"],
        None,
    ]
    assert (second["revision"], second["is_retracted"], second["attributes"]) == (0, False, '{"team":"NULL"}')
    assert json.loads(receipt["warnings"]) == {"null_marker": 6}
    assert reasons(home) == [(3, ["passed_count_missing"])]


DOMAIN = """description: >-
          The domain that used it.
"""
ALLOWED = DOMAIN + "        customProperties:\n          - property: allowedText\n            value: [NA, '-']\n"


def test_a_contract_can_allow_a_marker_as_a_name(unchecked, promise, land, home):
    promise("products_adopted", DOMAIN, ALLOWED)

    land(*(make_event("adopted", consumer_domain=domain, title="NA") for domain in ("NA", " NA ", "-", "na", "NULL")))

    assert [(row["consumer_domain"], row["title"]) for row in visible(home, "products_adopted")] == [
        ("NA", None),
        ("NA", None),
        ("-", None),
    ]
    assert reasons(home) == [(4, ["consumer_domain_null_marker"]), (5, ["consumer_domain_null_marker"])]


# --- What tools write -----------------------------------------------------------------------------------

ROWS = [
    make_event("contract_checked", "e1", source_ref="a", revision=1),
    make_event("contract_checked", "e2"),
]
COLUMNS = [*ROWS[0], "domain"]
TABLE = {name: [row.get(name) for row in ROWS] for name in COLUMNS}


def copy_to(path, options):
    with duckdb.connect() as db:
        db.register("rows", pa.table(TABLE))
        db.execute(f"copy rows to '{path}' ({options})")


WRITERS = {
    "pandas.csv": lambda path: pd.DataFrame(TABLE).astype(str).to_csv(path, index=False),  # None, nan
    "pandas_na.csv": lambda path: pd.DataFrame(TABLE).to_csv(path, index=False, na_rep="NaN"),
    "polars.csv": lambda path: pl.DataFrame(TABLE).write_csv(path, null_value="null"),
    "polars.parquet": lambda path: (
        pl.DataFrame(TABLE).with_columns(revision=pl.Series([1.0, float("nan")])).write_parquet(path)
    ),
    "duckdb.csv": lambda path: copy_to(path, "header, nullstr '\\N'"),
    "fastparquet.parquet": lambda path: fastparquet.write(str(path), pd.DataFrame(TABLE)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_gaps_land_as_gaps_whoever_wrote_the_file(unchecked, home, name):
    path = home.inbox / name
    WRITERS[name](path)
    put(home, name, path.read_bytes())

    [receipt] = land_inbox(home, NOW)

    assert receipt["rows_landed"] == 2
    rows = visible(home, "contract_events")
    assert [(row["event_id"], row["revision"], row["source_ref"], row["domain"]) for row in rows] == [
        ("e1", 1, "a", None),
        ("e2", 0, None, None),
    ]
