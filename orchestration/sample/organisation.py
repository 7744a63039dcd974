"""A made-up organisation's delivery events: seeded, with known truths, so that every metric can be checked.

Here belong: the organisation, its true events in the wire format, and the messy files its teams would send.
Not here: reading files and landing them (landing/), any metric or statistic, Dagster, the clock.

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
   (70 % of pairs, every 45 to 75 days: 3 times, and then on with chance 0.9 each), redeployments (30 %, version 1.1.0).
6. **Impossible orders**, which are in the truth as well: 3 products deployed before their idea was logged,
   1 adopted before it was deployed.
7. CORE_COUNT = 14 core products all but existed when measuring began. They are deployed within days of being
   logged, most in January and the last in March 2023, and adopted from then to May: so deployments and
   adoptions have their level from the first month on, with no ramp that a process limit could mistake.
8. `legal` is too small a domain to rank. An event_id repeats across sources: only (source, event_id) is a key.

What people declare of it, and the truths planted there, is in declarations.py. From 2025 on a tool reports the stages
of the data factory, in which a data product waits longest for governed (events.py).

`write_sample` adds the mess on the way (late, repeated, corrected, retracted, malformed rows), none of which
changes the truth: what survives reading it rightly is exactly `sample_events`. `sample_mess` counts it.
"""

import math
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from orchestration.sample.chance import DAY, between, days, normal, pick, poisson, shuffled, stream

# Chosen, not any: of seeds 1 to 399 one of six that show every truth plainly, even to an AR(1) across the change.
DEFAULT_SEED = 282
SAMPLE_AS_OF = datetime(2026, 1, 7, tzinfo=UTC)
PROCESS_CHANGE_ON = date(2024, 12, 1)
PROCESS_CHANGE = "Self-service access opened to all domains"
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
FORMS: tuple[str, ...] = ("daily feed", "monthly report", "score", "dashboard", "forecast", "history")
FORMS += ("API", "alerts", "features", "benchmark", "reference list", "early warning")
INITIATIVES = ("one customer view", "faster claims", "price of the day", "cloud exit 2026")

CLOSINGS = ("withdrawn", "abandoned", "rejected", "retired")

