"""Publishing the pages: all at once or not at all, with a PDF where a browser prints, each complete month kept once."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from browser import CHROMIUM, needs_chromium
from conftest import SECONDS
from pages import publish
from pypdf import PdfReader

from orchestration import dashboard
from orchestration.home import CHECKOUT, Home


@pytest.fixture(scope="module")
def serving() -> Path:
    """The serving file of the smallest input that has domains."""
    return publish("one_event").serving


@pytest.fixture
def served_home(home, serving, monkeypatch) -> Home:
    """A home with that serving file, and no browser."""
    monkeypatch.setenv("FLYWHEEL_CHROMIUM", "")
    shutil.copy(serving, home.serving)
    return home


def everything(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def change(home: Home, sql: str) -> None:
    """Publish another serving file, as the next run would."""
    path = home.serving.with_name("next.duckdb")
    shutil.copy(home.serving, path)
    with duckdb.connect(str(path)) as db:
        db.execute(sql)
    path.replace(home.serving)


NEXT_MONTH = "update authoritative.north_star_monthly set is_complete = true"  # January is over too


def test_every_page_is_published_and_every_link_leads_to_a_file(served_home):
    sizes = dashboard.publish_dashboard(served_home)
    assert set(everything(served_home.dashboard)) == set(sizes)
    assert "index.html" in sizes and sum(name.startswith("domains/") for name in sizes) == 1
    for path in (served_home.dashboard / "index.html", *(served_home.dashboard / "domains").glob("*.html")):
        links = [part.split('"')[0] for part in path.read_text().split('href="')[1:]]
        local = [link for link in links if not link.startswith(("#", "data:"))]
        assert local and [link for link in local if not (path.parent / link).exists()] == []


def test_a_months_page_is_kept_as_it_was_first_published(served_home):
    dashboard.publish_dashboard(served_home)
    kept = everything(served_home.archive / "2025-12")
    assert (
        kept["index.html"].replace(b'href="../index.html"', b'href="../archive/index.html"')
        == (served_home.dashboard / "index.html").read_bytes()
    )
    change(served_home, "update main.publication set run_id = 'a later run'")
    dashboard.publish_dashboard(served_home)
    assert b"a later run" in (served_home.dashboard / "index.html").read_bytes()
    assert everything(served_home.archive / "2025-12") == kept


def test_the_next_complete_month_is_kept_beside_it_and_the_list_leads_to_both(served_home):
    dashboard.publish_dashboard(served_home)
    change(served_home, NEXT_MONTH)
    dashboard.publish_dashboard(served_home)
    listed = (served_home.archive / "index.html").read_text()
    assert [listed.index(f'href="{month}/index.html"') for month in ("2026-01", "2025-12")] == sorted(
        listed.index(f'href="{month}/index.html"') for month in ("2026-01", "2025-12")
    )
    assert (served_home.archive / "2026-01" / "index.html").is_file()


def test_an_empty_organisation_keeps_no_month(home, monkeypatch):
    monkeypatch.setenv("FLYWHEEL_CHROMIUM", "")
    shutil.copy(publish("nothing").serving, home.serving)
    dashboard.publish_dashboard(home)
    assert [path.name for path in home.archive.iterdir()] == ["index.html"]
    assert "No complete month has been published yet." in (home.archive / "index.html").read_text()


@pytest.mark.parametrize("where", ["domain_pages", "index_page", "archive_page"])
def test_a_page_that_cannot_be_built_leaves_the_last_ones_in_place(served_home, monkeypatch, where):
    dashboard.publish_dashboard(served_home)
    before = everything(served_home.archive / "2025-12")

    def fail(*_):
        raise ValueError("no such page")

    monkeypatch.setattr(f"dashboard.pages.{where}", fail)
    with pytest.raises(ValueError, match="no such page"):
        dashboard.publish_dashboard(served_home)
    assert (served_home.dashboard / "index.html").is_file()
    assert everything(served_home.archive / "2025-12") == before


KILLED = """
import os, signal, sys
from orchestration import dashboard, home
point, count = sys.argv[2], int(sys.argv[3])
module = home if point == "publish" else dashboard
original = getattr(module, point)
def counted(*args, **kwargs):
    global count
    count -= 1
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)
for each in (home, dashboard):
    if hasattr(each, point):
        setattr(each, point, counted)
dashboard.publish_dashboard(home.Home.at(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("point", "count"),
    [
        ("new_folder", 1),
        ("publish", 2),  # a domain's page
        ("publish", 4),  # the swap
        ("publish", 6),  # the month into the archive
        ("publish", 7),  # the archive's list
    ],
)
def test_a_kill_leaves_the_old_pages_or_the_new_ones_and_the_next_run_repairs(served_home, point, count):
    dashboard.publish_dashboard(served_home)
    old = everything(served_home.dashboard)
    kept = everything(served_home.archive / "2025-12")
    change(served_home, f"{NEXT_MONTH}; update main.publication set run_id = 'after the kill'")
    command = [sys.executable, "-c", KILLED, str(served_home.root), point, str(count)]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    after = everything(served_home.dashboard)
    assert after == old or b"after the kill" in after["index.html"]
    assert set(after) == set(old)

    dashboard.publish_dashboard(served_home)
    assert b"after the kill" in (served_home.dashboard / "index.html").read_bytes()
    assert everything(served_home.archive / "2025-12") == kept
    assert set(everything(served_home.archive / "2026-01")) == set(old)
    left = [p.name for p in (*served_home.root.iterdir(), *served_home.archive.iterdir()) if p.name.startswith(".")]
    assert len(left) == 1 and left[0].startswith(".dashboard-")  # what the link points at, and nothing else


def test_a_browser_prints_the_page_beside_it_and_the_page_links_to_it(served_home, monkeypatch):
    needs_chromium()
    monkeypatch.setenv("FLYWHEEL_CHROMIUM", CHROMIUM)
    sizes = dashboard.publish_dashboard(served_home)
    pdf = PdfReader(served_home.dashboard / "index.pdf")
    assert sizes["index.pdf"] > 1000 and 1 <= len(pdf.pages) <= 3
    assert "North Star" in pdf.pages[0].extract_text()
    assert 'href="index.pdf"' in (served_home.dashboard / "index.html").read_text()
    assert (served_home.archive / "2025-12" / "index.pdf").is_file()


@pytest.mark.parametrize("chromium", ["/no/such/browser", "/bin/false", "/bin/true"])
def test_where_nothing_prints_there_is_a_page_without_a_link_to_a_pdf(served_home, monkeypatch, chromium):
    monkeypatch.setenv("FLYWHEEL_CHROMIUM", chromium)
    sizes = dashboard.publish_dashboard(served_home)
    assert "index.pdf" not in sizes
    assert "index.pdf" not in (served_home.dashboard / "index.html").read_text()


def test_a_browser_is_found_by_name_unless_it_is_declared(monkeypatch, tmp_path):
    browser = tmp_path / "chromium-browser"
    browser.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FLYWHEEL_CHROMIUM", raising=False)
    assert dashboard.browser() == str(browser)
    monkeypatch.setenv("FLYWHEEL_CHROMIUM", "")
    assert dashboard.browser() is None
    monkeypatch.setenv("FLYWHEEL_CHROMIUM", "/opt/mine")
    assert dashboard.browser() == "/opt/mine"
