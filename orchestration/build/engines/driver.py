"""A Spark driver in the process of the worker: for Spark on this machine, and for the master of a standalone cluster.

Belongs here: what such a driver is started with, when its cluster is ready. Does not belong here: settings of a
session, which a server of Spark Connect gets as well (worker.py); imports of ours, for the reason in worker.py.
"""

import os
import shlex
import time
from pathlib import Path
from typing import Any

EXECUTOR_SECONDS = 40
PARTITION_BYTES = 32 << 20  # of landed Parquet, which is some 200 MB as rows
MOST_PARTITIONS = 2_000
LEAST_MB, MOST_MB = 1_024, 8_192


def is_master(engine: str, address: str | None) -> bool:
    """Whether Spark runs in this process: no address, or that of a master rather than of a server of Spark Connect."""
    return engine == "spark" and not (address or "local").startswith("sc://")


def open_driver(address: str | None, name: str, scratch: Path, source_bytes: int) -> Any:
    """A session of Spark with everything that it writes of its own in `scratch`.

    `address` is local, local[N] or spark://HOST:PORT; None uses every core of this machine. A file spark-defaults.conf
    in the folder SPARK_CONF_DIR sets what is not set here, such as the memory of executors. Raises TimeoutError where
    a master gives no executor.
    """
    from pyspark.sql import SparkSession  # type: ignore[import-not-found]

    master = address or "local[*]"
    for folder in ("temporary", "local"):
        (scratch / folder).mkdir(parents=True)
    os.environ.setdefault("SPARK_LOCAL_DIRS", str(scratch / "local"))
    os.environ.setdefault("SPARK_DRIVER_MEMORY", f"{_memory_mb()}m")  # spark-defaults.conf comes before it
    builder = SparkSession.builder.master(master).appName(name)
    for setting, value in _settings(master, scratch, source_bytes).items():
        builder = builder.config(setting, value)
    spark = builder.getOrCreate()
    if master.startswith("spark://"):
        _wait_for_executor(spark)
    return spark


def _settings(master: str, scratch: Path, source_bytes: int) -> dict[str, str]:
    settings = {
        "spark.driver.defaultJavaOptions": "-Djava.io.tmpdir=" + shlex.quote(str(scratch / "temporary")),
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.catalogImplementation": "in-memory",  # Hive's would be a Derby database in a file
        "spark.sql.shuffle.partitions": str(_partitions(source_bytes)),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if master.startswith("local"):  # nobody else is to connect, and a host without a name in DNS is no obstacle
        settings |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    return settings


def _partitions(source_bytes: int) -> int:
    """Of a shuffle: Spark's 200 take a minute where there is little to shuffle."""
    return min(MOST_PARTITIONS, max(os.cpu_count() or 1, source_bytes // PARTITION_BYTES))


def _memory_mb() -> int:
    """Half of the machine's memory, within limits: the other half is for the build on DuckDB and the disk's cache."""
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 21
    return min(MOST_MB, max(LEAST_MB, half))


def _wait_for_executor(spark: Any) -> None:
    deadline = time.monotonic() + EXECUTOR_SECONDS
    while spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() < 2:  # the driver is one of them
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"its master gave no executor within {EXECUTOR_SECONDS} seconds; it has no worker, or none with a free "
                "core and enough memory (spark.executor.memory)"
            )
        time.sleep(0.2)
