"""The dashboard's inputs: events as they come and as they should never come, each to a serving file, and its pages.

Belongs here: made-up events, the way from events to pages. Does not belong here: a browser, any expectation.
"""

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path

from conftest import SETS, once_a_session
from pipeline import attached, build_well, published, sample_home, shared_home, write_events
from shaped import build_compiled

from orchestration.build import builds
from orchestration.build.builds import last_approved
from orchestration.home import Dates, Home, parse_instant
from orchestration.landing.inbox import place_in_inbox
from orchestration.landing.land import land_inbox
from orchestration.publish.serving import publish_serving
from orchestration.sample.home import put_sample
from orchestration.sample.organisation import SAMPLE_AS_OF
from orchestration.sources.pull import pull

AS_OF = "2026-01-07T00:00:00Z"  # January 2026 is the incomplete month of every made-up input
DRAWN_AT = datetime(2026, 1, 7, 9, 30, tzinfo=UTC)
BEGIN = datetime(2023, 1, 1, tzinfo=UTC)
DAYS = (SAMPLE_AS_OF - BEGIN).days
HOSTILE_TITLES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "</title></svg></style><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "]]> --> &lt;b&gt; &#60;script&#62; & &amp;",
    "\u202eevil override\u202c then \u202eunclosed",
    "مبيعات التجزئة الأسبوعية",
    "מכירות שבועיות 2026",
    "W" * 80,
    "🧑‍🚀🧑‍🚀 ship 🚀 it 👩🏽‍🔬",
    "{{7*7}} {% raw %} ${7*7} #{7*7}",
    "../../etc/passwd",
    "javascript:alert(1)",
    "line one\nline two\ttabbed\r\n\u2028separated \x1b[31mred",
    "Z̷̢̛̖̈́a̴̧̛͎̓l̵̡̛̥̈́g̶̢̛̗̈́o̷̧̲͊̚ " * 3,
    "   ",
)
HOSTILE_DOMAINS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    'O\'Brien "& Sons"',
    "\u202eenifed-tfel",
    "مبيعات",
    "שיווק",
    "D" * 80,
    "🚀🧑‍🚀",
    "{{7*7}}",
    "../../etc/passwd",
    "...",
    "Index",
    "index",
)
HOSTILE_REFERENCES = (
    "javascript:alert(1)",
    "https://good.example.com@evil.example.com/",
    "data:text/html,<script>alert(1)</script>",
    "https://jira.example.com/browse/DATA-1?a=b&c=d",
    'https://x.example.com/" onmouseover="alert(1)',
    "//evil.example.com",
    "\u202ehttps://x.example.com",
    "a1b2c3d",
)


@dataclass(frozen=True)
class Published:
    """A serving file and the folder of its pages."""

    name: str
    serving: Path
    folder: Path

    @property
    def index(self) -> Path:
        return self.folder / "index.html"

    @property
    def domains(self) -> list[Path]:
        """Every domain's page."""
        return sorted((self.folder / "domains").glob("*.html"))

    @property
    def pages(self) -> list[Path]:
        """Every page, the index first."""
        return [self.index, *sorted(path for path in self.folder.rglob("*.html") if path != self.index)]

    @property
    def of_each_kind(self) -> list[Path]:
        """The index, then one page of each other kind that there is: of a domain, of a data product, and so on.

        Of the personas, which have different sections, all four where it is the sample.
        """
        named = ("personas", "products", "metrics")
        kinds = (self.domains, *(sorted((self.folder / kind).glob("*.html")) for kind in named))
        others = kinds[1][1:] if self.name == "sample" else []
        return [self.index, *(pages[0] for pages in kinds if pages), self.folder / "open.html", *others]

    def query(self, sql: str) -> list[tuple]:
        with attached(self.serving) as db:
            return db.execute(sql).fetchall()


@cache
def publish(name: str, events: Path | None = None, as_of: str = AS_OF) -> Published:
    """The pages of an input of INPUTS, of the sample, or of a file of events: drawn once a session."""
    folder = once_a_session(f"pages-{name}", lambda folder: _draw(folder, serving_file(name, events, as_of)))
    return Published(name, folder / "serving.duckdb", folder / "dashboard")


def publish_asked(request) -> Published:
    """The pages of the input that a fixture's parameter names: made up, or a set of real events."""
    name = request.param
    if name not in SETS:
        return publish(name)
    return publish(name, request.getfixturevalue("shared") / "datasets" / name / "events.jsonl", SETS[name])


def serving_file(name: str, events: Path | None = None, as_of: str = AS_OF) -> Path:
    """What is served of an input: built once in a session, whichever of its processes asks first."""
    if events:
        return published(name, events, as_of=as_of) / "serving.duckdb"
    if name == "sample":
        return sample_home() / "serving.duckdb"

    make = _serve_sample_before_this_month if name == "sample_before_this_month" else partial(_serve_made_up, name)
    return once_a_session(f"{name}.duckdb", make)


def _serve_sample_before_this_month(built: Path) -> None:
    home = Home.at(shared_home().empty())
    _put_sample_before_this_month(home)
    build_well(home.root, as_of=AS_OF)
    publish_serving(home, last_approved(home))
    shutil.copy(home.serving, built)


