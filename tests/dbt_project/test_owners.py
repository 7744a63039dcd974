"""Whose data product it was: an owner_changed decides from its day on, and rewrites no adoption before it."""

from datetime import datetime

import pytest
from conftest import make_event
from shaped import rows
from warehouse import Warehouse


@pytest.fixture(scope="module")
def warehouse() -> Warehouse:
    return Warehouse()


@pytest.fixture
def built(warehouse):
    """Land each of these events as a batch of its own, in this order, and build: built(event, …) -> the database."""

    def build(*events: dict):
        warehouse.start_again()
        warehouse.land({f"batch {number}": [event] for number, event in enumerate(events)})
        warehouse.tables = warehouse.build()
        return warehouse.db

    return build


def happened(kind: str, month: int, event_id: str = "", **columns) -> dict:
    columns["occurred_at"] = at(month).isoformat()
    return make_event(kind, event_id or f"{kind} {month}", **columns)


def at(month: int) -> datetime:
    return datetime.fromisoformat(f"2025-{month:02}-10T00:00:00+00:00")


def moved(month: int, **columns) -> dict:
    return happened("owner_changed", month, "moved", domain="finance", **columns)


LIFE = [
    happened("idea_logged", 1, domain="sales"),
    happened("deployed", 2, domain="sales"),
    happened("adopted", 3, consumer_domain="finance"),
    moved(5),
    happened("adopted", 6, consumer_domain="finance"),
    happened("adopted", 7, consumer_domain="sales"),
]
CORRECTIONS = {"moved": [], "moved later": [moved(8, revision=1)], "never": [moved(5, revision=1, is_retracted=True)]}
ADOPTIONS = """
    select data_product_id, consumer_domain, owner_domain, first_adopted_at, last_adopted_at, adopted_event_count
    from curated.adoptions order by data_product_id, first_adopted_at
"""
SCORECARD = "select domain, gave_count, took_count, product_count from authoritative.domain_scorecard order by domain"
OWNERS = "select data_product_id, domain from curated.data_products order by all"
OWN_USE = """
    select data_product_id, occurred_at from curated.data_quality_issues where rule_id = 'own_domain_adoption'
    order by all
"""


def test_use_counts_against_the_owner_of_its_day_in_any_order_of_arrival(built):
    events = [
        event | {"data_product_id": product, "event_id": f"{product}: {event['event_id']}"}
        for product, corrections in CORRECTIONS.items()
        for event in [*LIFE, *corrections]
    ]
    for arrived in (events, events[::-1]):
        db = built(*arrived)
        assert db.execute(ADOPTIONS).fetchall() == [
            ("moved", "finance", "sales", at(3), at(3), 1),
            ("moved", "sales", "finance", at(7), at(7), 1),
            ("moved later", "finance", "sales", at(3), at(6), 2),
            ("never", "finance", "sales", at(3), at(6), 2),
        ]
        assert db.execute(OWN_USE).fetchall() == [("moved", at(6)), ("moved later", at(7)), ("never", at(7))]
        assert db.execute(OWNERS).fetchall() == [("moved", "finance"), ("moved later", "finance"), ("never", "sales")]
        assert db.execute(SCORECARD).fetchall() == [("finance", 1, 3, 2), ("sales", 3, 1, 1)]


def test_of_one_moment_the_new_owner_owns_whatever_the_names_of_the_events(built):
    events = [
        happened(kind, 2, f"{product} {name}", data_product_id=product, domain=domain)
        for product, names in {"p1": "ab", "p2": "ba"}.items()
        for kind, name, domain in zip(["deployed", "owner_changed"], names, ["sales", "finance"], strict=True)
    ]
    db = built(*events)
    owned = db.execute("select domain, owned_from from curated.domain_ownerships order by owned_from nulls first")
    assert owned.fetchall() == [("sales", None)] * 2 + [("finance", at(2))] * 2
    assert db.execute(OWNERS).fetchall() == [("p1", "finance"), ("p2", "finance")]


def test_a_new_owner_of_nothing_known_changes_no_number_until_the_product_is(warehouse, built):
    def numbers(db) -> dict[str, list]:
        names = [name for name in warehouse.tables if name.startswith("authoritative.")]
        names += ["curated.data_products", "curated.adoptions", "curated.domains"]
        found = {name: db.execute(f"from {name} order by all").fetchall() for name in names}
        for of_what_was_sent in ("event_accounting", "source_activity"):
            del found[f"authoritative.{of_what_was_sent}"]
        return {name: [row for row in rows if "contract_pass_rate" not in row] for name, rows in found.items()}

    expected = numbers(built(*LIFE))
    unknown = happened("owner_changed", 1, "unknown", data_product_id="unknown", domain="moon")
    unknown |= {"occurred_at": "1991-01-10T00:00:00+00:00"}
    db = built(*LIFE, unknown, unknown | {"event_id": "again", "domain": "mars"})
    assert numbers(db) == expected
    found = rows(db, "from curated.data_quality_issues where data_product_id = 'unknown' order by event_id")
    assert [(issue["rule_id"], issue["event_id"], issue["detail"]) for issue in found] == [
        (
            "owner_change_without_product",
            event_id,
            f"owned by {domain} from 1991-01-10 00:00:00+00, and there is no other event of it",
        )
        for event_id, domain in [("again", "mars"), ("unknown", "moon")]
    ]

    db = built(*LIFE, unknown, happened("deployed", 4, data_product_id="unknown"))
    known = "select domain, stage from curated.data_products where data_product_id = 'unknown'"
    assert db.execute(known).fetchall() == [("moon", "deployed")]
    assert ("moon",) in db.execute("select domain from curated.domains").fetchall()
