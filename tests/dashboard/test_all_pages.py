"""Every page that is drawn, without a browser: links, hostile text, the open data products, what makes one be redrawn.

The inputs are those of test_dashboard.py and test_dashboard_inputs.py, which look at some of these pages in a browser.
"""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import SHOWN_SETS
from pages import HOSTILE_DOMAINS, HOSTILE_TITLES, Published, publish, publish_asked
from pipeline import CHECKOUT

from dashboard.links import outside, slug
from dashboard.products import IN_QUEUE, PAGES

pytestmark = pytest.mark.slow

ELEMENTS = (
    "html head meta link title style body div header main nav section h1 h2 h3 p a b strong small span bdi br dl dt"
)
ELEMENTS += " dd ul ol li table caption thead tbody tfoot tr th td figure details summary data i u wbr"
DRAWING = {"svg", "g", "path", "text", "tspan", "rect", "line", "circle", "desc", "defs", "clippath", "use", "polygon"}
DRAWING |= {"polyline", "lineargradient", "stop"}
LARGEST = {"index.html": 300_000, "products": 40_000, "metrics": 200_000}  # bytes
AT_MOST = 1_000_000  # with 2,000 data products on a page, each a row of up to 450


class Seen(HTMLParser):
    """The links, ids, elements, attributes and text of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.links, self.ids, self.attributes, self.parts = path, [], [], set(), []
        self.elements: set[str] = set()
        self.feed(path.read_text())
        self.text = "".join(self.parts)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        self.attributes |= {(tag, name) for name, _ in attributes}
        values = dict(attributes)
        if tag == "a":
            self.links.append(values["href"])
        if values.get("id"):
            self.ids.append(values["id"])

    def handle_data(self, data):
        self.parts.append(data)


MANY = pytest.param("many_domains", marks=pytest.mark.soak)  # hostile has as many kinds of pages
MADE_UP = ["sample", "hostile", MANY, "nothing", "one_event", "no_adoption"]
# one_event has an open idea alone, no_adoption many open ideas among others, test_promises the tables of all_open
MADE_UP += [pytest.param("all_open", marks=pytest.mark.soak)]


@pytest.fixture(scope="module", params=[*MADE_UP, *SHOWN_SETS])
def published(request) -> Published:
    return publish_asked(request)


@pytest.fixture(scope="module")
def seen(published) -> dict[str, Seen]:
    """Every page by its name."""
    files = sorted(published.folder.rglob("*.html"))
    return {path.relative_to(published.folder).as_posix(): Seen(path) for path in files}


def test_every_page_and_section_of_the_concepts_is_drawn():
    sample = publish("sample")  # which sends and declares everything
    named = re.findall(r"`([a-z/_-]+\.html)(?:#([a-z-]+))?`", (CHECKOUT / "docs" / "concepts.md").read_text())
    assert len(named) > 40
    ids = {page: Seen(sample.folder / page).ids for page, _ in named if (sample.folder / page).exists()}
    assert [f"{page}#{part}" for page, part in named if page not in ids or (part and part not in ids[page])] == []


def test_every_link_leads_to_a_page_or_to_the_web_and_no_id_is_there_twice(published, seen):
    broken = []
    for name, page in seen.items():
        assert len(page.ids) == len(set(page.ids)), name
        for link in page.links:
            if link.startswith(("http://", "https://")):
                broken += [] if name.startswith(("products/", "personas/")) and outside(link) else [(name, link)]
                continue
            file, _, target = link.partition("#")
            path = (published.folder / name).parent / file if file else published.folder / name
            if path.suffix == ".owm":
                broken += [] if path.read_text().startswith("// ") else [(name, link)]
                continue
            other = seen.get(path.resolve().relative_to(published.folder.resolve()).as_posix())
            if other is None or (target and target not in other.ids):
                broken.append((name, link))
    assert broken == []


def test_nothing_from_an_event_becomes_markup(seen):
    for name, page in seen.items():
        assert page.elements - set(ELEMENTS.split()) - DRAWING == set(), name
        assert {attribute for _, attribute in page.attributes if attribute.startswith("on")} == set(), name
        assert {tag for tag, attribute in page.attributes if attribute in ("src", "srcdoc", "action")} == set(), name


def test_every_page_is_reached_from_the_first_one(seen):
    reached, left = set(), ["index.html"]
    while left:
        name = left.pop()
        if name in reached or name not in seen:
            continue
        reached.add(name)
        for link in seen[name].links:
            path = (Path(name).parent / link.partition("#")[0]) if not link.startswith(("#", "http")) else Path(name)
            left.append(_normal(path))
    assert seen.keys() - reached == set()


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def test_pages_have_plain_names_of_their_own(published, seen):
    plain = r"(domains|products|personas)/[a-z0-9][a-z0-9-]{0,49}\.html|metrics/[a-z0-9_]+\.html|open\.html|index\.html"
    assert [name for name in seen if not re.fullmatch(plain, name)] == []
    assert len(published.domains) == len(published.query("from authoritative.domain_scorecard"))


def test_pages_are_as_small_as_promised(published, seen):
    for name in seen:
        kind = name.partition("/")[0]
        assert (published.folder / name).stat().st_size <= LARGEST.get(kind, AT_MOST), name


def test_a_data_product_has_a_page_with_its_events_and_who_uses_it(published, seen):
    served = published.query(
        "select data_product_id, title, (select count(*) from curated.adoptions a where a.data_product_id ="
        " p.data_product_id), (select count(*) from curated.lifecycle_events e where e.data_product_id ="
        " p.data_product_id and event_type in ('idea_logged', 'work_started', 'deployed', 'abandoned'))"
        " from curated.data_products p"
    )
    paged = [row for row in served if f"products/{slug(row[0])}.html" in seen]
    assert len(paged) == min(PAGES, len(served)) == sum(name.startswith("products/") for name in seen)
    for product, title, uses, steps in paged:
        page = seen[f"products/{slug(product)}.html"]
        html = page.path.read_text()
        names = [" ".join(name.split()) for name in (product, (title or "").strip() or product)]
        assert [name for name in names if name[:110] not in " ".join(page.text.split())] == []
        assert html.count('<tr><th scope="row"><a href="../domains/') == uses
        assert (
            sum(html.count(f'<li class="{k}">') for k in ("idea_logged", "work_started", "deployed", "abandoned"))
            == steps
        )


def test_every_open_data_product_is_on_the_page_of_open_ones_in_one_queue(published, seen):
    """The first IN_QUEUE of a queue, each as a link where it has a page."""
    served = published.query("select data_product_id, queue, queue_rank from authoritative.open_ideas")
    tables = seen["open.html"].path.read_text().split('<table data-queue="')[1:]
    listed = {table.partition('"')[0]: table.partition("</table>")[0] for table in tables}
    shown = [(product, queue) for product, queue, rank in served if rank <= IN_QUEUE]
    assert Counter(queue for _, queue in shown) == {q: table.count('<th scope="row">') for q, table in listed.items()}
    linked = [pair for pair in shown if f"products/{slug(pair[0])}.html" in seen]
    found = [(product, queue) for product, _ in linked for queue, table in listed.items() if slug(product) in table]
    assert Counter(found) == Counter(linked)
    assert len(linked) == len(shown) or len(published.query("from curated.data_products")) > PAGES


@pytest.mark.parametrize(
    ("address", "is_linked"),
    [
        ("https://jira.example.com/browse/DATA-1?a=b&c=d#e", True),
        ("http://[2001:db8::1]:8080/x", True),
        ("HTTPS://jira.example.com", False),  # not as any tool writes it
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)//https://x", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("//evil.example.com", False),
        ("https://good.example.com@evil.example.com/", False),
        ("https://good.example.com\\@evil.example.com/", False),
        ("https://a\nb", False),
        ("https://jira.example.com/\u202egpj", False),
        ('https://x/" onmouseover="alert(1)', False),
        ("https://jira.example.com:99999/", False),
        ("https://", False),
        ("../../etc/passwd", False),
        ("a1b2c3d", False),
        ("", False),
        (None, False),
    ],
)
def test_only_a_plain_web_address_is_linked(address, is_linked):
    assert outside(address) == (address if is_linked else "")


@pytest.mark.parametrize("name", [*HOSTILE_TITLES, *HOSTILE_DOMAINS, "", "..", "a/b", "CON", "é" * 500])
def test_any_name_has_a_plain_file_name(name):
    assert set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and len(slug(name)) <= 49


def test_names_that_look_alike_have_files_of_their_own():
    names = ["Index", "index", "INDEX", "in dex", "in-dex", " in dex"]
    assert len({slug(name) for name in names}) == len(names)
