"""A database as a source: types, one state of it, bounded memory, and what goes wrong in plain words."""

import re
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import NOW
from postgres import OWNER, PASSWORD, Server, server  # noqa: F401 - a fixture

from orchestration.sources import database
from orchestration.sources.databases import DATABASES, Database, batch_of, schema_of
from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.pull import pull, receive

GROWTH = 160 << 20  # bytes of memory that reading may need: the limit of sorting, and a few batches
NO_SERVER = "postgresql://reader:${LAKE_PASSWORD}@127.0.0.1:1/lake"


@pytest.fixture
def lake(home, monkeypatch):
    """Declare the source `lake`: lake(where, its queries, other settings) -> it."""
    monkeypatch.setenv("LAKE_PASSWORD", PASSWORD)
    home.sources.mkdir()

    def declare(where: str, queries: dict[str, str] | str, **settings):
        lines = [f"kind: database\nwhere: {where}", *(f"{name}: {value}" for name, value in settings.items())]
        lines.append("queries:")
        queries = {"ideas": queries} if isinstance(queries, str) else queries
        lines += [f"  {name}: |\n" + re.sub("^", "    ", sql, flags=re.M) for name, sql in queries.items()]
        (home.sources / "lake.yml").write_text("\n".join(lines) + "\n")
        return load_source(home, "lake")

    return declare


def rows_of(source) -> dict[str, list[dict]]:
    """{query: its rows} as they were received last."""
    files = database.received.records_of(source)
    return {name.removesuffix(".parquet"): pq.read_table(path).to_pylist() for name, path, _ in files}


def refusal(source) -> str:
    """What is wrong, after the name of the source's file."""
    with pytest.raises(SourceError) as refused:
        receive(source, NOW)
    assert PASSWORD not in str(refused.value)
    return str(refused.value).removeprefix(f"{source.home.sources / 'lake.yml'} ")


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


def test_each_type_lands_and_a_column_of_nulls_alone_has_the_type_too(server, lake):  # noqa: F811
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


def test_the_same_rows_in_another_order_are_nothing_new(server, lake, home):  # noqa: F811
    server.execute("create table moved as select n, 'a' as note from generate_series(1, 5000) n")
    source = lake(server.where, "select * from moved")
    receive(source, NOW)
    server.execute("update moved set note = 'b' where n < 2000", "update moved set note = 'a'")
    receive(source, NOW)
    assert [path.name for path in source.received.glob("*.json")] == ["000001.json"]
    assert rows_of(source)["ideas"][1999] == {"n": 2000, "note": "a"}
    server.execute("delete from moved where n = 1")
    receive(source, NOW)
    assert len(rows_of(source)["ideas"]) == 4999 and not (source.received / ".reading").exists()


@pytest.mark.slow
def test_100_000_rows_are_one_state_of_the_database_in_bounded_memory_while_others_write(server, lake, tmp_path):  # noqa: F811
    server.execute(
        "create table moves (id bigint primary key, amount int, note text)",
        "insert into moves select n, n % 7, repeat(md5(n::text), 16) from generate_series(1, 100000) n",
    )
    source = lake(
        server.where, {"a": "select 1 as id", "b": "select count(*), sum(amount) from moves", "c": "table moves"}
    )
    (warm := tmp_path / "warm").mkdir()
    database.read(lake(server.where, "select 1"), warm)  # libraries and their pools
    stop, done = threading.Event(), [0, 0]
    writer = threading.Thread(target=keep_writing, args=[server, stop, done])
    writer.start()
    (folder := tmp_path / "rows").mkdir()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins now
    before = memory("VmRSS")
    try:
        files = database.read(source, folder)
    finally:
        stop.set()
        writer.join()
    assert memory("VmHWM") - before < GROWTH
    [counted] = pq.read_table(files["b.parquet"]).to_pylist()
    moves = pq.read_table(files["c.parquet"], columns=["id", "amount"]).to_pydict()
    assert counted == {"count": len(moves["id"]), "sum": sum(moves["amount"])}
    assert len(set(moves["id"])) == len(moves["id"]) >= 100_000
    assert done[0] > 5 and done[0] > len(moves["id"]) - 100_000  # it wrote, also after the first query


def keep_writing(server: Server, stop: threading.Event, done: list[int]) -> None:  # noqa: F811
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
def test_what_the_database_refuses_is_said_at_its_place_in_the_query(server, lake, sql, words):  # noqa: F811
    server.execute(
        "create table if not exists secrets (n int)",
        "revoke all on secrets from reader",
        "create or replace function write_one() returns int language sql security definer"
        " as 'insert into secrets values (1) returning n'",
    )
    assert refusal(lake(server.where, sql)).startswith(words)


def test_a_wrong_password_is_named_in_no_spelling(server, lake, monkeypatch):  # noqa: F811
    source = lake(server.where, "select 1")
    source.variables["LAKE_PASSWORD"] = "an/other p@ss"
    words = refusal(source)
    assert words.startswith("line 2: the database can't be read: ") and words.endswith('failed for user "reader".')
    monkeypatch.setenv("LAKE_URL", f"postgresql://reader:n%2Fo%40pe@127.0.0.1:{server.port}/lake?options=n%2Fo%40pe")
    words = refusal(lake("${LAKE_URL}", "select 1"))
    assert not re.search("n.{1,3}o.{1,3}pe", words), words


@pytest.mark.parametrize("is_server", [True, False])
def test_what_takes_too_long_is_stopped_by_the_server_or_else_by_the_client(server, lake, monkeypatch, is_server):  # noqa: F811
    if not is_server:
        monkeypatch.setitem(DATABASES, "postgresql", Database())
        monkeypatch.setattr(database, "GRACE_SECONDS", 0)
    words = "line 5: queries.ideas: took longer than 1 seconds and was stopped; narrow the query, or raise `timeout`."
    assert refusal(lake(server.where, "select pg_sleep(60)", timeout=1)) == words


def test_a_whole_pull_sends_events_and_a_lost_table_leaves_the_last_statement(server, lake, home):  # noqa: F811
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


def test_a_file_of_sqlite_is_read_as_text(lake, tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "lake.db") as connection:
        connection.execute("create table ideas as select 1 as id, 'ü' as name, null as note")
    connection.close()
    source = lake(f"sqlite:///{tmp_path / 'lake.db'}", "select *, id from ideas")
    receive(source, NOW)
    assert rows_of(source)["ideas"] == [{"id": "1", "name": "ü", "note": None, "id_1": "1"}]


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
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert {d.extra for d in DATABASES.values()} - {""} <= project["optional-dependencies"].keys()
