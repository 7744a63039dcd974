"""The environments of the engines: one a kind, made by `flywheel engine install` from a locked file of its own.

PySpark's client takes no pandas 3, so it can't be where Flywheel is. An environment is in the folder of the Python that
runs Flywheel, and all homes share it; a change of the locked file makes it out of date.

Belongs here: where an environment is, making one, whether it is the locked one. Does not belong here: what runs in it.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ENGINES = {"sail": "Sail", "spark": "Apache Spark"}
LOCKS = Path(__file__).parent


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
