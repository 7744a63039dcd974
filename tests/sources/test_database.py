"""A database as a source: types, one state of it, bounded memory, and what goes wrong in plain words."""

import json
import re
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import NOW, wait_for
from postgres import Server, lake_fixture, refusal, server_fixture  # noqa: F401

from orchestration.sources.databases import database
from orchestration.sources.databases.dialects import DATABASES, Database
from orchestration.sources.declaration import SourceError
from orchestration.sources.pull import pull, receive
from orchestration.sources.templates import add

GROWTH = 160 << 20  # bytes of memory that reading may need: the limit of sorting, and a few batches
NO_SERVER = "postgresql://reader:${LAKE_PASSWORD}@127.0.0.1:1/lake"


def rows_of(source) -> dict[str, list[dict]]:
    """{query: its rows} as they were received last."""
    files = database.received.records_of(source)
    return {name.partition("/")[0]: pq.read_table(path).to_pylist() for name, path, _ in files}


TYPES = {  # (type, value) in PostgreSQL: (type in Arrow, text of the value)
    ("int", "1"): ("int64", "1"),
    ("bigint", "2 ^ 40"): ("int64", "1099511627776"),
    ("numeric(10, 2)", "12.3"): ("decimal128(10, 2)", "12.30"),
    ("numeric(12, 0)", "7"): ("int64", "7"),
    ("numeric", "12345678901234567890123456789012345678901.5"): (
        "string",
        "12345678901234567890123456789012345678901.5",
    ),
    ("double precision", "0.1"): ("double", "0.1"),
    ("boolean", "true"): ("bool", "True"),
    ("date", "'2026-01-31'"): ("date32[day]", "2026-01-31"),
    ("timestamptz", "'2026-03-29 02:30+01'"): ("timestamp[us, tz=UTC]", "2026-03-29 01:30:00+00:00"),
    ("timestamp", "'2026-03-29 02:30:00.5'"): ("timestamp[us]", "2026-03-29 02:30:00.500000"),
    ("time", "'09:00'"): ("string", "09:00:00"),
    ("interval", "'1 month 2 days 03:04:05'"): ("string", "1 mon 2 days 03:04:05"),
    ("uuid", "'00000000-0000-0000-0000-00000000000a'"): ("string", "00000000-0000-0000-0000-00000000000a"),
    ("jsonb", """'{"a": 1.10}'"""): ("string", '{"a": 1.10}'),
    ("json", """'{"b":2}'"""): ("string", '{"b":2}'),
    ("text[]", """'{a,"b c",null}'"""): ("string", '["a", "b c", null]'),
    ("bytea", r"'\x00ff'"): ("string", "00ff"),
    ("inet", "'10.0.0.1'"): ("string", "10.0.0.1"),
    ("colour", "'red'"): ("string", "red"),
    ("varchar(9)", "'%s :x ü'"): ("string", "%s :x ü"),
}


def test_each_type_lands_and_a_column_of_nulls_alone_has_the_type_too(server, lake):
    server.execute("create type colour as enum ('red')")
    columns = {f"c{n}": pair for n, pair in enumerate(TYPES)}
    typed = ", ".join(f"cast({value} as {kind}) as {name}" for name, (kind, value) in columns.items())
    nulls = ", ".join(f"cast(null as {kind}) as {name}" for name, (kind, _) in columns.items())
    source = lake(server.where, {"nulls": f"select {nulls}", "values": f"select {typed}"})
    receive(source, NOW)
    (_, of_nulls, _), (_, of_values, _) = database.received.records_of(source)
    kinds = [kind for kind, _ in TYPES.values()]
    assert [str(kind) for kind in pq.read_schema(of_nulls).types] == kinds
    assert [str(kind) for kind in pq.read_schema(of_values).types] == kinds
    assert [str(value) for value in rows_of(source)["values"][0].values()] == [text for _, text in TYPES.values()]
    assert set(rows_of(source)["nulls"][0].values()) == {None}


