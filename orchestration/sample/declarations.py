"""What the people of the sample organisation declare: its settings, changes, domains, landscape and costs, with its
initiatives (initiatives.py) and what it says about the tenets (tenets.py).

Belongs here: rows of the declared tables, without chance, and the truths planted in them. Does not belong here: events
(events.py), the format of the files (orchestration/declared.py).

1. **One unit owns more than 60 % of the data products**: Insurance, with 64 % of the live
   ones, none of its domains with more than 13 %.
2. **One capability is built though it is a commodity**: BUILT_COMMODITY. One was never reviewed, one
   not for a year.
3. **Half of the costs is known**: of the live data products with an odd number, 2025 only; those of EUROS in another
   currency; energy and carbon of every fifth.
4. **The data products of one domain have lost it**: ENDED_DOMAIN ended on ENDED_ON.
"""

from datetime import date

from orchestration.sample import initiatives, tenets
from orchestration.sample.organisation import (
    DEFAULT_SEED,
    DOMAINS,
    END,
    MONTH_STARTS,
    PROCESS_CHANGE,
    PROCESS_CHANGE_ON,
    organisation,
)

SETTINGS = initiatives.PURPOSE | {"model": "federated"}
CENTRAL_DOMAIN = "operations"
ENDED_DOMAIN, ENDED_ON = "legal", date(2025, 12, 31)
BUILT_COMMODITY = "Identity and access"
EUROS = ("distribution", "marketing")
UNITS = {
    "Insurance": ("actuarial", "claims", "distribution", "fraud", "pricing", "risk", "underwriting"),
    "Customers": ("customer-service", "marketing"),
    "Group functions": ("finance", "legal", "operations"),
}
COLUMNS = ("capability", "need", "sourcing", "evolution", "owner", "gap", "reviewed_on")
CAPABILITIES = (
    ("Data product catalog", "find what exists", "buy", "product", "operations", "no lineage yet", date(2025, 9, 15)),
    (BUILT_COMMODITY, "see only what one may", "build", "commodity", "operations", None, date(2025, 6, 2)),
    ("Event streaming", "know it within minutes", "buy", "product", "operations", None, date(2024, 11, 20)),
    ("Fraud graph", "see who knows whom", "build", "custom", "fraud", "two people know it", date(2025, 10, 1)),
    ("Telematics scoring", "price by how one drives", "build", "genesis", "pricing", "no test on new cars", None),
    ("Warehouse", "ask questions of all data", "commodity", "commodity", "operations", None, date(2025, 11, 3)),
)


def declared_rows(seed: int = DEFAULT_SEED, planted: bool = True) -> dict[str, list[dict]]:
    """{declared table: its rows}."""
    return {
        "process_changes": [{"changed_on": PROCESS_CHANGE_ON, "note": PROCESS_CHANGE}],
        "domains": [_domain(domain) for domain in DOMAINS],
        "capabilities": [dict(zip(COLUMNS, row, strict=True)) for row in CAPABILITIES],
        "product_costs": product_costs(seed, planted),
        "initiatives": initiatives.INITIATIVES,
        "initiative_kpis": initiatives.KPIS,
        "initiative_products": initiatives.PRODUCTS,
        "tenet_assessments": tenets.ASSESSMENTS,
        "pulse_answers": tenets.ANSWERS,
    }


def _domain(domain: str) -> dict:
    [unit] = [unit for unit, domains in UNITS.items() if domain in domains]
    kind, ended_on = "central" if domain == CENTRAL_DOMAIN else "domain", ENDED_ON if domain == ENDED_DOMAIN else None
    return {"domain": domain, "kind": kind, "unit": unit, "ended_on": ended_on}


def product_costs(seed: int, planted: bool) -> list[dict]:
    """A row for each month of 2025 at the end of which a data product with an odd number is live."""
    rows = []
    for product in organisation(seed, planted):
        number = int(product.product_id[-3:])
        if product.deployed is None or number % 2 == 0:
            continue
        is_metered = number % 5 == 0
        for month in range(24, 36):
            if product.deployed < MONTH_STARTS[month + 1] <= (END if product.closed is None else product.closed):
                rows.append(
                    {
                        "data_product_id": product.product_id,
                        "month": f"2025-{month - 23:02}",
                        "cost": 150 + 25 * (number % 8),
                        "currency": "EUR" if product.domain in EUROS else "CHF",
                        "kwh": 40 + 2 * number if is_metered else None,
                        "co2_kg": (40 + 2 * number) / 8 if is_metered else None,
                        "basis": "metered" if is_metered else "allocation by bytes scanned",
                    }
                )
    return rows
