"""Who owns: shares, concentration and the declared model by hand, and parts that add up in any world."""

import random
from datetime import date

import pytest
from shaped import compiled, event, rows, shaped

DOMAINS = ("central", "sales", "finance", "risk")
KINDS = [{"domain": "central", "kind": "central", "unit": "Data office"}]
KINDS += [{"domain": name, "kind": "domain", "unit": "Business"} for name in ("sales", "finance", "risk")]
LATEST = date(2026, 1, 1)


MODELS = ("centralised", "federated", "distributed", "mesh")


def shares(events, kinds=KINDS) -> dict:
    """The row of the live data products of today."""
    with shaped(events, declared={"domains": kinds}, tables=["ownership_shares"]) as db:
        return _latest(db, "authoritative.ownership_shares")


def shares_by_model(events, kinds=KINDS) -> dict[str, dict]:
    """{declared governance model: the same row}."""
    undeclared, found = "cast(null as TEXT) as governance_model", {}
    with shaped(events, declared={"domains": kinds}, tables=["ownership_shares"]) as db:
        sql = compiled()["ownership_shares"].sql
        assert sql.count(undeclared) == 1
        for model in MODELS:
            declared = sql.replace(undeclared, f"'{model}' as governance_model")
            found[model] = _latest(db, f"({declared})")
    return found


def _latest(db, relation: str) -> dict:
    [row] = rows(db, f"from {relation} where measure = 'products' and month_starting = date '{LATEST}'")
    return row


def owned(**counts: int) -> list[dict]:
    """So many live data products of each domain, deployed 100 days ago; `nobody` owns some."""
    return [
        event("deployed", f"{domain} {number}", 100, domain=None if domain == "nobody" else domain)
        for domain, count in counts.items()
        for number in range(count)
    ]


def test_shares_and_concentration_of_a_stock_by_hand():
    row = shares(owned(central=1, sales=6, finance=3, nobody=2))
    assert (row["total_count"], row["central_count"], row["domain_count"], row["unknown_kind_count"]) == (12, 1, 9, 2)
    assert row["outside_share"] == 0.9
    assert row["herfindahl_index"] == pytest.approx((6**2 + 3**2 + 1) / 10**2, abs=1e-12)
    assert (row["largest_domain"], row["largest_domain_share"]) == ("sales", 0.6)
    assert (row["largest_unit"], row["largest_unit_share"]) == ("Business", 0.9)
    assert (row["agrees_with_model"], row["agreement_reason"]) == (None, "no_model_declared")


def test_of_equal_owners_the_first_by_name_is_the_largest():
    row = shares(owned(sales=2, finance=2))
    assert (row["largest_domain"], row["herfindahl_index"]) == ("finance", 0.5)


@pytest.mark.parametrize(
    ("counts", "agrees"),
    [
        ({"central": 3, "sales": 1}, {"centralised"}),
        ({"central": 2, "sales": 2}, {"federated"}),
        ({"central": 1, "sales": 3}, {"federated", "distributed"}),
        ({"central": 1, "sales": 2, "finance": 1}, {"federated", "distributed", "mesh"}),
        ({"sales": 2, "finance": 2}, {"distributed", "mesh"}),
    ],
)
def test_each_model_agrees_by_its_rule(counts, agrees):
    rows_of = shares_by_model(owned(**counts))
    assert {model for model, row in rows_of.items() if row["agrees_with_model"]} == agrees
    assert {row["agreement_reason"] for row in rows_of.values()} == {None}
    assert [row["governance_model"] for row in rows_of.values()] == list(MODELS)


@pytest.mark.parametrize(
    ("counts", "model", "agrees", "reason"),
    [
        # 3 of 4 or more are outside, whoever the fifth belongs to
        ({"central": 1, "sales": 6, "elsewhere": 1}, "distributed", True, None),
        ({"central": 2, "sales": 5, "elsewhere": 2}, "distributed", None, "owner_kinds_unknown"),
        ({"central": 5, "sales": 2, "elsewhere": 1}, "distributed", False, None),
        ({"elsewhere": 3}, "mesh", None, "owner_kinds_unknown"),
        # the owner that nobody knows may be the one with half
        ({"sales": 2, "finance": 2, "nobody": 1}, "mesh", None, "owner_kinds_unknown"),
    ],
)
def test_an_owner_of_unknown_kind_decides_nothing(counts, model, agrees, reason):
    row = shares_by_model(owned(**counts))[model]
    assert (row["agrees_with_model"], row["agreement_reason"]) == (agrees, reason)


def test_without_declared_domains_only_what_is_measured_is_known():
    row = shares_by_model(owned(sales=2, finance=1), kinds=[])["mesh"]
    assert (row["total_count"], row["unknown_kind_count"], row["outside_share"]) == (3, 3, None)
    assert (row["reason"], row["agreement_reason"]) == ("no_domains_declared",) * 2
    assert (row["largest_domain"], row["unit_reason"]) == ("sales", "no_units_declared")


