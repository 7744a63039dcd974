"""Runs a command and prints the CPU-seconds of everything it started, however far down.

measured.py COMMAND [ARGUMENT …]

A test starts processes that outlive the one that started them, and `time` does not count those. On Linux this process
adopts them, so that it waits for them too.
"""

import ctypes
import os
import resource
import subprocess
import sys
import time
from contextlib import suppress

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_SECONDS = 20  # for what the command left behind; whatever runs on after that is not counted


def main(command: list[str]) -> int:
    """Run it to its end; returns its exit code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    started = time.monotonic()
    code = subprocess.run(command, check=False).returncode
    ended = time.monotonic()
    with suppress(ChildProcessError):
        while time.monotonic() < ended + PATIENCE_SECONDS:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.1)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = ended - started
    print(f"{used.ru_utime + used.ru_stime:,.0f} CPU-seconds ({used.ru_stime:,.0f} in the system), {seconds:,.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
