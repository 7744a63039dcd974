"""Queues and places on the S-curve, one data product after the other in plain Python, and made-up events to judge.

Definitions: docs/metrics.md, "Queues" and "Table `product_evolution`". Events as tests/shaped.py has them, no event
twice and no two at the same moment; moments in microseconds since 1970. Nothing here reads SQL.
"""

import random
from functools import cached_property

import numpy as np

DAY = 86_400_000_000  # microseconds
CLOSINGS = ("withdrawn", "abandoned", "rejected", "retired")
DELIVERIES = ("idea_logged", "work_started", "deployed", "adopted")
DOMAINS = ("sales", "finance", "risk", "legal")
TYPES = (*DELIVERIES, *CLOSINGS, "contract_activated", "contract_checked", "owner_changed")
NEXT_STEPS = {
    "not_started": ("idea_logged", ("work_started", "deployed")),
    "in_build": ("work_started", ("deployed",)),
    "not_deployed": ("idea_logged", ("deployed",)),
    "deployed_unused": ("deployed", ("first adoption",)),
}


def some_events(
    seed: int, as_of: int, products: int = 60, has_starts: bool = True, has_repeats: bool = True
) -> list[dict]:
    """Events of an organisation in which anything is missing, out of order, closed, reopened or handed over."""
    chance = random.Random(seed)
    events = []
    for number in range(products):
        age = chance.uniform(1, 900)

        def sent(event_type: str, days_later: float, product: str = f"p{number:02}", age=age, **columns) -> None:
            at = as_of - round((age - days_later) * DAY)
            if at <= as_of:
                events.append({"event_type": event_type, "data_product_id": product, "occurred_at": at} | columns)

        _deliver(chance, sent, has_starts, has_repeats)
        _check(chance, sent)
    return events


def _deliver(chance: random.Random, sent, has_starts: bool, has_repeats: bool) -> None:
    owner, step = chance.choice([*DOMAINS, None]), chance.uniform(0, 60)
    if chance.random() < 0.85:
        sent("idea_logged", chance.choice([0, 0, 0, 30]) * chance.random(), domain=owner)
    if has_starts and chance.random() < 0.7:
        sent("work_started", step)
    if chance.random() < 0.7:
        step += chance.uniform(-5, 200)
        sent("deployed", step, domain=chance.choice([owner, None]))
    if chance.random() < 0.2:
        sent("owner_changed", chance.uniform(0, 400), domain=chance.choice(DOMAINS))
    for consumer in chance.sample(DOMAINS, chance.choice([0, 0, 1, 3])):
        first = step + chance.uniform(0, 200)
        for repeat in range(4 if has_repeats else 1):
            sent("adopted", first + repeat * chance.uniform(20, 120), consumer_domain=consumer)
    if chance.random() < 0.3:
        closed = chance.uniform(0, 500)
        sent(chance.choice(CLOSINGS), closed)
        if chance.random() < 0.5:
            sent(chance.choice(DELIVERIES[:3] if has_starts else DELIVERIES[:1]), closed + chance.uniform(0, 200))


def _check(chance: random.Random, sent) -> None:
    if chance.random() < 0.3:
        return
    first, is_kept = chance.uniform(0, 300), chance.random() < 0.6
    if chance.random() < 0.9:
        sent("contract_activated", first)
    for number in range(30):
        if chance.random() < 0.9:
            failed = chance.choice([0, 0, 0, 0, 0, 1]) if not is_kept else 0
            sent(
                "contract_checked",
                first + 28 * (number + chance.random()),
                passed_count=chance.randrange(30),
                failed_count=failed,
            )


class Life:
    """One data product by its events up to `as_of`."""

    def __init__(self, events: list[dict], as_of: int):
        self.events = sorted(events, key=lambda e: e["occurred_at"])
        self.as_of = as_of
        self.is_product = any(e["event_type"] != "owner_changed" for e in events)

    def at(self, *event_types: str) -> list[int]:
        return [e["occurred_at"] for e in self.events if e["event_type"] in event_types]

    def first(self, *event_types: str) -> int | None:
        return min(self.at(*event_types), default=None)

    def owner_at(self, moment: int) -> str | None:
        named = [(e["occurred_at"], e["domain"]) for e in self.events if e.get("domain")]
        return ([domain for at, domain in named if at <= moment][-1:] or [domain for _, domain in named[:1]] or [None])[
            0
        ]

    @property
    def owner(self) -> str | None:
        return self.owner_at(self.as_of)

    @cached_property
    def uses(self) -> dict[str, list[int]]:
        """{consumer domain: moments of its use as another domain than the owner}."""
        found: dict[str, list[int]] = {}
        for event in self.events:
            owner = self.owner_at(event["occurred_at"])
            if event["event_type"] == "adopted" and owner not in (None, event["consumer_domain"]):
                found.setdefault(event["consumer_domain"], []).append(event["occurred_at"])
        return found

    def step(self, name: str) -> int | None:
        """When it came to a step, "first adoption" being one."""
        return min((at[0] for at in self.uses.values()), default=None) if name == "first adoption" else self.first(name)

    @property
    def reopened(self) -> int | None:
        closed = self.at(*CLOSINGS)
        return min((at for at in self.at(*DELIVERIES) if closed and at > closed[-1]), default=None)

    @property
    def stage(self) -> str:
        if self.at(*CLOSINGS) and self.reopened is None:
            return "closed"
        for stage in ("first adoption", "deployed", "work_started"):
            if self.step(stage) is not None:
                return stage
        return "idea_logged"

    def queue(self, has_starts: bool) -> tuple[str, int] | None:
        """(queue, when it entered it); None where it is not open."""
        names = {"deployed": "deployed_unused", "work_started": "in_build"}
        names["idea_logged"] = "not_started" if has_starts else "not_deployed"
        if self.stage not in names:
            return None
        entered = self.first(self.stage) or self.first(*[t for t in TYPES if t != "owner_changed"])
        return names[self.stage], max(entered, self.reopened or entered)

    def moved_on(self, queue: str) -> tuple[int, float] | None:
        """(when it moved on from the queue, days that took); None where it did not, or was closed before."""
        start, ends = NEXT_STEPS[queue]
        entered = self.first(start)
        moved = min((at for at in map(self.step, ends) if at is not None), default=None)
        if entered is None or moved is None or moved < entered or any(at < moved for at in self.at(*CLOSINGS)):
            return None
        return moved, (moved - entered) / DAY


