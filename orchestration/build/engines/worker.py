"""The half of a build that runs on Spark or Sail: from landed events to things. Runs in the engine's own environment.

`python worker.py JOB` reads a JSON file, the `job` of things.py; dates and settings are in the environment. It prints
a JSON line for each table and writes `things.json` last: {build, engine, version, things: {thing: {rows, hash,
columns}}}.

Belongs here: a session of the engine, its sources, dbt's run, what it made. Does not belong here: imports of ours; this
environment has none of Flywheel's packages. What becomes of the things is things.py's.
"""

import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from content import content_sql  # type: ignore[import-not-found] # next to this file, which runs as a script
from driver import is_master, open_driver  # type: ignore[import-not-found]

RETRIES = 5  # of a request that does not reach its server, 17 seconds in all: a short cut of the network does no harm
PULSE_SECONDS = 10
CANCEL_SECONDS = 3
# what a value means must not depend on how a server is set up; these are Spark's own defaults but for two
SESSION = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",  # days before 1582 are what the file says
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # not INT96, nanoseconds of 1677 to 2262
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
}
SCHEMAS = ("landing", "declared", "raw", "curated")
# how gRPC shows an error: its details are what the server, or the network, said
GRPC = re.compile(
    r'(?:SparkConnectGrpcException: )?<_\w+ of RPC that terminated with:.*?details = "(.*?)"\s*debug_error_string = '
    r'".*?"\s*>',
    re.DOTALL,
)
SAME_FOLDER = "The server must see this home's folder under the same path"


def start_sail() -> tuple[str, Any]:
    """(the address of Spark Connect, what keeps it alive) of a server in this process."""
    # a join keeps its first input in memory, and Sail would swap them by sizes that it guesses: it takes all events for
    # few, because they are joined with their batches by a text. The models name the smaller input first
    os.environ.setdefault("SAIL_OPTIMIZER__ENABLE_JOIN_SWAP", "false")
    from pysail.spark import SparkConnectServer  # type: ignore[import-not-found]

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    ip, port = server.listening_address
    return f"sc://{ip}:{port}", server


def text(value: object) -> str:
    """A value as a literal of Spark's SQL."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def forget(spark: Any, prefix: str) -> None:
    """Drop the home's schemas, also those that a killed run left; the files of its tables stay where they are."""
    for schema in SCHEMAS:
        spark.sql(f"drop schema if exists {prefix}{schema} cascade")


def register(spark: Any, prefix: str, sources: dict[str, dict[str, Any]]) -> None:
    """Tables over Parquet that is there: {schema.table: {columns, path}}, in schemas of this home alone."""
    for schema in SCHEMAS:
        spark.sql(f"create schema {prefix}{schema}")
    for name, source in sources.items():
        spark.sql(f"create table {prefix}{name} ({source['columns']}) using parquet location {text(source['path'])}")


def run_dbt(job: dict[str, Any]) -> list[str]:
    """The names of the things that dbt made; raises RuntimeError with the first faults."""
    from dbt.adapters.spark.connections import SparkCredentials
    from dbt.cli.main import dbtRunner

    # dbt-spark switches ANSI mode off with each statement: an overflow would be a wrong number instead of an error
    own = SparkCredentials.__post_init__
    SparkCredentials.__post_init__ = lambda self: own(self) or self.server_side_parameters.update(SESSION)

    def tell(event: Any) -> None:
        if event.info.name == "NodeFinished":
            say(node=event.data.node_info.node_name, status=event.data.node_info.node_status)

    arguments = ["--quiet", "--log-level-file", "none", "run", "--target", "engine", "--threads", str(job["threads"])]
    places = ["--project-dir", job["project"], "--profiles-dir", job["project"], "--target-path", job["target_path"]]
    done = dbtRunner(callbacks=[tell]).invoke([*arguments, *places, "--select", *job["select"]])
    if done.result is None:
        raise RuntimeError(f"dbt could not start: {done.exception}")
    if faults := [f"{r.node.name}: {r.message}" for r in done.result if r.status not in ("success", "skipped")]:
        raise RuntimeError("; ".join(faults[:3]))
    tables = [r.node for r in done.result if r.node.config.materialized == "table"]
    return [node.name for node in tables if "helper" not in node.tags]


def hashed(spark: Any, table: str) -> dict[str, Any]:
    """{rows, hash, columns} of a thing as it can be read back; the hash is the same in any order of rows."""
    columns = {field.name: field.dataType.simpleString() for field in spark.table(table).schema.fields}
    row = spark.sql(content_sql(table, columns, "spark")).collect()[0]
    return {"rows": row[0], "hash": row[1], "columns": columns}


