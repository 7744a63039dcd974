"""The environments of the engines: one a kind, made by `flywheel engine install` from a locked file of its own.

PySpark's client takes no pandas 3, so it can't be where Flywheel is. An environment is in the folder of the Python that
runs Flywheel, and all homes share it; a change of the locked file makes it out of date.

Belongs here: where an environment is, making one, whether it is the locked one. Does not belong here: what runs in it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ENGINES = {"sail": "Sail", "spark": "Apache Spark"}
LOCKS = Path(__file__).parent
JAVA = 17  # the oldest that Spark 4.1 runs on


class EngineError(RuntimeError):
    """An engine that can't be used: says what happened and what to do."""


def environment(engine: str) -> Path:
    """The folder of an engine's environment, made or not."""
    return Path(sys.prefix) / "engines" / engine


def python_of(engine: str) -> Path:
    """The engine's Python; raises EngineError where its environment is missing or of another lock."""
    folder = environment(engine)
    stamp = folder / "installed"
    if not stamp.exists():
        raise EngineError(f"{ENGINES[engine]} is not installed here. Run `flywheel engine install {engine}` once.")
    if stamp.read_text() != _version(engine):
        raise EngineError(f"{folder} is of another version of Flywheel. Run `flywheel engine install {engine}` again.")
    return folder / "bin" / "python"


def check_java() -> None:
    """Raise EngineError unless this machine has the Java that Spark's own process here needs."""
    folder = os.environ.get("JAVA_HOME")
    java = str(Path(folder, "bin", "java")) if folder else shutil.which("java")
    what_to_do = (
        f"Apache Spark needs Java {JAVA} or later on this machine: install it (on Debian, apt-get install "
        f"openjdk-{JAVA}-jre-headless), or set JAVA_HOME to its folder."
    )
    if not java:
        raise EngineError(f"There is no Java here. {what_to_do}")
    try:
        words = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineError(f"{java} can't be run: {error}. {what_to_do}") from error
    found = re.search(r'version "(?:1\.)?(\d+)', words)
    if not found or int(found.group(1)) < JAVA:
        raise EngineError(f"{java} is Java {found.group(1) if found else 'of an unknown version'}. {what_to_do}")


def install_engine(engine: str) -> Path:
    """Make the environment anew from its locked file; returns its folder. Raises EngineError with pip's last words."""
    folder = environment(engine)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = ["--no-deps", "--require-hashes", "--requirement", str(LOCKS / f"{engine}.lock")]
    done = subprocess.run([*pip, *locked], capture_output=True, text=True)
    if done.returncode:
        raise EngineError(f"{ENGINES[engine]} could not be installed: {done.stderr.strip()[-1_000:]}")
    (folder / "installed").write_text(_version(engine))
    return folder


def _version(engine: str) -> str:
    return hashlib.sha256((LOCKS / f"{engine}.lock").read_bytes() + sys.version.encode()).hexdigest()
