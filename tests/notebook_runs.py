"""Runs the notebooks without a server, on homes that hold one serving file.

Belongs here: a home to read, running a notebook, what it shows. Does not belong here: any expectation.
"""

import atexit
import html
import importlib
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from conftest import SETS
from pages import serving_file
from pipeline import CHECKOUT, attached

FOLDER = CHECKOUT / "notebooks"
TITLES = {  # notebook: its title, its last heading
    "north_star": ("North Star: a tour", "The same tables elsewhere"),
    "time_to_value": ("Why finished ideas mislead", "Which figure to use"),
    "your_questions": ("Your questions", "10. Which figures are NULL, and why?"),
}
NOTEBOOKS = list(TITLES)
MODULES = ["flywheel", "notebook_tools", "questions"]  # what they import


@cache
def home_of(name: str, datasets: Path | None) -> Path:
    """The home of an input of pages.py or of a shared set; built once a session."""
    folder = Path(tempfile.mkdtemp(prefix=f"flywheel-notebooks-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    served_of = serving_file(name, datasets / name / "events.jsonl", SETS[name]) if datasets else serving_file(name)
    shutil.copy(served_of, folder / "serving.duckdb")
    return folder


def query(home: Path, sql: str) -> list[tuple]:
    with attached(home / "serving.duckdb") as db:
        return db.execute(sql).fetchall()


def run(name: str, home: Path, **instead) -> tuple[list[str], dict]:
    """(what its cells show, as markup; what they define) of a notebook on a home; `instead` replaces definitions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLYWHEEL_HOME", str(home))
        outputs, defined = notebook(name).app.run(defs=instead or None)
    return [getattr(output, "text", str(output)) for output in outputs if output is not None], dict(defined)


@cache
def run_once(name: str, home: Path) -> tuple[list[str], dict]:
    """`run` as it is opened, for all tests that only look."""
    return run(name, home)


def notebook(name: str):
    """The notebook as a module, found as marimo finds it: beside the others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        return importlib.import_module(name)


def words_of(shown: list[str]) -> str:
    """What a person reads of it."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", " ".join(shown))))
