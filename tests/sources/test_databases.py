"""What differs between databases, and what is refused before any of them is asked: queries, addresses, drivers."""

import sqlite3
import tomllib

import pyarrow.parquet as pq
import pytest
from conftest import CHECKOUT, NOW
from postgres import lake_fixture, refusal  # noqa: F401

from orchestration.sources.databases.dialects import DATABASES, batch_of, schema_of
from orchestration.sources.pull import receive
from orchestration.sources.received import records_of

NO_SERVER = "postgresql://reader:${LAKE_PASSWORD}@127.0.0.1:1/lake"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select 1;\nselect 2", "line 4: queries.ideas: holds SELECT, SELECT; write exactly one SELECT."),
        ("-- none", "line 4: queries.ideas: holds nothing; write exactly one SELECT."),
        ("delete from ideas", "line 4: queries.ideas: holds DELETE; write exactly one SELECT."),
        ("vacuum", "line 4: queries.ideas: holds COMMAND; write exactly one SELECT."),
        ("select 1 into t", "line 4: queries.ideas: holds INTO; a query here only reads."),
        ("select 1 from ideas for update", "line 4: queries.ideas: holds LOCK; a query here only reads."),
        (
            "with x as (\n  delete from ideas returning *\n)\nselect * from x",
            "line 4: queries.ideas: holds DELETE; a query",
        ),
        (
            "select 1,\n  2 3\nfrom ideas",
            "line 6 column 9: queries.ideas: Invalid expression / Unexpected token, near '3'.",
        ),
        ("select 'open", "line 4: queries.ideas: Error tokenizing 'select 'open'."),
    ],
)
def test_a_query_that_is_anything_but_one_select_is_refused_before_it_is_sent(lake, sql, words):
    assert refusal(lake(NO_SERVER, sql)).startswith(words)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (
            NO_SERVER,
            'the database can\'t be read: connection failed: connection to server at "127.0.0.1", port 1 failed: C',
        ),
        (
            "postgresql://r:${LAKE_PASSWORD}@no.invalid/lake",
            "the database can't be read: failed to resolve host 'no.inv",
        ),
        (
            "snowflake://r:${LAKE_PASSWORD}@x/y",
            "the driver of snowflake is not installed: pip install 'flywheel-metrics[s",
        ),
        (
            "mysql://r:${LAKE_PASSWORD}@x/y",
            "the driver of mysql is not installed: pip install 'flywheel-metrics[mysql]'.",
        ),
        (
            "oracle://r:${LAKE_PASSWORD}@x/y",
            "there is no driver of oracle; the databases are postgresql, redshift, mysql, ",
        ),
        (
            "/data/lake",
            "/data/lake is no address of a database; write one such as postgresql://reader:${PASSWORD}@host:5",
        ),
        (
            "${LAKE_PASSWORD}",
            "${LAKE_PASSWORD} is no address of a database; write one such as postgresql://reader:${PAS",
        ),
        ("sqlite:////nowhere.db", "the database is no file."),
    ],
)
def test_an_address_that_leads_nowhere_is_named(lake, where, words):
    assert refusal(lake(where, "select 1")).startswith(f"line 2: {words}")


def test_a_file_of_sqlite_is_read_as_text(lake, tmp_path):
    with sqlite3.connect(tmp_path / "lake.db") as connection:
        connection.execute("create table ideas as select 1 as id, 'ü' as name, null as note")
    connection.close()
    source = lake(f"sqlite:///{tmp_path / 'lake.db'}", "select *, id from ideas")
    receive(source, NOW)
    [(_, path, _)] = records_of(source)
    assert pq.read_table(path).to_pylist() == [{"id": "1", "name": "ü", "note": None, "id_1": "1"}]


@pytest.mark.parametrize(
    ("name", "code", "precision", "scale", "kind"),
    [
        ("bigquery", "INTEGER", None, None, "int64"),
        ("bigquery", "TIMESTAMP", None, None, "timestamp[us, tz=UTC]"),
        ("bigquery", "DATETIME", None, None, "timestamp[us]"),
        ("databricks", "decimal", 10, 2, "decimal128(10, 2)"),
        ("databricks", "timestamp_ntz", None, None, "timestamp[us]"),
        ("trino", "timestamp(3)", None, None, "timestamp[us]"),
        ("trino", "timestamp(3) with time zone", None, None, "timestamp[us, tz=UTC]"),
        ("trino", "array(varchar)", None, None, "string"),
        ("snowflake", 0, 38, 0, "decimal128(38, 0)"),
        ("snowflake", 0, 18, 0, "int64"),
        ("snowflake", 8, None, None, "timestamp[us]"),
        ("snowflake", 10, None, None, "string"),
        ("mysql", 12, None, None, "timestamp[us]"),
        ("mysql", 246, 12, 2, "string"),
        ("redshift", 1184, None, None, "timestamp[us, tz=UTC]"),
        ("oracle", "DB_TYPE_NUMBER", 5, 0, "string"),
    ],
)
def test_the_types_of_other_databases_come_from_what_their_drivers_describe(name, code, precision, scale, kind):
    schema = schema_of(name, [("a", code, None, None, precision, scale, None)])
    assert str(schema.field("a").type) == kind
    assert batch_of(schema, [(None,)]).to_pylist() == [{"a": None}]


def test_every_driver_that_is_an_extra_is_named_as_one():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert {d.extra for d in DATABASES.values()} - {""} <= project["optional-dependencies"].keys()
