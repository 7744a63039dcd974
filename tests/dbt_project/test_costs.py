"""Costs, energy and carbon, the landscape and the liability: worked by hand; what is wrong is counted, never added."""

from datetime import date

from shaped import event, rows, shaped

OCTOBER, NOVEMBER = date(2025, 10, 1), date(2025, 11, 1)


def day(month: int, of_month: int = 15) -> float:
    """Days before 2026-01-01 of a day of 2025."""
    return (date(2026, 1, 1) - date(2025, month, of_month)).days


def life(product: str, deployed: float, *adopted: tuple[str, float]) -> list[dict]:
    events = [event("deployed", product, deployed, domain="sales")]
    return events + [event("adopted", product, at, consumer_domain=consumer) for consumer, at in adopted]


def cost(product: str, month: str, cost=None, currency=None, kwh=None, co2_kg=None) -> dict:
    return {"data_product_id": product, "month": month, "cost": cost, "currency": currency} | {
        "kwh": kwh,
        "co2_kg": co2_kg,
    }


def tables(events: list[dict], **declared: list[dict]) -> dict[str, list[dict]]:
    names = ["product_costs", "capabilities", "liability_quarterly", "data_quality_issues"]
    with shaped(events, declared=declared, tables=names) as db:
        found = {name: rows(db, f"from authoritative.{name} order by all") for name in names[:3]}
        return found | {"issues": rows(db, "from curated.data_quality_issues order by all")}


WORLD = [
    *life("used", day(2), ("finance", day(10))),
    *life("used long ago", day(2), ("finance", day(3)), ("risk", day(4))),
    *life("unused", day(2)),
    *life("without figures", day(2)),
    *life("later", day(11), ("finance", day(11, 20))),
]
AGAIN = event("adopted", "used", day(11, 20), consumer_domain="finance")


def test_a_months_costs_by_hand():
    declared = [
        cost("used", "2025-10", 100, "CHF", kwh=10),
        cost("used long ago", "2025-10", 50.5, "CHF"),
        cost("unused", "2025-10", 30, "CHF", co2_kg=2),
        cost("unused", "2025-10", 7, "EUR"),
    ]
    found = {row["unit"]: row for row in tables(WORLD, product_costs=declared)["product_costs"]}
    chf = found["CHF"]
    assert (chf["month_starting"], chf["measure"], chf["amount"]) == (OCTOBER, "cost", 180.5)
    assert (chf["product_count"], chf["live_count"], chf["coverage_share"]) == (3, 4, 0.75)
    assert (chf["use_basis"], chf["in_use_count"], chf["amount_per_product_in_use"]) == ("ever", 2, 90.25)
    assert (chf["adoption_count"], chf["amount_per_adoption"]) == (1, 180.5)
    eur = found["EUR"]
    # a data product with a figure in any currency is covered
    assert (eur["amount"], eur["product_count"], eur["coverage_share"]) == (7, 1, 0.75)
    assert (eur["amount_per_product_in_use"], eur["in_use_reason"]) == (None, "no_products_in_use")
    assert (eur["amount_per_adoption"], eur["adoption_reason"]) == (None, "no_adoptions")
    assert [(found[unit]["measure"], found[unit]["amount"]) for unit in ("kWh", "kg")] == [
        ("energy", 10),
        ("carbon", 2),
    ]
    assert found["kWh"]["coverage_share"] == 0.25


def test_where_repeated_use_is_sent_only_use_in_the_last_90_days_counts():
    declared = [cost("used", "2025-11", 100, "CHF"), cost("used long ago", "2025-11", 100, "CHF")]
    [row] = tables([*WORLD, AGAIN], product_costs=declared)["product_costs"]
    assert (row["use_basis"], row["in_use_count"], row["amount_per_product_in_use"]) == ("last_90_days", 1, 200)


def test_what_is_wrong_with_a_cost_is_listed_and_left_out():
    declared = [
        cost("used", "2025-10", 100, "CHF"),
        cost("USED", "2025-10", 900, "CHF"),
        cost("USED", "2025-11", 900, "CHF"),
        cost("used", "2026-02", 900, "CHF"),
        cost("used", "2024-12", 900, "CHF"),
        cost("used", "2025-11", 900),
        cost("used", "2025-12"),
        cost("unused", "2025-10", 1, "EUR"),
    ]
    found = tables(WORLD, product_costs=declared)
    amounts = [
        (row["month_starting"], row["unit"], row["amount"], row["left_out_count"]) for row in found["product_costs"]
    ]
    assert amounts == [(OCTOBER, "CHF", 100, 1), (OCTOBER, "EUR", 1, 0), (NOVEMBER, "CHF", None, 1)]
    assert found["product_costs"][2]["reason"] == found["product_costs"][2]["in_use_reason"] == "no_known_products"
    assert [
        (issue["rule_id"], issue["data_product_id"], issue["detail"])
        for issue in found["issues"]
        if issue["rule_id"].startswith("cost")
    ] == [
        ("cost_before_the_first_month", "used", "declared for 2024-12, and the first event is in 2025-02-01"),
        ("cost_in_the_future", "used", "declared for 2026-02"),
        ("cost_of_unknown_product", "USED", "declared for 2025-10, and no event is about it"),
        ("cost_of_unknown_product", "USED", "declared for 2025-11, and no event is about it"),
        ("cost_without_currency", "used", "a cost of 900.0 in 2025-11"),
        ("cost_without_figure", "used", "nothing but a row for 2025-12"),
        ("costs_in_several_currencies", None, "costs in CHF, EUR"),
    ]


