"""What a mapping may say: one SELECT that gives the same events each time; else file, line, column and what to do."""

import pyarrow as pa
import pytest

from orchestration.sources.declaration import SourceError
from orchestration.sources.mapping import Mapping
from orchestration.sources.records import records_table

ROW = "'a' as event_id, 'deployed' as event_type"


def mapped(tmp_path, sql: str, bodies=('{"a": "x", "n": 7}',), **limits) -> list[dict]:
    records = pa.table({"body": list(bodies), "received_at": ["2026-01-01T00:00:00Z"] * len(bodies)})
    (tmp_path / "crm.sql").write_text(sql)
    products = pa.table({"key": ["x"], "data_product_id": ["orders"]})
    with Mapping(tmp_path / "crm.sql", {"records": records, "products": products}, **limits) as mapping:
        return mapping.events()


def refusal(tmp_path, sql: str, **limits) -> str:
    with pytest.raises(SourceError) as refused:
        mapped(tmp_path, sql, **limits)
    return str(refused.value)


def test_it_reads_records_and_declared_tables(tmp_path):
    sql = f"select {ROW}, data_product_id from records inner join products on products.key = body->>'a' -- x;"
    assert mapped(tmp_path, sql) == [{"event_id": "a", "event_type": "deployed", "data_product_id": "orders"}]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("timestamptz '2026-01-01 12:00:00+02:00'", "2026-01-01T10:00:00Z"),
        ("timestamp '2026-01-01 12:00:00.25'", "2026-01-01T12:00:00.250000"),
        ("timezone('Europe/Berlin', strptime('12/Jan/26 9:00 AM', '%d/%b/%y %-I:%M %p'))", "2026-01-12T08:00:00Z"),
        ("date '2026-01-01'", "2026-01-01"),
        ("body->>'a'", "x"),
        ("['sales', 'finance']", ["sales", "finance"]),
        ("from_json('[\"sales\"]', '[\"VARCHAR\"]')", ["sales"]),
        ("7", 7),
        ("cast(7 as uinteger)", 7),
        ("0.5::double", 0.5),
        ("1.50", "1.50"),
        ("true", True),
        ("cast(age(timestamp '2026-01-02', timestamp '2026-01-01') as varchar)", "1 day"),
    ],
)
def test_a_value_goes_on_the_wire_as_json_with_its_time_in_utc(tmp_path, expression, value):
    assert mapped(tmp_path, f"select {ROW}, {expression} as title from records")[0]["title"] == value


def test_a_null_is_left_out(tmp_path):
    assert "title" not in mapped(tmp_path, f"select {ROW}, null as title, null::date as domain from records")[0]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("", ": holds nothing; write exactly one SELECT."),
        ("-- later", ": holds nothing; write exactly one SELECT."),
        ("select 1; select 2", ": holds SELECT, SELECT; write exactly one SELECT."),
        ("copy (select 1) to 'x.csv'", ": holds COPY; write exactly one SELECT."),
        ("set enable_external_access = true", ": holds SET; write exactly one SELECT."),
        ("attach 'x.duckdb'", ": holds ATTACH; write exactly one SELECT."),
        ("selec 1", ' line 1 column 1: syntax error at or near "selec".'),
        ("select\n  1 as a,\n  'é', from from records", ' line 3 column 13: syntax error at or near "from".'),
        ("select 'é' as title,\n  nope from records", ' line 2 column 3: Referenced column "nope" not found'),
        ("from nowhere", " line 1 column 6: there is no table nowhere; a mapping reads products, records."),
        ("from pg_catalog.pg_settings", " line 1 column 6: there is no table pg_settings"),
        ("from _records", " line 1 column 6: there is no table _records"),
        ("from '/etc/passwd'", " line 1 column 6: there is no table /etc/passwd"),
        (f"select {ROW}, 1 as mood from records", ": returns mood; an event's columns are consumer_domain, contract_"),
        (f"select {ROW}, 'x' as source from records", ": returns source, which Flywheel sets itself; leave it out."),
        (f"select {ROW}, 1 as revision from records", ": returns revision, which Flywheel sets itself; leave it out."),
        (f"select {ROW}, 1 as title, 2 as title from records", ": returns title more than once."),
        ("select 1 as title from records", ": returns no event_id and no event_type; every event has them."),
        (f"select {ROW}, body->'a' as title from records", ": title is JSON; write ->> for a text, or from_json("),
        (f"select {ROW}, {{'a': 1}} as title from records", ": title is STRUCT(a INTEGER), which no event has; cast"),
        (f"select {ROW},\n cast(body->>'a' as int) as title from records", " line 2 column 2: Could not convert str"),
    ],
)
def test_what_it_may_not_say_is_refused_with_file_line_and_column(tmp_path, sql, words):
    assert refusal(tmp_path, sql).startswith(f"{tmp_path / 'crm.sql'}{words}")


