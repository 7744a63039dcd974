"""The Dagster instance of a home: where it lives, how runs queue, no telemetry.

Belongs here: instance settings, runs that died, where its UI listens. Does not belong here: assets (defs/).
"""

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestration.home import Home, write_whole

if TYPE_CHECKING:  # Dagster takes seconds to import
    import dagster as dg
    from sqlalchemy import Connection, Engine

CLI_TAG = "flywheel/started_by"

# Runs of the UI queue for the home one at a time; `flywheel run` starts outside the queue and waits for the home's
# lock instead, so a run that is killed never keeps a slot. Every run's events go to one file in the home's logs.
SETTINGS = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    granularity: run
    default_limit: 1
run_monitoring:
  enabled: true
freshness:
  enabled: true
python_logs:
  dagster_handler_config:
    handlers:
      home:
        class: logging.handlers.RotatingFileHandler
        filename: "{logs}/dagster.log"
        maxBytes: 10000000
        backupCount: 3
        delay: true
        formatter: plain
    formatters:
      plain:
        format: "%(asctime)s %(levelname)s %(message)s"
"""


def prepare_instance(home: Home) -> None:
    """Point Dagster at this home and write its settings; needed before anything of Dagster is loaded."""
    os.environ["FLYWHEEL_HOME"] = str(home.root)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    path, settings = home.dagster / "dagster.yaml", SETTINGS.format(logs=json.dumps(str(home.logs))[1:-1]).encode()
    if not path.exists() or path.read_bytes() != settings:
        write_whole(path, settings)


def open_instance(home: Home) -> "dg.DagsterInstance":
    """The home's Dagster instance, with the pool that runs queue for; marks dead runs of the command line as failed.

    Call it while holding the home's lock: then no run of the command line can be alive.
    """
    import dagster as dg

    instance = dg.DagsterInstance.get()
    instance.event_log_storage.set_concurrency_slots("home", 1)
    alive = dg.RunsFilter(tags={CLI_TAG: "cli"}, statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in instance.get_runs(alive):
        instance.report_run_failed(run, "The process ended before the run did. Run it again: nothing was lost.")
    return instance


@contextmanager
def event_log_open(instance: "dg.DagsterInstance") -> Iterator[None]:
    """Keep the files of the event log open until the end of a run.

    Dagster opens one of them for each of 2,000 queries and has the disk sync each event: 3 of a run's 30 CPU-seconds.
    Synced less often (SQLite's NORMAL in its WAL mode), only a machine that loses power can lose the latest events.
    """
    from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
    from sqlalchemy import StaticPool, create_engine

    log: Any = instance.event_log_storage  # the SQLite one, by settings
    open_once, engines = log._connect, dict[str, "Engine"]()
    options = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}  # the lock lets one thread in

    def engine_of(shard: str) -> "Engine":
        if shard not in engines:
            with open_once(shard):  # which makes the file and its tables
                pass
            engines[shard] = create_engine(log.conn_string_for_shard(shard), poolclass=StaticPool, connect_args=options)
            with engines[shard].connect() as connection:
                connection.exec_driver_sql("pragma synchronous = normal")
        return engines[shard]

    @contextmanager
    def connect(shard: str) -> Iterator["Connection"]:
        engine = engine_of(shard)
        with log._db_lock, engine.begin() as connection:
            yield connection

    log._connect = connect
    try:
        yield
    finally:
        log._connect = open_once
        for engine in engines.values():
            engine.dispose()


def path_prefix(home: Home) -> str:
    """A random path: Dagster's server takes commands from any page open in the same browser."""
    path = home.root / "ui_path"
    if not path.exists():
        write_whole(path, f"/{secrets.token_urlsafe(24)}".encode())
        path.chmod(0o600)
    return path.read_text()


def is_free(port: int) -> bool:
    """Whether no process of this machine listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    """A port that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
