"""A small organisation's deliveries, for the end-to-end tests: products that go all the way, and some that don't."""

AS_OF = "2026-06-01T00:00:00Z"
SOURCE = "delivery.example.com"


def event(number, kind, product, day, **columns):
    return {
        "event_id": f"e{number}",
        "source": SOURCE,
        "event_type": kind,
        "data_product_id": product,
        "occurred_at": f"2026-{1 + day // 28:02}-{1 + day % 28:02}T08:00:00Z",
        "recorded_at": "2026-05-30T00:00:00Z",
        **columns,
    }


def delivered(first: int, last: int) -> list[dict]:
    """Products that go all the way to two other domains, some dropped on the way."""
    rows = []
    for i in range(first, last):
        product, owner = f"p{i}", f"d{i % 4}"
        rows.append(event(10 * i, "idea_logged", product, i % 60, domain=owner, title=f"Product {i}"))
        rows.append(event(10 * i + 1, "work_started", product, 5 + i % 60))
        if i % 5 == 0:
            rows.append(event(10 * i + 2, "abandoned", product, 20 + i % 60))
            continue
        rows.append(event(10 * i + 3, "deployed", product, 20 + i % 60))
        rows += [event(10 * i + 4 + n, "adopted", product, 30 + n + i % 60, consumer_domain=f"c{n}") for n in range(2)]
    return rows


BEFORE = delivered(0, 40)
# new products, corrections of old events, an exact repeat, and a row that breaks its contract
AFTER = [
    *delivered(40, 60),
    *[{**row, "revision": 1, "title": "corrected"} for row in BEFORE if row["event_type"] == "idea_logged"][:5],
    BEFORE[0],
    {**event(9999, "adopted", "p1", 90), "consumer_domain": None},
]