@pytest.mark.parametrize(
    "expression",
    [
        *("now()", "current_date", "current_timestamp", "today()", "age(timestamp '2020-01-01')", "random()"),
        *("uuid()", "gen_random_uuid()", "nextval('s')", "get_current_timestamp()", "localtimestamp", "ago('1 day')"),
        *("NOW()", "transaction_timestamp()", "main.now()", "reservoir_quantile(1, 0.5)"),
    ],
)
def test_the_clock_and_chance_are_refused_wherever_they_stand(tmp_path, expression):
    sql = f"with a as (select 1 as b where {expression} is not null) select {ROW} from a"
    assert "line 1 column 32: " in refusal(tmp_path, sql)
    assert "is refused: a mapping gives the same events each time; take the time from" in refusal(tmp_path, sql)


def test_a_name_in_a_text_or_comment_is_no_call(tmp_path):
    assert mapped(tmp_path, f"select {ROW}, 'now()' as title from records -- random()")[0]["title"] == "now()"


@pytest.mark.parametrize(
    "source",
    [
        *("read_text('/etc/passwd')", "read_csv('/etc/passwd')", "glob('/*')", "duckdb_settings()"),
        *("query('select now()')", "query_table('records')", "json_execute_serialized_sql('{}')", "sniff_csv('x')"),
    ],
)
def test_what_is_outside_or_hides_its_sql_is_refused(tmp_path, source):
    assert "() is refused: a mapping reads records and declared tables only." in refusal(tmp_path, f"from {source}")


@pytest.mark.parametrize("sql", ["from records tablesample 10%", "from records using sample 5"])
def test_a_sample_is_refused(tmp_path, sql):
    assert "a sample is refused" in refusal(tmp_path, f"select {ROW} {sql}")


def test_one_that_takes_too_long_or_too_much_memory_is_stopped(tmp_path):
    endless = f"select {ROW}, count(*) as passed_count from range(100000000) a, range(100000000) b"
    assert refusal(tmp_path, endless, seconds=0.2).endswith("took longer than 0.2 seconds and was stopped.")
    large = f"select {ROW}, string_agg(repeat('x', 1000), '') as title from range(1000000)"
    assert refusal(tmp_path, large, memory="100MB").endswith("needs more than 100MB of memory and was stopped.")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"crm.sql is missing: write one SELECT there that returns events"):
        Mapping(tmp_path / "crm.sql", {})


def test_it_runs_over_one_record_alone_and_over_all_again(tmp_path):
    files = [("a.jsonl", tmp_path / "a.jsonl", "2026-01-01T00:00:00Z")]
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n{"id": null}\n')
    (tmp_path / "crm.sql").write_text(f"select {ROW} from records where body->>'id' is not null")
    with Mapping(tmp_path / "crm.sql", {"records": records_table(files)}) as mapping:
        assert [len(mapping.events_of_record(n)) for n in (0, 1)] == [1, 0] and len(mapping.events()) == 1
        assert mapping.kinds("body->>'id'") == ["1", "none"]