def test_the_same_rows_in_another_order_are_nothing_new(server, lake, home):
    server.execute("create table moved as select n, 'a' as note from generate_series(1, 5000) n")
    source = lake(server.where, "select * from moved")
    (source.received / ".reading" / "ideas").mkdir(parents=True)  # of a pull that was killed
    receive(source, NOW)
    server.execute("update moved set note = 'b' where n < 2000", "update moved set note = 'a'")
    receive(source, NOW)
    assert [path.name for path in source.received.glob("*.json")] == ["000001.json"]
    assert rows_of(source)["ideas"][1999] == {"n": 2000, "note": "a"}
    server.execute("delete from moved where n = 1")
    receive(source, NOW)
    assert len(rows_of(source)["ideas"]) == 4999 and not (source.received / ".reading").exists()


@pytest.mark.slow
def test_100_000_rows_are_one_state_of_the_database_in_bounded_memory_while_others_write(server, lake, tmp_path):
    server.execute(
        "create table moves (id bigint primary key, amount int, note text)",
        "insert into moves select n, n % 7, repeat(md5(n::text), 16) from generate_series(1, 100000) n",
    )
    source = lake(
        server.where, {"a": "select 1 as id", "b": "select count(*), sum(amount) from moves", "c": "table moves"}
    )
    (warm := tmp_path / "warm").mkdir()
    database.read(lake(server.where, "select 1"), warm)  # libraries and their pools
    stop, done = threading.Event(), [0]
    writer = threading.Thread(target=keep_writing, args=[server, stop, done])
    writer.start()
    (folder := tmp_path / "rows").mkdir()
    wait_for(lambda: done[0] > 5)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins now
    before = memory("VmRSS")
    try:
        files = database.read(source, folder)
        assert memory("VmHWM") - before < GROWTH
        moves = pq.read_table(files["c/rows.parquet"], columns=["id", "amount"]).to_pydict()
        wait_for(lambda: done[0] > len(moves["id"]) - 100_000)
    finally:
        stop.set()
        writer.join()
    [counted] = pq.read_table(files["b/rows.parquet"]).to_pylist()
    assert counted == {"count": len(moves["id"]), "sum": sum(moves["amount"])}
    assert len(set(moves["id"])) == len(moves["id"]) >= 100_000


def keep_writing(server: Server, stop: threading.Event, done: list[int]) -> None:
    """Insert a row and change others until `stop`; done[0] counts the commits."""
    with server.connect() as connection:
        while not stop.is_set():
            done[0] += 1
            connection.execute(
                "with new as (insert into moves values (%s, 1000, 'new'))"
                " update moves set amount = amount + 1 where id between %s and %s",
                [100_000 + done[0], done[0] * 50, done[0] * 50 + 40],
            )


