"""Events at the edges of what a contract lets through, where two engines could read, compare or count differently.

Belongs here: made-up events for the comparison of engines. Does not belong here: pages (pages.py), malformed rows
(tests/landing), any expectation.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pages import HOSTILE_DOMAINS, HOSTILE_REFERENCES, HOSTILE_TITLES

# midnight of 1 April does not exist there in several years, that of 1 October comes twice
TIMEZONE = "Asia/Damascus"
YEARS = (1970, 1985, 1999, 2003, 2016, 2025)
TEXTS = (
    *(text for text in HOSTILE_TITLES + HOSTILE_REFERENCES if text.strip()),
    "NaN",
    "Infinity",
    "-0",
    "NULL",
    "null",
    "\\N",
    "\\",
    "\\u0041",
    "'",
    '"',
    "''",
    "`",
    "a\x01b\x1fc\x7f",
    "\ufeffmarked",
    "\ufffd",
    "\uffff",
    "\U0001f9d1",
    "\U0010fffd",
    "e\u0301",
    "\u00e9",
    "I\u0307i\u0131",
    "ß",
    "SS",
    " a",
    "a ",
    "a",
    "A",
    "1e5",
    "2026-01-01",
    "%s %d %% _",
    "$1 \\1",
    "x" * 2_000,
    "🚀" * 1_000,
)
# blank, unassigned, private, invisible, newer than Java 17's Unicode
CONSUMERS = (
    [],
    [""],
    [" "],
    ["\t\n\x0b\x0c\r\x1c\x85\xa0"],
    ["\u2028"],
    ["\u200b"],
    ["\ufeff"],
    ["\u180e"],
    ["\u0378"],
    ["\ue000"],
    ["\U0001fae8"],
    ["all"],
    ["ALL"],
    ["owner"],
    ["owner", "Owner"],
    ["all", "owner", ""],
    ["\u3000x"],
    ['"', "\\", "/", "\x01", "\x7f", "é", "\u2028"],
)
RECORDED = (
    "0001-01-01T00:00:00Z",
    "1500-02-28T12:00:00.000001Z",
    "1582-10-10T00:00:00Z",
    "1899-12-31T23:59:59.999999Z",
    "1969-12-31T23:59:59.999999Z",
    "2038-01-19T03:14:08Z",
    "2262-04-11T23:47:16.854776Z",
    "9999-12-31T23:59:59.999999Z",
)


def at_the_edges() -> Iterator[dict]:
    """Every kind of it."""
    yield from conflicting_texts()
    yield from named_consumers()
    yield from recorded_long_ago()
    yield from edges_of_months()
    yield from uses_some_days_apart()
    yield from same_instants()
    yield from large_counts()


def conflicting_texts() -> Iterator[dict]:
    """Two versions of one revision that differ in a text only: the winner is decided by the hash of the content."""
    for number, text in enumerate(TEXTS):
        for place in ("title", "source_ref", "initiative", "domain", "named_consumer_domains", "extra"):
            if place == "domain" and (len(text) > 200 or any(ord(c) < 32 or ord(c) == 127 for c in text)):
                continue
            for version in (text, f"{text[:150]}."):
                value = [version, "x"] if place == "named_consumer_domains" else version
                yield _event("idea_logged", f"{place} {number}", f"text {place} {number}", domain="d") | {place: value}


def named_consumers() -> Iterator[dict]:
    """Lists of other domains, some of which name nobody."""
    for number, domains in enumerate(CONSUMERS):
        yield _event(
            "idea_logged", f"named {number}", f"named {number}", domain="owner", named_consumer_domains=domains
        )


def recorded_long_ago() -> Iterator[dict]:
    """Versions recorded before 1582 and up to the year 9999, and retracted ones."""
    for number in range(len(RECORDED)):
        for other in (number, number - 1):
            about = {"domain": f"recorded {other}", "recorded_at": RECORDED[other], "is_retracted": number % 3 == 0}
            yield _event("idea_logged", f"recorded {number}", f"recorded {number}", **about)


def edges_of_months() -> Iterator[dict]:
    """A microsecond before and after each hour around the beginnings of months in which clocks are changed."""
    for year in YEARS:
        for month in (1, 4, 10):
            for hour in range(-4, 3):
                for microseconds in (-1, 0, 1):
                    at = datetime(year, month, 1, tzinfo=UTC) + timedelta(hours=hour, microseconds=microseconds)
                    name = f"edge {at.isoformat()}"
                    yield _event("idea_logged", name, name, at=at, domain="edges")
                    yield _event("deployed", name, f"{name} deployed", at=at + timedelta(days=31))


def uses_some_days_apart() -> Iterator[dict]:
    """Repeated use at exactly 28, 90 and 180 days, and a microsecond before and after."""
    first = datetime(2025, 1, 15, 8, tzinfo=UTC)
    for days in (28, 90, 180):
        for microseconds in (-1, 0, 1):
            name = f"used {days} {microseconds}"
            yield _event("idea_logged", name, name, at=first, domain="owner")
            for number, later in enumerate((timedelta(), timedelta(days=days, microseconds=microseconds))):
                yield _event("adopted", name, f"{name} {number}", at=first + later, consumer_domain="consumer")


def same_instants() -> Iterator[dict]:
    """Owners, titles, uses and closings of one instant, from many sources: only names decide what comes first."""
    for number, domain in enumerate(HOSTILE_DOMAINS):
        for kind in ("idea_logged", "deployed", "withdrawn", "abandoned", "work_started"):
            named = {"domain": domain, "title": f"{domain} {number}"}
            event = _event(kind, "one instant", f"{kind} {number}", **named)
            yield event | {"source": f"s{number % 3}"}
        for owner in ("Index", "index"):
            yield _event("adopted", f"of {owner}", f"{owner} {number}", consumer_domain=domain, domain=owner)


def large_counts() -> Iterator[dict]:
    """Counts that are larger together than a BIGINT."""
    day = datetime(2026, 1, 2, tzinfo=UTC)
    for number in range(3):
        counts = {"passed_count": 2**63 - 1, "failed_count": 2**63 - 1 - number, "contract_version": f"{number}.0"}
        yield _event("contract_activated", "counted", f"active {number}", at=day, contract_version=f"{number}.0")
        yield _event("contract_checked", "counted", f"checked {number}", at=day, **counts)


def _event(kind: str, product: str, event_id: str, at: datetime = datetime(2025, 6, 1, tzinfo=UTC), **columns) -> dict:
    event = {"event_type": kind, "source": "edges", "event_id": event_id, "data_product_id": product}
    return event | {"occurred_at": at.isoformat().replace("+00:00", "Z")} | columns
