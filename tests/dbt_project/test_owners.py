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


CHANGED = happened("owner_changed", 5, "moved", domain="finance")
LIFE = [
    happened("idea_logged", 1, domain="sales"),
    happened("deployed", 2, domain="sales"),
    happened("adopted", 3, consumer_domain="finance"),
    CHANGED,
    happened("adopted", 6, consumer_domain="finance"),
    happened("adopted", 7, consumer_domain="sales"),
]
ADOPTIONS = """
    select consumer_domain, owner_domain, first_adopted_at, last_adopted_at, adopted_event_count
    from curated.adoptions order by first_adopted_at
"""
SCORECARD = "select domain, gave_count, took_count, product_count from authoritative.domain_scorecard order by domain"
OWNER = "select domain from curated.data_products"
OWN_USE = "select occurred_at from curated.data_quality_issues where rule_id = 'own_domain_adoption'"
MOVED_LATER = happened("owner_changed", 8, "moved", domain="finance", revision=1)
TAKEN_BACK = CHANGED | {"revision": 1, "is_retracted": True}
FIRST, BOTH = ("finance", "sales", at(3), at(3), 1), ("finance", "sales", at(3), at(6), 2)


@pytest.mark.parametrize(
    ("correction", "adoptions", "scorecard", "owner", "own_use"),
    [
        ([], [FIRST, ("sales", "finance", at(7), at(7), 1)], [("finance", 1, 1, 1), ("sales", 1, 1, 0)], "finance", 6),
        ([MOVED_LATER], [BOTH], [("finance", 0, 1, 1), ("sales", 1, 0, 0)], "finance", 7),
        ([TAKEN_BACK], [BOTH], [("finance", 0, 1, 0), ("sales", 1, 0, 1)], "sales", 7),
    ],
)
def test_use_counts_against_the_owner_of_its_day_in_any_order_of_arrival(
    built, correction, adoptions, scorecard, owner, own_use
):
    for events in ([*LIFE, *correction], [*correction, *reversed(LIFE)]):
        db = built(*events)
        assert db.execute(ADOPTIONS).fetchall() == adoptions
        assert db.execute(SCORECARD).fetchall() == scorecard
        assert db.execute(OWNER).fetchall() == [(owner,)]
        assert db.execute(OWN_USE).fetchall() == [(at(own_use),)]


def test_of_one_moment_the_new_owner_owns_whatever_the_names_of_the_events(built):
    for event_id in ("a", "z"):
        moved = happened("owner_changed", 2, event_id, domain="finance", source="catalog")
        db = built(LIFE[0], moved, happened("deployed", 2, "m", domain="sales", source="catalog"))
        owned = db.execute("select domain, owned_from from curated.domain_ownerships order by owned_from nulls first")
        assert owned.fetchall() == [("sales", None), ("finance", at(2))]
        assert db.execute(OWNER).fetchall() == [("finance",)]


def test_a_new_owner_of_nothing_known_changes_no_number_until_the_product_is(warehouse, built):
    def numbers(db) -> dict[str, list]:
        names = [name for name in warehouse.tables if name.startswith("authoritative.")]
        names += ["curated.data_products", "curated.adoptions", "curated.domains"]
        found = {name: db.execute(f"from {name} order by all").fetchall() for name in names}
        del found["authoritative.event_accounting"]
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
