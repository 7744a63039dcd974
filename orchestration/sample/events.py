"""The true events of the sample organisation, in the wire format.

Belongs here: an event for each thing that happens to a product, its source and when it was recorded. Does not belong
here: what happens (organisation.py), the files that teams send (deliveries.py).
"""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from orchestration.sample.chance import DAY, between, shuffled, stream
from orchestration.sample.organisation import DEFAULT_SEED, END, FACTORY_FROM, START, Product, organisation

JIRA, DEPLOY, CATALOG = "jira.example.com", "deploy.example.com", "catalog.example.com"
FACTORY = "factory.example.com"  # reports the stages of the data factory, of what began from FACTORY_FROM on
QUERIES = "queries.example.com"  # reports further use of what was used until then
SPREADSHEET_DOMAIN = "marketing"
SPREADSHEET = f"spreadsheet/{SPREADSHEET_DOMAIN}"
CHECKS = "contract_checks"  # the declared source, by which contract checks come from then on
CHECKS_FROM = "2025-10-01"

CORRECTION_COUNT = 12
REPEATS = 3  # uses of a pair after its first one, as the catalog reports them
LASTING_SHARE = 0.9
# By which share of the time from start to deployment a data product has reached a stage: it waits longest for governed.
STAGES = {"collected": 0.05, "curated": 0.15, "stored": 0.25, "governed": 0.85}
UNFINISHED = {"collected": 4 * DAY, "curated": 9 * DAY}  # the same of what is not deployed, in seconds


def sample_events(seed: int = DEFAULT_SEED, planted: bool = True) -> list[dict[str, Any]]:
    """Return the true events in the wire format, sorted by occurred_at, source and event_id.

    A corrected event appears once, as its correction: revision 1, recorded when it was corrected.
    """
    rng, happened, products = stream(seed, "events"), [], organisation(seed, planted)
    for product in products:
        happened += _delivery_events(rng, product)
        happened += _adoption_events(rng, product)
        happened += _contract_events(rng, product)
    happened = [event for event in happened if event[0] <= END]
    happened.sort(key=lambda event: (*event[:4], event[4].get("consumer_domain", "")))
    rng = stream(seed, "records")
    last_ids: dict[str, int] = defaultdict(int)
    events = []
    for at, source, event_type, product_id, rest in happened:
        last_ids[source] += 1
        known = {"event_id": f"{last_ids[source]:06d}", "source": source, "event_type": event_type}
        known |= {"data_product_id": product_id, "occurred_at": time_text(at)}
        known |= {"recorded_at": time_text(_recorded(rng, at, source))}
        events.append(known | {name: value for name, value in rest.items() if value not in (None, [])})
    _mark_corrected(stream(seed, "corrections"), events)
    for event in events:
        if event["event_type"] == "contract_checked" and event["occurred_at"] >= CHECKS_FROM:
            event["source"] = CHECKS
    events += _stage_events(products) + _lasting_use(stream(seed, "lasting"), products, happened)
    return sorted(events, key=lambda event: (event["occurred_at"], event["source"], event["event_id"]))


def _stage_events(products: list[Product]) -> list[dict[str, Any]]:
    """Stages of the data factory, without chance: no other event depends on them."""
    reached = []
    for product in products:
        if product.started is not None and product.started >= FACTORY_FROM:
            last = END if product.closed is None else product.closed
            if product.deployed is not None:
                build = product.deployed - product.started
                times = {stage: product.started + int(share * build) for stage, share in STAGES.items()}
            else:
                times = {stage: product.started + wait for stage, wait in UNFINISHED.items()}
            reached += [(at, stage, product.product_id) for stage, at in times.items() if at < last]
    return [
        {"event_id": f"{number:06d}", "source": FACTORY, "event_type": "stage_reached", "data_product_id": product_id}
        | {"occurred_at": time_text(at), "recorded_at": time_text(min(at + 600, END)), "stage": stage}
        for number, (at, stage, product_id) in enumerate(sorted(reached), start=1)
    ]


def _lasting_use(rng: random.Random, products: list[Product], happened: list[tuple]) -> list[dict[str, Any]]:
    """Further uses of each pair that was used again REPEATS times, every 45 to 75 days; after each, 1 of 10 ends."""
    closed = {product.product_id: END if product.closed is None else product.closed for product in products}
    uses: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, _, event_type, product_id, rest in happened:
        if event_type == "adopted":
            uses[product_id, rest["consumer_domain"]].append(at)
    used = []
    for (product_id, consumer), times in sorted(uses.items()):
        at = max(times) + between(rng, 45 * DAY, 75 * DAY)
        while len(times) > REPEATS and rng.random() < LASTING_SHARE and at < closed[product_id]:
            used.append((at, product_id, consumer))
            at += between(rng, 45 * DAY, 75 * DAY)
    return [
        {"event_id": f"{number:06d}", "source": QUERIES, "event_type": "adopted", "data_product_id": product_id}
        | {"occurred_at": time_text(at), "recorded_at": time_text(min(at + 3_600, END))}
        | {"consumer_domain": consumer, "evidence": "observed"}
        for number, (at, product_id, consumer) in enumerate(sorted(used), start=1)
    ]


