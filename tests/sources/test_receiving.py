"""`flywheel receive` as a process: killed at random, every delivery that it acknowledged is an event, once."""

import http.client
import os
import random
import subprocess
import threading
from contextlib import suppress
from functools import partial

import pytest
from conftest import NOW, SECONDS, wait_for
from typer.testing import CliRunner
from webhooks import SECRET, body_of, declare, signed

from orchestration.cli import app
from orchestration.home import Home
from orchestration.instance import free_port
from orchestration.sources.pull import pull
from orchestration.sources.statement import said

SENDERS = 4


def command(home: Home, monkeypatch, *options: str) -> tuple[list[str], str]:
    """The process that `flywheel receive` becomes, and what it printed before."""
    found: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: found.append(arguments))
    done = CliRunner().invoke(app, ["receive", "--home", str(home.root), *options])
    assert done.exit_code == 0, done.output
    return found[0], done.output


def test_the_command_listens_on_this_machine_alone_and_warns_elsewhere(home, monkeypatch):
    arguments, printed = command(home, monkeypatch)
    assert arguments[-3:] == [str(home.root), "127.0.0.1", "8787"] and printed == ""
    assert command(home, monkeypatch, "--host", "::1", "--port", "0")[0][-2:] == ["::1", "0"]
    _, printed = command(home, monkeypatch, "--host", "0.0.0.0")
    assert printed.startswith("Warning: other machines reach 0.0.0.0, and what they send can be read on the way")


def test_the_command_needs_a_port_and_a_home_of_real_events(home):
    refused = CliRunner().invoke(app, ["receive", "--port", "70000", "--home", str(home.root)])
    assert refused.exit_code == 2 and "65535" in refused.output
    home.remember_sample(NOW, [], [])
    refused = CliRunner().invoke(app, ["receive", "--home", str(home.root)])
    assert refused.exit_code == 1 and "give your sources a home of their own: --home NEW." in refused.output


class Process:
    """The receiver of a home, started anew after each kill, on one port."""

    def __init__(self, arguments: list[str], port: int, log) -> None:
        self.arguments, self.port, self.log, self.is_up = arguments, port, log, threading.Event()
        self.start()

    def start(self) -> None:
        environment = os.environ | {"HOOK_SECRET": SECRET}
        self.running = subprocess.Popen(self.arguments, env=environment, stdout=self.log, stderr=self.log)
        wait_for(lambda: self.ask("GET", "/health") == 200)
        self.is_up.set()

    def kill(self) -> None:
        self.is_up.clear()
        self.running.kill()
        self.running.wait()

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict | None = None) -> int:
        """The status of an answer; raises OSError where there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            return connection.getresponse().status
        except http.client.HTTPException as error:
            raise ConnectionError from error
        finally:
            connection.close()


class Senders:
    """Threads that deliver numbered deliveries; one that is not acknowledged is sent again, or given up."""

    def __init__(self, process: Process, count: int, seed: int) -> None:
        self.process, self.acknowledged = process, set[int]()
        self.threads = [
            threading.Thread(target=self._send, args=(range(n, count, SENDERS), random.Random(seed + n)))
            for n in range(SENDERS)
        ]
        for thread in self.threads:
            thread.start()

    def _send(self, numbers: range, chance: random.Random) -> None:
        for number in numbers:
            body = body_of(f"p{number}", padding="x" * chance.randint(0, 9000))
            while chance.random() < 0.95:  # the others are given up, acknowledged or not
                self.process.is_up.wait(SECONDS)
                with suppress(OSError):
                    if self.process.ask("POST", "/hooks", body, signed("github", body, f"d{number}")) == 200:
                        self.acknowledged.add(number)
                        break

    def have(self, count: int) -> bool:
        """Whether so many deliveries are acknowledged, or no more will be."""
        return len(self.acknowledged) >= count or not any(thread.is_alive() for thread in self.threads)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "kills"), [(150, 2), pytest.param(1000, 12, marks=pytest.mark.soak)])
def test_every_acknowledged_delivery_is_an_event_once_whenever_the_receiver_is_killed(
    home, monkeypatch, tmp_path, count, kills
):
    declare(home)
    port, chance = free_port(), random.Random(count)
    arguments, _ = command(home, monkeypatch, "--port", str(port))
    with (tmp_path / "log").open("w") as log:
        process = Process(arguments, port, log)
        senders = Senders(process, count, seed=count)
        for moment in sorted(chance.sample(range(count * 8 // 10), kills)):
            wait_for(partial(senders.have, moment))
            process.kill()
            pull(home, "hooks")
            process.start()
        wait_for(partial(senders.have, count))
        process.kill()
    pull(home, "hooks")
    assert pull(home, "hooks").words.endswith("events, nothing new")
    events = said(home.sent / "hooks")
    assert len(senders.acknowledged) > count * 8 // 10
    assert {f"d{number}" for number in senders.acknowledged} <= events.keys()
    assert all(event["data_product_id"] == f"p{name[1:]}" and event["revision"] == 0 for name, event in events.items())
    assert SECRET not in (tmp_path / "log").read_text()
    assert not [path for path in home.root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
