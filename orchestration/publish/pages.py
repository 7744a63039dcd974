"""Publishes the pages: all of them swapped in at once, a PDF of the first.

Belongs here: writing, printing, swapping. Does not belong here: the content of a page (`dashboard/`), the archive.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from dashboard.rendering import Page, pages_of
from dashboard.tables import read
from orchestration.home import PublishedFolder, new_folder, swap_folder, sync_folder, write_whole
from orchestration.publish.archive import keep_month

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
PDF = "index.pdf"
PRINT_SECONDS = 60
PRINT = (
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
)


def publish_dashboard(
    published: PublishedFolder, drawn_at: datetime | None = None, carry_over: bool = True
) -> dict[str, int]:
    """Draw the pages whose rows changed, swap all of them in, keep the month's; returns bytes by file.

    A page that would show the same is carried over as it was drawn, and with the main page its PDF. Where there is no
    browser, or it can't print, there is no PDF and the page does not link to one. Without an archive the pages are
    marked as a look back.

    Parameters: `drawn_at`, the time with its zone that a drawn page shows; now if not given. `carry_over`, whether the
    pages that are there may be kept.
    """
    drawn_at, served = drawn_at or datetime.now(UTC), read(published.serving, published.archive)
    archive = f"../{published.archive.name}/index.html" if published.archive else None
    linked, *domains = pages_of(served, archive, PDF, looks_back=not archive)
    unlinked = replace(linked, options=linked.options | {"pdf": None})
    if not carry_over or not _are_drawn(published.dashboard, linked if browser() else unlinked, domains):
        folder = new_folder(published.dashboard)
        old = published.dashboard if carry_over else folder
        put = partial(_put, old, folder, drawn_at, served.publication["run_id"])
        for page in domains:
            put(page)
        _put_main(old, folder, put, linked, unlinked)
        for kind in {path.parent for path in folder.rglob("*") if path.is_file()}:
            sync_folder(kind)
        swap_folder(published.dashboard, folder)
    if published.archive:
        keep_month(published, published.archive, served, drawn_at)
    return {name: (published.dashboard / name).stat().st_size for name in sorted(_files(published.dashboard))}


def _are_drawn(folder: Path, main: Page, domains: list[Page]) -> bool:
    """Whether a folder holds these pages, a PDF where one is linked, and nothing else."""
    pages = [main, *domains]
    names = {page.name for page in pages} | ({PDF} if main.options["pdf"] else set())
    return _files(folder) == names and all(page.is_drawn(folder / page.name) for page in pages)


def _put(old: Path, folder: Path, drawn_at: datetime, run_id: str, page: Page) -> None:
    """Write a page into the new folder: as it is in the old one, where it would show the same."""
    path, before = folder / page.name, old / page.name
    path.parent.mkdir(exist_ok=True)
    if page.is_drawn(before):
        _carry_over(before, path)
    else:
        write_whole(path, page.draw(drawn_at, run_id).encode())


def _carry_over(before: Path, path: Path) -> None:
    """The same file in the new folder: 2,000 pages take 0.05 s as hard links, 4 s as copies that are synced."""
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(before)
    except OSError:  # a file system without hard links
        write_whole(path, before.read_bytes())


def _put_main(old: Path, folder: Path, put: Callable[[Page], None], linked: Page, unlinked: Page) -> None:
    """Put the main page, and its PDF where there is one to link to."""
    name = linked.name
    if not browser():
        return put(unlinked)
    if linked.is_drawn(old / name) and (old / PDF).is_file():
        put(linked)
        return write_whole(folder / PDF, (old / PDF).read_bytes())
    printed = unlinked if unlinked.is_drawn(old / name) else linked  # paper shows no link, so both print the same
    put(printed)
    final = linked if print_pdf(folder / name, folder / PDF) else unlinked
    if final is not printed:
        put(final)


def browser() -> str | None:
    """A Chromium that can print: FLYWHEEL_CHROMIUM (empty for none), else the first one installed; None without."""
    if "FLYWHEEL_CHROMIUM" in os.environ:
        return os.environ["FLYWHEEL_CHROMIUM"] or None
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def print_pdf(page: Path, pdf: Path) -> bool:
    """Print a page with its print style; returns whether it worked."""
    chromium = browser()
    if not chromium:
        return False
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has none for root
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium, *PRINT, *sandbox, f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", page.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=PRINT_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError):
            pdf.unlink(missing_ok=True)
    return pdf.exists()


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
