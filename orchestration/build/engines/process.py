"""The process in which an engine does its half of a build: started, listened to, and ended with all that it started.

Belongs here: its environment, its words, its silence, its end, and what each of them means in an error. Does not belong
here: what the process is to do (things.py), what happens inside it (worker.py).
"""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from orchestration.build.engines.environment import ENGINES, EngineError
from orchestration.settings import Engine

WORKER = Path(__file__).with_name("worker.py")
CONNECT_SECONDS = 40  # until a server has answered first: with the ten of `reach`, less than a minute
SILENT_SECONDS = 120  # as Spark waits for a part of its cluster (spark.network.timeout)
LAST_WORDS_SECONDS = 2  # for what it said last to be read, once it has ended
END_SECONDS = 5  # for the process to cancel what a server still does for it
TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN"  # PySpark's own name; flywheel.yml is no place for a secret
OF_ANOTHER = ("PYTHON", "VIRTUAL_ENV", "SPARK_HOME", "SPARK_REMOTE", "SPARK_API_MODE", "MASTER")  # Python, Spark
KILLED = "its process was killed, as Linux does where memory runs out"


def run_worker(
    python: Path, job: Path, engine: Engine, environment: dict[str, str], tell: Callable[[str], None]
) -> None:
    """Run the worker to its end, its log next to the job; `tell` gets its progress in words.

    Raises EngineError: it failed, was killed, or was silent for too long. Nothing of it runs on afterwards.
    """
    with job.with_name("engine.log").open("w") as log, tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [str(python), str(WORKER), str(job)],
            stdin=subprocess.PIPE,  # it ends when this process does
            stdout=subprocess.PIPE,
            stderr=log,
            env=_inherited(engine) | environment | {"TZ": "UTC"},
            cwd=folder,  # Spark writes files of its own where it is started
            text=True,
            start_new_session=True,  # a group of its own, with all that it starts; Ctrl-C reaches the run alone
        )
        try:
            _follow(process, engine, log, tell)
        finally:
            _end(process)


def _inherited(engine: Engine) -> dict[str, str]:
    """The run's environment; the token for a server only, as PySpark encrypts every connection where there is one."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OF_ANOTHER)}
    if not (engine.address or "").startswith("sc://"):
        kept.pop(TOKEN, None)
    return kept


def _follow(process: subprocess.Popen, engine: Engine, log: IO[str], tell: Callable[[str], None]) -> None:
    """Pass the worker's progress on until it ends; raises EngineError."""
    name, done, error = ENGINES[engine.name], 0, ""
    tell(f"{name} started")
    for words in _words(process, engine, log):
        if "unreachable" in words:
            what = refused if words.get("is_refusal") else unreachable
            raise EngineError(f"{what(engine, words['unreachable'])} Log: {log.name}")
        error = words.get("error", error)
        if "node" in words:
            done += 1
            tell(f"{done} tables done on {name}")
    code = process.wait()
    if code or error:
        why = error or (KILLED if code == -signal.SIGKILL else f"its process ended with {code}")
        raise EngineError(f"{name} could not make the things: {why}. Log: {log.name}")


def _words(process: subprocess.Popen, engine: Engine, log: IO[str]) -> Iterator[dict[str, Any]]:
    """What the worker says, a JSON object a line; all other lines go to its log. Raises EngineError after a silence."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    has_answered = False
    while True:
        seconds = CONNECT_SECONDS if engine.is_server and not has_answered else SILENT_SECONDS
        try:
            line = lines.get(timeout=seconds)
        except queue.Empty:
            raise EngineError(_silence(engine, seconds, has_answered, log.name)) from None
        if line is None:
            return
        words = _json_object(line)
        if words is None:
            log.write(line)
            continue
        has_answered = has_answered or "version" in words
        yield words


def _read(process: subprocess.Popen, lines: "queue.SimpleQueue[str | None]") -> None:
    """Put every line, and None once the process has ended; what it started may hold its output open for longer."""

    def put() -> None:
        for line in process.stdout or ():
            lines.put(line)

    reader = threading.Thread(target=put, daemon=True)
    reader.start()
    process.wait()
    reader.join(LAST_WORDS_SECONDS)
    lines.put(None)


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        words = json.loads(line)
    except ValueError:
        return None
    return words if isinstance(words, dict) else None


def unreachable(engine: Engine, reason: object) -> str:
    """That no server answers at an engine's address, and what to do."""
    return (
        f"{ENGINES[engine.name]} does not answer at {engine.address or 'this machine'}: {reason}. Start it, or correct "
        "engine.address in flywheel.yml; with `name: duckdb` there, this machine builds everything."
    )


def refused(engine: Engine, reason: object) -> str:
    """That a server takes no request of this run, and what to do."""
    return (
        f"{ENGINES[engine.name]} at {engine.address} refuses this run: {reason}. Is the token right that the run "
        f"has in the environment variable {TOKEN}?"
    )


def _silence(engine: Engine, seconds: int, has_answered: bool, log: str) -> str:
    name, where = ENGINES[engine.name], f" at {engine.address}" if engine.address else ""
    if has_answered or not engine.is_server:
        return (
            f"{name}{where} has not answered for {seconds} seconds, so the run has ended its part there. Look at its "
            f"log, memory and machine, then run again. Log here: {log}"
        )
    reason = f"it takes connections, but {seconds} seconds brought no answer, as if it were not Spark Connect"
    return f"{unreachable(engine, reason)} Log: {log}"


def _end(process: subprocess.Popen) -> None:
    """End the worker and all that it started; where it is at work, it first has some seconds to cancel that."""
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
