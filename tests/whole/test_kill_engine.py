"""An engine, its server or the run dies while things are made: nothing half is taken over, nothing runs on, and the
next run publishes what DuckDB alone would.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import wait_for
from deliveries import AS_OF
from engines import needs_sail, needs_spark, spark_cluster
from pipeline import nothing, run, run_well, served, shared_home
from test_kill import files, states  # noqa: F401 - fixtures

from orchestration.build.engines import process
from orchestration.build.engines.environment import python_of
from orchestration.home import Home, sha256

pytestmark = [pytest.mark.soak, needs_sail]

SERVER = """
import sys, time
from pysail.spark import SparkConnectServer
server = SparkConnectServer("127.0.0.1", int(sys.argv[1]))
server.start(background=True)
print(server.listening_address[1], flush=True)
time.sleep(3_600)
"""


def fault_at(done: int, fault: Callable[[subprocess.Popen], None]) -> None:
    """From now on `fault(worker's process)` happens once so many tables are done; at 0, once it has started."""
    original = process._follow

    def follow(worker, engine, log, tell):
        def watch(words: str) -> None:
            tell(words)
            if words.startswith(f"{done} tables done") or (not done and words.endswith("started")):
                fault(worker)

        return original(worker, engine, log, watch)

    process._follow = follow


def fault_once_listed(fault: Callable[[subprocess.Popen], None]) -> None:
    """From now on the fault happens once the worker has written what it made."""

    def watch(worker: subprocess.Popen) -> None:
        listed = Path(worker.args[2]).parent / "things/things.json"
        while worker.poll() is None and not listed.exists():
            time.sleep(0.001)
        fault(worker)

    fault_at(0, lambda worker: threading.Thread(target=watch, args=[worker], daemon=True).start())


def kill_worker(worker: subprocess.Popen) -> None:
    worker.kill()


def signal_to(pid: int, with_signal: int, worker: subprocess.Popen) -> None:
    os.kill(pid, with_signal)


def end_run(with_signal: int, worker: subprocess.Popen) -> None:
    os.kill(os.getpid(), with_signal)
    time.sleep(30)  # whatever the signal does, it does not wait for the engine


WORKER_FAULTS = {
    "before the first table": partial(fault_at, 0, kill_worker),
    "in the middle": partial(fault_at, 20, kill_worker),
    "once it has listed what it made": partial(fault_once_listed, kill_worker),
}
RUN_FAULTS = {
    "SIGKILL": partial(fault_at, 20, partial(end_run, signal.SIGKILL)),
    "SIGTERM": partial(fault_at, 20, partial(end_run, signal.SIGTERM)),
    "SIGINT": partial(fault_at, 20, partial(end_run, signal.SIGINT)),
    "SIGKILL at its start": partial(fault_at, 0, partial(end_run, signal.SIGKILL)),
}


def processes_of(home: Path) -> list[str]:
    """The command lines of processes that work on a home."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text().replace("\0", " ")
        except OSError:
            continue
        if f"{home}/builds" in words:
            found.append(words)
    return found


@pytest.fixture
def home(states) -> Path:  # noqa: F811
    """A home that has published, with a file that waits in its inbox, and Sail as its engine."""
    home = shared_home().back_to("waiting")
    use(home, "sail")
    return home


def use(home: Path, engine: str, address: str | None = None) -> None:
    (home / "flywheel.yml").write_text(f"engine:\n  name: {engine}\n  address: {address or 'null'}\n")


def fails(home: Path, first: Callable = nothing, rebuild: bool = False) -> str:
    """What a run prints that must not publish; nothing of it is left at work, and readers have what they had."""
    before = sha256(home / "serving.duckdb"), Home(home).record.read_bytes(), approved(home)
    ended = run(home, as_of=AS_OF, first=first, rebuild=rebuild)
    assert ended.code != 0, ended.output
    wait_for(lambda: not processes_of(home))
    assert (sha256(home / "serving.duckdb"), Home(home).record.read_bytes(), approved(home)) == before
    return ended.output


