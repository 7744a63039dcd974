"""Builds the wheel and installs it into an environment of its own, outside of the checkout.

Belongs here: the wheel, the environment, running its commands. Does not belong here: any expectation.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from conftest import CHECKOUT, SECONDS, once_a_session

SOURCES = ("dashboard", "data_contracts", "dbt_project", "orchestration", "sources")
UV = [sys.executable, "-m", "uv", "--offline", "--quiet"]


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel, and the folder in which its commands start."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "environment" / "bin" / "python"

    @property
    def package(self) -> Path:
        """The folder of the installed package."""
        [found] = (self.folder / "environment").glob("lib/python*/site-packages/orchestration")
        return found

    def command(self, *arguments) -> list[str]:
        """`flywheel` with these arguments."""
        return [str(self.python.with_name("flywheel")), *map(str, arguments)]

    def environment(self, **more) -> dict[str, str]:
        """The variables of this process, without those that lead to the checkout."""
        ours = ("PYTHONPATH", "FLYWHEEL_HOME", "DAGSTER_HOME", "VIRTUAL_ENV")
        return {name: value for name, value in os.environ.items() if name not in ours} | more

    def run(self, *arguments, **more) -> subprocess.CompletedProcess:
        """Run `flywheel` to its end; `more` are further variables of its environment."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )


def wheel() -> Path:
    """The wheel of this checkout; built once a session, from a copy, as a build leaves its folders behind."""
    [found] = once_a_session("wheel", _build).glob("*.whl")
    return found


def _build(folder: Path) -> None:
    for name in SOURCES:
        shutil.copytree(CHECKOUT / name, folder / "sources" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, folder / "sources")
    build = [*UV, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder]
    subprocess.run([*build, folder / "sources"], check=True, timeout=SECONDS)


def installed() -> Installed:
    """The wheel in a new environment that reads the locked packages of the checkout's one; once a session."""
    return Installed(once_a_session("installed", _install))


def _install(folder: Path) -> None:
    environment = folder / "environment"
    # relocatable: `once_a_session` renames the folder
    subprocess.run([*UV, "venv", "--relocatable", "--python", sys.executable, environment], check=True, timeout=SECONDS)
    python = environment / "bin" / "python"
    subprocess.run([*UV, "pip", "install", "--no-deps", "--python", python, wheel()], check=True, timeout=SECONDS)
    [packages] = environment.glob("lib/python*/site-packages")
    # .pth files of a folder that is named in one are not read, so the checkout's editable install is not seen
    (packages / "locked.pth").write_text(sysconfig.get_path("purelib"))
