"""Chromium for the browser tests: starts it, opens a page and remembers what it did, measures what a reader would see.

Belongs here: the browser, axe, geometry, the printed page. Does not belong here: what a page should say.
Every check returns what is wrong in words, so that a test asserts an empty list.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path

from conftest import once_a_session
from npm_packages import absent, fetch

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
AXE = Path(__file__).parent / "axe"
QUESTIONS = Path(__file__).with_name("browser.js").read_text()
A3_LANDSCAPE = (1190.55, 841.89)  # points


def needs_chromium():
    if not CHROMIUM:
        absent("Chromium is not installed; CI installs Debian's")


def axe() -> str:
    """The source of axe-core, as locked; fetched once a session."""
    return once_a_session("axe.min.js", _fetch_axe).read_text()


def _fetch_axe(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fetch(AXE, Path(folder))
        shutil.copy(Path(folder) / "node_modules/axe-core/axe.min.js", path)


@contextmanager
def chromium() -> Iterator:
    """A running browser. Playwright allows one at a time in a process: a module opens and closes its own."""
    needs_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page that was loaded, and all that it asked for or said on the way."""

    page: object
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def __call__(self, script: str, argument=None):
        return self.page.evaluate(script, argument)

    def ask(self, question: str, *arguments):
        """The answer of a function of browser.js."""
        return self.page.evaluate(f"given => {QUESTIONS}.{question}(...given)", arguments)

    def resize(self, width: int, height: int = 900) -> "Opened":
        self.page.set_viewport_size({"width": width, "height": height})
        return self

    def details(self, is_open: bool) -> "Opened":
        self("is_open => document.querySelectorAll('details').forEach(d => d.open = is_open)", is_open)
        return self


@contextmanager
def opened(browser, path: Path, width: int = 1440, height: int = 900) -> Iterator[Opened]:
    """A file as a reader would open it, one at a time in a browser's only tab: a new one costs 0.5 CPU-s each time."""
    page = _tab(browser)
    view = Opened(page)
    listeners = {
        "request": lambda request: view.requests.append(request.url),
        "console": lambda message: view.messages.append(f"{message.type}: {message.text}"),
        "pageerror": lambda error: view.messages.append(f"error: {error}"),
        "dialog": lambda dialog: (view.messages.append(f"dialog: {dialog.message}"), dialog.dismiss()),
    }
    page.emulate_media(media="null", color_scheme="light")
    view.resize(width, height)
    for event, listener in listeners.items():
        page.on(event, listener)
    try:
        page.goto(path.as_uri())
        yield view
    finally:
        for event, listener in listeners.items():
            page.remove_listener(event, listener)


@cache
def _tab(browser):
    return browser.new_page()


# --- What is wrong with a page, and what it says ---------------------------------------------------


@dataclass(frozen=True)
class Look:
    """What a look at a page tells; every list of faults is in words."""

    requests: list[str]  # besides the page itself
    messages: list[str]
    policy: str
    words: str  # all that can be read, details open
    text: str  # all there is, letter by letter
    attributes: list[str]  # element[name]=value
    ids: list[str]
    links: list[str]
    nameless: list[str]  # headings, links and rows that begin without a word
    active_content: list[str]  # scripts, handlers, frames, addresses that run or lead elsewhere
    chart_faults: list[str]  # drawings described without a figure of their card, charts without a table of their data
    direction_faults: list[str]  # text from right to left that can turn around what stands beside it
    layout_faults: dict[str, list[str]]  # sideways scroll; text cut off, broken, out of its card, on other text
    height_on_a_phone: int  # pixels, with its details closed


def look(browser, path: Path) -> Look:
    """Open a page, at each width with its details closed and open, and as for paper."""
    with opened(browser, path) as view:
        layout, heights = {}, {}
        for width in (390, 768, 1280, 1440):
            layout[f"{width}"] = view.resize(width).details(is_open=False).ask("layoutFaults")
            heights[width] = view("() => document.scrollingElement.scrollHeight")
            layout[f"{width}, details open"] = view.details(is_open=True).ask("layoutFaults")
        seen = view.ask("look")
        view.page.emulate_media(media="print")
        view.page.wait_for_timeout(20)  # what it would ask for or say then
        layout = {where: faults for where, faults in layout.items() if faults}
        about = {"requests": view.requests[1:], "messages": view.messages, "height_on_a_phone": heights[390]}
        return Look(**about, layout_faults=layout, **seen)


def violations(view: Opened) -> list[str]:
    """What axe-core finds, by every rule it has but the one that asks for AAA contrast."""
    view(axe())
    return view(
        """async () => {
            const rules = Object.fromEntries(axe.getRules().map(rule => [rule.ruleId, {enabled: true}]));
            rules['color-contrast-enhanced'] = {enabled: false};
            return (await axe.run(document, {rules, resultTypes: ['violations']})).violations
                .flatMap(v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`));
        }"""
    )


def figures(view: Opened) -> dict[str, float | None]:
    """{name: full value} of the figures that name their value for machines; None where none is given."""
    return view.ask("figures")


@dataclass(frozen=True)
class Point:
    """A month's mark in a chart: what it is called, and the value at which it is drawn, by the axis beside it."""

    label: str
    value: float
    pixel: float  # how much of the value is one pixel
    fill: str


def points(view: Opened, chart: str) -> list[Point]:
    """The labelled points of a chart that is shown, from left to right, by geometry alone."""
    marks, ticks = view.ask("points", chart)
    (low, bottom), (high, top) = min(ticks), max(ticks)
    pixel = (high - low) / (bottom - top)
    return [Point(label, low + (bottom - y) * pixel, pixel, fill) for label, y, fill in marks]


def first_paint(view: Opened) -> float:
    """Milliseconds from the start of the navigation to the first paint; infinite after 30 s without one."""
    return view(
        """() => new Promise(done => {
            const observer = new PerformanceObserver(paints => done(paints.getEntries()[0].startTime));
            observer.observe({type: 'paint', buffered: true});
            setTimeout(done, 30000, Infinity);
        })"""
    )


# --- Printed --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """The page on paper: the size and text of every sheet, and the sheets on which each card has ink."""

    sizes: list[tuple[float, float]]
    texts: list[str]
    sheets_of_card: dict[str, list[int]]


def printed(view: Opened) -> Printed:
    """Print it as its own style sheet says. Each card gets a colour of its own, which is then looked for on the sheets.

    A colour moves nothing, and a card that breaks across sheets paints its background on each of them. The page is
    left as it was printed.
    """
    from pypdf import PdfReader

    view.page.emulate_media(media="print")
    cards = view.ask("colourCards")
    reader = PdfReader(BytesIO(view.page.pdf(prefer_css_page_size=True, print_background=True)))
    fills = [_fills(page) for page in reader.pages]
    sheets = {name: [sheet for sheet, found in enumerate(fills) if tuple(colour) in found] for name, colour in cards}
    sizes = [(float(page.mediabox.width), float(page.mediabox.height)) for page in reader.pages]
    return Printed(sizes, [page.extract_text() for page in reader.pages], sheets)


def _fills(page) -> set[tuple[int, ...]]:
    """The colours, 0 to 255, with which something is filled on a sheet."""
    content = page.get_contents().get_data().decode("latin-1")
    forms = page.get("/Resources", {}).get("/XObject", {})
    for form in forms.values():
        if form.get_object().get("/Subtype") == "/Form":
            content += form.get_object().get_data().decode("latin-1")
    fills = re.findall(r"(?<![\w.])([\d.]+) ([\d.]+) ([\d.]+) rg\b", content)
    return {tuple(round(float(part) * 255) for part in fill) for fill in fills}
