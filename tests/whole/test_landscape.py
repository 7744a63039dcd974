"""What is planted in the sample's declarations and stages is found, as plain Python counts it."""

from datetime import date
from statistics import median

import pytest
from pipeline import query, sample_home

from orchestration.sample.declarations import BUILT_COMMODITY, ENDED_DOMAIN, UNITS, declared_rows
from orchestration.sample.events import FACTORY_FROM, STAGES
from orchestration.sample.organisation import DEFAULT_SEED, Product, organisation

pytestmark = pytest.mark.slow
DECEMBER = date(2025, 12, 1)


@pytest.fixture(scope="module")
def sample():
    """A home in which the sample was run, as of its end."""
    return sample_home()


@pytest.fixture(scope="module")
def products() -> list[Product]:
    return organisation(DEFAULT_SEED, planted=True)


def live(products: list[Product]) -> list[Product]:
    return [product for product in products if product.deployed is not None and product.closed is None]


def test_governed_is_the_bottleneck_of_the_factory(sample, products):
    built = [p for p in products if p.started is not None and p.started >= FACTORY_FROM and p.deployed is not None]
    waits = [(STAGES["governed"] - STAGES["stored"]) * (p.deployed - p.started) / 86_400 for p in built]
    found = query(sample, "select stage, wait_count, median_days from authoritative.factory_stages where is_bottleneck")
    [(stage, wait_count, median_days)] = found
    assert (stage, wait_count) == ("governed", len(waits))
    assert median_days == pytest.approx(median(waits), abs=1e-4)  # stages are whole seconds


def test_one_unit_owns_more_than_60_percent_of_the_live_data_products(sample, products):
    owned = [product.domain for product in live(products)]
    share = sum(domain in UNITS["Insurance"] for domain in owned) / len(owned)
    columns = "largest_unit, largest_unit_share, total_count, unknown_kind_count, governance_model, agrees_with_model"
    latest = "measure = 'products' order by month_starting desc limit 1"
    [found] = query(sample, f"select {columns} from authoritative.ownership_shares where {latest}")
    assert found == ("Insurance", pytest.approx(share, abs=1e-12), len(owned), 0, "federated", True)
    assert share > 0.6


def test_the_capability_that_is_built_though_a_commodity_and_those_to_review_are_named(sample):
    names = "select capability from authoritative.capabilities"
    assert query(sample, f"{names} where is_building_a_commodity") == [(BUILT_COMMODITY,)]
    assert query(sample, f"{names} where is_review_due order by 1") == [("Event streaming",), ("Telematics scoring",)]


def test_costs_add_up_by_currency_and_half_of_the_live_data_products_have_them(sample, products):
    declared = [row for row in declared_rows()["product_costs"] if row["month"] == "2025-12"]
    found = query(
        sample,
        "select unit, amount, product_count, left_out_count from authoritative.product_costs "
        "where measure = 'cost' and month_starting = $1 order by unit",
        DECEMBER,
    )
    expected = {}
    for row in declared:
        amount, count = expected.get(row["currency"], (0, 0))
        expected[row["currency"]] = amount + row["cost"], count + 1
    assert found == [(unit, *expected[unit], 0) for unit in ("CHF", "EUR")]
    [(coverage,)] = query(
        sample,
        "select distinct coverage_share from authoritative.product_costs "
        "where measure = 'cost' and month_starting = $1",
        DECEMBER,
    )
    assert coverage == pytest.approx(0.49, abs=0.01)


def test_the_data_products_of_the_domain_that_ended_are_listed(sample, products):
    left = sorted(product.product_id for product in products if product.domain == ENDED_DOMAIN and not product.closed)
    found = query(sample, "select data_product_id, kind from authoritative.ownership_changes order by 1")
    assert found == [(product_id, "owner_ended") for product_id in left] and left
