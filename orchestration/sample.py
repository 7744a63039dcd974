"""A made-up organisation's delivery events: seeded, with known truths, so that every metric can be checked.

Here belong: the organisation, its true events in the wire format, and the messy files its teams would send.
Not here: reading files (events.py), landing them (landing.py), any metric or statistic, Dagster, the clock.

An insurer with 12 domains logs about 400 ideas from January 2023 to December 2025, plus the first six days
of January 2026, so that a partial month is visible. Truths 1, 2 and 3 hold for `planted=True`; with
`planted=False` the same organisation has none of them: its monthly adoptions are Poisson with mean 8.7
throughout, each idea names a consumer on the toss of a coin, and claims builds as fast as everyone.

1. **Adoptions double.** Cross-domain adoptions (first `adopted` of a product by a domain other than its
   owner) average ADOPTIONS_PER_MONTH = 8.7 a month until PROCESS_CHANGE_ON = 1 December 2024 (23 months),
   and CHANGE_FACTOR = 2 times that, 17.4, from then on (13 months). Both are exact but for rounding and the
   noise below, as the signal of truth 3 is centred within each phase. A month's standard deviation is about
   2.1 before and 3.9 after; Poisson's would be 2.9 and 4.2. The baseline's limits show it within three
   months for 98 of 100 seeds. From the same day the wait from deployed to first adoption runs at double
   speed. The rest is expansion: further domains adopting adopted products.
2. **One slow stage.** In SLOW_DOMAIN, work started → deployed takes SLOW_FACTOR = 3 times as long as
   elsewhere, where its median is 40 days. All its other stages are as elsewhere.
3. **One lever, two months ahead.** The share of a month's ideas that name a consuming domain is 0.5 + 0.38 u,
   rounded to whole ideas; the adoptions LEAD_MONTHS = 2 months later are level × (1 + 0.38 u) plus noise of
   standard deviation 0.8, rounded. u is drawn once a month, independently, uniform on -1..1, then centred.
   The correlation at lag 2 is 0.89 on residuals within phases (0.82 to 0.95 over 200 seeds). An AR(1) fitted
   across the change dilutes it to 0.63, and then lag 3 looks best for every sixth seed, not for the default.

True with and without planting:

4. **Completed-only medians lie.** 13 % of ideas are closed before deployment (withdrawn, rejected, abandoned),
   13 % stall and stay open, 38 % of what is deployed is never wanted by another domain, and the young are
   under way. So idea → adopted has a completed-only median of about 100 days, a Kaplan–Meier one of about
   250 (default seed: 88 and 195; for a few seeds it is not reached).
5. **What must not count.** Own-domain adoptions (20 % of deployed products), repeat adoptions of a pair
   (70 % of pairs, every 45 to 75 days, at most 3 times), redeployments (30 %, version 1.1.0).
6. **Impossible orders**, which are in the truth as well: 3 products deployed before their idea was logged,
   1 adopted before it was deployed.
7. CORE_COUNT = 14 core products all but existed when measuring began. They are deployed within days of being
   logged, most in January and the last in March 2023, and adopted from then to May: so deployments and
   adoptions have their level from the first month on, with no ramp that a process limit could mistake.
8. `legal` is too small a domain to rank. An event_id repeats across sources: only (source, event_id) is a key.

`write_sample` adds the mess on the way (late, repeated, corrected, retracted, malformed rows), none of which
changes the truth: what survives reading it rightly is exactly `sample_events`. `sample_mess` counts it.
"""

import csv
import io
import json
import math
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

# Chosen, not any: of seeds 1 to 399 one of six that show every truth plainly, even to an AR(1) across the change.
DEFAULT_SEED = 282
SAMPLE_AS_OF = datetime(2026, 1, 7, tzinfo=UTC)
PROCESS_CHANGE_ON = date(2024, 12, 1)  # declared: "self-service access opened to all domains"
SLOW_DOMAIN = "claims"
SLOW_STAGE = "started_to_deployed"
LEADING_METRIC = "named_consumer_share"
LEAD_MONTHS = 2

ADOPTIONS_PER_MONTH = 8.7
CHANGE_FACTOR = 2
SLOW_FACTOR = 3
SIGNAL_SWING = 0.38
NOISE = 0.8
IDEAS_PER_MONTH = 10.8
CORE_COUNT = 14
CORE_DEPLOYED_WITHIN_DAYS = 75
CORE_WANTED_WITHIN_DAYS = 150
IMPOSSIBLE_DEPLOYED_COUNT = 3
IMPOSSIBLE_ADOPTED_COUNT = 1

DUPLICATE_COUNT = 40
CORRECTION_COUNT = 12
RETRACTION_COUNT = 6
ASSUMED_UTC_COUNT = 8
OTHER_OFFSET_COUNT = 8