# All times inside are whole seconds since START, so that no float and no time zone reaches the output.
START = datetime(2023, 1, 1, tzinfo=UTC)
MONTH_COUNT = 36
END = int((SAMPLE_AS_OF - START).total_seconds())
MONTH_STARTS = [
    int((datetime(2023 + m // 12, m % 12 + 1, 1, tzinfo=UTC) - START).total_seconds()) for m in range(MONTH_COUNT + 2)
]
FACTORY_FROM = MONTH_STARTS[24]  # January 2025
CHANGE_MONTH = (PROCESS_CHANGE_ON.year - 2023) * 12 + PROCESS_CHANGE_ON.month - 1


@dataclass
class Product:
    """A data product and when each thing happened to it, in seconds since START; None for what did not."""

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


# --- The months -----------------------------------------------------------------------------------


def _monthly_signal(seed: int) -> list[float]:
    """u by the month in which adoptions follow it; the ideas of month m follow u[m + LEAD_MONTHS]."""
    rng = stream(seed, "signal")
    drawn = [2 * rng.random() - 1 for _ in range(MONTH_COUNT + 1 + LEAD_MONTHS)]
    for first, last in ((0, CHANGE_MONTH), (CHANGE_MONTH, MONTH_COUNT)):
        mean = sum(drawn[first:last]) / (last - first)
        drawn[first:last] = [u - mean for u in drawn[first:last]]
    return drawn


def _adoption_counts(seed: int, planted: bool) -> list[int]:
    rng, signal, counts = stream(seed, "adoption counts"), _monthly_signal(seed), []
    for month in range(MONTH_COUNT + 1):
        if planted:
            level = ADOPTIONS_PER_MONTH * (CHANGE_FACTOR if month >= CHANGE_MONTH else 1)
            counts.append(round(level * (1 + SIGNAL_SWING * signal[month]) + NOISE * normal(rng)))
        else:
            counts.append(poisson(rng, ADOPTIONS_PER_MONTH))
    counts[-1] = round(counts[-1] * _share_seen(MONTH_COUNT))
    return counts


def _share_seen(month: int) -> float:
    start, end = MONTH_STARTS[month], MONTH_STARTS[month + 1]
    return (min(end, END) - start) / (end - start)


# --- The ideas and how far they get ---------------------------------------------------------------


def _ideas(seed: int, planted: bool) -> list[Product]:
    rng, signal = stream(seed, "ideas"), _monthly_signal(seed)
    titles = {
        domain: shuffled(rng, [f"{subject}, {form}" for subject in subjects for form in FORMS])
        for domain, (_, _, subjects) in DOMAINS.items()
    }
    numbers: dict[str, int] = defaultdict(int)
    ideas = []
    for month in range(MONTH_COUNT + 1):
        logged = _logged_in(rng, month)
        share = 0.5 + SIGNAL_SWING * signal[month + LEAD_MONTHS] if planted else None
        for (at, is_core), has_named in zip(logged, _who_names(rng, len(logged), share), strict=True):
            domain = pick(rng, list(DOMAINS), [owned for owned, _, _ in DOMAINS.values()])
            numbers[domain] += 1
            title = titles[domain][(numbers[domain] - 1) % len(titles[domain])]
            product_id = f"{domain}-{numbers[domain]:03d}"
            ideas.append(_idea(rng, product_id, domain, title, at, has_named, is_core))
    return ideas


def _logged_in(rng: random.Random, month: int) -> list[tuple[int, bool]]:
    """When the month's ideas are logged, in order, and which of them are core products."""
    start, end = MONTH_STARTS[month], min(MONTH_STARTS[month + 1], END)
    idea_count = poisson(rng, IDEAS_PER_MONTH * _share_seen(month))
    ideas = [(between(rng, start, end), False) for _ in range(idea_count)]
    core = [(_thinning_out(number, CORE_DEPLOYED_WITHIN_DAYS), True) for number in range(CORE_COUNT)]
    return sorted(ideas + [(at, is_core) for at, is_core in core if start <= at < end])


def _who_names(rng: random.Random, idea_count: int, share: float | None) -> list[bool]:
    """Which of a month's ideas name a consumer: an exact share, or a coin each when nothing is planted."""
    if share is None:
        return [rng.random() < 0.5 for _ in range(idea_count)]
    named_count = round(idea_count * min(max(share, 0), 1))
    return shuffled(rng, [number < named_count for number in range(idea_count)])


def _idea(
    rng: random.Random, product_id: str, domain: str, title: str, logged: int, has_named: bool, is_core: bool
) -> Product:
    others = shuffled(rng, [other for other in DOMAINS if other != domain])
    return Product(
        product_id,
        domain,
        title,
        logged,
        named=sorted(others[: 1 + between(rng, 0, 3)]) if has_named else [],
        initiative=INITIATIVES[between(rng, 0, len(INITIATIVES))] if rng.random() < 0.5 else None,
        appeal=math.exp(0.6 * normal(rng)),
        is_core=is_core,
    )


def _live(rng: random.Random, idea: Product, planted: bool) -> None:
    """Draw what becomes of an idea.

    Before a start 9 % are closed and 8 % stall; after one 4 % are closed and 5 % stall; 74 % are deployed.
    """
    fate = rng.random()
    build_factor = SLOW_FACTOR if planted and idea.domain == SLOW_DOMAIN else 1
    to_start, to_build = days(rng, 8, 0.8), days(rng, 40 * build_factor, 0.6)
    to_close, to_want, to_retire = days(rng, 45, 0.7), days(rng, 50, 0.9), days(rng, 420, 0.4)
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


def _live_as_core(rng: random.Random, idea: Product, number: int) -> None:
    idea.started = idea.logged + between(rng, DAY / 8, DAY)
    idea.deployed = idea.started + between(rng, DAY / 4, 4 * DAY)
    first_wanted = _thinning_out(number, CORE_WANTED_WITHIN_DAYS)
    idea.wanted = max(first_wanted, idea.deployed) + between(rng, DAY / 4, 3 * DAY)
    idea.appeal = 2.5


def _thinning_out(number: int, within_days: int) -> int:
    """When the core product of that number is due: many at first and ever fewer, as the others take over."""
    return int(within_days * DAY * (1 - math.sqrt(1 - (number + 0.5) / CORE_COUNT)))


def organisation(seed: int, planted: bool) -> list[Product]:
    """Every data product of the organisation, with its whole life."""
    rng = stream(seed, "lives")
    products = _ideas(seed, planted)
    core = [product for product in products if product.is_core]
    for product in products:
        if product.is_core:
            _live_as_core(rng, product, core.index(product))
        else:
            _live(rng, product, planted)
    _deploy_before_logging(stream(seed, "impossible"), products)
    for product in products:
        _forget_what_is_later(product)
    _adopt(stream(seed, "adoptions"), products, _adoption_counts(seed, planted))
    _deploy_after_adoption(stream(seed, "impossible adoption"), products)
    return products


def _forget_what_is_later(product: Product) -> None:
    for stage in ("started", "deployed", "closed"):
        at = getattr(product, stage)
        if at is not None and at > END:
            setattr(product, stage, None)
    if product.closed is None:
        product.close_reason = None
    if product.deployed is None or (product.closed and product.wanted and product.wanted >= product.closed):
        product.wanted = None


def _deploy_before_logging(rng: random.Random, products: list[Product]) -> None:
    """Teams that wrote the idea down only once it ran: no start was ever recorded."""
    able = [p for p in products if not p.is_core and p.deployed and 60 * DAY < p.logged < END - 120 * DAY]
    for product in shuffled(rng, able)[:IMPOSSIBLE_DEPLOYED_COUNT]:
        product.started = None
        product.deployed = product.logged - between(rng, 2 * DAY, 7 * DAY)


def _deploy_after_adoption(rng: random.Random, products: list[Product]) -> None:
    """Someone used it before the release was recorded."""
    able = [p for p in products if not p.is_core and p.adoptions and p.started and p.closed is None]
    able = [p for p in able if min(p.adoptions.values()) < END - 60 * DAY]
    for product in shuffled(rng, able)[:IMPOSSIBLE_ADOPTED_COUNT]:
        product.deployed = min(product.adoptions.values()) + 3 * DAY


# --- Who adopts what ------------------------------------------------------------------------------


def _adopt(rng: random.Random, products: list[Product], counts: list[int]) -> None:
    """Give each month exactly its count: first adoptions as they fall due, further domains for the rest.

    First adoptions beyond the count wait for the next month; at 4.4 due of 8.7 that is rare.
    """
    due = sorted(((p.wanted, p) for p in products if p.wanted is not None), key=lambda pair: pair[0])
    adopted: list[Product] = []
    for month, count in enumerate(counts):
        start, end = MONTH_STARTS[month], min(MONTH_STARTS[month + 1], END)
        while count > 0 and due and due[0][0] < end:
            wanted, product = due.pop(0)
            at = wanted if wanted >= start else between(rng, start, end)
            if product.closed is None or at < product.closed:
                product.adoptions[_consumer(rng, product)] = at
                adopted.append(product)
                count -= 1
        for _ in range(count):
            _expand(rng, adopted, start, end)


def _expand(rng: random.Random, adopted: list[Product], start: int, end: int) -> None:
    others = len(DOMAINS) - 1
    able = [p for p in adopted if p.closed is None and len(p.adoptions) < others]
    product = pick(rng, able, [p.appeal * (others - len(p.adoptions)) for p in able])
    consumer = _consumer(rng, product)
    assert product.deployed is not None
    product.adoptions[consumer] = between(rng, max(start, product.deployed), end)


def _consumer(rng: random.Random, product: Product) -> str:
    others = [domain for domain in DOMAINS if domain != product.domain and domain not in product.adoptions]
    return pick(rng, others, [DOMAINS[d][1] * (3 if d in product.named else 1) for d in others])