def test_a_cost_before_the_first_adoption_was_received_is_per_nothing():
    declared = [cost("unused", "2025-03", 10, "CHF")]
    [row] = tables(life("unused", day(2)), product_costs=declared)["product_costs"]
    assert (row["in_use_count"], row["adoption_count"], row["use_basis"]) == (None, None, None)
    assert (row["in_use_reason"], row["adoption_reason"]) == ("no_adoption_events",) * 2


def test_what_nobody_declares_is_in_no_table():
    found = tables(WORLD)
    assert (found["product_costs"], found["capabilities"]) == ([], [])
    assert not {issue["rule_id"] for issue in found["issues"]} & {"domain_not_declared", "costs_in_several_currencies"}


CAPABILITIES = [  # what is declared, is_building_a_commodity, is_review_due, building_reason, review_reason
    ({"sourcing": "build", "evolution": "commodity"}, True, True, None, "never_reviewed"),
    ({"sourcing": "build", "evolution": "product"}, False, True, None, "never_reviewed"),
    ({"sourcing": "commodity", "evolution": "commodity"}, False, True, None, "never_reviewed"),
    ({"sourcing": "build", "reviewed_on": date(2025, 1, 1)}, None, True, "not_declared", None),
    ({"evolution": "genesis", "reviewed_on": date(2025, 1, 2)}, None, False, "not_declared", None),
    ({"reviewed_on": date(2026, 1, 1)}, None, False, "not_declared", None),
    ({"reviewed_on": date(2026, 1, 2)}, None, None, "not_declared", "reviewed_in_the_future"),
]


def test_a_capability_is_flagged_by_what_is_declared_of_it():
    declared = [{"capability": str(number), **case[0]} for number, case in enumerate(CAPABILITIES)]
    found = tables([], capabilities=declared)
    flags = ("is_building_a_commodity", "is_review_due", "building_reason", "review_reason")
    assert [tuple(row[name] for name in flags) for row in found["capabilities"]] == [case[1:] for case in CAPABILITIES]
    assert [row["days_since_review"] for row in found["capabilities"]] == [None, None, None, 365, 364, 0, None]
    assert [(issue["rule_id"], issue["detail"]) for issue in found["issues"]] == [
        ("capability_reviewed_in_the_future", "6 was reviewed on 2026-01-02")
    ]


# --- Liability --------------------------------------------------------------------------------------------

LIABILITY = "month_starting, live_count, unused_count, retired_count"


def quarters(events: list[dict]) -> list[tuple]:
    with shaped(events, tables=["liability_quarterly"]) as db:
        return db.execute(f"select {LIABILITY} from authoritative.liability_quarterly order by all").fetchall()


def test_deployed_and_unused_for_a_year_by_hand():
    """365 days after 2024-07-10 and 2024-09-01 fall into the third quarter of 2025."""
    july, september = 540, 487
    events = [
        *life("never used", july),
        *life("used by its owner", july, ("sales", july - 300)),
        *life("used in 2025 again", september, ("finance", september - 1), ("finance", 40)),
        *life("retired in the end", july),
        event("retired", "retired in the end", 60),
        *life("closed too early", 300),
        event("withdrawn", "closed too early", 200),
    ]
    assert quarters(events) == [
        (date(2024, 7, 1), 4, 0, None),
        (date(2024, 10, 1), 4, 0, None),
        (date(2025, 1, 1), 5, 0, None),
        (date(2025, 4, 1), 4, 0, None),
        # "used in 2025 again" was last used 486 days before the end, and again 40 days before it
        (date(2025, 7, 1), 4, 3, None),
        (date(2025, 10, 1), 3, 1, 1),
        (date(2026, 1, 1), 3, 1, 0),
    ]


def test_one_use_is_use_for_good_where_nobody_sends_repeated_use():
    events = [*life("used once", 700, ("finance", 600)), *life("never used", 700)]
    used_before = [event("adopted", "used before", 720, consumer_domain="finance"), *life("used before", 700)]
    assert quarters([*events, *used_before])[-1] == (date(2026, 1, 1), 3, 1, None)
    repeated = event("adopted", "used once", 500, consumer_domain="finance")
    assert quarters([*events, *used_before, repeated])[-1] == (date(2026, 1, 1), 3, 3, None)


def test_without_a_use_nobody_knows_what_is_unused():
    with shaped(life("p", 700), tables=["liability_quarterly"]) as db:
        found = rows(db, "from authoritative.liability_quarterly")
    assert {(row["unused_count"], row["unused_reason"]) for row in found} == {(None, "no_adoption_events")}
    assert {(row["retired_count"], row["retired_reason"]) for row in found} == {(None, "no_retirement_events")}
