"""SIGKILL at every step of a run, and then a run that ends: the same tables, nothing double, nothing lost."""

import os
import pkgutil
import random
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path

import duckdb
import pytest
from deliveries import AFTER, AS_OF, BEFORE
from pipeline import (
    Started,
    _flywheel_run,
    attached,
    build_well,
    nothing,
    publish_well,
    run,
    run_well,
    served,
    shared_home,
    write_events,
)

from orchestration.build import builds
from orchestration.home import Home
from orchestration.landing.inbox import place_in_inbox, settled_files
from orchestration.landing.land import land_inbox
from orchestration.publish import serving

pytestmark = pytest.mark.slow


def in_soak(cases: Iterable) -> list:
    """The same cases for `make soak` alone."""
    return [pytest.param(case, marks=pytest.mark.soak) for case in cases]


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(where: str, name: str, when: str, nth: int = 1) -> None:
    """From now on the process dies before or after the nth call of `name` in `where`."""
    owner = pkgutil.resolve_name(where)
    original, calls = getattr(owner, name), [0]

    @wraps(original)
    def call(*args, **kwargs):
        calls[0] += 1
        if when == "before" and calls[0] == nth:
            die()
        result = original(*args, **kwargs)
        if when == "after" and calls[0] == nth:
            die()
        return result

    setattr(owner, name, call)


def kill_at_statement(sql: str, when: str) -> None:
    """From now on the process dies before or after the first SQL statement of the publication that starts so."""
    original = serving.reading
    serving.reading = lambda build: Watched(original(build), sql, when)


@dataclass
class Watched:
    """A connection to the build that ends with a kill."""

    connection: duckdb.DuckDBPyConnection
    sql: str
    when: str

    def execute(self, sql, *parameters):
        is_it = sql.startswith(self.sql)
        if is_it and self.when == "before":
            die()
        result = self.connection.execute(sql, *parameters)
        if is_it:
            die()
        return result

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def kill_at_node(name: str) -> None:
    """From now on the process dies when dbt has ended the model or test of that name."""
    from orchestration.build import dbt

    original = dbt.invoke

    def watched(home, arguments, manifest=None, callback=None):
        def watch(event):
            if event.info.name == "NodeFinished" and event.data.node_info.node_name == name:
                die()
            callback(event)

        return original(home, arguments, manifest, watch if callback else None)

    dbt.invoke = watched


def land(root: Path, first=None) -> int:
    if first:
        first()
    land_inbox(Home.at(root))
    return 0


def publish(root: Path, first=None) -> int:
    if first:
        first()
    home = Home.at(root)
    serving.publish_serving(home, builds.last_approved(home))
    return 0


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("kill")
    return write_events(folder / "before.jsonl", BEFORE), write_events(folder / "after.jsonl", AFTER)


@pytest.fixture(scope="module")
def states(files):
    """(tables of BEFORE, tables of BEFORE and AFTER), undisturbed; keeps `before`, `waiting` and `built`."""
    before, after = files
    home = shared_home().empty()
    publish_well(home, before, as_of=AS_OF)
    old = served(home)
    shared_home().keep("before")
    place_in_inbox(Home.at(home), after)
    shared_home().keep("waiting")
    build_well(home, as_of=AS_OF)
    shared_home().keep("built")
    assert Started(publish, home).end().code == 0
    new = served(home)
    assert new != old
    return old, new


def landed(home: Path) -> dict[str, list[tuple]]:
    """Every visible landed and quarantined row, by table."""
    rows = {}
    with duckdb.connect() as db:
        receipts = f"'{home}/landing/batches/*.parquet'"
        for folder in sorted((home / "landing").iterdir()):
            without = "exclude (landed_at)" if folder.name == "batches" else ""
            rows[folder.name] = db.execute(
                f"select * {without} from read_parquet('{folder}/*.parquet', union_by_name=true) t "
                f"where batch_id in (select batch_id from {receipts}) order by all"
            ).fetchall()
    return rows


MODULE = "orchestration.landing.batch"
BATCH = f"{MODULE}:Batch"
LANDING_POINTS = [
    ("orchestration.landing.inbox", "receipts", "after", 1),
    (BATCH, "_write", "before", 1),
    (BATCH, "_write", "after", 4),
    (BATCH, "finish", "before", 1),
    (MODULE, "publish", "after", 1),
    (MODULE, "publish", "after", 3),
    (f"{MODULE}:pq", "write_table", "after", 1),
    (BATCH, "finish", "after", 1),
]
# points after which the folder holds what it holds at one above, but for rows of a file that counts for nothing yet
MORE_LANDING_POINTS = [
    (BATCH, "_write", "after", 1),
    (MODULE, "publish", "before", 1),
    (f"{MODULE}:pq", "write_table", "before", 1),
]


def name_of_point(point: tuple) -> str:
    return f"{point[2]}-{point[1]}-{point[3]}"


@pytest.mark.parametrize("point", [*LANDING_POINTS, *in_soak(MORE_LANDING_POINTS)], ids=name_of_point)
def test_killed_while_landing_the_next_landing_is_whole(states, point):
    home = shared_home().back_to("waiting")
    assert Started(land, home, partial(kill_at, *point)).end().code == -signal.SIGKILL
    assert Started(land, home).end().code == 0
    rows = landed(home)
    assert rows == landed(shared_home().back_to("built"))
    assert len(rows["batches"]) == 2
    assert sum(len(rows[table]) for table in rows if table not in ("batches", "quarantined_events")) == (
        len(BEFORE) + len(AFTER) - 1
    )
    assert len(rows["quarantined_events"]) == 1


