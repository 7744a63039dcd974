"""The half of a build that runs on Spark or Sail: from landed events to things. Runs in the engine's own environment.

`python worker.py JOB` reads a JSON file: {engine, address, project, target_path, things, sources, models, dates and
settings in the environment}. It prints a JSON line for each table and writes `things.json` last: {thing: {rows, hash}}.

Belongs here: a session of the engine, its sources, dbt's run, what it made. Does not belong here: imports of ours; this
environment has none of Flywheel's packages. What becomes of the things is things.py's.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any


def connect(engine: str, address: str | None) -> tuple[str, Any]:
    """(the address of Spark Connect, what keeps it alive): a server in this process where the home names none."""
    if address:
        return address, None
    if engine == "spark":
        return "local[*]", None
    from pysail.spark import SparkConnectServer  # type: ignore[import-not-found]

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    ip, port = server.listening_address
    return f"sc://{ip}:{port}", server


def register(spark: Any, sources: dict[str, dict[str, str]]) -> None:
    """Tables over Parquet that is there: {schema.table: {columns, path}}; another session's are replaced."""
    for schema in sorted({name.partition(".")[0] for name in sources}):
        spark.sql(f"create schema if not exists {schema}")
    for name, source in sources.items():
        spark.sql(f"drop table if exists {name}")
        spark.sql(f"create table {name} ({source['columns']}) using parquet location '{source['path']}'")


def run_dbt(job: dict[str, Any]) -> list[str]:
    """The names of the tables that dbt made; raises RuntimeError with the first faults."""
    from dbt.cli.main import dbtRunner

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
    return [r.node.name for r in done.result if r.node.config.materialized == "table"]


def as_text(name: str, kind: str) -> str:
    """SQL of a column as text that things.py's SQL of DuckDB has too."""
    if kind == "timestamp":
        return f"cast(unix_micros({name}) as string)"
    if kind == "double":
        return f"cast(cast(floor({name} * 1000000) as bigint) as string)"
    if kind.startswith("array"):
        return f"array_join({name}, chr(30))"
    return f"cast({name} as string)"


def hashed(spark: Any, name: str) -> dict[str, Any]:
    """{rows, hash, columns} of a thing as it can be read back; the hash is the same in any order of rows."""
    columns = {field.name: field.dataType.simpleString() for field in spark.table(f"curated.{name}").schema.fields}
    texts = ", ".join(f"coalesce({as_text(column, kind)}, chr(31))" for column, kind in sorted(columns.items()))
    number = f"cast(conv(substr(md5(concat_ws(chr(30), {texts})), 1, 12), 16, 10) as decimal(38, 0))"
    row = spark.sql(f"select count(*), cast(coalesce(sum({number}), 0) as string) from curated.{name}").collect()[0]
    return {"rows": row[0], "hash": row[1], "columns": columns}


def say(**words: Any) -> None:
    """A line to the process that started this one."""
    print(json.dumps(words), flush=True)


def end_with_the_run() -> None:
    """End at once when the process that started this one has ended, however it did: its end of stdin closes."""
    sys.stdin.read()
    os._exit(3)


def main(job: dict[str, Any]) -> None:
    """Make the things and write what was made, last."""
    threading.Thread(target=end_with_the_run, daemon=True).start()
    address, server = connect(job["engine"], job["address"])
    os.environ["FLYWHEEL_ENGINE"] = address
    from pyspark.sql import SparkSession  # type: ignore[import-not-found]

    spark = SparkSession.builder.remote(address).getOrCreate()
    for setting, value in {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}.items():
        spark.conf.set(setting, value)
    say(version=spark.version)
    register(spark, job["sources"])
    made = {name: hashed(spark, name) for name in run_dbt(job)}
    manifest, unfinished = Path(job["things"], "things.json"), Path(job["things"], "things.json.tmp")
    unfinished.write_text(json.dumps({"engine": job["engine"], "version": spark.version, "things": made}))
    unfinished.replace(manifest)
    del server


if __name__ == "__main__":
    try:
        main(json.loads(Path(sys.argv[1]).read_text()))
    except Exception as error:  # its words are all that the run has of it
        say(error=f"{type(error).__name__}: {str(error)[:2_000]}")
        os._exit(1)  # threads of the engine and of PySpark would keep the process
    os._exit(0)
