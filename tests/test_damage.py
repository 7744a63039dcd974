"""The warehouse is damaged between two runs: the next one notices, rebuilds from landing, and serves the same."""

import os
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from deliveries import AFTER, AS_OF, BEFORE, event
from pipeline import Started, build_well, query, run_well, served, stage, tables, write_events

from orchestration import landing, warehouse
from orchestration.home import Home


def authoritative(home: Path) -> dict[str, list[tuple]]:
    found = tables(home / "warehouse.duckdb", {"authoritative.event_accounting": {"landed_at"}})
    return {
        name: rows for name, rows in found.items() if name.startswith("authoritative.") or name.startswith("curated.")
    }


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """The tables of an undisturbed build; the stage keeps `sound`."""
    events = write_events(tmp_path_factory.mktemp("damage") / "events.jsonl", BEFORE)
    home = stage().empty()
    build_well(home, events, as_of=AS_OF)
    stage().keep("sound")
    return authoritative(home)


def truncate(path: Path):
    os.truncate(path, path.stat().st_size // 2)


def overwrite_the_middle(path: Path):
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3)
        file.write(b"\xa5" * (path.stat().st_size // 3))


def overwrite_the_start(path: Path):
    with path.open("r+b") as file:
        file.write(b"this is no database " * 1000)


def delete_rows(path: Path):
    with duckdb.connect(str(path)) as db:
        db.execute("delete from curated.event_versions where event_type = 'adopted'")


def repeat_rows(path: Path):
    with duckdb.connect(str(path)) as db:
        db.execute("insert into curated.event_versions select * from curated.event_versions limit 7")


def invent_a_batch(path: Path):
    with duckdb.connect(str(path)) as db:
        db.execute(
            "insert into curated.event_versions select * replace ('no such batch' as batch_id) from "
            "curated.event_versions limit 1"
        )


def forget_what_merged_it(path: Path):
    with duckdb.connect(str(path)) as db:
        db.execute("update main.build set merged_by = 'older SQL'")


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        overwrite_the_start,
        delete_rows,
        repeat_rows,
        invent_a_batch,
        forget_what_merged_it,
    ],
    ids=lambda f: f.__name__,
)
def test_a_warehouse_that_disagrees_with_landing_is_noticed_and_emptied(states, damage):
    home = stage().back_to("sound")
    damage(home / "warehouse.duckdb")
    assert warehouse.prepare_warehouse(Home.at(home), datetime(2026, 6, 1, tzinfo=UTC))
    assert list(tables(home / "warehouse.duckdb")) == ["main.build"]


OTHER_SQL = "its history was merged by other SQL or for another knowledge date"


def test_only_the_sql_that_merges_history_makes_it_start_anew(states, tmp_path, monkeypatch):
    home = stage().back_to("sound")
    project = shutil.copytree(warehouse.DBT_PROJECT, tmp_path / "dbt_project")
    monkeypatch.setattr(warehouse, "DBT_PROJECT", project)
    models = project / "models"
    for model, fault in [
        (models / "authoritative" / "north_star_monthly.sql", None),
        (
            models / "curated" / "event_versions.sql",
            "its history was merged by other SQL or for another knowledge date",
        ),
    ]:
        model.write_text(model.read_text() + "\n-- changed\n")
        assert warehouse.prepare_warehouse(Home.at(home), datetime(2026, 6, 1, tzinfo=UTC)) == fault


def test_a_batch_that_is_missing_is_merged_again(states, tmp_path):
    home = stage().back_to("sound")
    build_well(home, write_events(tmp_path / "after.jsonl", AFTER), as_of=AS_OF)
    both = authoritative(home)
    with duckdb.connect(str(home / "warehouse.duckdb")) as db:
        # the corrections are gone, and what they corrected still says superseded
        receipts = f"from '{home}/landing/batches/*.parquet' where file_name = 'after.jsonl'"
        db.execute(f"delete from curated.event_versions where batch_id in (select batch_id {receipts})")
    assert warehouse.prepare_warehouse(Home.at(home), datetime(2026, 6, 1, tzinfo=UTC)) is None
    build_well(home, as_of=AS_OF)
    assert authoritative(home) == both


