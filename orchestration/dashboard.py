"""Publishes the pages: all of them swapped in at once, a PDF beside them, each complete month's kept.

Belongs here: writing, printing, swapping, keeping. Does not belong here: what a page says (that is `dashboard/`).
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from orchestration.home import Home, new_folder, publish, swap_folder, write_whole

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
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


def publish_dashboard(home: Home) -> dict[str, int]:
    """Build the pages of the serving file, print them, swap them in, keep the month's; returns bytes by file.

    Where there is no browser, or it can't print, there is no PDF and the page does not link to one.
    """
    from dashboard.pages import archive_page, domain_pages, index_page  # Altair takes a second, and only this needs it
    from dashboard.tables import read
    from dashboard.words import last_complete

    served = read(home.serving)
    folder = new_folder(home.dashboard)
    domains = domain_pages(served)
    archive = f"../{home.archive.name}/index.html"
    _write(folder, {"index.html": index_page(served, archive, "index.pdf"), **domains})
    pdf = "index.pdf" if print_pdf(folder / "index.html", folder / "index.pdf") else None
    if pdf is None:
        _write(folder, {"index.html": index_page(served, archive)})
    sizes = {str(f.relative_to(folder)): f.stat().st_size for f in sorted(folder.rglob("*")) if f.is_file()}
    swap_folder(home.dashboard, folder)

    complete = last_complete(served.north_star)
    kept = complete and home.archive / f"{complete['month_starting']:%Y-%m}"
    if kept and not kept.exists():
        _keep(kept, folder, index_page(served, "../index.html", pdf))
    months = [path.name for path in home.archive.glob("????-??")]
    home.archive.mkdir(exist_ok=True)
    write_whole(home.archive / "index.html", archive_page(served, months).encode())
    return sizes


def browser() -> str | None:
    """A Chromium that can print: FLYWHEEL_CHROMIUM (empty for none), else the first one installed; None without."""
    if "FLYWHEEL_CHROMIUM" in os.environ:
        return os.environ["FLYWHEEL_CHROMIUM"] or None
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def print_pdf(page: Path, pdf: Path) -> bool:
    """Print a page as its style sheet says; whether it worked."""
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


def _write(folder: Path, pages: dict[str, str]) -> None:
    for name, html in pages.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        write_whole(path, html.encode())


def _keep(kept: Path, folder: Path, index: str) -> None:
    """Copy a month's pages into the archive, all at once and once only."""
    kept.parent.mkdir(exist_ok=True)
    for left in kept.parent.glob(".*"):
        shutil.rmtree(left, ignore_errors=True)
    temporary = kept.with_name(f".{kept.name}")
    shutil.copytree(folder, temporary)
    _write(temporary, {"index.html": index})
    publish(temporary, kept)