def memory(name: str) -> int:
    """Bytes of this process's memory, by its name in /proc."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) << 10


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select *\nfrom  idees", 'line 6 column 11: queries.ideas: relation "idees" does not exist.'),
        ("select 1,\n  nme\nfrom pg_class", 'line 6 column 7: queries.ideas: column "nme" does not exist.'),
        (
            "select relnam from pg_class",
            'line 5 column 12: queries.ideas: column "relnam" does not exist (Perhaps you meant',
        ),
        ("select * from secrets", "line 4: queries.ideas: permission denied for table secrets."),
        ("select 1 / (n - 1) from generate_series(1, 9) n", "line 4: queries.ideas: division by zero."),
        ("select write_one()", "line 4: queries.ideas: cannot execute INSERT in a read-only transaction."),
        (
            "select 'NaN'::numeric(4, 2) as a",
            "line 4: queries.ideas: column a: The string 'NaN' is not a valid decimal128",
        ),
        ("select 'infinity'::date", "line 4: queries.ideas: date too large (after year 10K): 'infinity'."),
    ],
)
def test_what_the_database_refuses_is_said_at_its_place_in_the_query(server, lake, sql, words):
    server.execute(
        "create table if not exists secrets (n int)",
        "revoke all on secrets from reader",
        "create or replace function write_one() returns int language sql security definer"
        " as 'insert into secrets values (1) returning n'",
    )
    assert refusal(lake(server.where, sql)).startswith(words)


def test_a_wrong_password_is_named_in_no_spelling(server, lake, monkeypatch):
    source = lake(server.where, "select 1")
    source.variables["LAKE_PASSWORD"] = "an/other p@ss"
    words = refusal(source)
    assert words.startswith("line 2: the database can't be read: ") and words.endswith('failed for user "reader".')
    monkeypatch.setenv("LAKE_URL", f"postgresql://reader:n%2Fo%40pe@127.0.0.1:{server.port}/lake?options=n%2Fo%40pe")
    words = refusal(lake("${LAKE_URL}", "select 1"))
    assert not re.search("n.{1,3}o.{1,3}pe", words), words


@pytest.mark.parametrize("is_server", [True, False])
def test_what_takes_too_long_is_stopped_by_the_server_or_else_by_the_client(server, lake, monkeypatch, is_server):
    if not is_server:
        monkeypatch.setitem(DATABASES, "postgresql", Database())
        monkeypatch.setattr(database, "GRACE_SECONDS", 0)
    words = "line 5: queries.ideas: took longer than 1 seconds and was stopped; narrow the query, or raise `timeout`."
    assert refusal(lake(server.where, "select pg_sleep(60)", timeout=1)) == words


def test_a_whole_pull_sends_events_and_a_lost_table_leaves_the_last_statement(server, lake, home):
    server.execute(
        "create table launched (name text, at timestamptz)",
        "insert into launched values ('orders', '2026-01-01 10:00+01'), ('stock', '2026-02-01')",
    )
    lake(server.where, "select name, at, 'deployed' as what from launched order by random()")
    (home.sources / "lake.sql").write_text(
        'select name as event_id, what as event_type, name as data_product_id, "at" as occurred_at from records'
    )
    assert pull(home, "lake").words == "lake: 2 records, 2 events, 2 new"
    assert pull(home, "lake").words == "lake: 2 records, 2 events, nothing new"
    server.execute("alter table launched rename to gone")
    with pytest.raises(SourceError, match='relation "launched" does not exist'):
        pull(home, "lake")
    assert len((home.sent / "lake" / "000001.jsonl").read_text().splitlines()) == 2


DEVLAKE = (  # of each table, the columns of its domain layer that matter here, with their types in PostgreSQL
    "create table issues (id varchar(255) primary key, url varchar(255), issue_key varchar(255), title text,"
    " type varchar(100), original_type varchar(500), status varchar(100), original_status varchar(100),"
    " story_point float8, resolution_date timestamptz, created_date timestamptz, component varchar(255))",
    "create table board_issues (board_id varchar(255), issue_id varchar(255))",
    "create table issue_changelogs (id varchar(255) primary key, issue_id varchar(255), field_name varchar(255),"
    " original_to_value text, to_value text, created_date timestamptz)",
    'create table project_mapping (project_name varchar(255), "table" varchar(255), row_id varchar(255))',
    "create table cicd_scopes (id varchar(255) primary key, name varchar(255))",
    "create table cicd_deployments (id varchar(255) primary key, cicd_scope_id varchar(255), name varchar(255),"
    " result varchar(100), environment varchar(255), finished_date timestamptz)",
    "insert into project_mapping values ('customer', 'boards', 'b1'), ('all', 'boards', 'b1'), ('x', 'repos', 's1')",
    "insert into board_issues values ('b1', 'i1'), ('b1', 'i2'), ('b1', 'i3')",
    "insert into issues values"
    " ('i1', 'https://j/1', 'DP-1', 'Churn', 'REQUIREMENT', 'Epic', 'DONE', 'Done', null, '2026-03-02', '2026-01-12'),"
    " ('i2', '', 'DP-2', 'Old', 'REQUIREMENT', 'Epic', 'DONE', 'Won''t Do', null, '2026-02-02', '2026-01-13'),"
    " ('i3', '', 'DP-3', 'A bug', 'BUG', 'Bug', 'TODO', 'Open', null, null, '2026-01-13')",
    "insert into issue_changelogs values"
    " ('c1', 'i1', 'status', 'To Do', 'TODO', '2026-01-13'), ('c2', 'i1', 'status', '', 'IN_PROGRESS', '2026-01-20'),"
    " ('c3', 'i1', 'status', '', 'IN_PROGRESS', '2026-02-20'), ('c4', 'i1', 'owner', '', 'IN_PROGRESS', '2026-01-02')",
    "insert into cicd_scopes values ('s1', 'acme/churn'), ('s2', 'acme/website')",
    "insert into cicd_deployments values ('d1', 's1', 'v1', 'SUCCESS', 'PRODUCTION', '2026-03-01 17:00+01'),"
    " ('d2', 's1', 'v2', 'FAILURE', 'PRODUCTION', '2026-03-02'), ('d3', 's1', '', 'SUCCESS', 'TESTING', '2026-03-03'),"
    " ('d4', 's2', 'v4', 'SUCCESS', 'PRODUCTION', '2026-03-04')",
)


def events_by(home, name: str) -> list[tuple]:
    lines = [json.loads(line) for path in home.inbox.glob(f"{name}-*") for line in path.read_text().splitlines()]
    return [
        (e["event_id"], e["data_product_id"], e["occurred_at"], e.get("domain", e.get("consumer_domain")))
        for e in lines
    ]


def test_the_domain_tables_of_devlake_become_ideas_starts_deployments_and_rejections(server, lake, home):
    server.execute(*DEVLAKE)
    add(home, "devlake", server.where)
    (home.declared / "data_products.csv").write_text(
        "data_product_id,domain,source,key\nchurn,customer,devlake,DP-1\nchurn,customer,devlake,acme/churn\n"
    )
    assert pull(home, "devlake").words == "devlake: 5 records, 5 events, 5 new"
    assert events_by(home, "devlake") == [
        ("d1/deployed", "churn", "2026-03-01T16:00:00Z", "customer"),
        ("i1/idea", "churn", "2026-01-12T00:00:00Z", "customer"),
        ("i1/started", "churn", "2026-01-20T00:00:00Z", "customer"),
        ("i2/idea", "dp-2", "2026-01-13T00:00:00Z", "all"),
        ("i2/rejected", "dp-2", "2026-02-02T00:00:00Z", "all"),
    ]


def test_tables_of_ones_own_become_events_of_each_type(server, lake, home):
    server.execute(
        "create table product_ideas as select 1 as id, 'orders' as product, 'sales' as team, 'All' as title,"
        " timestamptz '2026-01-01' as created_at, null::timestamptz as started_at, null::timestamptz as rejected_at",
        "create table product_deployments as select 7 as id, 'orders' as product, '1.0' as version,"
        " timestamptz '2026-01-02' as deployed_at",
        "create table product_uses as select 'orders' as product, team, used_at"
        " from unnest(array['sales', 'finance']) team,"
        " generate_series(timestamptz '2026-01-05 09:00+00', '2026-01-14 09:00+00', '12 hours') used_at",
    )
    add(home, "postgres", server.where)
    pull(home, "postgres")
    assert events_by(home, "postgres") == [
        ("adopted/orders/finance/2026-W02", "orders", "2026-01-07T09:00:00Z", "finance"),
        ("adopted/orders/finance/2026-W03", "orders", "2026-01-12T09:00:00Z", "finance"),
        ("deployed/7", "orders", "2026-01-02T00:00:00Z", None),
        ("idea/1", "orders", "2026-01-01T00:00:00Z", "sales"),
    ]
