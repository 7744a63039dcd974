"""Packages of npm that tests run, as locked in a folder with package.json: fetched once a session, nothing of it ships.

Belongs here: fetching them, and what happens where that can't be done. Does not belong here: what they check.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import SECONDS


def absent(words: str):
    """Skip for want of a tool; in CI nothing may be skipped."""
    pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)


def fetch(locked: Path, folder: Path) -> None:
    """A copy of the folder `locked` at `folder`, with its packages in node_modules."""
    if not shutil.which("npm"):
        absent(f"npm is not installed; it fetches the packages of tests/{locked.name}")
    shutil.copytree(locked, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        absent(f"npm could not fetch the packages of tests/{locked.name}: {done.stderr}")
