"""Gives a home the sample organisation: its teams' files, its declared tables, and the source that it has declared.

Belongs here: where each part goes. Does not belong here: what is in the files (deliveries.py).
"""

import tempfile
from pathlib import Path

from orchestration.declared import write_declared
from orchestration.home import Home
from orchestration.landing.inbox import place_in_inbox, settled_files
from orchestration.sample.declarations import SETTINGS, declared_rows
from orchestration.sample.deliveries import CHECKS, write_exports, write_sample
from orchestration.sample.organisation import SAMPLE_AS_OF
from orchestration.settings import write_settings
from orchestration.sources.statement import delivered
from orchestration.sources.templates import add


def other_files(home: Home) -> str:
    """Why a home with sample events takes no others, and what to do; empty where there are none.

    Mixed numbers would describe no organisation.
    """
    sample = home.sample()
    if sample is None:
        return ""
    own = {*sample["files"]}.union(*(delivered(home, name) for name in sample.get("sources", ())))
    others = [path.name for path in settled_files(home.inbox) if path.name not in own]
    if not others:
        return ""
    return (
        f"{home.root} holds the sample organisation's events, and now {', '.join(others[:3])} in its inbox. "
        "Move them to a home of their own: flywheel run --home NEW --events FILE."
    )


def put_sample(home: Home) -> None:
    """Put the files into the inbox, and declare the tables and the source; its exports are in `<home>/sample`."""
    with tempfile.TemporaryDirectory(dir=home.root) as folder:
        files = write_sample(Path(folder))
        home.remember_sample(SAMPLE_AS_OF, [file.name for file in files], [CHECKS])
        write_settings(home, SETTINGS)
        write_declared(home, declared_rows())
        exports = Path("sample") / CHECKS
        write_exports(home.root / exports)
        add(home, CHECKS, str(exports))
        for file in files:
            place_in_inbox(home, file)