class Organisation:
    """All data products by their events up to `as_of`, microseconds since 1970."""

    def __init__(self, events: list[dict], as_of: int):
        known: dict[str, list[dict]] = {}
        for event in (e for e in events if e["occurred_at"] <= as_of):
            known.setdefault(event["data_product_id"], []).append(event)
        lives = {name: Life(sent, as_of) for name, sent in known.items()}
        self.as_of = as_of
        self.lives = {name: life for name, life in lives.items() if life.is_product}
        self.events = [event for name in self.lives for event in known[name]]
        self.has_starts = any(life.first("work_started") is not None for life in self.lives.values())
        self.domains = {e[column] for e in self.events for column in ("domain", "consumer_domain") if e.get(column)}
        self.has_repeats = any(at[-1] - at[0] >= 28 * DAY for life in self.lives.values() for at in life.uses.values())

    def first(self, *event_types: str) -> int | None:
        return min((e["occurred_at"] for e in self.events if e["event_type"] in event_types), default=None)

    def queued(self) -> dict[str, tuple[str, int]]:
        """{open data product: (queue, when it entered it)}."""
        found = {name: life.queue(self.has_starts) for name, life in self.lives.items()}
        return {name: queue for name, queue in found.items() if queue is not None}

    def moves(self, queue: str) -> tuple[int, float | None]:
        """(how many moved on in the last 365 days, their 85 % quantile in days or None under 10)."""
        moves = [move for life in self.lives.values() if (move := life.moved_on(queue)) is not None]
        days = [days for at, days in moves if self.as_of - at < 365 * DAY]
        return len(days), float(np.quantile(days, 0.85)) if len(days) >= 10 else None

    def certainty(self, name: str, moment: int) -> tuple[str, str | None]:
        """(certainty, the first gate that is not passed) at a moment."""
        life = self.lives[name]
        checks = [e for e in life.events if e["event_type"] == "contract_checked" and e["occurred_at"] <= moment]
        checks = [(moment - e["occurred_at"], e["passed_count"], e["failed_count"]) for e in checks]
        active = [moment - at for at in life.at("contract_activated") if at <= moment]
        lately = [(passed, failed) for age, passed, failed in checks if age < 28 * DAY]
        passed, failed = sum(p for p, _ in lately), sum(f for _, f in lately)
        spans = {age // (30 * DAY) for age, p, f in checks if p + f > 0}
        first = self.first("contract_activated", "contract_checked")
        gates = [
            ("no_contract_events", first is not None and first <= moment),
            ("no_active_contract", bool(active)),
            ("not_checked_lately", passed + failed > 0),
            ("checks_failing", passed >= 19 * failed),
            ("owner_unknown", life.owner is not None),
            ("broken_within_90_days", not any(f for age, _, f in checks if age < 90 * DAY)),
            ("activated_within_90_days", bool(active) and max(active) >= 90 * DAY),
            ("not_checked_each_month", {0, 1, 2} <= spans),
        ]
        failing = next((reason for reason, is_passed in gates if not is_passed), None)
        names = ["not_measured", "raw", *["contract_not_kept"] * 3, *["curated"] * 3]
        by_gate = dict(zip((reason for reason, _ in gates), names, strict=True))
        return by_gate.get(failing, "authoritative"), failing

    def consumers(self, name: str, moment: int) -> int | None:
        """How many other domains use it at a moment, or did so ever where no repeated use is sent."""
        life, first = self.lives[name], self.first("adopted")
        if life.owner is None or first is None or first > moment:
            return None
        window = 90 * DAY if self.has_repeats else moment
        return sum(
            any(0 <= moment - at < window for at in used)
            for consumer, used in life.uses.items()
            if consumer != life.owner
        )

    def live_since(self, name: str) -> int | None:
        """Since when it is deployed or adopted and open; None where it is not."""
        life = self.lives[name]
        if life.stage not in ("deployed", "first adoption"):
            return None
        return life.reopened or min(at for at in (life.step("deployed"), life.step("first adoption")) if at is not None)
