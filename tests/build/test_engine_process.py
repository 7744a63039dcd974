"""The process of an engine that fails, is killed, falls silent or outlives its run: a plain error, nothing left of it.

Scripts of a few lines take the place of the engine's worker; the real one is killed in test_engine_faults.
"""

import json
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from conftest import wait_for

from orchestration.build.engines import process
from orchestration.build.engines.environment import EngineError
from orchestration.build.engines.things import reach
from orchestration.settings import Engine

SERVER = Engine("spark", "sc://127.0.0.1:15002")
BEGIN = "import json, os, signal, subprocess, sys, time\nsay = lambda **words: print(json.dumps(words), flush=True)\n"


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """A script in place of the worker: worker(code) -> the job to run it with."""

    def write(code: str) -> Path:
        script = tmp_path / "script.py"
        script.write_text(BEGIN + textwrap.dedent(code))
        monkeypatch.setattr(process, "WORKER", script)
        return tmp_path / "job.json"

    return write


def ended_with(job: Path, engine: Engine = SERVER) -> tuple[str, list[str]]:
    """(the error of a run of the worker, what it told before)."""
    told: list[str] = []
    with pytest.raises(EngineError) as error:
        process.run_worker(Path(sys.executable), job, engine, {}, told.append)
    return str(error.value), told


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


FAULTS = {
    "a model fails": (
        "say(version='4'); say(error='domains: no such column'); sys.exit(1)",
        "Apache Spark could not make the things: domains: no such column. Log: ",
    ),
    "it ends without a word": (
        "say(version='4'); sys.exit(7)",
        "Apache Spark could not make the things: its process ended with 7. Log: ",
    ),
    "it is killed": (
        "say(version='4'); say(node='a', status='success'); os.kill(os.getpid(), signal.SIGKILL)",
        "Apache Spark could not make the things: its process was killed, as Linux does where memory runs out. Log: ",
    ),
    "no server answers": (
        "say(unreachable='Connection refused'); sys.exit(1)",
        "Apache Spark does not answer at sc://127.0.0.1:15002: Connection refused. Start it, or correct engine.address "
        "in flywheel.yml; with `name: duckdb` there, this machine builds everything. Log: ",
    ),
    "the server refuses": (
        "say(unreachable='Invalid authentication token', is_refusal=True); sys.exit(1)",
        "Apache Spark at sc://127.0.0.1:15002 refuses this run: Invalid authentication token. Is the token right that "
        "the run has in the environment variable SPARK_CONNECT_AUTHENTICATE_TOKEN? Log: ",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_worker_that_fails_is_named_with_what_it_said_last(worker, fault):
    code, expected = FAULTS[fault]
    job = worker(code)
    error, _ = ended_with(job)
    assert error == f"{expected}{job.with_name('engine.log')}"


SILENCES = {
    "before": (
        "time.sleep(600)",
        SERVER,
        "Apache Spark does not answer at sc://127.0.0.1:15002: it takes connections, but 0.5 seconds brought no "
        "answer, as if it were not Spark Connect. Start it, or correct engine.address",
    ),
    "during": (
        "say(version='4'); say(node='a', status='success'); time.sleep(600)",
        SERVER,
        "Apache Spark at sc://127.0.0.1:15002 has not answered for 0.7 seconds, so the run has ended its part there.",
    ),
    "on this machine": ("time.sleep(600)", Engine("sail"), "Sail has not answered for 0.7 seconds"),
}


@pytest.mark.parametrize("case", SILENCES)
def test_an_engine_that_is_silent_for_too_long_is_ended(worker, monkeypatch, case):
    monkeypatch.setattr(process, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(process, "SILENT_SECONDS", 0.7)
    monkeypatch.setattr(process, "END_SECONDS", 0.1)
    code, engine, expected = SILENCES[case]
    error, _ = ended_with(worker(code), engine)
    assert error.startswith(expected)


def test_progress_counts_tables_and_all_else_that_is_printed_is_in_the_log(worker):
    job = worker(
        """
        say(version='4'); print('a line of Java'); print('[1]'); say(is_alive=True)
        say(node='a', status='success'); say(node='b', status='success')
        print('to stderr', file=sys.stderr)
        """
    )
    told: list[str] = []
    process.run_worker(Path(sys.executable), job, SERVER, {}, told.append)
    assert told == ["Apache Spark started", "1 tables done on Apache Spark", "2 tables done on Apache Spark"]
    assert set(job.with_name("engine.log").read_text().splitlines()) == {"a line of Java", "[1]", "to stderr"}


def test_what_a_worker_started_ends_with_it(worker, tmp_path):
    job = worker(
        f"""
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
        open({str(tmp_path / "pid")!r}, 'w').write(str(child.pid))
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    ended_with(job)
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not is_alive(pid))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_closes_the_workers_stdin(worker, tmp_path, sent):
    script = worker(f"say(node='a'); sys.stdin.read(); open({str(tmp_path / 'ended')!r}, 'w').close()")
    run = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from orchestration.build.engines import process as p; "
            "from orchestration.settings import Engine; p.WORKER = Path(sys.argv[1]); "
            "p.run_worker(Path(sys.executable), Path(sys.argv[2]), Engine('sail'), {}, lambda w: print(w, flush=True))",
            process.WORKER,
            script,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert [run.stdout.readline() for _ in range(2)] == ["Sail started\n", "1 tables done on Sail\n"]
    run.send_signal(sent)
    run.wait()
    run.stdout.close()
    wait_for((tmp_path / "ended").exists)


def test_no_secret_of_the_environment_is_in_the_job_or_the_log(worker, monkeypatch):
    monkeypatch.setenv("SPARK_CONNECT_AUTHENTICATE_TOKEN", "a secret")
    job = worker("say(version='4'); sys.exit(0 if os.environ['SPARK_CONNECT_AUTHENTICATE_TOKEN'] == 'a secret' else 1)")
    job.write_text(json.dumps({"address": SERVER.address}))
    process.run_worker(Path(sys.executable), job, SERVER, {}, lambda words: None)
    assert not [path for path in job.parent.iterdir() if path.name != "script.py" and b"a secret" in path.read_bytes()]


def test_an_address_that_nobody_can_reach_is_named_with_what_to_do():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nothing listens there
        port = held.getsockname()[1]
        for address in (f"sc://127.0.0.1:{port}", f"sc://127.0.0.1:{port}/;use_ssl=true", f"spark://127.0.0.1:{port}"):
            with pytest.raises(EngineError, match=f"Apache Spark does not answer at {address}: .*Connection refused"):
                reach(Engine("spark", address))
    with pytest.raises(EngineError, match=r"does not answer at sc://nowhere.invalid:15002: .*(not known|resolution)"):
        reach(Engine("spark", "sc://nowhere.invalid:15002"))


def test_an_address_of_ipv6_is_reached():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        reach(Engine("spark", f"sc://[::1]:{server.getsockname()[1]}"))