def _serve_made_up(name: str, built: Path) -> None:
    """Without dbt, which is half of the cost: what stops a publication is the matter of other tests."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home.at(folder)
        for path in INPUTS[name](home.root / name):
            place_in_inbox(home, path)
        land_inbox(home)
        build = builds.begin(home, "by hand", Dates(parse_instant(AS_OF)))
        build_compiled(home, build)
        build.approve()
        publish_serving(home, build)
        shutil.copy(home.serving, built)


def _draw(folder: Path, serving: Path) -> None:
    from dashboard.rendering import pages_of
    from dashboard.tables import read

    folder.mkdir()
    shutil.copy(serving, folder / "serving.duckdb")
    for page in pages_of(read(serving), archive=None, pdf=None):
        path = folder / "dashboard" / page.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.draw(DRAWN_AT, "some run"))


def _put_sample_before_this_month(home: Home) -> None:
    """The sample without what occurred in the incomplete month; its other files end before."""
    put_sample(home)
    last = home.inbox / "events-2026q1.jsonl"
    kept = [line for line in last.read_text().splitlines() if '"occurred_at": "2026-01' not in line]
    changed_at = last.stat().st_mtime
    last.write_text("".join(f"{line}\n" for line in kept))
    os.utime(last, (changed_at, changed_at))  # a file that has just changed may still be written to
    (home.root / "sample/contract_checks/2026-01.csv").unlink()
    pull(home, "contract_checks")


def organisation(domain_count: int = 6) -> Iterator[dict]:
    """36 months of domains with 15 data products each, half of which find up to 5 other domains."""
    chance = random.Random(40)
    domains = [f"Division {n:02} {'of regional operations' * (n % 3 == 0)}".strip() for n in range(domain_count)]
    for number in range(15 * domain_count):
        owner, start = domains[number % domain_count], chance.uniform(0, DAYS)
        others = [domain for domain in domains if domain != owner]
        yield from _life(chance, f"product {number}", owner, start, others, f"Title {number}")


def many_domains() -> Iterator[dict]:
    """As large as they get."""
    return organisation(40)


def hostile() -> Iterator[dict]:
    """Every hostile title and domain, in every place on the page: delivered, overdue, under contract, abandoned."""
    chance = random.Random(7)
    for number in range(300):
        owner, start = HOSTILE_DOMAINS[number % len(HOSTILE_DOMAINS)], chance.uniform(0, DAYS)
        others = [domain for domain in HOSTILE_DOMAINS if domain != owner]
        title = HOSTILE_TITLES[number % len(HOSTILE_TITLES)]
        reference = HOSTILE_REFERENCES[number % len(HOSTILE_REFERENCES)]
        for event in _life(chance, f"{HOSTILE_TITLES[number % 13]} {number}", owner, start, others, title):
            yield event | {"source_ref": reference}


def one_event() -> Iterator[dict]:
    """One idea, and nothing ever after."""
    yield _event("idea_logged", "only", DAYS - 100, domain="Sales", title="The only idea")


def nothing() -> Iterator[dict]:
    """An empty file."""
    yield from ()


def no_adoption() -> Iterator[dict]:
    """Ideas, work, deployments and closings, and no adoption was ever sent."""
    return (event for event in organisation() if event["event_type"] != "adopted")


def all_open() -> Iterator[dict]:
    """Ideas, some of them started, and none that ever ended."""
    return (event for event in organisation() if event["event_type"] in ("idea_logged", "work_started"))


def _file_of(events: Callable[[], Iterable[dict]]) -> Callable[[Path], list[Path]]:
    return lambda folder: [write_events(folder / "events.jsonl", events())]


INPUTS = {
    **{
        made_up.__name__: _file_of(made_up)
        for made_up in (many_domains, hostile, nothing, one_event, no_adoption, all_open)
    },
}


def _life(
    chance: random.Random, product: str, owner: str, start: float, others: list[str], title: str
) -> Iterable[dict]:
    """What becomes of an idea: some wait, some are dropped, some are deployed, and others use half of those."""
    built = start + chance.lognormvariate(4, 0.6)
    steps = [("idea_logged", start, {"domain": owner, "title": title})]
    if chance.random() < 0.9:
        steps.append(("work_started", start + (built - start) / 4, {}))
    fate = chance.random()
    if fate < 0.12:
        steps.append(("abandoned", built, {}))
    elif fate < 0.85:
        steps.append(("deployed", built, {}))
        steps += _contract(chance, built) if chance.random() < 0.5 else []
        for consumer in chance.sample(others, chance.randrange(6) if chance.random() < 0.6 else 0):
            steps.append(("adopted", built + chance.lognormvariate(4, 0.9), {"consumer_domain": consumer}))
    for kind, day, columns in steps:
        if day < DAYS:
            yield _event(kind, product, day, **columns)


def _contract(chance: random.Random, built: float) -> list[tuple[str, float, dict]]:
    failed = chance.choice((0, 0, 0, 4))
    check = {"contract_version": "1.0.0", "passed_count": 20 - failed, "failed_count": failed}
    activated = ("contract_activated", built, {"contract_version": "1.0.0"})
    return [activated, *(("contract_checked", built + 7 + week * 20, check) for week in range(50))]


def _event(kind: str, product: str, day: float, **columns) -> dict:
    at = (BEGIN + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")
    who = columns.get("consumer_domain", "")
    number = f"{kind} {product} {who} {day:.6f}"
    event = {"event_id": number[:200], "source": "delivery.example.com", "event_type": kind, "data_product_id": product}
    return event | {"occurred_at": at, "recorded_at": at} | columns
