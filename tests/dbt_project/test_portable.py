"""The models of raw, events and products are SQL that DuckDB and Spark both speak; the rest is in dispatched macros."""

import re

import pytest
import sqlglot
from conftest import CHECKOUT
from engine_sql import compiled_for_spark
from shaped import with_raw
from sqlglot import exp

FOLDERS = ("raw", "curated/events", "curated/products")
MODELS = [path for folder in FOLDERS for path in sorted((CHECKOUT / "dbt_project/models" / folder).glob("*.sql"))]
# words of one engine, of two in different ways, and dbt's macros that do not do the same everywhere
OF_ONE_ENGINE = re.compile(
    r"\bvarchar|timestamptz|with time zone|\bepoch_|unix_micros|::|lambda|\b(list|array)_|regexp_|rlike"
    r"|\b(row|struct|len|range|unnest|explode|sequence)\(|date_?diff|strftime|strptime|quantile|percentile_"
    r"|\barg_m|string_agg|listagg\(|dateadd|\busing \(|\bqualify\b|\btry_cast|\bcollect_|\bexclude \(|\breplace \("
)
# functions of Spark that sqlglot does not know, and types that both engines have, by sqlglot's names
SPARK_ONLY = {"xxhash64"}
TYPES = {"TEXT", "TIMESTAMP", "TIMESTAMPTZ", "DATE", "BIGINT", "INT", "DOUBLE", "BOOLEAN", "ARRAY", "DECIMAL"}


def of_one_engine(sql: str) -> set[str]:
    """The words of a model, outside comments and texts, that only one engine knows."""
    code = re.sub(r"\{#.*?#\}|--[^\n]*|'[^'\n]*'", "", sql, flags=re.DOTALL)
    return {found.group() for found in OF_ONE_ENGINE.finditer(code)}


def not_of_spark(sql: str) -> list[str]:
    """What Spark or Sail would not take in a compiled model, or would take in another way than DuckDB."""
    tree = sqlglot.parse_one(sql, dialect="spark")
    faults = [f"function {f.name}" for f in tree.find_all(exp.Anonymous) if f.name.lower() not in SPARK_ONLY]
    faults += [f"type {name}" for name in {found.this.value for found in tree.find_all(exp.DataType)} - TYPES]
    faults += re.findall(r"\bvarchar|\btimestamptz|::", sql)  # sqlglot reads them as Spark's STRING and TIMESTAMP
    for number in tree.find_all(exp.Literal):
        if not number.is_string and "." in number.name and not isinstance(number.parent, exp.Cast):
            faults.append(f"{number.name} is a DECIMAL")
    for select in tree.find_all(exp.Select):
        if isinstance(select.parent, exp.Union):
            faults += [f"{c.alias} is NULL without a type" for c in select.expressions if c.unalias() == exp.null()]
    return faults


def test_no_model_of_events_and_things_has_a_word_of_one_engine():
    faults = {path.name: words for path in MODELS if (words := of_one_engine(path.read_text()))}
    assert not faults, f"{faults}: use a macro of dbt_project/macros/engines.sql, or dispatch another"
    assert len(MODELS) > 30


@pytest.mark.slow
def test_the_models_of_events_and_things_compile_for_both_engines():
    for_spark = {path.stem: path.read_text() for path in compiled_for_spark().rglob("*.sql")}
    names = {path.stem for path in MODELS}
    assert for_spark.keys() == names
    assert names - with_raw().keys() == {"repeated_events"}  # which DuckDB has no use for
    faults = {name: found for name, sql in for_spark.items() if (found := not_of_spark(sql))}
    assert not faults


@pytest.mark.parametrize(
    "sql",
    [
        "select epoch_us(a) as b from c",
        "select cast(a as varchar) as b from c",
        "select list_filter(a, x -> x > 1) as b from c",
        "select a / 86400000000.0 as b from c",
        "select 'x' as a, null as b union all select 'y' as a, 'z' as b",
    ],
)
def test_what_spark_would_take_in_another_way_is_refused(sql):
    assert not_of_spark(sql)


@pytest.mark.parametrize("sql", ["row(a, b)", "a::text", "unnest(a)", "cast(a as varchar[])", "join b using (c)"])
def test_words_of_one_engine_are_refused_in_a_model(sql):
    assert of_one_engine(f"select {sql}")
    assert not of_one_engine(f"select 1 as a -- {sql}")
