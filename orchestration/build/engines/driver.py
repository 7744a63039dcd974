"""A Spark driver in the process of the worker: for Spark on this machine, and for the master of a standalone cluster.

Belongs here: what such a driver is started with, when its cluster is ready. Does not belong here: settings of a
session, which a server of Spark Connect gets as well (worker.py); imports of ours, for the reason in worker.py.
"""

import os
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MASTER_SECONDS = 40
NO_MASTER = f"it has registered no application within {MASTER_SECONDS} seconds, as if it were no master of Spark 4.1"
EXECUTOR_SECONDS = 70  # Java starts on a worker meanwhile, which a busy machine takes half a minute for
NO_EXECUTOR = (
    f"its master has given no executor within {EXECUTOR_SECONDS} seconds, as if it had no worker with a free core and "
    "enough memory (spark.executor.memory)"
)
PARTITION_BYTES = 32 << 20  # of landed Parquet, which is some 200 MB as rows
MOST_PARTITIONS = 2_000
LEAST_MB, MOST_MB = 1_024, 8_192


def is_master(engine: str, address: str | None) -> bool:
    """Whether Spark runs in this process: no address, or that of a master rather than of a server of Spark Connect."""
    return engine == "spark" and not (address or "local").startswith("sc://")


def open_driver(
    address: str | None, name: str, scratch: Path, source_bytes: int, give_up: Callable[[str], None]
) -> Any:
    """A session of Spark with everything that it writes of its own in `scratch`.

    `address` is local, local[N] or spark://HOST:PORT; None uses every core of this machine. A file spark-defaults.conf
    in the folder SPARK_CONF_DIR sets what is not set here, such as the memory of executors. `give_up` gets the reason,
    in a thread of its own, where a master does not answer or gives no executor in time: Spark would try for ever.
    """
    from pyspark import SparkConf, SparkContext  # type: ignore[import-not-found]
    from pyspark.sql import SparkSession  # type: ignore[import-not-found]

    master = address or "local[*]"
    for folder in ("temporary", "local"):
        (scratch / folder).mkdir(parents=True)
    os.environ.setdefault("SPARK_LOCAL_DIRS", str(scratch / "local"))
    os.environ.setdefault("SPARK_DRIVER_MEMORY", f"{_memory_mb()}m")  # spark-defaults.conf comes before it
    settings = _settings(master, scratch, source_bytes)
    conf = SparkConf().setMaster(master).setAppName(name).setAll(list(settings.items()))
    SparkContext._ensure_initialized(conf=conf)  # Java's start is not the master's delay
    if not master.startswith("spark://"):
        return SparkSession.builder.config(conf=conf).getOrCreate()
    with _deadline(MASTER_SECONDS, NO_MASTER, give_up):
        spark = SparkSession.builder.config(conf=conf).getOrCreate()
    with _deadline(EXECUTOR_SECONDS, NO_EXECUTOR, give_up):
        while _executor_count(spark) < 1:
            time.sleep(0.2)
    return spark


@contextmanager
def _deadline(seconds: float, words: str, give_up: Callable[[str], None]) -> Iterator[None]:
    late = threading.Timer(seconds, give_up, [words])
    late.start()
    yield
    late.cancel()


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


def _executor_count(spark: Any) -> int:
    return spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1  # the driver is one of them
