"""Publishing the pages: all at once or not at all, each drawn only when what it shows has changed, and says when.

With a PDF where a browser prints, and each complete month kept once, unless it looks back.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from browser import CHROMIUM, needs_chromium
from conftest import CHECKOUT, SECONDS
from pages import publish, serving_file
from pypdf import PdfReader

from dashboard.rendering import Page, code_hash, pages_of
from dashboard.tables import read
from orchestration.home import Home
from orchestration.publish import pages as dashboard

pytestmark = pytest.mark.slow


def page_of(folder: str, name: str) -> str:
    return f"{folder}/{name.lower().replace(' ', '-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.html"


domain_page = partial(page_of, "domains")


@pytest.fixture(scope="module")
def serving() -> Path:
    """The serving file of the smallest input that has domains."""
    return publish("one_event").serving


@pytest.fixture
def served_home(home, serving, monkeypatch) -> Home:
    """A home with that serving file, and no browser."""
    monkeypatch.setenv("FLYWHEEL_CHROMIUM", "")
    shutil.copyfile(serving, home.serving)
    return home


def everything(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def change(home: Home, sql: str) -> None:
    """Publish another serving file, as the next run would."""
    path = home.serving.with_name("next.duckdb")
    shutil.copyfile(home.serving, path)
    with duckdb.connect(str(path)) as db:
        db.execute(sql)
    path.replace(home.serving)


NEXT_MONTH = "update authoritative.north_star_monthly set is_complete = true"  # January is over too
FIRST = datetime(2026, 1, 7, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 2, 9, 15, 0, tzinfo=UTC)


@pytest.fixture
def six_domains(served_home) -> Home:
    """The same with the serving file of an organisation of six domains."""
    shutil.copyfile(serving_file("no_adoption"), served_home.serving)
    return served_home


@pytest.fixture
def drawn(monkeypatch) -> list[str]:
    """The names of the pages that are drawn from now on; the archive's list is "list"."""
    names, draw = [], Page.draw

    def noted(page, *args):
        names.append("list" if page.template == "archive.html" else page.name)
        return draw(page, *args)

    monkeypatch.setattr(Page, "draw", noted)
    return names


@pytest.fixture
def printed(monkeypatch) -> list[Path]:
    """The pages that are printed from now on, by a browser that prints them in no time."""
    pages = []
    monkeypatch.setattr(dashboard, "browser", lambda: "/opt/browser")
    monkeypatch.setattr(dashboard, "print_pdf", lambda page, pdf: pages.append(page) or bool(pdf.write_bytes(b"%PDF")))
    return pages


def test_every_page_is_published_and_every_link_leads_to_a_file(served_home):
    sizes = dashboard.publish_dashboard(served_home)
    assert set(everything(served_home.dashboard)) == set(sizes)
    assert {"index.html", "open.html"} < set(sizes)
    assert [sum(name.startswith(kind) for name in sizes) for kind in ("domains/", "products/")] == [1, 1]
    for path in served_home.dashboard.rglob("*.html"):
        links = [part.split('"')[0] for part in path.read_text().split('href="')[1:]]
        local = [link for link in links if not link.startswith(("#", "data:"))]
        assert local and [link for link in local if not (path.parent / link.partition("#")[0]).exists()] == []


def test_a_months_page_is_kept_as_it_was_first_published(served_home):
    dashboard.publish_dashboard(served_home)
    kept = everything(served_home.archive / "2025-12")
    assert (
        kept["index.html"].replace(b'href="../index.html"', b'href="../archive/index.html"')
        == (served_home.dashboard / "index.html").read_bytes()
    )
    change(served_home, "update main.publication set run_id = 'a later run', as_of = as_of + interval 1 hour")
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
    shutil.copyfile(publish("nothing").serving, home.serving)
    dashboard.publish_dashboard(home)
    assert [path.name for path in home.archive.iterdir()] == ["index.html"]
    assert "No complete month has been published yet." in (home.archive / "index.html").read_text()


@pytest.mark.parametrize("as_of", [LATER - timedelta(seconds=1), LATER + timedelta(seconds=1)])
def test_a_month_that_is_yet_to_come_is_not_kept(served_home, as_of):
    change(served_home, f"{NEXT_MONTH}; update main.publication set as_of = '{as_of.isoformat()}'")
    dashboard.publish_dashboard(served_home, LATER)
    assert (served_home.archive / "2026-01").exists() == (as_of < LATER)


def test_a_page_of_what_was_known_earlier_is_not_kept(served_home):
    change(served_home, "update main.publication set known_at = as_of")
    dashboard.publish_dashboard(served_home, LATER)
    assert [path.name for path in served_home.archive.iterdir()] == ["index.html"]


