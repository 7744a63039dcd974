"""The record of what stands in a published folder: which build, its tables, its pages.

Belongs here: `published.json`, and whether it is still true. Does not belong here: writing tables (serving.py) or pages
(pages.py).
"""

import json
from typing import Any

from orchestration.build.builds import Build, fingerprint
from orchestration.home import Dates, Home, PublishedFolder, read_json, sha256, write_whole
from orchestration.publish.pages import browser


def is_current(home: Home, dates: Dates) -> bool:
    """Whether the tables and pages of these dates are intact, and built from these events, settings and this code."""
    folder = home.folder_for(dates)
    try:
        record = read_json(folder.record)
        now: dict[str, Any] = {"fingerprint": fingerprint(home, dates), "browser": browser()}
        return record == record | now | {"tables": _tables(folder), "pages": _pages(folder)}
    except OSError:
        return False


def tables_change(folder: PublishedFolder) -> None:
    """Record that the tables are about to be swapped: until `pages_are_published` the folder is of no build."""
    write_whole(folder.record, json.dumps({"pages": read_json(folder.record).get("pages")}).encode())


def tables_are_published(folder: PublishedFolder, build: Build) -> None:
    """Record the build whose tables are in place; the pages have not been drawn from them yet."""
    tables = {"build_id": build.id, "fingerprint": build.approval["fingerprint"], "tables": _tables(folder)}
    write_whole(folder.record, json.dumps(read_json(folder.record) | tables).encode())


def pages_are_published(folder: PublishedFolder) -> None:
    """Record that the pages were drawn from the tables."""
    pages = {"browser": browser(), "pages": _pages(folder)}
    write_whole(folder.record, json.dumps(read_json(folder.record) | pages).encode())


def are_pages_intact(folder: PublishedFolder) -> bool:
    """Whether the pages are still those that were published."""
    return read_json(folder.record).get("pages") == _pages(folder)


def _tables(folder: PublishedFolder) -> dict[str, str]:
    """{file: sha256} of the tables."""
    return {path.name: sha256(path) for path in sorted([folder.serving, *folder.serving_parquet.glob("*.parquet")])}


def _pages(folder: PublishedFolder) -> dict[str, str]:
    """{file: sha256} of the pages."""
    files = sorted(path for path in folder.dashboard.rglob("*") if path.is_file())
    return {str(path.relative_to(folder.dashboard)): sha256(path) for path in files}
