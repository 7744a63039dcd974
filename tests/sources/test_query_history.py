"""Adoption from query histories: the queries of each warehouse, the threshold, who does not count, what stays said."""

from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from orchestration.contracts.strict_yaml import compose
from orchestration.sources.mapping import Mapping
from orchestration.sources.statement import difference
from orchestration.sources.templates import TEMPLATES

GRAMMARS = {"snowflake_queries": "snowflake", "bigquery_queries": "bigquery", "databricks_queries": "databricks"}
COLUMNS = {  # that the mapping reads: of the reader, and what makes them of finance
    "snowflake_queries": ("role_name", "FINANCE_ANALYST", "SALES_ANALYST"),
    "bigquery_queries": ("project_id", "finance-prod", "sales-prod"),
    "databricks_queries": ("workspace_id", "1002", "1001"),
}
FINANCE = {"snowflake_queries": "finance", "bigquery_queries": "finance", "databricks_queries": "marketing"}
DAY = date(2026, 3, 2)  # a Monday
TODAY = "2026-02-01"
# the rows of a history as a table of DuckDB: read by finance on two days, once with an error, and today
JOBS = """
create table jobs_by_organization as
select
    'a@x.io' as user_email, 'finance-prod' as project_id, t as creation_time, kind as job_type, 'DONE' as state,
    error as error_result, [{'project_id': 'shop', 'dataset_id': 'sales', 'table_id': 'orders'}] as referenced_tables
from (values
    (timestamptz '2026-01-05 08:00+00', 'QUERY', null), ('2026-01-05 09:00+00', 'QUERY', null),
    ('2026-01-06 23:30+00', 'QUERY', null), ('2026-01-07 08:00+00', 'QUERY', 'denied'),
    ('2026-01-08 08:00+00', 'LOAD', null), ('2026-02-01 08:00+00', 'QUERY', null),
    ('2025-01-01 08:00+00', 'QUERY', null)
) as jobs (t, kind, error)
"""
LINEAGE = """
create table table_lineage as
select
    'shop.sales.orders' as source_table_full_name, 'a@x.io' as created_by, 1002 as workspace_id,
    cast(timezone('UTC', t) as date) as event_date, t as event_time
from (values
    (timestamptz '2026-01-05 08:00+00'), ('2026-01-05 09:00+00'), ('2026-01-06 23:30+00'), ('2026-02-01 08:00+00'),
    ('2025-01-01 08:00+00')
) as events (t)
union all by name
select 'a@x.io' as created_by, date '2026-01-05' as event_date
"""


def query(template: str) -> exp.Expression:
    """The query of a template, parsed as its database would."""
    path = TEMPLATES / template / "source.yml"
    [tree] = sqlglot.parse(compose(path, path.read_bytes())[0]["queries"]["reads"], dialect=GRAMMARS[template])
    return tree


@pytest.mark.parametrize("template", GRAMMARS)
def test_a_query_is_one_select_in_its_dialect_and_returns_what_the_mapping_reads(template):
    tree = query(template)
    assert isinstance(tree, exp.Select) and not list(tree.find_all(exp.Command, exp.DML, exp.DDL))
    own, *_ = COLUMNS[template]
    assert tree.named_selects == ["object_name", "account", own, "read_on", "first_read_at", "read_count"]


@pytest.mark.parametrize(("template", "table"), [("bigquery_queries", JOBS), ("databricks_queries", LINEAGE)])
def test_a_query_over_recorded_rows_counts_successful_reads_by_whole_day(template, table):
    def local(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.CurrentDate):
            return exp.cast(exp.Literal.string(TODAY), "date")
        return exp.to_table(node.name.split(".")[-1], alias=node.alias) if isinstance(node, exp.Table) else node

    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'").execute(table)
        rows = db.execute(query(template).transform(local).sql("duckdb") + " order by all").fetchall()
    assert [(row[0], row[1], str(row[3]), str(row[4])[:16], row[5]) for row in rows] == [
        ("shop.sales.orders", "a@x.io", "2026-01-05", "2026-01-05 08:00", 2),
        ("shop.sales.orders", "a@x.io", "2026-01-06", "2026-01-06 23:30", 1),
    ]


