"""The purpose of the sample organisation, and the initiatives that it declares, with a known truth.

Belongs here: what its people declare, as fixed rows. Does not belong here: events (events.py); half of the ideas
in them name one of the first four.

**One initiative without a product in use.** `paperless intake` has a sponsor, a figure and four data products of
operations, and no other domain uses any of them.
"""

from datetime import date

PURPOSE = {  # as settings
    "statement": "Every decision about a price, a claim or a customer rests on data that its domain vouches for.",
    "owner": "Chief Data Officer",
    "outcome": "A lower combined ratio: claims and costs as a share of premiums",
}

UNUSED_INITIATIVE = "paperless intake"
INITIATIVES = [
    {
        "initiative_id": "one customer view",
        "title": "One view of each customer",
        "sponsor": "Head of customer service",
        "unit": "Customer service",
        "started_on": date(2023, 1, 1),
        "kpi": "Calls answered without a call back",
        "kpi_unit": "% of calls",
        "kpi_target": 80,
    },
    {
        "initiative_id": "faster claims",
        "title": "Claims settled faster",
        "sponsor": "Head of claims",
        "unit": "Claims",
        "started_on": date(2023, 1, 1),
        "kpi": "Days from report to payment, half of all claims",
        "kpi_unit": "days",
        "kpi_target": 12,
    },
    {
        "initiative_id": "price of the day",
        "title": "Prices that follow the risk each day",
        "sponsor": "Head of pricing",
        "unit": "Pricing",
        "started_on": date(2023, 1, 1),
        "kpi": "Quotes that become policies",
        "kpi_unit": "% of quotes",
        "kpi_target": 25,
    },
    {
        "initiative_id": "cloud exit 2026",
        "title": "Out of the old data centre",
        "sponsor": "CTO",
        "unit": "IT operations",
        "started_on": date(2023, 1, 1),
        "ended_on": date(2026, 12, 31),
        "kpi": "Servers still running there",
        "kpi_unit": "servers",
        "kpi_target": 0,
    },
    {
        "initiative_id": UNUSED_INITIATIVE,
        "title": "Intake without paper",
        "sponsor": "Head of operations",
        "unit": "Operations",
        "started_on": date(2025, 4, 1),
        "kpi": "Documents that nobody has to type in",
        "kpi_unit": "% of documents",
        "kpi_target": 90,
    },
]
_QUARTERS = (date(2025, 3, 31), date(2025, 6, 30), date(2025, 9, 30), date(2025, 12, 31))
_VALUES = {
    "one customer view": (71, 72.5, 74, 75),
    "faster claims": (19, 18, 16.5, 16),
    "price of the day": (21.5, 21, 22.5, 23),
    "cloud exit 2026": (140, 126, 98, 61),
    UNUSED_INITIATIVE: (34, 34, 35, 34.5),
}
KPIS = [
    {"initiative_id": name, "measured_on": day, "value": value}
    for name, values in _VALUES.items()
    for day, value in zip(_QUARTERS, values, strict=True)
]
PRODUCTS = [
    {"initiative_id": UNUSED_INITIATIVE, "data_product_id": product_id}
    for product_id in ("operations-026", "operations-027", "operations-028", "operations-029")
]
