"""Work for several processes of this program: each gets one piece after the other, and answers.

Belongs here: starting them, handing out pieces, what happens when one dies. Does not belong here: what they do
(land.py).

A process ends when its input does, so none outlives the one that started it by more than the piece at hand.
"""

import os
import pickle
import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from orchestration.home import PACKAGES

GIB = 1 << 30
MEMORY_OF_ONE = 2 * GIB  # 5,000,000 rows in one file take 1.5 GB


def available(pieces: int) -> int:
    """How many processes to start at most: of one piece each, on the processors of this one, in half of the memory."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return max(1, min(pieces, len(os.sched_getaffinity(0)), memory // MEMORY_OF_ONE))


def shared_out(module: str, start: Any, pieces: list[Any], count: int) -> list[Any]:
    """The answer to each piece, by `count` processes that run `module`; None where the process died.

    A process gets `start` first. An error that one meets is raised here, once the others have ended their pieces.
    """
    answers: list[Any] = [None] * len(pieces)
    waiting = deque(enumerate(pieces))
    with ThreadPoolExecutor(count) as threads:
        running = [threads.submit(_hand_out, module, start, waiting, answers) for _ in range(count)]
    for each in running:
        each.result()
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers


def _hand_out(module: str, start: Any, waiting: deque[tuple[int, Any]], answers: list[Any]) -> None:
    """Hand one process piece after piece until there is none left, or it died, or met an error."""
    command = [sys.executable, "-P", "-m", module]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PACKAGES), os.environ.get("PYTHONPATH", "")])}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment)
    assert process.stdin and process.stdout
    try:
        _send(process.stdin, start)
        while waiting:
            number, piece = waiting.popleft()
            _send(process.stdin, piece)
            answers[number] = pickle.load(process.stdout)  # of our own process
            if isinstance(answers[number], BaseException):
                return
    except (BrokenPipeError, EOFError, IndexError, pickle.UnpicklingError):  # it died, or another took the last piece
        return
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        process.stdout.close()


def serve(start_of: Any) -> None:
    """Be such a process: `start_of(start)` gives the function that answers pieces."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        answer = start_of(pickle.load(questions))
        while True:
            _send(answers, _answer(answer, pickle.load(questions)))
    except EOFError:
        return


def _answer(answer: Any, piece: Any) -> Any:
    try:
        return answer(piece)
    except Exception as error:
        return error


def _send(file: Any, what: Any) -> None:
    pickle.dump(what, file)
    file.flush()
