"""One command, alone: how long, how much of the processors, how much memory and disk it and all it starts take.

Belongs here: running a command to its end or to its death, and what it took. Does not belong here: what is run, tables.
"""

import ctypes
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
EVERY = 0.2  # seconds between two looks at memory
LOOKS_A_SPILL = 5  # looks at memory for one at the folders of spilled bytes, which may hold thousands of files
LEFT_MIB = 1_024  # of the machine's memory; with less, Linux would soon kill anything
SET_CHILD_SUBREAPER = 36  # of prctl


@dataclass
class Measured:
    """What a command took, also one that failed."""

    name: str
    seconds: float
    cpu_seconds: float  # user and system, of it and everything it started
    peak_mib: float  # the most resident memory that its processes held together, seen every 0.2 s
    output: str
    spilled_mib: float = 0.0  # the most that the folders of spilled bytes held, seen every second
    failure: str = ""  # why it did not end well


class Stopped(Exception):
    """A command failed, or did not end in time."""


def in_folder(work: Path | None, bench: Callable[[Path], int]) -> int:
    """The exit code of a benchmark in the folder `work`, which stays, or in a temporary one; 2 where it was stopped."""
    try:
        if work:
            work.mkdir(parents=True, exist_ok=True)
            return bench(work.resolve())
        with tempfile.TemporaryDirectory(prefix="flywheel-bench-") as folder:
            return bench(Path(folder))
    except Stopped as stopped:
        print(f"\n{stopped}")
        return 2


def measure(name: str, command: list, cwd: Path, timeout: float) -> Measured:
    """Run a command to its end; raises Stopped with its output when it fails, or hangs and had to be killed."""
    measured = attempt(name, command, cwd, timeout)
    if measured.failure:
        raise Stopped(f"{name} {measured.failure}:\n{measured.output[-4000:]}")
    print(f"  {name}: {measured.seconds:.1f} s", flush=True)
    return measured


def attempt(
    name: str, command: list, cwd: Path, timeout: float, spills: Iterable[tuple[Path, str]] = (), **more: str
) -> Measured:
    """Run a command with `more` environment until it ends; a failure is in the result.

    It is killed after `timeout` seconds, or once less than LEFT_MIB of the machine's memory is left.
    `spills`: (folder, pattern of the folders in it) of what engines write to disk for want of memory.
    """
    _adopt_orphans()
    before, started = _cpu_seconds(), time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=os.environ | more,
            start_new_session=True,
        )
        watch = _Watch([*spills], timeout)
        code = process.wait()
        seconds = time.monotonic() - started
        watch.end()
        output.seek(0)
        words = output.read()
    failure = watch.killed_for or f"failed with {code}" * (code != 0)
    return Measured(name, seconds, _cpu_seconds() - before, watch.peak_mib, words, watch.spilled_mib, failure)


class _Watch(threading.Thread):
    """Looks at all that descend from this process; kills them when they are late or take too much memory."""

    def __init__(self, spills: list[tuple[Path, str]], timeout: float) -> None:
        super().__init__(daemon=True)
        self.spills, self.timeout, self.deadline = spills, timeout, time.monotonic() + timeout
        self.peak_mib, self.spilled_mib, self.killed_for = 0.0, 0.0, ""
        self.done = threading.Event()
        self.start()

    def run(self) -> None:
        """Look until the end, or until it is late."""
        look = 0
        while not self.done.wait(EVERY):
            self.peak_mib = max(self.peak_mib, sum(_resident(pid) for pid in _others()))
            if look % LOOKS_A_SPILL == 0:
                self.spilled_mib = max(self.spilled_mib, _size(self.spills) / 2**20)
            look += 1
            if time.monotonic() > self.deadline:
                self.killed_for = f"did not end within {self.timeout:,.0f} s and was killed"
            elif _available() < LEFT_MIB:
                self.killed_for = f"took {self.peak_mib / 1024:.1f} GiB, the last of the machine, and was killed"
            if self.killed_for:
                _kill(_others())
                return

    def end(self) -> None:
        """Stop looking; end and await what outlived the command, such as a server that it left."""
        self.done.set()
        self.join()
        while others := _others():
            _kill(others)
            with suppress(ChildProcessError):
                os.waitpid(-1, 0)


def _adopt_orphans() -> None:
    """Become the parent of what a command leaves behind, so that its processor time is counted: Spark's JVM, say."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _cpu_seconds() -> float:
    """Of all children that have ended and were waited for, and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # it has ended
            os.kill(pid, signal.SIGKILL)


def _others() -> set[int]:
    """All that descend from this process, as /proc has them now."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it has ended
    found, size = {os.getpid()}, 0
    while size < len(found):
        size = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found - {os.getpid()}


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MIB
    except (OSError, IndexError):
        return 0.0


def _available() -> float:
    """The memory that Linux can still give, in MiB."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable"))


def _size(spills: list[tuple[Path, str]]) -> int:
    """Bytes of all files in the folders."""
    total = 0
    for folder, pattern in spills:
        for spill in folder.glob(pattern):
            for path in (spill, *spill.rglob("*")):
                with suppress(OSError):  # it was deleted meanwhile
                    total += path.stat().st_size
    return total