@pytest.mark.parametrize(
    ("known_at", "known"),
    [("null", "everything known until then"), ("'2026-01-08 06:00:00Z'", "what was known by 8 Jan 2026, 06:00 UTC")],
)
def test_a_look_back_says_so_on_top_and_keeps_nothing(served_home, known_at, known):
    change(served_home, f"update main.publication set known_at = {known_at}")
    place = SimpleNamespace(serving=served_home.serving, dashboard=served_home.dashboard, archive=None)
    dashboard.publish_dashboard(place, LATER)
    assert not served_home.archive.exists()
    for path in place.dashboard.rglob("*.html"):
        html = path.read_text()
        said = f"Looks back: as of 7 Jan 2026, 00:00 UTC; drawn 9 Feb 2026, 15:00 UTC from {known}."
        assert html.index(said) < html.index("<h1>")
        assert "earlier months" not in html


def test_the_live_pages_do_not_look_back(served_home):
    dashboard.publish_dashboard(served_home)
    assert "Looks back" not in (served_home.dashboard / "index.html").read_text()


# --- Drawn when, and how often --------------------------------------------------------------------


def test_every_page_says_when_it_was_drawn_and_by_which_run(served_home):
    change(served_home, "update main.publication set run_id = 'the first run'")
    dashboard.publish_dashboard(served_home, FIRST)
    pages = [*served_home.dashboard.rglob("*.html"), *served_home.archive.rglob("*.html")]
    assert len(pages) == 2 * len(page_names(served_home)) + 1
    assert [path for path in pages if "rawn 7 Jan 2026, 09:30 UTC" not in path.read_text()] == []
    for folder in (served_home.dashboard, served_home.archive / "2025-12"):
        assert "<dt>Drawn by run</dt><dd>the first run</dd>" in (folder / "index.html").read_text()


def test_pages_that_would_show_the_same_are_neither_drawn_nor_printed_nor_written_again(served_home, drawn, printed):
    dashboard.publish_dashboard(served_home, FIRST)
    assert sorted(drawn) == sorted([*page_names(served_home), "list"])
    assert len(printed) == 1
    before, folder = everything(served_home.root), served_home.dashboard.resolve()
    change(served_home, "update main.publication set run_id = 'a later run'")
    sizes = dashboard.publish_dashboard(served_home, LATER)
    assert (len(drawn), len(printed)) == (len(page_names(served_home)) + 1, 1)
    after = everything(served_home.root)
    assert [name for name in before if before[name] != after.get(name) and name != "serving.duckdb"] == []
    assert served_home.dashboard.resolve() == folder
    assert set(sizes) == set(everything(served_home.dashboard))


@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("update authoritative.open_ideas set title = 'Renamed' where data_product_id = 'product 79'", ["open", "01"]),
        ("update authoritative.leading_metrics_monthly set value = 7 where domain = 'Division 01'", ["01"]),
        ("delete from authoritative.outlook", ["main"]),
        ("update authoritative.open_ideas set days_in_queue = days_in_queue + 0.01", ["main", "open", "every domain"]),
        (
            "update main.publication set as_of = as_of + interval 1 day",
            ["main", "open", "every domain", "every metric", "every persona"],
        ),
        ("update curated.lifecycle_events set source_ref = 'a' where data_product_id = 'product 79'", ["product 79"]),
    ],
)
def test_a_changed_row_draws_the_pages_that_show_it_again_and_no_other(six_domains, drawn, sql, changed):
    dashboard.publish_dashboard(six_domains, FIRST)
    before = everything(six_domains.dashboard)
    drawn.clear()
    change(six_domains, sql)
    dashboard.publish_dashboard(six_domains, LATER)
    served = read(six_domains.serving)
    domains = [row["domain"] for row in served.domains]
    assert len(domains) == 6
    names = {
        "main": ["index.html"],
        "open": ["open.html"],
        "01": [domain_page("Division 01")],
        "product 79": [page_of("products", "product 79")],
        "every domain": [domain_page(domain) for domain in domains],
        "every metric": [f"metrics/{metric}.html" for metric in served.metrics],
        "every persona": [f"personas/{slug}.html" for slug in ("cdo", "engineering", "product-leaders", "cto")],
    }
    expected = sorted(name for what in changed for name in names[what])
    assert sorted(drawn) == expected
    after = everything(six_domains.dashboard)
    assert sorted(name for name in before if before[name] != after[name]) == expected
    assert set(after) == set(before)


def test_a_domain_that_is_no_more_takes_its_page_along(six_domains):
    dashboard.publish_dashboard(six_domains)
    change(six_domains, "delete from authoritative.domain_scorecard where domain = 'Division 01'")
    dashboard.publish_dashboard(six_domains)
    assert not (six_domains.dashboard / domain_page("Division 01")).exists()
    assert len([*(six_domains.dashboard / "domains").iterdir()]) == 5