# Each domain: how many of the ideas it owns (relative), how readily it adopts (relative), what it works on.
DOMAINS = {
    "actuarial": (1.0, 1.1, ("Mortality tables", "Reserves", "Loss development", "Lapse rates")),
    "claims": (1.3, 0.9, ("Open claims", "Repair costs", "Claim photos", "Recoveries")),
    "customer-service": (0.9, 1.0, ("Call reasons", "Complaints", "Waiting times", "Chat transcripts")),
    "distribution": (1.0, 1.1, ("Broker performance", "Quotes", "Commissions", "Partner portal visits")),
    "finance": (1.1, 1.3, ("Premium income", "Cost allocation", "Cash flow", "Solvency ratios")),
    "fraud": (0.8, 1.0, ("Suspicious claims", "Identity checks", "Network links", "Watch lists")),
    "legal": (0.2, 0.5, ("Litigation cases", "Contract clauses", "Regulator letters", "Retention rules")),
    "marketing": (1.0, 1.0, ("Campaign reach", "Churn", "Customer segments", "Überblick Kampagnen")),
    "operations": (1.0, 0.9, ("Backlog", "Straight-through rate", "Staffing", "Document intake")),
    "pricing": (1.2, 1.2, ("Tariff factors", "Competitor prices", "Elasticity", "Telematics trips")),
    "risk": (1.1, 1.2, ("Flood exposure", "Credit exposure", "Accumulation", "Stress scenarios")),
    "underwriting": (1.2, 1.0, ("Risk surveys", "Referrals", "Policy wordings", "Portfolio mix")),
}
FORMS = ("daily feed", "monthly report", "score", "dashboard", "forecast", "history")
FORMS += ("API", "alerts", "features", "benchmark", "reference list", "early warning")
INITIATIVES = ("one customer view", "faster claims", "price of the day", "cloud exit 2026")

JIRA, DEPLOY, CATALOG = "jira.example.com", "deploy.example.com", "catalog.example.com"
SPREADSHEET_DOMAIN = "marketing"
SPREADSHEET = f"spreadsheet/{SPREADSHEET_DOMAIN}"
CLOSINGS = ("withdrawn", "abandoned", "rejected", "retired")

CORRECTIONS_FILE = "corrections-2026q1.jsonl"
CLOUDEVENTS_FILE = "cloudevents-deploys-2025.jsonl"
SPREADSHEET_FILE = "marketing-spreadsheet.csv"
SPREADSHEET_COLUMNS = ("event_id", "source", "event_type", "data_product_id", "occurred_at", "recorded_at")
SPREADSHEET_COLUMNS += ("title", "source_ref", "consumer_domain", "evidence", "version", "team_mood")

