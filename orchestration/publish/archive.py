"""Keeps each complete month: its pages as they were first published, its authoritative tables as Parquet, and a list.

Belongs here: which month is kept when, and writing it. Does not belong here: what the list shows (`dashboard/`).
"""

import re
import shutil
from datetime import datetime
from pathlib import Path

from dashboard import kept
from dashboard.rendering import archive_page
from dashboard.tables import PageData, last_complete
from orchestration.home import PublishedFolder, publish, sync_folder, write_whole
from orchestration.publish.parquet import write_tables

TABLES = ("authoritative", "main")  # the schemas that are kept; main holds what the tables are about
DRAWN = re.compile(r"[·;] drawn (\d{1,2} \w{3} \d{4}, \d\d:\d\d UTC)")  # as a page's header says it


def keep_month(published: PublishedFolder, archive: Path, served: PageData, drawn_at: datetime) -> None:
    """Keep the pages and tables as those of the latest complete month, if it has none yet, and list the months.

    Complete means that the month and its lateness allowance were over at as_of. Pages with an as_of in
    the future, or with rows as known earlier, are not how a month was first published, and are not kept.
    """
    complete, about = last_complete(served.north_star), served.publication
    if complete and about["known_at"] is None and about["as_of"] <= drawn_at:
        month = archive / f"{complete['month_starting']:%Y-%m}"
        if not month.exists():
            _keep(month, published)
    archive.mkdir(exist_ok=True)
    folders = [archive / name for name in kept.kept_months(archive)]
    page = archive_page([(month.name, _drawn_at(month), kept.read_kept(month, kept.LISTED)) for month in folders])
    if not page.is_drawn(archive / page.name):
        write_whole(archive / page.name, page.draw(drawn_at, about["run_id"]).encode())


def _keep(month: Path, published: PublishedFolder) -> None:
    """Copy pages and tables into the archive, all at once; the pages lead to the archive's list from within it."""
    month.parent.mkdir(exist_ok=True)
    for left in month.parent.glob(".*"):
        shutil.rmtree(left, ignore_errors=True)
    temporary = month.with_name(f".{month.name}")
    shutil.copytree(published.dashboard, temporary)
    index = (temporary / "index.html").read_bytes()
    link = f'href="../{month.parent.name}/index.html"'.encode()
    write_whole(temporary / "index.html", index.replace(link, b'href="../index.html"'))
    tables = temporary / kept.FOLDER
    tables.mkdir()
    write_tables(published.serving, tables, TABLES)
    sync_folder(tables)
    publish(temporary, month)


def _drawn_at(month: Path) -> str:
    """When a kept month's main page was drawn, as its header says; empty where it does not."""
    page = month / "index.html"
    found = DRAWN.search(page.read_text(errors="replace")) if page.is_file() else None
    return found[1] if found else ""
