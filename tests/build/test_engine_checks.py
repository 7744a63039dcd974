"""What an engine left is taken over only where it is what the engine made, to the last bit of a number."""

import json
import math
import shutil
from functools import cache
from pathlib import Path

import duckdb
import pytest
from shaped import manifest

from orchestration.build.builds import Build
from orchestration.build.engines import checks
from orchestration.build.engines.checks import check_things, thing_names
from orchestration.build.engines.content import content_sql
from orchestration.build.engines.environment import EngineError
from orchestration.build.engines.things import is_thing
from orchestration.settings import Engine

SAIL = Engine("sail")
COLUMNS = {"id": "bigint", "name": "string", "days": "double", "made_at": "timestamp", "names": "array<string>"}
ROWS = """
    select * from (values
        (1, 'Orders', 0.1 :: double + 0.2 :: double, timestamptz '2026-01-01 00:00:00.000001Z', ['a', null]),
        (2, null, null, null, null), (3, '', -1e300, timestamptz '1969-12-31 23:59:59Z', [])
    ) as t (id, name, days, made_at, names)
"""
NO_ROWS = f"{ROWS} limit 0"


@cache
def db() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    return connection


def write(folder: Path, *queries: str) -> None:
    """A thing's files, one a query."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, query in enumerate(queries):
        db().execute(f"copy ({query}) to '{folder}/part-{number}.parquet' (format parquet)")


def content(query: str) -> tuple[int, str]:
    return db().execute(content_sql(f"({query})", COLUMNS, "duckdb")).fetchone()


@pytest.fixture
def build(tmp_path, monkeypatch) -> Build:
    """A build with two things as an engine made them, in three files and in none."""
    monkeypatch.setattr(checks, "thing_names", lambda: {"products", "reopenings"})
    build = Build(tmp_path / "000001-a.duckdb")
    parts = [f"{ROWS} where id = {number}" for number in (3, 1, 2)]
    write(build.things / "products", *parts)
    things = {"products": ROWS, "reopenings": NO_ROWS}
    made = {name: dict(zip(("rows", "hash"), content(query), strict=True)) for name, query in things.items()}
    say(build, things={name: about | {"columns": COLUMNS} for name, about in made.items()})
    return build


def say(its: Build, **words) -> None:
    path = its.things / "things.json"
    said = json.loads(path.read_text()) if path.exists() else {"build": its.id}
    path.write_text(json.dumps(said | words))


def test_files_that_hold_what_was_made_are_good_in_any_order_and_split(build):
    assert check_things(build, SAIL) == {"products": 3, "reopenings": 0}
    write(build.things / "products", f"{ROWS} order by id desc")
    assert check_things(build, SAIL) == {"products": 3, "reopenings": 0}


FAULTS = {
    "a file is deleted": lambda folder: (folder / "part-1.parquet").unlink(),
    "a file is added": lambda folder: shutil.copy(folder / "part-1.parquet", folder / "part-9.parquet"),
    "a row is duplicated": lambda folder: write(folder, f"{ROWS} union all (select * from ({ROWS}) where id = 1)"),
    "a row takes the place of another": lambda folder: write(
        folder, f"(select * from ({ROWS}) where id <> 2) union all (select * from ({ROWS}) where id = 1)"
    ),
    "a last bit is another": lambda folder: write(
        folder, f"select * replace (if(id = 1, 0.3, days) as days) from ({ROWS})"
    ),
    "a NULL is empty": lambda folder: write(folder, f"select * replace (coalesce(name, '') as name) from ({ROWS})"),
    "a list lacks its NULL": lambda folder: write(
        folder, f"select * replace (list_filter(names, lambda x: x is not null) as names) from ({ROWS})"
    ),
    "a microsecond is another": lambda folder: write(
        folder, f"select * replace (made_at + interval 1 microsecond as made_at) from ({ROWS})"
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_rows_that_were_changed_are_not_taken_over(build, fault):
    FAULTS[fault](build.things / "products")
    words = r"products holds [234] rows that are not the 3 that Sail made: files were changed, or are not all there"
    with pytest.raises(EngineError, match=words):
        check_things(build, SAIL)


UNREADABLE = {
    "all files are gone": (
        lambda folder: shutil.rmtree(folder),
        "products has no Parquet file, where Sail made 3 rows: they were deleted, or its server does not see this home",
    ),
    "a file is truncated": (
        lambda folder: (folder / "part-0.parquet").write_bytes((folder / "part-0.parquet").read_bytes()[:-9]),
        "products can't be read: Invalid Input Error.*Run again",
    ),
    "a column is missing": (
        lambda folder: write(folder, f"select * exclude (name) from ({ROWS})"),
        "products has other columns than Sail made: id, days, made_at, names. Run again",
    ),
    "a column is of another type": (
        lambda folder: write(folder, f"select * replace (cast(made_at as varchar) as made_at) from ({ROWS})"),
        "products can't be read: Binder Error",
    ),
}


@pytest.mark.parametrize("fault", UNREADABLE)
def test_files_that_can_not_be_what_was_made_are_named(build, fault):
    damage, words = UNREADABLE[fault]
    damage(build.things / "products")
    with pytest.raises(EngineError, match=words):
        check_things(build, SAIL)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused_even_where_the_engine_made_it(build, number):
    query = f"select * replace (cast('{number}' as double) as days) from ({ROWS}) where id = 1"
    write(build.things / "products", query)
    rows, hashed = content(query)
    about = {"rows": rows, "hash": hashed, "columns": COLUMNS}
    say(build, things={"products": about, "reopenings": about | {"rows": 0, "hash": "0"}})
    with pytest.raises(EngineError, match=r"products holds numbers that are none \(NaN or infinity\) in days"):
        check_things(build, SAIL)


def test_things_of_another_build_or_not_all_things_are_not_taken_over(build):
    say(build, build="000007-b")
    with pytest.raises(EngineError, match=r"holds the things of build 000007-b, not of 000001-a. Run again"):
        check_things(build, SAIL)
    say(build, build=build.id, things={"reopenings": {"rows": 0, "hash": "0", "columns": COLUMNS}, "more": {}})
    with pytest.raises(
        EngineError, match=r"Sail did not make what the build takes over, or more than that: more, products"
    ):
        check_things(build, SAIL)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}"])
def test_things_without_a_list_were_not_all_made(build, text):
    path = build.things / "things.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(EngineError, match=r"Sail left no list of the things it made in .*/things. Run again"):
        check_things(build, SAIL)


@pytest.mark.slow
def test_an_engine_makes_the_tables_that_the_build_takes_over():
    nodes = [node for node in manifest()["nodes"].values() if is_thing(node)]
    tables = [node for node in nodes if node["unrendered_config"]["materialized"] == "table"]  # compiled, all are
    assert thing_names() == {node["name"] for node in tables}


ALIKE = [  # rows that look alike once their texts are joined
    ("'a' || chr(30) || 'b'", "['c']"),
    ("'a'", "['b', 'c']"),
    ("'1:a'", "['b', 'c']"),
    ("'a'", "['b1:c']"),
    ("'a'", "['b,c']"),
    ("'-'", "null"),
    ("null", "null"),
    ("''", "[null]"),
    ("null", "[]"),
    ("chr(31)", "null"),
]


def test_no_two_contents_look_alike():
    found = [
        content(f"select * replace ({name} as name, {names} as names) from ({ROWS}) where id = 2")
        for name, names in ALIKE
    ]
    assert len(set(found)) == len(ALIKE)


@pytest.mark.parametrize("number", [0.0, 0.1, 1 / 3, 123_456_789.123_456_7, 2.0**-51, 2.0**53 - 3, 5e-324 + 1])
def test_a_number_and_its_neighbours_differ(number):
    near = [number, math.nextafter(number, math.inf), math.nextafter(number, -math.inf), -number - 1]
    if number == 0.0:  # below 2^-52 in size, all are alike
        near = [number, 2.0**-52, -(2.0**-52)]
    found = {
        content(f"select * replace (cast('{each!r}' as double) as days) from ({ROWS}) where id = 2") for each in near
    }
    assert len(found) == len(near)