def time_text(at: int) -> str:
    """Seconds since START as RFC 3339."""
    return (START + timedelta(seconds=at)).isoformat()[:19] + "Z"


def time_seconds(text: str) -> int:
    """Seconds since START of an RFC 3339 text."""
    return int((datetime.fromisoformat(text) - START).total_seconds())


def _recorded(rng: random.Random, at: int, source: str) -> int:
    """Mostly within two hours; a spreadsheet within a week; 3 % weeks later."""
    chance, delay = rng.random(), between(rng, 60, 7_200)
    if source == SPREADSHEET:
        delay += between(rng, 0, 7 * DAY)
    if chance < 0.03:
        delay += between(rng, 10 * DAY, 75 * DAY)
    return min(at + delay, END)


def _source(event_type: str, domain: str) -> str:
    if event_type == "idea_logged":
        return JIRA
    if domain == SPREADSHEET_DOMAIN and not event_type.startswith("contract_"):
        return SPREADSHEET
    if event_type in ("deployed", "contract_checked"):
        return DEPLOY
    return CATALOG if event_type in ("adopted", "contract_activated", "retired") else JIRA


def _event(at: int, event_type: str, product: Product, **rest: Any) -> tuple:
    return at, _source(event_type, product.domain), event_type, product.product_id, rest


def _delivery_events(rng: random.Random, product: Product) -> list[tuple]:
    ticket = f"https://{JIRA}/browse/{product.product_id.upper()}"
    idea: dict[str, Any] = {"domain": product.domain, "title": product.title, "source_ref": ticket}
    idea |= {"named_consumer_domains": product.named, "initiative": product.initiative}
    events = [_event(product.logged, "idea_logged", product, **idea)]
    if product.started is not None:
        events.append(_event(product.started, "work_started", product))
    redeployed_after = between(rng, 30 * DAY, 300 * DAY) if rng.random() < 0.3 else None
    if product.deployed is not None:
        release = f"https://{DEPLOY}/releases/{product.product_id}/1.0.0" if rng.random() < 0.6 else None
        first = {"version": "1.0.0", "title": product.title, "source_ref": release}
        events.append(_event(product.deployed, "deployed", product, **first))
        if redeployed_after and product.closed is None:
            events.append(_event(product.deployed + redeployed_after, "deployed", product, version="1.1.0"))
    if product.closed is not None and product.close_reason is not None:
        events.append(_event(product.closed, product.close_reason, product))
    return events


def _adoption_events(rng: random.Random, product: Product) -> list[tuple]:
    declared = product.domain == SPREADSHEET_DOMAIN
    events = []
    for consumer, first in product.adoptions.items():
        evidence = "declared" if declared else ("granted", "observed")[between(rng, 0, 2)]
        events.append(_event(first, "adopted", product, consumer_domain=consumer, evidence=evidence))
        at, is_lasting = first, rng.random() < 0.7
        for _ in range(REPEATS):
            at += between(rng, 45 * DAY, 75 * DAY)
            if is_lasting and (product.closed is None or at < product.closed):
                events.append(_event(at, "adopted", product, consumer_domain=consumer, evidence="observed"))
    if product.deployed is not None and rng.random() < 0.2:
        at = product.deployed + between(rng, DAY, 40 * DAY)
        events.append(_event(at, "adopted", product, consumer_domain=product.domain, evidence="observed"))
    return events


def _contract_events(rng: random.Random, product: Product) -> list[tuple]:
    """About a hundred products are under contract: mostly kept, by every fifth team often broken."""
    has_contract = rng.random() < (0.5 if product.adoptions else 0.15)
    is_weekly, is_poor, rule_count = rng.random() < 0.08, rng.random() < 0.2, between(rng, 8, 30)
    if product.deployed is None or product.closed is not None or not has_contract:
        return []
    at = product.deployed + between(rng, 5 * DAY, 60 * DAY)
    events = [_event(at, "contract_activated", product, contract_version="1.0.0")]
    # Every 28 days and not every month: a measure of "the last 28 days" always finds a check.
    at += DAY
    while at <= END:
        failed = between(rng, 1, rule_count / 3) if is_poor else int(rng.random() < 0.03)
        counts = {"passed_count": rule_count - failed, "failed_count": failed}
        events.append(_event(at, "contract_checked", product, contract_version="1.0.0", **counts))
        at += 7 * DAY if is_weekly else 28 * DAY
    return events


def _mark_corrected(rng: random.Random, events: list[dict[str, Any]]) -> None:
    """Choose as many of each type, and of adoptions only granted ones: those are first, so the month counts."""
    by_type: dict[str, list[dict[str, Any]]] = {"idea_logged": [], "work_started": [], "deployed": [], "adopted": []}
    for event in events:
        is_inside = 60 * DAY < time_seconds(event["occurred_at"]) < END - 60 * DAY
        if is_inside and event["event_type"] in by_type and event.get("evidence", "granted") == "granted":
            by_type[event["event_type"]].append(event)
    for able in by_type.values():
        for event in shuffled(rng, able)[: CORRECTION_COUNT // len(by_type)]:
            event["revision"] = 1
            corrected_at = time_seconds(event["occurred_at"]) + between(rng, 15 * DAY, 55 * DAY)
            event["recorded_at"] = time_text(corrected_at)
