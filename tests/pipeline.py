"""Runs the pipeline for the end-to-end tests, as `flywheel run` does, in processes that start in milliseconds.

Belongs here: a home to run in, starting runs, reading what they served. Does not belong here: any expectation.

Dagster, dbt and Great Expectations take seconds to import. A server imports them once (pipeline_server.py) and forks a
process for each run, which a test can kill like any other. The clock of such a run stands still at its `as_of`, so that
what is live then is the same on every day.
"""

import atexit
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from multiprocessing.reduction import DupFd
from pathlib import Path

import duckdb
from conftest import CHECKOUT, SECONDS, once_a_session
from deliveries import AS_OF

FLYWHEEL = str(Path(sys.executable).with_name("flywheel"))
MEMORY = Path("/dev/shm")  # Dagster's event log syncs 600 times a run, which takes half of it on a busy disk
PARSED_IN_A_FORK = {"DBT_STATIC_PARSER": "false"}  # it has threads, and a fork does not
# the only served columns in which two runs may differ
WALL_CLOCK = {
    "authoritative.event_accounting": {"landed_at"},
    "curated.quarantined_events": {"landed_at"},
    "main.publication": {"run_id"},
}


def nothing() -> None:
    """What a run does first, when a test asks for nothing."""


class SharedHome:
    """A home folder for one test after the other, always at the same path: in a new one dbt parses everything again."""

    def __init__(self, folder: Path):
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir()

    def empty(self) -> Path:
        """Forget all but what dbt parsed and what Dagster remembers; returns the home."""
        for path in self.home.iterdir():
            if path.name not in ("dbt", "dagster"):
                _remove(path)
        return self.home

    def keep(self, name: str) -> None:
        """Remember the home as it is."""
        _remove(self.folder / name)
        shutil.copytree(self.home, self.folder / name, symlinks=True)

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def back_to(self, name: str | Path) -> Path:
        """Make the home what it was at `keep(name)`, or what `published` says; returns it."""
        _remove(self.home)
        shutil.copytree(self.folder / name, self.home, symlinks=True)
        return self.home