def test_a_hand_over_moves_what_is_owned_from_its_quarter_on_and_no_earlier_one():
    events = [*owned(central=1), event("adopted", "central 0", 95, consumer_domain="risk")]
    events += [event("owner_changed", "central 0", 50, domain="sales")]
    events += [event("adopted", "central 0", 10, consumer_domain="finance")]
    with shaped(events, declared={"domains": KINDS}, tables=["ownership_shares", "ownership_changes"]) as db:
        found = db.execute(
            "select measure, month_starting, central_count, domain_count from authoritative.ownership_shares "
            "where total_count > 0 order by all"
        ).fetchall()
        changes = rows(db, "from authoritative.ownership_changes")
    july, october, january = date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1)
    assert found == [
        ("adoptions", july, 1, 0),
        ("adoptions", october, 0, 1),
        ("deployments", july, 1, 0),
        ("products", july, 1, 0),
        ("products", october, 0, 1),
        ("products", january, 0, 1),
    ]
    [change] = changes
    assert (change["kind"], change["from_domain"], change["to_domain"]) == ("handed_over", "central", "sales")
    assert (change["evidence"], change["evidence_class"], change["source"]) == ("owner_changed", "measured", "source")


def test_products_of_a_domain_that_ended_or_that_nobody_names_any_more_are_listed():
    events = [event("deployed", f"{domain} 1", 500, domain=domain) for domain in ("ended", "ending", "gone", "known")]
    events += [event("deployed", "gone 2", 500, domain="gone"), event("retired", "gone 2", 400)]
    events += [
        event("deployed", "named 1", 500, domain="named"),
        event("adopted", "gone 1", 30, consumer_domain="named"),
    ]
    events += [event("deployed", "ended 2", 450, domain="known"), event("deployed", "ended 2", 430, domain="ended")]
    kinds = [
        {"domain": "ended", "kind": "domain", "ended_on": date(2025, 12, 31)},
        {"domain": "ending", "kind": "domain", "ended_on": date(2026, 3, 1)},
        {"domain": "known", "kind": "domain"},
    ]
    with shaped(events, declared={"domains": kinds}, tables=["ownership_changes", "data_quality_issues"]) as db:
        names = "data_product_id, kind, from_domain, to_domain, evidence"
        found = db.execute(f"select {names} from authoritative.ownership_changes order by all").fetchall()
        issues = db.execute(
            "select rule_id, detail from curated.data_quality_issues where rule_id like '%domain%' order by all"
        ).fetchall()
    assert found == [
        ("ended 1", "owner_ended", "ended", None, "declared"),
        ("ended 2", "handed_over", "known", "ended", "other_event"),
        ("ended 2", "owner_ended", "ended", None, "declared"),
        ("gone 1", "owner_gone", "gone", None, "no_event"),
    ]
    assert issues == [
        ("domain_ends_in_the_future", "ending ends on 2026-03-01"),
        ("domain_not_declared", "gone (events: 2) is not in domains.csv"),
        ("domain_not_declared", "named (events: 2) is not in domains.csv"),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_central_and_domain_and_unknown_are_all_and_all_is_what_other_tables_count(seed):
    chance = random.Random(seed)
    events = []
    for number in range(80):
        product, age = f"p{number}", chance.uniform(0, 900)
        owner = chance.choice([*DOMAINS, "elsewhere", None])
        events.append(event("idea_logged", product, age, domain=owner))
        for kind, likely, columns in [
            ("deployed", 0.8, {}),
            ("adopted", 0.5, {"consumer_domain": chance.choice(DOMAINS)}),
            ("adopted", 0.5, {"consumer_domain": chance.choice(DOMAINS)}),
            ("owner_changed", 0.3, {"domain": chance.choice(DOMAINS)}),
            ("owner_changed", 0.1, {"domain": chance.choice(DOMAINS)}),
            ("retired", 0.2, {}),
        ]:
            if chance.random() < likely:
                events.append(event(kind, product, age * chance.random(), **columns))
    tables = ["ownership_shares", "product_evolution", "liability_quarterly"]
    with shaped(events, declared={"domains": KINDS[: 1 + seed]}, tables=tables) as db:
        found = rows(db, "from authoritative.ownership_shares")
        totals = dict(
            db.execute(
                "select 'products', count(*) from authoritative.product_evolution union all "
                "select 'deployments', count(deployed_at) from curated.data_products union all "
                "select 'adoptions', count(*) from curated.adoptions"
            ).fetchall()
        )
        live = dict(db.execute("select month_starting, live_count from authoritative.liability_quarterly").fetchall())
    known = [row for row in found if row["total_count"] is not None]
    for row in known:
        assert row["central_count"] + row["domain_count"] + row["unknown_kind_count"] == row["total_count"]
    stock = {row["month_starting"]: row["total_count"] for row in found if row["measure"] == "products"}
    assert stock == live and stock[LATEST] == totals["products"]
    for measure in ("deployments", "adoptions"):
        assert sum(row["total_count"] for row in known if row["measure"] == measure) == totals[measure]