BUILDS, SHAPING = "orchestration.build.builds", "orchestration.defs.transform"
WHILE_SHAPING = {
    "beginning": [
        partial(kill_at, BUILDS, "begin", "before"),
        partial(kill_at, BUILDS, "sweep", "after"),
        partial(kill_at, BUILDS, "fingerprint", "before"),  # the file is there by then, and empty
        partial(kill_at, BUILDS, "begin", "after"),
    ],
    "shaping": [
        partial(kill_at, SHAPING, "run_dbt", "before"),
        partial(kill_at_node, "batch_receipts"),
        partial(kill_at_node, "event_versions"),
        partial(kill_at_node, "survival_steps"),
        partial(kill_at_node, "time_to_value_curve"),
        partial(kill_at, SHAPING, "run_dbt", "after"),
    ],
    "approving": [
        partial(kill_at, f"{BUILDS}:Build", "approve", "before"),
        partial(kill_at, BUILDS, "write_whole", "before"),
        partial(kill_at, BUILDS, "write_whole", "after"),
        partial(kill_at, f"{BUILDS}:Build", "approve", "after"),
    ],
    "sweeping": [
        partial(kill_at, "orchestration.publish.record", "tables_are_published", "after"),
        partial(kill_at, f"{BUILDS}:Build", "delete", "before"),
        partial(kill_at, f"{BUILDS}:Build", "delete", "after"),
        partial(kill_at, "orchestration.defs.dashboard", "pages_are_published", "before"),
    ],
}


# each costs a run: in make test killed_while_landing and killed_while_publishing stand for it
@pytest.mark.soak
@pytest.mark.parametrize("firsts", WHILE_SHAPING.values(), ids=WHILE_SHAPING)
def test_killed_while_building_the_next_run_publishes_the_same(states, firsts):
    """One kill after the other in one home; until a run has published, readers see the old tables."""
    old, new = states
    home = shared_home().back_to("waiting")
    with attached(home / "serving.duckdb") as reader:
        for first in firsts:
            assert run(home, as_of=AS_OF, first=first).code == -signal.SIGKILL
            has_published = first in WHILE_SHAPING["sweeping"]
            assert served(home) in ((old, new) if has_published else (old,))
        run_well(home, as_of=AS_OF)
        assert served(home) == new
        assert reader.execute("select count(*) from curated.data_products").fetchall() == [(40,)]
    assert [path.suffix for path in sorted((home / "builds").glob("0*"))] == [".duckdb", ".json"]


PUBLICATION = "orchestration.publish.serving"
PUBLICATION_STATEMENTS = [("commit", "before"), ("commit", "after"), ("checkpoint", "after")]
PUBLICATION_POINTS = [
    (PUBLICATION, "_copy_table", "after", 4),
    (PUBLICATION, "_copy", "after", 1),
    (PUBLICATION, "_verify", "after", 1),
    ("orchestration.publish.parquet", "seal", "after", 1),
    (PUBLICATION, "_write_parquet", "after", 1),
    (PUBLICATION, "publish", "before", 1),
    (PUBLICATION, "publish", "after", 1),
    ("orchestration.home", "publish", "after", 1),  # of the folder of Parquet files
    (PUBLICATION, "swap_folder", "after", 1),
]
# points at which nobody reads the file that is being written, and it holds more or less than at one above
MORE_STATEMENTS = [("begin", "after"), ("checkpoint", "before"), ("detach", "after")]
MORE_POINTS = [
    (PUBLICATION, "_copy", "before", 1),
    (PUBLICATION, "_copy_table", "after", 1),
    (PUBLICATION, "_describe_publication", "after", 1),
]


@pytest.mark.parametrize(
    "first",
    [
        *(partial(kill_at_statement, *statement) for statement in PUBLICATION_STATEMENTS),
        *(partial(kill_at, *point) for point in PUBLICATION_POINTS),
        *in_soak(partial(kill_at_statement, *statement) for statement in MORE_STATEMENTS),
        *in_soak(partial(kill_at, *point) for point in MORE_POINTS),
    ],
    ids=lambda first: "-".join(map(str, first.args)),
)
def test_killed_while_publishing_readers_see_the_old_or_the_new_whole(states, first):
    old, new = states
    home = shared_home().back_to("built")
    with attached(home / "serving.duckdb") as reader:
        assert Started(publish, home, first).end().code == -signal.SIGKILL
        assert served(home) in (old, new)
        assert Started(publish, home).end().code == 0
        assert served(home) == new
        assert reader.execute("select count(*) from curated.data_products").fetchall() == [(40,)]
    parquet = duckdb.sql(f"select count(*) from '{home}/serving/data_products.parquet'").fetchall()
    assert parquet == [(60,)]
    assert len(list(home.glob(".serving-*"))) == 1
    assert not list(home.glob("*.wal"))


@pytest.mark.soak
def test_killed_at_any_time_the_next_run_publishes_the_same(states):
    _, new = states
    home = shared_home().back_to("waiting")
    chance = random.Random(1)
    for _ in range(3):
        running = Started(_flywheel_run, home, (), AS_OF, "", "", False, nothing)
        time.sleep(chance.uniform(0.3, 8))  # a run takes about 8 s
        running.process.kill()
        running.end()
    run_well(home, as_of=AS_OF)
    assert served(home) == new


def test_killed_while_a_file_is_copied_into_the_inbox_it_is_not_there_yet(states, tmp_path):
    old, _ = states
    home = shared_home().back_to("before")
    more = write_events(tmp_path / "more.jsonl", AFTER)
    first = partial(kill_at, "orchestration.landing.inbox", "publish", "before")
    assert run(home, more, as_of=AS_OF, first=first).code == -signal.SIGKILL
    assert [path.name for path in settled_files(home / "inbox")] == ["before.jsonl"]
    assert served(home) == old