def approved(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "builds").glob("*.json"))


def publishes(home: Path, expected: dict[str, list[tuple]]) -> None:
    """A run that must publish these tables, and leave nothing of those before."""
    run_well(home, as_of=AS_OF)
    found = served(home)
    assert {name for name in expected if found[name] != expected[name]} <= {"main.publication"}
    assert found.keys() == expected.keys()
    [build] = approved(home)
    left = {path.name for path in (home / "builds").glob("[!.]*")}
    assert left <= {build, build.replace(".json", ".duckdb"), build.removesuffix(".json"), "landing"}
    assert not processes_of(home)


def test_killed_while_an_engine_makes_things_the_next_run_publishes_the_same(states, home):  # noqa: F811
    for first in WORKER_FAULTS.values():
        assert "its process was killed, as Linux does where memory runs out" in fails(home, first)
    for first in RUN_FAULTS.values():
        fails(home, first)
    publishes(home, states[1])


class Server:
    """Sail apart from the run, at a port that it keeps when it is started again."""

    def __init__(self, prefix: tuple[str, ...] = ()):
        self.prefix, self.port = prefix, 0
        self.start()

    def start(self) -> None:
        command = [*self.prefix, str(python_of("sail")), "-c", SERVER, str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())

    @property
    def address(self) -> str:
        return f"sc://127.0.0.1:{self.port}"

    def stop(self, with_signal: int = signal.SIGKILL) -> None:
        self.process.send_signal(with_signal)
        if with_signal == signal.SIGKILL:
            self.process.wait()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        self.process.stdout.close()


def silent_after(seconds: int, first: Callable[[], None]) -> None:
    process.SILENT_SECONDS = seconds
    first()


def test_a_server_that_is_killed_or_hangs_is_a_plain_error_and_the_next_run_publishes(states, home):  # noqa: F811
    with Server() as server:
        use(home, "sail", server.address)
        killed = partial(fault_at, 20, partial(signal_to, server.process.pid, signal.SIGKILL))
        assert "Sail could not make the things" in fails(home, killed)
        server.process.wait()
        assert f"Sail does not answer at {server.address}: [Errno 111] Connection refused. Start it" in fails(home)
        server.start()
        hangs = partial(fault_at, 20, partial(signal_to, server.process.pid, signal.SIGSTOP))
        words = f"Sail at {server.address} has not answered for 20 seconds"
        assert words in fails(home, partial(silent_after, 20, hangs))
        server.stop(signal.SIGCONT)
        publishes(home, states[1])


def test_a_server_that_does_not_see_the_home_is_named_before_anything_is_made(home):
    elsewhere = f'mount -t tmpfs none {home} && exec "$@"'
    with Server(("unshare", "--mount", "sh", "-c", elsewhere, "sh")) as server:
        use(home, "sail", server.address)
        assert "The server must see this home's folder under the same path" in fails(home)


@needs_spark
def test_a_cluster_that_loses_a_worker_or_its_master_publishes_the_same_or_nothing(states, home, tmp_path):  # noqa: F811
    with spark_cluster(tmp_path) as address:
        use(home, "spark", address)
        worker = int((tmp_path / "worker1.pid").read_text())
        lost = partial(fault_at, 10, partial(signal_to, worker, signal.SIGKILL))
        before = sha256(home / "serving.duckdb")
        ended = run(home, as_of=AS_OF, first=lost)
        wait_for(lambda: not processes_of(home))
        if ended.code:
            assert "Apache Spark" in ended.output and sha256(home / "serving.duckdb") == before
        else:
            assert {name for name in states[1] if served(home)[name] != states[1][name]} <= {"main.publication"}
        os.kill(int((tmp_path / "master.pid").read_text()), signal.SIGKILL)
        # a rebuild, because there is nothing new where the run got over the loss of a worker
        words = fails(home, rebuild=True)
        assert f"Apache Spark does not answer at {address}: [Errno 111] Connection refused" in words
    use(home, "sail")
    publishes(home, states[1])
