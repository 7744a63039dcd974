"""Made-up rows of the tables behind the sections of the persona pages, as `page_data` has those of the other pages.

Belongs here: rows with a default for every column. Does not belong here: any expectation.
"""

from datetime import UTC, date, datetime


def stage(name="governed", number=4, **columns) -> dict:
    """A stage of the data factory: 169 data products reached it, half of 96 in 26 days or more."""
    return {
        "stage": name,
        "stage_number": number,
        "product_count": 169,
        "reported_count": 96,
        "open_count": 0,
        "lost_count": 0,
        "count_reason": None,
        "wait_count": 96,
        "out_of_order_count": 0,
        "median_days": 25.7,
        "is_bottleneck": True,
        "reason": None,
        "bottleneck_reason": None,
    } | columns


NO_STAGE = dict.fromkeys(("product_count", "reported_count", "open_count", "lost_count", "wait_count"))
NO_STAGE |= dict.fromkeys(("out_of_order_count", "median_days", "is_bottleneck"))
NO_STAGE |= dict.fromkeys(("count_reason", "reason", "bottleneck_reason"), "no_stage_events")


def factory(**by_stage: dict) -> list[dict]:
    """The five stages, each not measured but those of `by_stage`, {stage: its columns}."""
    names = ("collected", "curated", "stored", "governed", "exposed")
    unset = {"is_bottleneck": False}
    return [
        stage(name, number, **(unset | by_stage[name] if name in by_stage else NO_STAGE))
        for number, name in enumerate(names, 1)
    ]


def owned(measure="products", quarter=4, **columns) -> dict:
    """In a quarter of 2025 264 of 286 were owned outside the central team, as the federated model asks."""
    return {
        "month_starting": date(2025, 3 * quarter - 2, 1),
        "measure": measure,
        "is_complete": True,
        "total_count": 286,
        "central_count": 22,
        "domain_count": 264,
        "unknown_kind_count": 0,
        "outside_share": 264 / 286,
        "reason": None,
        "herfindahl_index": 0.094,
        "largest_domain": "marketing",
        "largest_domain_share": 0.129,
        "concentration_reason": None,
        "largest_unit": "Insurance",
        "largest_unit_share": 0.636,
        "unit_reason": None,
        "governance_model": "federated",
        "agrees_with_model": True,
        "agreement_reason": None,
    } | columns


NOTHING_DECLARED = {"central_count": 0, "domain_count": 0, "unknown_kind_count": 286, "outside_share": None}
NOTHING_DECLARED |= {"reason": "no_domains_declared", "largest_unit": None, "largest_unit_share": None}
NOTHING_DECLARED |= {"unit_reason": "no_units_declared", "governance_model": None, "agrees_with_model": None}
NOTHING_DECLARED |= {"agreement_reason": "no_model_declared"}
NOTHING_OWNED = NOTHING_DECLARED | dict.fromkeys(("total_count", "central_count", "domain_count", "unknown_kind_count"))
NOTHING_OWNED |= dict.fromkeys(("herfindahl_index", "largest_domain", "largest_domain_share"))
NOTHING_OWNED |= dict.fromkeys(("reason", "concentration_reason", "unit_reason"), "no_deployment_events")


def owner_change(kind="owner_ended", change_count=6, **columns) -> dict:
    """A data product of a domain that was declared as ended."""
    return {
        "data_product_id": "legal-001",
        "title": "Contract clauses",
        "has_page": True,
        "kind": kind,
        "change_count": change_count,
        "changed_at": datetime(2025, 12, 31, tzinfo=UTC),
        "from_domain": "legal",
        "to_domain": "claims" if kind == "handed_over" else None,
        "evidence": {"handed_over": "owner_changed", "owner_ended": "declared", "owner_gone": "no_event"}[kind],
        "evidence_class": "declared" if kind == "owner_ended" else "measured",
        "source": None,
        "event_id": None,
    } | columns


def capability(name="Warehouse", **columns) -> dict:
    """A declared capability that calls for nothing."""
    return {
        "capability": name,
        "need": "ask questions of all data",
        "sourcing": "buy",
        "evolution": "product",
        "owner": "operations",
        "gap": None,
        "reviewed_on": date(2025, 11, 3),
        "is_building_a_commodity": False,
        "building_reason": None,
        "days_since_review": 65.0,
        "is_review_due": False,
        "review_reason": None,
    } | columns


BUILT_COMMODITY = {"sourcing": "build", "evolution": "commodity", "is_building_a_commodity": True}
NEVER_REVIEWED = {"reviewed_on": None, "days_since_review": None, "is_review_due": True}
NEVER_REVIEWED |= {"review_reason": "never_reviewed"}
UNDECLARED = {"sourcing": None, "evolution": None, "is_building_a_commodity": None, "building_reason": "not_declared"}


def unused(quarter=4, **columns) -> dict:
    """In a quarter of 2025 85 of 286 live data products were unused for a year, and two were retired."""
    return {
        "month_starting": date(2025, 3 * quarter - 2, 1),
        "is_complete": True,
        "live_count": 286,
        "unused_count": 85,
        "unused_share": 85 / 286,
        "use_basis": "last_365_days",
        "unused_reason": None,
        "retired_count": 2,
        "retired_reason": None,
    } | columns


def lasts(day=180, **columns) -> dict:
    """71 % of 424 adoptions last longer than so many days, 67 % to 76 %."""
    return {
        "day": day,
        "adoption_count": 424,
        "followed_count": 318,
        "ended_count": 107,
        "share_in_use": 0.7147,
        "lower": 0.6661,
        "upper": 0.7575,
        "reason": None,
    } | columns


NOT_LASTING = dict.fromkeys(("ended_count", "share_in_use", "lower", "upper"))


def cost(unit="CHF", month=12, measure="cost", **columns) -> dict:
    """In a month of 2025 28,025 CHF of 113 data products, known of 49 % of the live ones."""
    return {
        "month_starting": date(2025, month, 1),
        "measure": measure,
        "unit": unit,
        "is_complete": True,
        "amount": 28_025.0,
        "product_count": 113,
        "left_out_count": 0,
        "live_count": 286,
        "coverage_share": 0.486,
        "in_use_count": 34,
        "use_basis": "last_90_days",
        "amount_per_product_in_use": 824.2647,
        "in_use_reason": None,
        "adoption_count": 4,
        "amount_per_adoption": 7_006.25,
        "adoption_reason": None,
        "reason": None,
    } | columns


def pushes(value=-17.0, lower=-24.7, upper=-8.5, **columns) -> dict:
    """The momentum of a programme that gets faster: 17 % for each doubling, 24.7 % to 8.5 %."""
    return {
        "metric_id": "momentum",
        "flywheel_phase": "IV",
        "flywheel_phase_verdict": "steady",
        "value": value,
        "lower": lower,
        "upper": upper,
        "reason": None,
    } | columns