def test_a_sound_warehouse_is_kept(states):
    home = stage().back_to("sound")
    assert warehouse.prepare_warehouse(Home.at(home), datetime(2026, 6, 1, tzinfo=UTC)) is None
    assert authoritative(home) == states


def remove(path: Path):
    path.unlink()


def drop_tables(path: Path):
    with duckdb.connect(str(path)) as db:
        db.execute("drop table curated.event_versions cascade")


@pytest.mark.parametrize("damage", [remove, drop_tables, overwrite_the_middle], ids=lambda f: f.__name__)
def test_what_is_missing_is_built_anew(states, damage):
    home = stage().back_to("sound")
    damage(home / "warehouse.duckdb")
    build_well(home, as_of=AS_OF)
    assert authoritative(home) == states


def write_and_die(path: Path) -> int:
    """Leave a write-ahead log behind: half of history deleted, in a process that never closes the file."""
    db = duckdb.connect(str(path))
    db.execute("set wal_autocheckpoint = '1TB'")
    db.execute("create table main.scratch as select * from range(1000)")
    db.execute("delete from curated.event_versions where event_type <> 'idea_logged'")
    db.execute("delete from curated.data_products")
    os.kill(os.getpid(), signal.SIGKILL)


def keep_log(log: Path):
    pass


def cut_log(log: Path):
    os.truncate(log, log.stat().st_size // 2)


@pytest.mark.parametrize("fate", [keep_log, cut_log, remove], ids=lambda f: f.__name__)
def test_a_log_left_by_a_killed_writer_changes_nothing(states, fate):
    home = stage().back_to("sound")
    assert Started(write_and_die, home / "warehouse.duckdb").end().code == -signal.SIGKILL
    log = home / "warehouse.duckdb.wal"
    assert log.stat().st_size > 0
    fate(log)
    build_well(home, as_of=AS_OF)
    assert authoritative(home) == states


def test_files_of_a_batch_without_receipt_and_stale_temporaries_are_invisible(states):
    home = stage().back_to("sound")
    (real,) = (p for p in (home / "landing" / "ideas_logged").glob("*.parquet") if not p.name.startswith("_"))
    real.with_name("0" * 32 + ".parquet").write_bytes(real.read_bytes())
    real.with_name("1" * 32 + ".parquet.tmp").write_bytes(b"half a file")
    build_well(home, as_of=AS_OF)
    assert authoritative(home) == states


def test_known_at_counts_only_what_had_been_recorded_by_then(tmp_path):
    rows = [
        event(1, "idea_logged", "p1", 0, domain="d1", recorded_at="2026-01-02T00:00:00Z"),
        event(2, "deployed", "p1", 10, recorded_at="2026-01-12T00:00:00Z"),
        event(3, "adopted", "p1", 20, consumer_domain="c1", recorded_at="2026-01-22T00:00:00Z"),
        # told late: it happened in January and was recorded in April
        event(4, "adopted", "p1", 25, consumer_domain="c2", recorded_at="2026-04-01T00:00:00Z"),
        # corrected in April: the first adoption was by another domain
        {**event(3, "adopted", "p1", 20, consumer_domain="c9", recorded_at="2026-04-01T00:00:00Z"), "revision": 1},
    ]
    home = stage().empty()
    consumers = "select consumer_domain from curated.adoptions order by 1"
    statuses = (
        "select current_count::int, superseded_count::int, not_yet_known_count::int from authoritative.event_accounting"
    )

    run_well(home, write_events(tmp_path / "events.jsonl", rows), as_of=AS_OF)
    now = served(home)
    assert query(home, consumers) == [("c2",), ("c9",)]
    assert query(home, statuses) == [(4, 1, 0)]
    run_well(home, as_of=AS_OF, known_at="2026-03-31")
    assert query(home, consumers) == [("c1",)]
    assert query(home, statuses) == [(3, 0, 2)]
    assert query(home, "select strftime(known_at, '%Y-%m-%d') from main.publication") == [("2026-03-31",)]
    run_well(home, as_of=AS_OF)
    assert served(home) == now


def test_a_landing_that_was_never_prepared_is_no_fault(tmp_path):
    home = Home.at(tmp_path / "home")
    assert landing.receipts(home) == []
    assert warehouse.prepare_warehouse(home, datetime(2026, 6, 1, tzinfo=UTC)) is None