@cache
def shared_home() -> SharedHome:
    """The session's shared home; in memory, where there is some to spare."""
    has_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 << 30
    folder = Path(tempfile.mkdtemp(prefix="flywheel-test-", dir=MEMORY if has_memory else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return SharedHome(folder)


@dataclass
class Ended:
    """A process that has ended: its exit code, negative for a signal, and what it printed."""

    code: int | None
    output: str


class Started:
    """`function(*args)` in a process of its own; what it returns is its exit code."""

    def __init__(self, function: Callable, *args):
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        self.process = _server().Process(target=_in_child, args=(DupFd(self._output.fileno()), function, *args))
        self.process.start()

    def end(self) -> Ended:
        """Wait for it."""
        self.process.join(SECONDS)
        with self._output as output:
            output.seek(0)
            return Ended(self.process.exitcode, output.read().decode(errors="replace"))


def run(
    home: Path, *events: Path, as_of: str, look_back="", known_at="", rebuild=False, first: Callable = nothing
) -> Ended:
    """`flywheel run` on the day `as_of`, in a process of its own, which calls `first()` before anything else.

    `look_back` and `known_at` are its --as-of and --known-at.
    """
    return start(home, *events, as_of=as_of, look_back=look_back, known_at=known_at, rebuild=rebuild, first=first).end()


def start(
    home: Path, *events: Path, as_of: str, look_back="", known_at="", rebuild=False, first: Callable = nothing
) -> Started:
    """The same, not waited for."""
    return Started(_flywheel_run, home, events, as_of, look_back, known_at, rebuild, first)


def run_well(home: Path, *events: Path, as_of: str, **options) -> str:
    """`run` that must publish; returns what it printed."""
    ended = run(home, *events, as_of=as_of, **options)
    assert ended.code == 0, ended.output
    return ended.output


def published(name: str, *events: Path, as_of: str) -> Path:
    """A home that published these events, once a session, to read; its views go to the home it was copied from."""

    def make(folder: Path) -> None:
        home = shared_home().empty()
        publish_well(home, *events, as_of=as_of)
        shutil.copytree(home, folder, symlinks=True)

    return once_a_session(f"home-{name}", make)


def sample_home() -> Path:
    """A home that published the sample, once a session, to read: test_users has a run begin with it."""
    return published("sample", as_of="")


def build_well(home: Path, *events: Path, as_of: str) -> None:
    """Land, build and approve without Dagster, and publish nothing; the sample where `as_of` is empty."""
    ended = Started(_build, home, events, as_of).end()
    assert ended.code == 0, ended.output


def publish_well(home: Path, *events: Path, as_of: str) -> None:
    """The same, and publish the tables: a run without Dagster, which is a third of its cost."""
    build_well(home, *events, as_of=as_of)
    publish_again(home)


def publish_again(home: Path) -> None:
    """Publish the tables of the last approved build, and nothing else."""
    ended = Started(_publish, home).end()
    assert ended.code == 0, ended.output


def build_file(home: Path) -> Path:
    """The DuckDB file of the home's last approved build."""
    return max(path.with_suffix(".duckdb") for path in (home / "builds").glob("*.json"))


def compile_project(target: Path, as_of: str, north_star: str = "") -> None:
    """Compile every model, ephemeral or not, and every test to `target`; `north_star` is that section of
    flywheel.yml as YAML, or nothing.

    Raises ValueError with the words of what stopped it.
    """
    ended = Started(_compile, target, as_of, north_star).end()
    if ended.code:
        raise ValueError(ended.output)


def compile_for_spark(target: Path, as_of: str, known_at: str) -> None:
    """Compile the models of raw, events and products to `target` as Spark gets them; needs no Spark.

    Raises ValueError with the words of what stopped it.
    """
    ended = Started(_compile_for_spark, target, as_of, known_at).end()
    if ended.code:
        raise ValueError(ended.output)


def write_events(path: Path, rows: Iterable[dict]) -> Path:
    """A JSON Lines file of events."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def query(home: Path, sql: str, *parameters) -> list[tuple]:
    """Rows of the newest serving file."""
    with attached(home / "serving.duckdb") as db:
        return db.execute(sql, parameters).fetchall()


def served(home: Path, without: dict[str, set[str]] = WALL_CLOCK) -> dict[str, list[tuple]]:
    """{table: its columns' names, then its rows in order} of the newest serving file."""
    return tables(home / "serving.duckdb", without)


def tables(path: Path, without: dict[str, set[str]] = WALL_CLOCK) -> dict[str, list[tuple]]:
    """{table: its columns' names, then its rows in order} of a DuckDB file."""
    with attached(path) as db:
        found = {}
        names = "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'file' order by 1"
        for (name,) in db.execute(names).fetchall():
            columns = [c[0] for c in db.execute(f"describe {name}").fetchall() if c[0] not in without.get(name, ())]
            rows = db.execute(f"select {', '.join(columns)} from {name} order by all").fetchall()
            found[name] = [tuple(columns), *rows]
    return found


def attached(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection in which a DuckDB file can be read, the newest at that path."""
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    db.execute("attach '{}' as file (read_only)".format(str(path).replace("'", "''")))
    db.execute("use file")
    return db


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@cache
def _server():
    """It parses dbt's project in the shared home, for every run there."""
    os.environ["FLYWHEEL_HOME"] = str(shared_home().home)
    os.environ["PYTHONPATH"] = f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'tests'}"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipeline_server"])
    return context


def _in_child(output, function: Callable, *args) -> None:
    descriptor = output.detach()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.exit(function(*args))


def _flywheel_run(home, events, as_of, look_back, known_at, rebuild, first) -> int:
    import typer

    from orchestration import cli
    from orchestration.defs import dashboard
    from orchestration.home import new_folder, swap_folder

    def draw(place, carry_over) -> dict[str, int]:
        folder = new_folder(place.dashboard)
        (folder / "index.html").write_text("drawn")
        swap_folder(place.dashboard, folder)
        return {"index.html": 0}

    dashboard.publish_dashboard = draw  # seconds a run; test_publishing looks at the pages
    stop_the_clock(as_of)
    first()
    try:
        cli.run(list(events), look_back, known_at, home, rebuild)
    except typer.Exit as end:
        return end.exit_code
    return 0


def stop_the_clock(at: str) -> None:
    """In a run's process: it is `at` for ever; any day for a text that is empty."""
    from orchestration import home

    if at:
        home.current_time = lambda: home.parse_instant(at)


def _build(root, events, as_of) -> int:
    from orchestration.build import builds
    from orchestration.build.dbt import run_dbt
    from orchestration.home import Dates, Home, parse_instant
    from orchestration.landing.inbox import place_in_inbox
    from orchestration.landing.land import land_inbox
    from orchestration.sample.home import put_sample
    from orchestration.sources_cli import pull_every_source

    home = Home.at(root)
    if not as_of:
        put_sample(home)
        pull_every_source(home)
    dates = Dates(parse_instant(as_of)) if as_of else home.dates()
    for path in events:
        place_in_inbox(home, path)
    land_inbox(home)
    build = builds.begin(home, "by hand", dates)
    if failed := [node for node in run_dbt(home, build, dates) if node.has_failed]:
        print(*failed, sep="\n")
        return 1
    build.approve()
    builds.sweep(home)
    return 0


def _publish(root) -> int:
    from orchestration.build.builds import last_approved
    from orchestration.home import Home
    from orchestration.publish.serving import publish_serving

    publish_serving(Home.at(root), last_approved(Home.at(root)))
    return 0


def _compile(target, as_of, north_star) -> int:
    import pipeline_server

    from orchestration.build.dbt import invoke
    from orchestration.home import Home
    from orchestration.settings import load_settings

    (target / "builds").mkdir(parents=True)
    os.environ |= {"FLYWHEEL_HOME": str(target), "FLYWHEEL_AS_OF": as_of}
    os.environ |= {"FLYWHEEL_BUILD": str(target / "builds" / "compiled.duckdb")}
    home = Home(target)
    home.settings.write_text(f"north_star: {north_star}\n" if north_star else "")
    os.environ["FLYWHEEL_SETTINGS"] = load_settings(home).of_the_tables()
    settings, manifest = ["--target-path", str(target)], pipeline_server.manifest
    if north_star:  # which models refer to which depends on it
        parsed = invoke(home, ["parse", *settings])
        if not parsed.success:
            print(parsed.exception)
            return 1
        manifest = parsed.result
    for node in manifest.nodes.values():  # each model on its own, not inside the one that reads it
        if node.config.materialized == "ephemeral":
            node.config.materialized = "table"
    return 0 if invoke(home, ["compile", *settings], manifest).success else 1


def _compile_for_spark(target, as_of, known_at) -> int:
    from types import ModuleType

    from orchestration.build.dbt import invoke
    from orchestration.home import Home

    sys.modules["pyspark"] = ModuleType("pyspark")  # dbt looks whether it is there, and compiling asks nothing of it
    os.environ |= {"FLYWHEEL_HOME": str(target), "FLYWHEEL_AS_OF": as_of, "FLYWHEEL_SETTINGS": "{}"}
    os.environ["FLYWHEEL_KNOWN_AT"] = known_at
    folders = ("raw", "curated/events", "curated/products")
    models = [f"path:models/{folder},resource_type:model" for folder in folders]
    chosen = ["--indirect-selection", "empty", "--select", *models, "--target", "engine", "--target-path", str(target)]
    done = invoke(Home(target), ["compile", "--no-introspect", "--no-populate-cache", *chosen])
    print(done.exception or "")
    return 0 if done.success else 1


def materialize(root: Path, assets, check=None, as_of="", now=AS_OF) -> int:
    """What the Dagster UI's run of a selection does; prints the metadata and the errors, returns the exit code."""
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.home import Home
    from orchestration.instance import open_instance, prepare_instance

    stop_the_clock(now)
    prepare_instance(Home(root))
    checks = {dg.AssetCheckKey(dg.AssetKey(check[0].split("/")), check[1])} if check else None
    job = defs().resolve_implicit_global_asset_job_def()
    job = job.get_subset(
        asset_selection={dg.AssetKey(asset.split("/")) for asset in assets}, asset_check_selection=checks
    )
    dates = {"resources": {"dates": {"config": {"as_of": as_of}}}} if as_of else {}
    result = job.execute_in_process(instance=open_instance(Home(root)), run_config=dates, raise_on_error=False)
    for made in result.get_asset_materialization_events():
        shown = made.step_materialization_data.materialization.metadata
        values = [shown[name].value for name in ("build", "as_of") if name in shown]
        print("made", made.asset_key.to_user_string(), *values)
    for found in result.get_step_failure_events():
        print("failed", found.step_failure_data.error.message, found.step_failure_data.error.cause)
    return 0 if result.success else 1


def dbt_by_hand(home: Path, command: list) -> None:
    """Run a command on a home with the date 1 February 2026 in its environment."""
    environment = os.environ | {"FLYWHEEL_HOME": str(home), "FLYWHEEL_AS_OF": "2026-02-01"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def dbt(home, *arguments: str) -> int:
    """dbt in this process, on the project as the server parsed it; its exit code."""
    import pipeline_server

    from orchestration.build.dbt import invoke

    return 0 if invoke(home, list(arguments), pipeline_server.manifest).success else 1