def test_other_code_draws_every_page_again(served_home, drawn, monkeypatch):
    dashboard.publish_dashboard(served_home)
    monkeypatch.setattr("dashboard.rendering.code_hash", lambda: "other code")
    dashboard.publish_dashboard(served_home)
    assert sorted(drawn) == sorted(2 * [*page_names(served_home), "list"])


def test_the_code_that_draws_is_all_of_the_dashboards(tmp_path, monkeypatch):
    folder = Path(shutil.copytree(CHECKOUT / "dashboard", tmp_path / "dashboard"))
    monkeypatch.setattr("dashboard.rendering.__file__", str(folder / "rendering.py"))
    hashes = {code_hash.__wrapped__()}
    files = [path for path in folder.rglob("*") if path.suffix in (".py", ".html", ".css", ".owm")]
    for path in files:
        path.write_text(path.read_text() + "\n")
        hashes.add(code_hash.__wrapped__())
    assert len(hashes) == 1 + len(files) > 10


def test_the_pdf_is_printed_again_with_the_main_page_only(six_domains, drawn, printed):
    dashboard.publish_dashboard(six_domains)
    change(six_domains, "update authoritative.leading_metrics_monthly set value = 7 where domain = 'Division 01'")
    dashboard.publish_dashboard(six_domains)
    assert (drawn.count("index.html"), len(printed)) == (1, 1)
    assert (six_domains.dashboard / "index.pdf").read_bytes() == b"%PDF"
    change(six_domains, "delete from authoritative.outlook")
    dashboard.publish_dashboard(six_domains)
    assert (drawn.count("index.html"), len(printed)) == (2, 2)


def test_a_browser_that_prints_again_is_tried_withoutcode_hash_twice(served_home, drawn, printed, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(dashboard, "print_pdf", lambda page, pdf: False)
        dashboard.publish_dashboard(served_home)
        drawn.clear()
        dashboard.publish_dashboard(served_home)
        assert drawn == []
        assert "index.pdf" not in (served_home.dashboard / "index.html").read_text()
    dashboard.publish_dashboard(served_home)
    assert (drawn, len(printed)) == (["index.html"], 1)
    assert 'href="index.pdf"' in (served_home.dashboard / "index.html").read_text()


def page_names(home: Home) -> list[str]:
    return [page.name for page in pages_of(read(home.serving), None, None)]


# --- Broken off -----------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["domain.html", "index.html", "archive.html"])
def test_a_page_that_cannot_be_drawn_leaves_the_last_ones_in_place(served_home, monkeypatch, template):
    dashboard.publish_dashboard(served_home)
    before, kept = everything(served_home.dashboard), everything(served_home.archive / "2025-12")
    change(served_home, f"{NEXT_MONTH}; update main.publication set as_of = as_of + interval 1 hour")
    draw = Page.draw

    def fail(page, *args):
        if page.template == template:
            raise ValueError("no such page")
        return draw(page, *args)

    monkeypatch.setattr(Page, "draw", fail)
    with pytest.raises(ValueError, match="no such page"):
        dashboard.publish_dashboard(served_home)
    after = everything(served_home.dashboard)
    assert set(after) == set(before)
    assert (after == before) == (template != "archive.html")
    assert everything(served_home.archive / "2025-12") == kept


KILLED = """
import os, re, signal, sys
from orchestration import home
from orchestration.publish import archive, pages as dashboard
point, where = sys.argv[2:]
module = home if point == "publish" else dashboard
original = getattr(module, point)
def watched(*args, **kwargs):
    if re.search(where, str(args[-1])):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)
for each in (home, dashboard, archive):
    if hasattr(each, point):
        setattr(each, point, watched)
dashboard.publish_dashboard(home.Home.at(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("point", "where"),
    [
        ("new_folder", ""),
        ("publish", "/metrics/"),  # a page, which is drawn again
        ("publish", r"/\.dashboard-\w+/index.html$"),  # the main page
        ("publish", "/dashboard$"),  # the swap
        ("publish", "/2026-01$"),  # the month into the archive
        ("publish", "/archive/index.html$"),  # the archive's list
    ],
)
def test_a_kill_leaves_the_old_pages_or_the_new_ones_and_the_next_run_repairs(served_home, point, where):
    dashboard.publish_dashboard(served_home)
    old = everything(served_home.dashboard)
    kept = everything(served_home.archive / "2025-12")
    change(served_home, f"{NEXT_MONTH}; update main.publication set run_id = 'after the kill'")
    command = [sys.executable, "-c", KILLED, str(served_home.root), point, where]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    after = everything(served_home.dashboard)
    assert after == old or b"after the kill" in after["index.html"]
    assert set(after) == set(old)

    dashboard.publish_dashboard(served_home)
    assert b"after the kill" in (served_home.dashboard / "index.html").read_bytes()
    assert everything(served_home.archive / "2025-12") == kept
    assert {name for name in everything(served_home.archive / "2026-01") if "tables/" not in name} == set(old)
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
