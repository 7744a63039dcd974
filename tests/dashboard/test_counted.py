"""The rows that a metric's page lists: as many as the served number counts, in every month of a random programme."""

import random
from functools import partial

import pytest
from shaped import event, shaped

from dashboard.counted import COUNTED, rows_behind
from dashboard.rows import EVERYONE, grouped, select

pytestmark = pytest.mark.slow

ABOUT = {"timezone": "UTC", "k": 3, "days": 180}
DOMAINS = ("sales", "finance", "risk", "legal")
KINDS = ("idea_logged", "work_started", "deployed", "adopted", "adopted", "abandoned", "retired", "contract_checked")


def in_any_order() -> list[dict]:
    """120 data products with up to 9 events each in any order: used before deployment, closed before the idea."""
    chance = random.Random(13)
    events = []
    for number in range(120):
        owner, start = DOMAINS[number % 4], chance.uniform(100, 900)
        for _ in range(chance.randrange(1, 10)):
            kind, days = chance.choice(KINDS), start - chance.choice((0, 10, 28, 90, 91, 150, 400)) * chance.random()
            columns = {"domain": owner} if chance.random() < 0.7 else {}
            if kind == "adopted":
                columns["consumer_domain"] = chance.choice(DOMAINS)
            if kind == "contract_checked":
                columns |= {"passed_count": chance.randrange(20), "failed_count": chance.randrange(3)}
            if kind == "idea_logged":
                columns["has_named_consumer"] = chance.random() < 0.5
                columns["initiative"] = chance.choice((None, "one view"))
            events.append(event(kind, f"product {number}", max(days, 1), **columns))
    return events


def counts(rows: list[dict]) -> tuple[int, int]:
    """How many rows count and how many do not; of checks those passed and failed."""
    if not rows:
        return 0, 0
    first = rows[0]
    return first["counted_amount"] or 0, first["row_count"] - first["counted_count"]


def expected(row: dict) -> tuple[int, int]:
    """The same by the served row: of a share what is left of its denominator, of net_flow what was finished."""
    numerator, denominator = row["numerator"] or 0, row["denominator"]
    if row["metric_id"] == "contract_checks_passed":
        return numerator, 0
    if row["metric_id"] == "net_flow":
        return numerator, denominator
    return numerator, (denominator or numerator) - numerator


def test_the_rows_behind_every_month_are_as_many_as_its_numerator_counts():
    with shaped(in_any_order()) as db:
        db.execute("create temp table paged as select data_product_id from curated.data_products")
        run = partial(select, db)
        leading = run("from authoritative.leading_metrics_monthly order by metric_id, month_starting")
        series = grouped([row for row in leading if row["domain"] == EVERYONE], "metric_id")
        found, served = {}, {}
        for metric in COUNTED.keys() & series.keys():
            for at, row in enumerate(series[metric]):
                if row["is_complete"] and row["value"] is not None:
                    key = metric, row["month_starting"]
                    behind = rows_behind(run, {metric: series[metric][: at + 1]}, ABOUT)[metric]
                    found[key], served[key] = counts(behind), expected(row)
    assert found == served
    assert {metric for metric, _ in found} == COUNTED.keys() & series.keys()
    assert sum(count for count, _ in found.values()) > 500