# All times inside are whole seconds since START, so that no float and no time zone reaches the output.
START = datetime(2023, 1, 1, tzinfo=UTC)
DAY = 86_400
MONTH_COUNT = 36
END = int((SAMPLE_AS_OF - START).total_seconds())
MONTH_STARTS = [
    int((datetime(2023 + m // 12, m % 12 + 1, 1, tzinfo=UTC) - START).total_seconds()) for m in range(MONTH_COUNT + 2)
]
CHANGE_MONTH = (PROCESS_CHANGE_ON.year - 2023) * 12 + PROCESS_CHANGE_ON.month - 1


@dataclass
class _Product:
    product_id: str
    domain: str
    title: str
    logged: int
    named: list[str]
    initiative: str | None
    appeal: float
    is_core: bool
    started: int | None = None
    deployed: int | None = None
    closed: int | None = None
    close_reason: str | None = None
    wanted: int | None = None  # when another domain would first adopt it; None if none ever would
    adoptions: dict[str, int] = field(default_factory=dict)  # consuming domain -> first adopted


# --- Chance ---------------------------------------------------------------------------------------
# Only Random.random() is promised to be the same in every Python version, so all else is derived from it.
# Each part has a stream of its own: changing one part leaves the others as they were.


def _stream(seed: int, part: str) -> random.Random:
    return random.Random(f"{seed}/{part}")


def _between(rng: random.Random, low: float, high: float) -> int:
    return int(low + rng.random() * (high - low))


def _normal(rng: random.Random) -> float:
    return math.sqrt(-2 * math.log(1 - rng.random())) * math.cos(2 * math.pi * rng.random())


def _days(rng: random.Random, median_days: float, sigma: float) -> int:
    """A log-normal duration in seconds."""
    return int(median_days * math.exp(sigma * _normal(rng)) * DAY)


def _poisson(rng: random.Random, mean: float) -> int:
    count, product, floor = 0, rng.random(), math.exp(-mean)
    while product > floor:
        count, product = count + 1, product * rng.random()
    return count


def _pick(rng: random.Random, items: list, weights: list[float]):
    point = rng.random() * sum(weights)
    for item, weight in zip(items, weights, strict=True):
        point -= weight
        if point < 0:
            return item
    return items[-1]


def _shuffled(rng: random.Random, items) -> list:
    return [item for _, item in sorted(((rng.random(), item) for item in items), key=lambda pair: pair[0])]


# --- The months -----------------------------------------------------------------------------------


def _monthly_signal(seed: int) -> list[float]:
    """u by the month in which adoptions follow it; the ideas of month m follow u[m + LEAD_MONTHS]."""
    rng = _stream(seed, "signal")
    drawn = [2 * rng.random() - 1 for _ in range(MONTH_COUNT + 1 + LEAD_MONTHS)]
    for first, last in ((0, CHANGE_MONTH), (CHANGE_MONTH, MONTH_COUNT)):
        mean = sum(drawn[first:last]) / (last - first)
        drawn[first:last] = [u - mean for u in drawn[first:last]]
    return drawn


def _adoption_counts(seed: int, planted: bool) -> list[int]:
    rng, signal, counts = _stream(seed, "adoption counts"), _monthly_signal(seed), []
    for month in range(MONTH_COUNT + 1):
        if planted:
            level = ADOPTIONS_PER_MONTH * (CHANGE_FACTOR if month >= CHANGE_MONTH else 1)
            counts.append(round(level * (1 + SIGNAL_SWING * signal[month]) + NOISE * _normal(rng)))
        else:
            counts.append(_poisson(rng, ADOPTIONS_PER_MONTH))
    counts[-1] = round(counts[-1] * _share_seen(MONTH_COUNT))
    return counts


def _share_seen(month: int) -> float:
    start, end = MONTH_STARTS[month], MONTH_STARTS[month + 1]
    return (min(end, END) - start) / (end - start)


# --- The ideas and how far they get ---------------------------------------------------------------


def _ideas(seed: int, planted: bool) -> list[_Product]:
    rng, signal = _stream(seed, "ideas"), _monthly_signal(seed)
    titles = {
        domain: _shuffled(rng, [f"{subject}, {form}" for subject in subjects for form in FORMS])
        for domain, (_, _, subjects) in DOMAINS.items()
    }
    numbers: dict[str, int] = defaultdict(int)
    ideas = []
    for month in range(MONTH_COUNT + 1):
        logged = _logged_in(rng, month)
        share = 0.5 + SIGNAL_SWING * signal[month + LEAD_MONTHS] if planted else None
        for (at, is_core), has_named in zip(logged, _who_names(rng, len(logged), share), strict=True):
            domain = _pick(rng, list(DOMAINS), [owned for owned, _, _ in DOMAINS.values()])
            numbers[domain] += 1
            title = titles[domain][(numbers[domain] - 1) % len(titles[domain])]
            product_id = f"{domain}-{numbers[domain]:03d}"
            ideas.append(_idea(rng, product_id, domain, title, at, has_named, is_core))
    return ideas


def _logged_in(rng: random.Random, month: int) -> list[tuple[int, bool]]:
    """When the month's ideas are logged, in order, and which of them are core products."""
    start, end = MONTH_STARTS[month], min(MONTH_STARTS[month + 1], END)
    idea_count = _poisson(rng, IDEAS_PER_MONTH * _share_seen(month))
    ideas = [(_between(rng, start, end), False) for _ in range(idea_count)]
    core = [(_thinning_out(number, CORE_DEPLOYED_WITHIN_DAYS), True) for number in range(CORE_COUNT)]
    return sorted(ideas + [(at, is_core) for at, is_core in core if start <= at < end])


def _who_names(rng: random.Random, idea_count: int, share: float | None) -> list[bool]:
    """Which of a month's ideas name a consumer: an exact share, or a coin each when nothing is planted."""
    if share is None:
        return [rng.random() < 0.5 for _ in range(idea_count)]
    named_count = round(idea_count * min(max(share, 0), 1))
    return _shuffled(rng, [number < named_count for number in range(idea_count)])


def _idea(rng, product_id, domain, title, logged, has_named: bool, is_core: bool) -> _Product:
    others = _shuffled(rng, [other for other in DOMAINS if other != domain])
    return _Product(
        product_id,
        domain,
        title,
        logged,
        named=sorted(others[: 1 + _between(rng, 0, 3)]) if has_named else [],
        initiative=INITIATIVES[_between(rng, 0, len(INITIATIVES))] if rng.random() < 0.5 else None,
        appeal=math.exp(0.6 * _normal(rng)),
        is_core=is_core,
    )


def _live(rng: random.Random, idea: _Product, planted: bool) -> None:
    """Draw what becomes of an idea.

    Before a start 9 % are closed and 8 % stall; after one 4 % are closed and 5 % stall; 74 % are deployed.
    """
    fate = rng.random()
    build_factor = SLOW_FACTOR if planted and idea.domain == SLOW_DOMAIN else 1
    to_start, to_build = _days(rng, 8, 0.8), _days(rng, 40 * build_factor, 0.6)
    to_close, to_want, to_retire = _days(rng, 45, 0.7), _days(rng, 50, 0.9), _days(rng, 420, 0.4)
    is_wanted, is_retired, is_rejected = rng.random() < 0.62, rng.random() < 0.05, rng.random() < 0.5
    if fate < 0.09:
        idea.closed, idea.close_reason = idea.logged + to_close, "rejected" if is_rejected else "withdrawn"
    elif fate >= 0.17:
        idea.started = idea.logged + to_start
        if fate < 0.21:
            idea.closed, idea.close_reason = idea.started + to_close, "abandoned"
        elif fate >= 0.26:
            idea.deployed = idea.started + to_build
            if is_retired:
                idea.closed, idea.close_reason = idea.deployed + to_retire, "retired"
            if is_wanted:
                idea.wanted = _sped_up(idea.deployed, idea.deployed + to_want, planted)


def _sped_up(start: int, end: int, planted: bool) -> int:
    """The end of a wait whose clock runs at double speed from the process change on."""
    change = max(start, MONTH_STARTS[CHANGE_MONTH])
    return change + (end - change) // CHANGE_FACTOR if planted and end > change else end


def _live_as_core(rng: random.Random, idea: _Product, number: int) -> None:
    idea.started = idea.logged + _between(rng, DAY / 8, DAY)
    idea.deployed = idea.started + _between(rng, DAY / 4, 4 * DAY)
    first_wanted = _thinning_out(number, CORE_WANTED_WITHIN_DAYS)
    idea.wanted = max(first_wanted, idea.deployed) + _between(rng, DAY / 4, 3 * DAY)
    idea.appeal = 2.5


def _thinning_out(number: int, within_days: int) -> int:
    """When the core product of that number is due: many at first and ever fewer, as the others take over."""
    return int(within_days * DAY * (1 - math.sqrt(1 - (number + 0.5) / CORE_COUNT)))


def _organisation(seed: int, planted: bool) -> list[_Product]:
    rng = _stream(seed, "lives")
    products = _ideas(seed, planted)
    core = [product for product in products if product.is_core]
    for product in products:
        if product.is_core:
            _live_as_core(rng, product, core.index(product))
        else:
            _live(rng, product, planted)
    _deploy_before_logging(_stream(seed, "impossible"), products)
    for product in products:
        _forget_what_is_later(product)
    _adopt(_stream(seed, "adoptions"), products, _adoption_counts(seed, planted))
    _deploy_after_adoption(_stream(seed, "impossible adoption"), products)
    return products


def _forget_what_is_later(product: _Product) -> None:
    for stage in ("started", "deployed", "closed"):
        at = getattr(product, stage)
        if at is not None and at > END:
            setattr(product, stage, None)
    if product.closed is None:
        product.close_reason = None
    if product.deployed is None or (product.closed and product.wanted and product.wanted >= product.closed):
        product.wanted = None


def _deploy_before_logging(rng: random.Random, products: list[_Product]) -> None:
    """Teams that wrote the idea down only once it ran: no start was ever recorded."""
    able = [p for p in products if not p.is_core and p.deployed and 60 * DAY < p.logged < END - 120 * DAY]
    for product in _shuffled(rng, able)[:IMPOSSIBLE_DEPLOYED_COUNT]:
        product.started = None
        product.deployed = product.logged - _between(rng, 2 * DAY, 7 * DAY)


def _deploy_after_adoption(rng: random.Random, products: list[_Product]) -> None:
    """Someone used it before the release was recorded."""
    able = [p for p in products if not p.is_core and p.adoptions and p.started and p.closed is None]
    able = [p for p in able if min(p.adoptions.values()) < END - 60 * DAY]
    for product in _shuffled(rng, able)[:IMPOSSIBLE_ADOPTED_COUNT]:
        product.deployed = min(product.adoptions.values()) + 3 * DAY


# --- Who adopts what ------------------------------------------------------------------------------


def _adopt(rng: random.Random, products: list[_Product], counts: list[int]) -> None:
    """Give each month exactly its count: first adoptions as they fall due, further domains for the rest.

    First adoptions beyond the count wait for the next month; at 4.4 due of 8.7 that is rare.
    """
    due = sorted((p for p in products if p.wanted is not None), key=lambda p: p.wanted)
    adopted: list[_Product] = []
    for month, count in enumerate(counts):
        start, end = MONTH_STARTS[month], min(MONTH_STARTS[month + 1], END)
        while count > 0 and due and due[0].wanted < end:
            product = due.pop(0)
            at = product.wanted if product.wanted >= start else _between(rng, start, end)
            if product.closed is None or at < product.closed:
                product.adoptions[_consumer(rng, product)] = at
                adopted.append(product)
                count -= 1
        for _ in range(count):
            _expand(rng, adopted, start, end)


def _expand(rng: random.Random, adopted: list[_Product], start: int, end: int) -> None:
    others = len(DOMAINS) - 1
    able = [p for p in adopted if p.closed is None and len(p.adoptions) < others]
    product = _pick(rng, able, [p.appeal * (others - len(p.adoptions)) for p in able])
    consumer = _consumer(rng, product)
    product.adoptions[consumer] = _between(rng, max(start, product.deployed), end)


def _consumer(rng: random.Random, product: _Product) -> str:
    others = [domain for domain in DOMAINS if domain != product.domain and domain not in product.adoptions]
    return _pick(rng, others, [DOMAINS[d][1] * (3 if d in product.named else 1) for d in others])


# --- The true events ------------------------------------------------------------------------------


def sample_events(seed: int = DEFAULT_SEED, planted: bool = True) -> list[dict]:
    """Return the true events in the wire format, sorted by occurred_at, source and event_id.

    A corrected event appears once, as its correction: revision 1, recorded when it was corrected.
    """
    rng, found = _stream(seed, "events"), []
    for product in _organisation(seed, planted):
        found += _delivery_events(rng, product)
        found += _adoption_events(rng, product)
        found += _contract_events(rng, product)
    found = [event for event in found if event[0] <= END]
    found.sort(key=lambda event: (*event[:4], event[4].get("consumer_domain", "")))
    rng, last_ids = _stream(seed, "records"), defaultdict(int)
    events = []
    for at, source, event_type, product_id, rest in found:
        last_ids[source] += 1
        known = {"event_id": f"{last_ids[source]:06d}", "source": source, "event_type": event_type}
        known |= {"data_product_id": product_id, "occurred_at": _text(at)}
        known |= {"recorded_at": _text(_recorded(rng, at, source))}
        events.append(known | {name: value for name, value in rest.items() if value not in (None, [])})
    _mark_corrected(_stream(seed, "corrections"), events)
    return sorted(events, key=lambda event: (event["occurred_at"], event["source"], event["event_id"]))


def _text(at: int) -> str:
    return (START + timedelta(seconds=at)).isoformat()[:19] + "Z"


def _seconds(text: str) -> int:
    return int((datetime.fromisoformat(text) - START).total_seconds())


def _recorded(rng: random.Random, at: int, source: str) -> int:
    """Mostly within two hours; a spreadsheet within a week; 3 % weeks later."""
    chance, delay = rng.random(), _between(rng, 60, 7_200)
    if source == SPREADSHEET:
        delay += _between(rng, 0, 7 * DAY)
    if chance < 0.03:
        delay += _between(rng, 10 * DAY, 75 * DAY)
    return min(at + delay, END)


def _source(event_type: str, domain: str) -> str:
    if event_type == "idea_logged":
        return JIRA
    if domain == SPREADSHEET_DOMAIN and not event_type.startswith("contract_"):
        return SPREADSHEET
    if event_type in ("deployed", "contract_checked"):
        return DEPLOY
    return CATALOG if event_type in ("adopted", "contract_activated", "retired") else JIRA


def _event(at: int, event_type: str, product: _Product, **rest) -> tuple:
    return at, _source(event_type, product.domain), event_type, product.product_id, rest


def _delivery_events(rng: random.Random, product: _Product) -> list[tuple]:
    ticket = f"https://{JIRA}/browse/{product.product_id.upper()}"
    idea = {"domain": product.domain, "title": product.title, "source_ref": ticket}
    idea |= {"named_consumer_domains": product.named, "initiative": product.initiative}
    events = [_event(product.logged, "idea_logged", product, **idea)]
    if product.started is not None:
        events.append(_event(product.started, "work_started", product))
    redeployed_after = _between(rng, 30 * DAY, 300 * DAY) if rng.random() < 0.3 else None
    if product.deployed is not None:
        release = f"https://{DEPLOY}/releases/{product.product_id}/1.0.0" if rng.random() < 0.6 else None
        first = {"version": "1.0.0", "title": product.title, "source_ref": release}
        events.append(_event(product.deployed, "deployed", product, **first))
        if redeployed_after and product.closed is None:
            events.append(_event(product.deployed + redeployed_after, "deployed", product, version="1.1.0"))
    if product.closed is not None:
        events.append(_event(product.closed, product.close_reason, product))
    return events


def _adoption_events(rng: random.Random, product: _Product) -> list[tuple]:
    declared = product.domain == SPREADSHEET_DOMAIN
    events = []
    for consumer, first in product.adoptions.items():
        evidence = "declared" if declared else ("granted", "observed")[_between(rng, 0, 2)]
        events.append(_event(first, "adopted", product, consumer_domain=consumer, evidence=evidence))
        at, is_lasting = first, rng.random() < 0.7
        for _ in range(3):
            at += _between(rng, 45 * DAY, 75 * DAY)
            if is_lasting and (product.closed is None or at < product.closed):
                events.append(_event(at, "adopted", product, consumer_domain=consumer, evidence="observed"))
    if product.deployed is not None and rng.random() < 0.2:
        at = product.deployed + _between(rng, DAY, 40 * DAY)
        events.append(_event(at, "adopted", product, consumer_domain=product.domain, evidence="observed"))
    return events


def _contract_events(rng: random.Random, product: _Product) -> list[tuple]:
    """About a hundred products are under contract: mostly kept, by every fifth team often broken."""
    has_contract = rng.random() < (0.5 if product.adoptions else 0.15)
    is_weekly, is_poor, rule_count = rng.random() < 0.08, rng.random() < 0.2, _between(rng, 8, 30)
    if product.deployed is None or product.closed is not None or not has_contract:
        return []
    at = product.deployed + _between(rng, 5 * DAY, 60 * DAY)
    events = [_event(at, "contract_activated", product, contract_version="1.0.0")]
    # Every 28 days and not every month: a measure of "the last 28 days" always finds a check.
    at += DAY
    while at <= END:
        failed = _between(rng, 1, rule_count / 3) if is_poor else int(rng.random() < 0.03)
        counts = {"passed_count": rule_count - failed, "failed_count": failed}
        events.append(_event(at, "contract_checked", product, contract_version="1.0.0", **counts))
        at += 7 * DAY if is_weekly else 28 * DAY
    return events


def _mark_corrected(rng: random.Random, events: list[dict]) -> None:
    """Choose as many of each type, and of adoptions only granted ones: those are first, so the month counts."""
    by_type: dict[str, list[dict]] = {"idea_logged": [], "work_started": [], "deployed": [], "adopted": []}
    for event in events:
        is_inside = 60 * DAY < _seconds(event["occurred_at"]) < END - 60 * DAY
        if is_inside and event["event_type"] in by_type and event.get("evidence", "granted") == "granted":
            by_type[event["event_type"]].append(event)
    for able in by_type.values():
        for event in _shuffled(rng, able)[: CORRECTION_COUNT // len(by_type)]:
            event["revision"] = 1
            corrected_at = _seconds(event["occurred_at"]) + _between(rng, 15 * DAY, 55 * DAY)
            event["recorded_at"] = _text(corrected_at)


# --- What the teams send --------------------------------------------------------------------------


def write_sample(folder: Path, seed: int = DEFAULT_SEED, planted: bool = True) -> list[Path]:
    """Write the files as the teams would send them, mess included, each one whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, lines in sorted(_files(_deliveries(seed, planted)).items()):
        path, part = folder / name, folder / f"{name}.tmp"
        line_end = "\r\n" if name.endswith(".csv") else "\n"
        part.write_bytes("".join(line + line_end for line in lines).encode())
        part.replace(path)
        paths.append(path)
    return paths


def sample_mess(seed: int = DEFAULT_SEED, planted: bool = True) -> dict[str, int]:
    """Count exactly what reading `write_sample`'s files must find.

    rows = current + superseded + duplicates + retractions + malformed, and landed is all but the malformed.
    superseded: what was first sent for a corrected or a retracted event. late_arrivals: current rows in the
    file of a later quarter than they occurred in.
    """
    deliveries = _deliveries(seed, planted)
    kinds = [kind for kind, _, _ in deliveries]
    count = {kind: kinds.count(kind) for kind in ("current", "superseded", "duplicate", "retraction")}
    stamps = [row["occurred_at"] for kind, _, row in deliveries if kind == "current"]
    return {
        "files": len({name for _, name, _ in deliveries}),
        "rows": len(deliveries) + len(MALFORMED),
        "current": count["current"],
        "superseded": count["superseded"],
        "duplicates": count["duplicate"],
        "retractions": count["retraction"],
        "malformed": len(MALFORMED),
        "corrections": sum(row.get("revision") == 1 for kind, _, row in deliveries if kind == "current"),
        "late_arrivals": sum(_is_late(name, row) for kind, name, row in deliveries if kind == "current"),
        "assumed_utc": sum(stamp[19:] == "" for stamp in stamps),
        "other_offset": sum(stamp[19:] not in ("", "Z") for stamp in stamps),
        "deployed_before_logged": IMPOSSIBLE_DEPLOYED_COUNT,
        "adopted_before_deployed": IMPOSSIBLE_ADOPTED_COUNT,
    }


def _deliveries(seed: int, planted: bool) -> list[tuple[str, str, dict]]:
    """Every good row sent, as (what it is, file name, row): the truth once, and what was sent besides."""
    events = sample_events(seed, planted)
    rng = _stream(seed, "mess")
    sent = [("current", _file_of(event), event | _extras(event)) for event in events]
    plain = [row for row in sent if row[1] not in (CORRECTIONS_FILE, CLOUDEVENTS_FILE)]
    # Disjoint on purpose: a repeated row is then the same text, and every count stays exact.
    chosen = iter(_shuffled(rng, plain))
    again = [next(chosen) for _ in range(DUPLICATE_COUNT)]
    for restamp, count in ((_without_offset, ASSUMED_UTC_COUNT), (_summer_time, OTHER_OFFSET_COUNT)):
        for _ in range(count):
            _, _, row = next(chosen)
            row["occurred_at"] = restamp(row["occurred_at"])
    sent += [("duplicate", _redelivered(rng, name), dict(row)) for _, name, row in again]
    sent += [("superseded", _file_of(wrong), wrong) for wrong in _wrong_versions(rng, events)]
    for phantom in _phantoms(rng, events):
        sent.append(("superseded", _file_of(phantom), phantom))
        retraction = phantom | {"revision": 1, "is_retracted": True}
        retraction["recorded_at"] = _text(_seconds(phantom["recorded_at"]) + 9 * DAY)
        sent.append(("retraction", CORRECTIONS_FILE, retraction))
    return sent


def _file_of(event: dict) -> str:
    recorded = event["recorded_at"]
    if event.get("revision"):
        return CORRECTIONS_FILE
    if event["source"] == SPREADSHEET:
        return SPREADSHEET_FILE
    if event["source"] == DEPLOY and event["event_type"] == "deployed" and recorded.startswith("2025"):
        return CLOUDEVENTS_FILE
    return f"events-{_quarter(recorded)}.jsonl"


def _quarter(text: str) -> str:
    return f"{text[:4]}q{(int(text[5:7]) + 2) // 3}"


def _is_late(name: str, row: dict) -> bool:
    return name.startswith("events-") and _quarter(row["occurred_at"]) < name[7:13]


def _extras(event: dict) -> dict:
    """Columns nobody asked for."""
    if event["source"] == SPREADSHEET:
        return {"team_mood": ("sunny", "cloudy", "stormy")[int(event["event_id"]) % 3]}
    return {"jira_ticket": f"DP-{int(event['event_id'])}"} if event["event_type"] == "work_started" else {}


def _without_offset(text: str) -> str:
    return text.removesuffix("Z")


def _summer_time(text: str) -> str:
    return (datetime.fromisoformat(text) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")


def _redelivered(rng: random.Random, name: str) -> str:
    """Send a row again: in the same file or, for 4 in 10, in the next quarter's."""
    if rng.random() >= 0.4 or not name.startswith("events-") or name == "events-2026q1.jsonl":
        return name
    year, quarter = int(name[7:11]), int(name[12])
    return f"events-{year + quarter // 4}q{quarter % 4 + 1}.jsonl"


def _wrong_versions(rng: random.Random, events: list[dict]) -> list[dict]:
    """What was first sent for each corrected event: another time or, where it has a title, a draft of it."""
    wrongs = []
    for number, event in enumerate(event for event in events if event.get("revision")):
        at = _seconds(event["occurred_at"])
        wrong = event | {"recorded_at": _text(at + 3_600)}
        del wrong["revision"]
        if "title" in event and number % 2:
            wrong["title"] = "Draft: " + event["title"]
        else:
            wrong["occurred_at"] = _text(at - _between(rng, 3 * DAY, 40 * DAY))
        wrongs.append(wrong)
    return wrongs


def _phantoms(rng: random.Random, events: list[dict]) -> list[dict]:
    """Events that never happened: trial ideas, and adoptions that would each add a pair if they counted."""
    owners = {e["data_product_id"]: e["domain"] for e in events if e["event_type"] == "idea_logged"}
    taken = {(e["data_product_id"], e.get("consumer_domain")) for e in events}
    deployed = [e for e in events if e["event_type"] == "deployed"]
    able = [
        (e["data_product_id"], _seconds(e["occurred_at"]) + 30 * DAY, domain)
        for e in deployed
        for domain in DOMAINS
        if domain != owners[e["data_product_id"]] and (e["data_product_id"], domain) not in taken
    ]
    able = [pair for pair in able if pair[1] < END - 60 * DAY]
    phantoms = []
    for number, (product_id, at, consumer) in enumerate(_shuffled(rng, able)[:RETRACTION_COUNT]):
        phantom = {"event_id": f"{900_001 + number}", "source": CATALOG, "event_type": "adopted"}
        phantom |= {"data_product_id": product_id, "occurred_at": _text(at), "recorded_at": _text(at + 600)}
        if number < 2:
            phantom |= {"source": JIRA, "event_type": "idea_logged", "data_product_id": f"trial-{number + 1}"}
            phantoms.append(phantom | {"domain": "operations", "title": "Please ignore"})
        else:
            phantoms.append(phantom | {"consumer_domain": consumer, "evidence": "declared"})
    return phantoms


def _broken(event_id: str, event_type: str, **changes) -> dict:
    """A row that would be right but for its changes; None takes a column away."""
    row = {"event_id": event_id, "source": CATALOG, "event_type": event_type}
    row |= {"data_product_id": "pricing-001"}
    row |= {"occurred_at": "2024-03-05T09:30:00Z", "recorded_at": "2024-03-05T09:45:00Z"} | changes
    return {name: value for name, value in row.items() if value is not None}


# Rows that must be quarantined, and that no right event depends on. Text stands for a line as it is.
MALFORMED = (
    ("events-2023q1.jsonl", '{"event_id": "bad-01", "source": "catalog.example.com", "event_ty'),
    ("events-2023q2.jsonl", _broken("bad-02", "work_started", data_product_id=None)),
    ("events-2023q3.jsonl", _broken("bad-03", "deployed", occurred_at="next Tuesday")),
    ("events-2023q4.jsonl", _broken("bad-04", "milestone_beta")),
    ("events-2024q1.jsonl", _broken("bad-05", "adopted", evidence="granted")),
    ("events-2024q1.jsonl", _broken("bad-06", "deployed", occurred_at="1901-01-01T00:00:00Z")),
    ("events-2024q2.jsonl", _broken("bad-07", "contract_checked", passed_count=12, contract_version="1.0.0")),
    ("events-2024q2.jsonl", _broken("bad-08", "contract_checked", passed_count="many", failed_count=0)),
    ("events-2024q3.jsonl", _broken("bad-09", "milestone_beta")),
    ("events-2024q3.jsonl", "-- end of export --"),
    ("events-2024q4.jsonl", _broken("bad-11", "idea_logged", title="No owner", domain=None)),
    ("events-2025q1.jsonl", _broken(None, "work_started")),
    ("events-2025q2.jsonl", _broken("bad-13", "withdrawn", occurred_at="2999-01-01T00:00:00Z")),
    ("events-2025q3.jsonl", '{"event_id": "bad-14", "source": "jira.example.com", "event_type": "idea_log'),
    (CLOUDEVENTS_FILE, _broken("bad-15", "deployed", source=DEPLOY, occurred_at=None)),
    (SPREADSHEET_FILE, _broken("bad-16", "deployed", source=SPREADSHEET, occurred_at="next Tuesday")),
    (SPREADSHEET_FILE, _broken("bad-17", "adopted", source=SPREADSHEET)),
)


def _files(deliveries: list[tuple[str, str, dict]]) -> dict[str, list[str]]:
    """The lines of every file, in the order they were recorded; repeats follow at the end."""
    rows = defaultdict(list)
    for kind, name, row in deliveries:
        rows[name].append((kind == "duplicate", row["recorded_at"], row["source"], row["event_id"], row))
    in_order = {name: sorted(rows[name], key=lambda row: row[:-1]) for name in rows}
    lines = {name: [_line(name, row[-1]) for row in in_order[name]] for name in rows}
    for number, (name, broken) in enumerate(MALFORMED):
        line = broken if isinstance(broken, str) else _line(name, broken)
        lines[name].insert((7 * number) % len(lines[name]), line)
    lines[SPREADSHEET_FILE].insert(0, ",".join(SPREADSHEET_COLUMNS))
    return lines


def _line(name: str, row: dict) -> str:
    if name == SPREADSHEET_FILE:
        text = io.StringIO()
        csv.DictWriter(text, SPREADSHEET_COLUMNS, lineterminator="").writerow(row)
        return text.getvalue()
    return json.dumps(_cloud_event(row) if name == CLOUDEVENTS_FILE else row, ensure_ascii=False)


def _cloud_event(row: dict) -> dict:
    attributes = {
        "specversion": "1.0",
        "id": row["event_id"],
        "source": row["source"],
        "type": f"com.example.delivery.{row['event_type']}",
        "time": row.get("occurred_at"),
        "subject": row["data_product_id"],
        "datacontenttype": "application/json",
    }
    mapped = ("event_id", "source", "event_type", "occurred_at", "data_product_id")
    data = {name: value for name, value in row.items() if name not in mapped}
    return {name: value for name, value in attributes.items() if value is not None} | {"data": data}
