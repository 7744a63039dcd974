"""Engines for the tests: which are installed, a local cluster of Spark, a home's events built on one of them.

Belongs here: starting and stopping, copying, comparing. Does not belong here: any expectation.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from conftest import wait_for
from pipeline import Started, build_file, shared_home, tables, write_events

from orchestration.build.engines.environment import EngineError, check_java, environment, python_of
from orchestration.home import Dates, Home, parse_instant
from orchestration.landing.inbox import place_in_inbox
from orchestration.landing.land import land_inbox
from orchestration.settings import Engine

MASTER = re.compile(r"Starting Spark master at (spark://\S+)")
JOINED = re.compile(r"Successfully registered with master")
KEPT = ("landing", "declared", "sample.json", "flywheel.yml")
OF_THE_RUN = {"main.build": {"build_id", "run_id", "fingerprint"}}


def is_missing(engine: str) -> str:
    """Why an engine can't be used here; empty where it can."""
    try:
        python_of(engine)
        if engine == "spark":
            check_java()
    except EngineError as error:
        return str(error)
    return ""


needs_sail = pytest.mark.skipif(bool(is_missing("sail")), reason=is_missing("sail"))
needs_spark = pytest.mark.skipif(bool(is_missing("spark")), reason=is_missing("spark"))


@contextmanager
def spark_cluster(folder: Path) -> Iterator[str]:
    """The address of a standalone master with two workers of a core and 1 GB each; their logs stay in `folder`."""
    with ExitStack() as processes:
        at = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        master = processes.enter_context(_daemon(folder, "master", "master.Master", *at))
        address = wait_for(lambda: MASTER.search(master.read_text())).group(1)
        for number in (1, 2):
            its = [*at, "--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"work{number}"), address]
            worker = processes.enter_context(_daemon(folder, f"worker{number}", "worker.Worker", *its))
            wait_for(lambda log=worker: JOINED.search(log.read_text()))
        yield address


@contextmanager
def _daemon(folder: Path, name: str, class_name: str, *arguments: str) -> Iterator[Path]:
    """The log of one of Spark's own processes, while that runs; it has the process id in its name's folder."""
    [home] = environment("spark").glob("lib/python*/site-packages/pyspark")
    own = {"SPARK_HOME": str(home), "SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_DIRS": str(folder / "local")}
    log = folder / f"{name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{class_name}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | own | {"SPARK_LOCAL_IP": "127.0.0.1"},
        )
        (folder / f"{name}.pid").write_text(str(process.pid))
        try:
            yield log
        finally:
            process.kill()
            process.wait()


def copied(home: Path, engine: Engine) -> Path:
    """The shared home with the landed events, declared tables and settings of another, and an engine."""
    copy = shared_home().empty()
    for name in KEPT:
        if (home / name).is_dir():
            shutil.copytree(home / name, copy / name)
        elif (home / name).exists():
            shutil.copy(home / name, copy)
    settings = copy / "flywheel.yml"
    given = yaml.safe_load(settings.read_text()) if settings.exists() else {}
    settings.write_text(yaml.safe_dump(given | {"engine": {"name": engine.name, "address": engine.address}}))
    return copy


def built_again(home: Path, engine: Engine, as_of: str) -> Path:
    """The build of a home's landed events on a day, with the things that an engine made."""
    copy = copied(home, engine)
    ended = Started(_build_again, copy, as_of).end()
    assert ended.code == 0, ended.output
    return Path(shutil.copy(build_file(copy), shared_home().folder / f"{engine.name}.duckdb"))


def landed_only(folder: Path, events: Iterable[dict], timezone: str) -> Path:
    """A home that landed events and has built nothing."""
    home = Home.at(folder)
    home.settings.write_text(f"reporting: {{timezone: {timezone}}}\n")
    place_in_inbox(home, write_events(folder / "events.jsonl", events))
    land_inbox(home)
    return home.root


def without_columns(home: Path, table: str, columns: list[str]) -> None:
    """Make a landed file of a table as an older Flywheel wrote it."""
    [path] = (path for path in (home / "landing" / table).glob("*.parquet") if path.stem != "_empty")
    pq.write_table(pq.read_table(path).drop_columns(columns), path)


def differing(one: Path, other: Path) -> list[str]:
    """The tables of two builds that are not equal in every row, value by value as Python writes them."""
    first, second = tables(one, OF_THE_RUN), tables(other, OF_THE_RUN)
    return [name for name in sorted(first.keys() | second.keys()) if repr(first.get(name)) != repr(second.get(name))]


def _build_again(root: Path, as_of: str) -> int:
    from orchestration.build import builds
    from orchestration.build.dbt import dbt_environment, run_dbt
    from orchestration.build.engines.things import make_things
    from orchestration.settings import load_settings

    home, dates = Home.at(root), Dates(parse_instant(as_of))
    build, engine = builds.begin(home, "by hand", dates), load_settings(home).engine
    if engine.name != "duckdb":
        things = dbt_environment(home, build, dates) | {"FLYWHEEL_THINGS": str(build.things)}
        make_things(home, build, engine, things, print)
    if failed := [node for node in run_dbt(home, build, dates) if node.has_failed]:
        print(*failed, sep="\n")
        return 1
    build.approve()
    return 0
