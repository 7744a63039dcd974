"""The worker itself, in the engine's Python, against servers that are none: it ends with its run, in plain words."""

import http.server
import json
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from conftest import SECONDS
from engines import needs_sail

from orchestration.build.engines import process
from orchestration.build.engines.environment import EngineError, python_of
from orchestration.build.engines.things import reach
from orchestration.settings import Engine

pytestmark = [pytest.mark.slow, needs_sail]


@pytest.fixture
def black_hole():
    """A socket that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        yield server


# a server that gets a token, and refuses it
REFUSES = """
import grpc, sys, time
from concurrent import futures

class Refuses(grpc.GenericRpcHandler):
    def service(self, call):
        sent = dict(call.invocation_metadata).get("authorization")
        def refuse(request, context):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "No such token" if sent == "Bearer hush" else f"Got {sent}")
        return grpc.unary_unary_rpc_method_handler(refuse)

server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Refuses()])
print(server.add_secure_port("localhost:0", grpc.local_server_credentials()), flush=True)
server.start()
sys.stdin.read()
"""


def job_for(folder: Path, address: str) -> Path:
    job = folder / "job.json"
    about = {"engine": "sail", "address": address, "things": str(folder / "things"), "schemas": "a_", "sources": {}}
    job.write_text(json.dumps(about | {"build": "000001-a"}))
    return job


def address_of(server: socket.socket) -> str:
    return f"sc://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_never_answers_is_given_up_within_the_minute(black_hole, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "CONNECT_SECONDS", 3)
    engine = Engine("sail", address_of(black_hole))
    reach(engine)  # a connection is all that this looks for
    words = f"Sail does not answer at {engine.address}: it takes connections, but 3 seconds brought no answer"
    with pytest.raises(EngineError, match=words):
        process.run_worker(python_of("sail"), job_for(tmp_path, engine.address), engine, {}, lambda words: None)


def test_a_worker_ends_once_its_run_has_whatever_it_waits_for(black_hole, tmp_path):
    job = job_for(tmp_path, address_of(black_hole))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([python_of("sail"), process.WORKER, job], **pipes) as worker:
        connection, _ = black_hole.accept()
        worker.stdin.close()
        assert worker.wait(SECONDS) == 3
        connection.close()


def test_a_token_of_the_environment_is_sent_and_where_it_is_refused_nothing_shows_it(tmp_path, monkeypatch):
    monkeypatch.setenv(process.TOKEN, "hush")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([python_of("sail"), "-c", REFUSES], **pipes) as server:
        engine = Engine("spark", f"sc://localhost:{int(server.stdout.readline())}")
        job = job_for(tmp_path, engine.address)
        with pytest.raises(EngineError, match=f"Apache Spark at {engine.address} refuses this run: No such token. Is"):
            process.run_worker(python_of("sail"), job, engine, {}, lambda words: None)
        server.stdin.close()
    assert not [path for path in tmp_path.iterdir() if b"hush" in path.read_bytes()]


@pytest.mark.soak  # seventeen seconds of attempts each
@pytest.mark.parametrize(
    ("parameters", "words"), [("", "Failed parsing HTTP/2"), ("/;use_ssl=true", "Tls handshake failed")]
)
def test_a_server_of_another_kind_is_named_with_what_it_said(tmp_path, parameters, words):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        engine = Engine("spark", f"sc://127.0.0.1:{server.server_port}{parameters}")
        with pytest.raises(EngineError, match=f"Apache Spark does not answer at {engine.address}: .*{words}"):
            process.run_worker(python_of("sail"), job_for(tmp_path, engine.address), engine, {}, lambda words: None)
        server.shutdown()