def events(template: str, *reads: tuple, services: tuple[str, ...] = (), owner: str | None = "sales") -> list[dict]:
    """What a template gives for reads of one product: (days after DAY, account, whether the reader is of the owner)."""
    own, other, mine = COLUMNS[template]
    rows = [
        {
            **{"object_name": "SHOP.sales.Orders", "account": account, own: mine if is_owner else other},
            **{"read_on": str(DAY + timedelta(day)), "first_read_at": f"{DAY + timedelta(day)} 08:00:00+00:00"},
        }
        for day, account, is_owner in reads
    ]
    products = [{"data_product_id": "orders", "domain": owner, "source": template, "key": "shop.sales.orders"}]
    names = pa.schema([(name, pa.string()) for name in ("account", "source", "note")])
    accounts = pa.Table.from_pylist([{"account": name} for name in services], names)
    tables = {"records": pa.Table.from_pylist(rows), "service_accounts": accounts}
    tables["products"] = pa.Table.from_pylist(products, pa.schema([(name, pa.string()) for name in products[0]]))
    with Mapping(TEMPLATES / template / "mapping.sql", tables) as mapping:
        return sorted(mapping.events(), key=lambda event: event["event_id"])


def adopted(found: list[dict]) -> list[tuple]:
    return [(e["consumer_domain"], e["occurred_at"][:10]) for e in found if not e["is_retracted"]]


@pytest.mark.parametrize(
    ("days", "dates"),
    [
        ((0, 0, 1), []),  # two distinct days
        ((0, 13, 27), ["2026-03-29"]),
        ((0, 13, 28), []),  # the first of them is 28 days ago
        ((0, 1, 2, 3, 4), ["2026-03-04"]),  # once a week
        ((0, 1, 2, 7), ["2026-03-04", "2026-03-09"]),
        ((0, 1, 2, 30), ["2026-03-04"]),
    ],
)
def test_three_distinct_days_of_28_adopt_on_the_third_once_a_week(days, dates):
    found = events("snowflake_queries", *((day, "ana", False) for day in days))
    assert adopted(found) == [("finance", at) for at in dates]


@pytest.mark.parametrize("template", GRAMMARS)
def test_the_owner_s_own_reads_and_service_accounts_do_not_count(template):
    _, role, _ = COLUMNS[template]
    reads = [(day, *who) for day in range(5) for who in (("sam", True), ("LOADER", False))]
    assert adopted(events(template, *reads)) == [(FINANCE[template], "2026-03-04")]
    for name in ("LOADER", role):
        assert adopted(events(template, *reads, services=(name,))) == []
    found = events(template, *reads, services=(role,), owner=None)
    assert adopted(found) == [("sales", "2026-03-04")]  # judged by the owner of its day


def test_a_service_account_that_is_declared_later_takes_back_what_only_it_had_reached():
    template, both = "snowflake_queries", [(d, "LOADER", False) for d in (0, 1, 2, 7)] + [(8, "ana", False)]
    said = {e["event_id"]: e for e in difference("s", events(template, *both), {}, "keep").additions}
    assert len(said) == 2
    changes = difference("s", events(template, *both, services=("LOADER",)), said, "keep")
    assert [e["event_id"][-8:] for e in changes.retractions] == ["2026-W10", "2026-W11"]


@pytest.mark.parametrize(
    ("template", "kept", "last", "weeks"), [("bigquery_queries", 175, 350, 50), ("databricks_queries", 360, 630, 90)]
)
def test_a_history_that_loses_its_oldest_days_changes_nothing_that_was_said(template, kept, last, weeks):
    every = [(day, "ana", False) for day in range(0, last + 1, 5)]
    said: dict = {}
    for today in range(0, last + 1, 70):
        reads = [read for read in every if today - kept <= read[0] <= today]
        changes = difference("s", events(template, *reads), said, "keep")
        assert not changes.corrections and not changes.retractions
        said |= {e["event_id"]: e for e in changes.additions}
    first = min(e["occurred_at"] for e in said.values())
    assert first[:10] == str(DAY + timedelta(10)) and len(said) == weeks  # each up to the last
