"""Files that several processes land at once land as if one had, and each once."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from conftest import CHECKOUT, NOW, as_lines, make_event, put, visible, wait_for
from pipeline import Started

from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing import land as landing
from orchestration.landing import processes
from orchestration.landing.inbox import waiting_files
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined
from orchestration.landing.receipts import receipts


def send(home: Home, count: int = 6) -> None:
    """Files of good rows, with a refused row in each; one that can't be read, one with the content of another."""
    for k in range(count):
        rows = [make_event(event_id=f"{k} {i}") for i in range(20)]
        put(home, f"f{k}.jsonl", as_lines([*rows, make_event("adopted", f"{k}", consumer_domain=True)]))
    put(home, "g.xlsx", b"PK")
    put(home, "h.jsonl", (home.inbox / "f0.jsonl").read_bytes())


def landed(home: Home) -> list:
    """Every answer of landing."""
    tables = [visible(home, table) for table in load_layer("landing")]
    return [*tables, quarantined(home).to_pylist(), receipts(home), waiting_files(home)]


@pytest.mark.slow
def test_two_processes_land_what_one_does(tmp_path):
    one, two = Home.at(tmp_path / "one"), Home.at(tmp_path / "two")
    for home in (one, two):
        send(home)
    alone = land_inbox(one, NOW)
    assert len(alone) == 7 and sum(receipt["rows_landed"] for receipt in alone) == 120

    assert land_inbox(two, NOW, count=2) == alone
    assert landed(two) == landed(one)


def test_what_a_process_that_died_left_is_landed_by_the_one_that_started_it(home, unchecked, monkeypatch):
    monkeypatch.setattr(processes, "shared_out", lambda module, start, groups, count: [None] * len(groups))
    send(home)
    assert len(land_inbox(home, NOW, count=2)) == 7


WORKER = """
import os
from orchestration.landing import processes
def answer_of(start):
    def answer(piece):
        print("no answer")
        if piece == "die":
            os.kill(os.getpid(), 9)
        if piece == "fail":
            raise OSError(28, "No space left on device")
        return start + piece
    return answer
processes.serve(answer_of)
"""


@pytest.fixture
def module(tmp_path, monkeypatch) -> str:
    (tmp_path / "some_worker.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "some_worker"


def test_pieces_are_answered_in_order_and_those_of_a_dead_process_with_none(module):
    assert processes.shared_out(module, "<", list("abcde"), 2) == ["<a", "<b", "<c", "<d", "<e"]
    answers = processes.shared_out(module, "<", ["a", "die", "b", "die", "c"], 2)
    assert [answers[1], answers[3]] == [None, None]
    with pytest.raises(OSError, match="No space left on device"):
        processes.shared_out(module, "<", ["a", "fail", "b"], 2)


HOLDER = """
import signal, sys
from pathlib import Path
from orchestration.home import Home
from orchestration.landing.locks import BatchLocks
with BatchLocks(Home(Path(sys.argv[1]))) as held:
    print(held.take(sys.argv[2]), flush=True)
    signal.pause()
"""


def test_a_file_that_another_process_lands_is_waited_for_and_landed_here_where_that_one_dies(home, unchecked, tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        put(home, name, as_lines([make_event(event_id=name)]))
    command = [sys.executable, "-c", HOLDER, str(home.root), waiting_files(home)[0].batch_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=CHECKOUT) as other:
        assert other.stdout.readline() == b"True\n"
        found = []
        here = Thread(target=lambda: found.extend(land_inbox(home, NOW)))
        here.start()
        wait_for(lambda: len(receipts(home)) == 1)
        assert [receipt["file_name"] for receipt in receipts(home)] == ["b.jsonl"] and here.is_alive()
        other.kill()
    here.join()
    assert [receipt["file_name"] for receipt in found] == ["b.jsonl", "a.jsonl"]


def test_what_another_process_has_landed_since_the_inbox_was_read_is_left(home, unchecked, monkeypatch):
    send(home)
    listed = waiting_files(home)
    land_inbox(home, NOW)
    before = landed(home)
    assert landing.Lander(home, NOW).land(listed) == ([], [])
    assert landed(home) == before


def land_with_others(root: Path) -> int:
    land_inbox(Home.at(root))
    return 0


@pytest.mark.soak
def test_several_landings_at_once_land_each_file_once(tmp_path):
    one, many = Home.at(tmp_path / "one"), Home.at(tmp_path / "many")
    for home in (one, many):
        send(home, 100)
    land_inbox(one, NOW)
    started = [Started(land_with_others, many.root) for _ in range(4)]
    assert [each.end().code for each in started] == [0] * 4

    def without(home: Home) -> list:
        rows = landed(home)
        return [*rows[:-3], [{**r, "landed_at": None} for r in sorted(receipts(home), key=lambda r: r["file_name"])]]

    assert without(many) == without(one)
    assert land_inbox(many, NOW) == []


def children() -> list[int]:
    lists = (path.read_text().split() for path in Path("/proc/self/task").glob("*/children"))
    return [int(pid) for pids in lists for pid in pids if is_worker(int(pid))]


def is_worker(pid: int) -> bool:
    return b"orchestration.landing.land" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.soak
def test_a_process_of_a_landing_that_is_killed_costs_nothing(tmp_path):
    home = Home.at(tmp_path / "home")
    send(home, 300)
    found = []
    here = Thread(target=lambda: found.extend(land_inbox(home, NOW, count=2)))
    here.start()
    os.kill(wait_for(children)[0], signal.SIGKILL)
    here.join()
    assert len(found) == len(receipts(home)) == 301
    assert sum(receipt["rows_landed"] for receipt in found) == 300 * 20