def say(**words: Any) -> None:
    """A line to the process that started this one; in one piece, because the pulse speaks at any time."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def end_with_the_run(sessions: list[Any]) -> None:
    """End when the process that started this one has ended, however it did: its end of stdin closes.

    What a server still does for this session is cancelled, where that takes no longer than some seconds.
    """
    sys.stdin.read()
    threading.Timer(CANCEL_SECONDS, os._exit, [3]).start()
    for spark in sessions:
        with suppress(Exception):
            spark.interruptAll()
            spark.stop()
    os._exit(3)


def pulse(spark: Any) -> None:
    """Say at times that the server answers; the run ends what is silent for too long."""
    while True:
        time.sleep(PULSE_SECONDS)
        with suppress(Exception):  # the request that is at work tells it better
            say(is_alive=bool(spark.conf.get("spark.sql.session.timeZone")))  # its version PySpark asks only once


def open_session(job: dict[str, Any], sessions: list[Any]) -> Any:
    """A session on an engine that has answered; ends this process with plain words where none does."""

    def give_up(words: str, is_refusal: bool = False) -> None:
        say(unreachable=words, is_refusal=is_refusal)
        os._exit(1)

    try:
        spark = _driver(job, give_up) if is_master(job["engine"], job["address"]) else _connected(job["address"])
        for setting, value in SESSION.items():
            spark.conf.set(setting, value)
        say(version=spark.version)
    except Exception as error:
        give_up(in_words(error), "UNAUTHENTICATED" in str(error) or "PERMISSION_DENIED" in str(error))
    sessions.append(spark)
    threading.Thread(target=pulse, args=[spark], daemon=True).start()
    return spark


def _driver(job: dict[str, Any], give_up: Callable[..., None]) -> Any:
    files = [path for source in job["sources"].values() for path in Path(source["path"]).glob("*.parquet")]
    source_bytes = sum(path.stat().st_size for path in files)
    scratch = Path(job["things"]).with_name("scratch")
    return open_driver(job["address"], f"Flywheel {job['build']}", scratch, source_bytes, give_up)


def _connected(address: str) -> Any:
    from pyspark.sql import SparkSession  # type: ignore[import-not-found]
    from pyspark.sql.connect.client.retries import DefaultPolicy  # type: ignore[import-not-found]

    os.environ["SPARK_REMOTE"] = address  # where dbt finds it
    spark = SparkSession.builder.remote(address).getOrCreate()
    spark.client.set_retry_policies([DefaultPolicy(max_retries=RETRIES)])
    return spark


def in_words(error: BaseException) -> str:
    """What happened, without the stack of Java and without what gRPC prints of itself."""
    said = str(error) if type(error) is RuntimeError else f"{type(error).__name__}: {error}"
    return " ".join(GRPC.sub(r"\1", said).partition("JVM stacktrace:")[0].split())[:2_000]


def see_one_folder(spark: Any, job: dict[str, Any]) -> None:
    """Raise RuntimeError unless the server reads the rows that this machine has, and this machine what it writes."""
    prefix = job["schemas"]
    counts = " union all ".join(f"select '{name}', count(*) from {prefix}{name}" for name in job["sources"])
    seen = {row[0]: row[1] for row in spark.sql(counts).collect()}
    for name, source in job["sources"].items():
        if seen[name] != source["rows"]:
            words = f"it reads {seen[name]:,} of {source['rows']:,} rows of {source['path']}"
            raise RuntimeError(f"{SAME_FOLDER}: {words}")
    probe = Path(job["things"], "probe")
    spark.sql(f"create table {prefix}curated.probe using parquet location {text(probe)} as select 1 as one")
    spark.sql(f"drop table {prefix}curated.probe")
    if not [*probe.glob("*.parquet")]:
        raise RuntimeError(f"{SAME_FOLDER}: what it writes to {probe} is not there")
    shutil.rmtree(probe)


def main(job: dict[str, Any]) -> None:
    """Make the things and write what was made, last."""
    sessions: list[Any] = []
    threading.Thread(target=end_with_the_run, args=[sessions], daemon=True).start()
    server = None
    if job["engine"] == "sail" and not job["address"]:
        job["address"], server = start_sail()
    spark = open_session(job, sessions)
    prefix = os.environ["FLYWHEEL_SCHEMAS"] = job["schemas"]
    forget(spark, prefix)
    register(spark, prefix, job["sources"])
    see_one_folder(spark, job)
    made = {name: hashed(spark, f"{prefix}curated.{name}") for name in run_dbt(job)}
    about = {"build": job["build"], "engine": job["engine"], "version": spark.version, "things": made}
    manifest, unfinished = Path(job["things"], "things.json"), Path(job["things"], "things.json.tmp")
    unfinished.write_text(json.dumps(about))
    unfinished.replace(manifest)
    forget(spark, prefix)
    spark.stop()
    del server


if __name__ == "__main__":
    try:
        main(json.loads(Path(sys.argv[1]).read_text()))
    except Exception as error:  # its words are all that the run has of it
        say(error=in_words(error))
        os._exit(1)  # threads of the engine and of PySpark would keep the process
    os._exit(0)
