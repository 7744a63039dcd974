"""Domains against all others, by log-rank and Holm: by hand, from a textbook, against scipy and statsmodels, and on
organisations in which no domain differs."""

from collections.abc import Iterable
from fractions import Fraction

import duckdb
import jinja2
import numpy as np
import pyarrow as pa
import pytest
from oracles.logrank import differences
from oracles.survival import DAY
from scipy import stats
from shaped import DBT_PROJECT, WHOLE_DAYS_ABOVE
from survival_tables import AS_OF, SENT, Compiled, compiled_models, product, rows, warehouse
from test_survival_by_hand import SIX_MP

WHOLE = "idea_to_adopted"
PLACEBO = (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)  # weeks, all relapsed
YEARS, STAGE_MEDIAN_DAYS, CLOSED_SHARE = 3, 40, 0.1


@pytest.fixture(scope="session")
def models() -> Compiled:
    """{model: compiled SQL}, in the order in which they build."""
    return compiled_models()


def idea(domain: str | None, took=None, closed_after=None, age=100.0) -> tuple:
    """A data product `age` days old, adopted `took` days after its idea and closed after some more."""
    at = {"adopted_at": took, "closed_at": closed_after}
    return product(domain, idea_logged_at=age, **{m: age - after for m, after in at.items() if after is not None})


def differing(models: Compiled, products: list[tuple]) -> dict[tuple[str, str], dict]:
    """{(interval, domain): row of domain_differences, with the variance of domain_logranks}."""
    with warehouse(models, products) as db:
        sums = {(row["interval_id"], row["domain"]): row["variance"] for row in rows(db, "domain_logranks")}
        found = {(row["interval_id"], row["domain"]): row for row in rows(db, "domain_differences")}
    return {key: row | {"variance": sums.get(key)} for key, row in found.items()}


# --- By hand and from a textbook --------------------------------------------------------------------


def test_observed_expected_and_variance_by_hand(models):
    products = [idea("sales", 1), idea("sales", 2), idea("ops", 2), idea("ops", age=5), idea("ops", 4, closed_after=1)]
    found = differing(models, [*products, idea(None, 2)])  # the one without an owner is in no comparison
    # day 1: 1 of 5 adopted, 2 of the 5 are of sales, and one of ops is closed; day 2: 2 of 3, 1 of the 3 is of sales
    expected = Fraction(2, 5) + Fraction(2 * 1, 3)
    variance = Fraction(2 * 3 * 1 * 4, 5**2 * 4) + Fraction(1 * 2 * 2 * 1, 3**2 * 2)
    sales, ops = (found[WHOLE, domain] for domain in ("sales", "ops"))
    assert (sales["observed_count"], sales["expected_count"]) == (2, pytest.approx(float(expected), abs=1e-11))
    assert (ops["observed_count"], ops["expected_count"]) == (1, pytest.approx(3 - float(expected), abs=1e-11))
    assert sales["variance"] == pytest.approx(float(variance), abs=1e-11)
    assert ops["variance"] == pytest.approx(float(variance), abs=1e-11)


def test_leukaemia_remissions_are_as_in_the_textbook(models):
    # Freireich et al. (1963) in Kleinbaum and Klein: 9 observed, 19.25 expected, chi-squared 16.79 without correction
    treated = [idea("6-mp", t) if is_observed else idea("6-mp", age=t) for t, is_observed in SIX_MP]
    found = differing(models, treated + [idea("placebo", week) for week in PLACEBO])
    row, other = found[WHOLE, "6-mp"], found[WHOLE, "placebo"]
    assert (row["observed_count"], round(row["expected_count"], 2)) == (9, 19.25)
    assert (other["observed_count"], round(other["expected_count"], 2)) == (21, 10.75)
    assert round((9 - row["expected_count"]) ** 2 / row["variance"], 2) == 16.79
    p = stats.chi2.sf((row["expected_count"] - 9 - 0.5) ** 2 / row["variance"], 1)
    assert row["logrank_p_value"] == other["logrank_p_value"] == pytest.approx(p, abs=1e-9)
    assert row["holm_p_value"] == other["holm_p_value"] == pytest.approx(2 * p, abs=1e-9)
    assert (row["difference"], other["difference"]) == ("slower", "faster")


def test_the_tail_of_chi_squared_is_scipys():
    macros = jinja2.Environment().from_string((DBT_PROJECT / "macros" / "survival.sql").read_text()).module
    values = np.concatenate([np.linspace(0, 40, 500), [1e-12, 1e-8, 9e-5, 1e-4, 71.9, 72, 300, 2000]])
    with duckdb.connect() as db:
        db.register("drawn", pa.table({"x": values}))
        found = db.execute(f"select {macros.chi_squared_tail('x')} from drawn").fetchall()
    assert [p for (p,) in found] == pytest.approx(list(stats.chi2.sf(values, 1)), abs=1e-13)


def test_above_100000_data_products_times_are_whole_days_rounded_up(models):
    in_days = Compiled({name: sql.replace(f"> {WHOLE_DAYS_ABOVE}", "> 10") for name, sql in models.items()})
    draw = np.random.default_rng(3)
    took, ages = draw.uniform(0, 8, 80), draw.uniform(4, 30, 80)

    def made(took: np.ndarray, ages: np.ndarray) -> list[tuple]:
        drawn = enumerate(zip(took, ages, strict=True))
        return [idea(("sales", "ops")[n % 2], days if days <= age else None, age=age) for n, (days, age) in drawn]

    rounded = differing(models, made(np.where(took <= ages, np.ceil(took), 99), np.ceil(ages)))
    assert differing(in_days, made(took, ages)) == rounded != differing(models, made(took, ages))
    assert rounded[WHOLE, "sales"]["reason"] is None


# --- What is not tested -----------------------------------------------------------------------------


def same_day(domain: str, count: int) -> list[tuple]:
    """Data products of which half are adopted on day 1; the others stay open."""
    return [idea(domain, 1 if n < count / 2 else None) for n in range(count)]


@pytest.mark.parametrize(
    ("products", "reason"),
    [
        (same_day("sales", 20) + same_day("ops", 20), None),
        (same_day("sales", 18) + same_day("ops", 40), "too_few_expected"),
        (same_day("sales", 40) + same_day("ops", 18), "too_few_expected"),  # of the others
        (same_day("sales", 60), "too_few_expected"),  # there is no other
        ([idea("sales"), *same_day("ops", 40)], "too_few_expected"),
        ([idea("sales"), idea("ops")], "no_adoption_events"),
        ([product("sales", deployed_at=4), *same_day("ops", 40)], "no_products"),
    ],
)
def test_a_domain_is_tested_where_ten_are_expected_of_it_and_of_the_others(models, products, reason):
    row = differing(models, products)[WHOLE, "sales"]
    assert row["reason"] == reason
    figures = {row[name] is None for name in ("logrank_p_value", "holm_p_value", "difference")}
    assert figures == {reason is not None}


def test_where_all_are_adopted_at_once_nothing_is_left_to_chance(models):
    found = differing(models, [idea(domain, 3) for domain in ("sales", "ops") for _ in range(12)])
    assert (found[WHOLE, "sales"]["logrank_p_value"], found[WHOLE, "sales"]["difference"]) == (1, "within_chance")


# --- Against scipy and statsmodels ------------------------------------------------------------------


def random_organisation(draw: np.random.Generator) -> list[tuple]:
    """Data products of two to six domains on a grid with ties; some of nobody, some closed."""
    unit = int(draw.choice([DAY, 20 * DAY, 1]))
    domains = [*(f"d{n}" for n in range(draw.integers(2, 7))), None, "all"]
    paces = draw.choice([2, 4, 8], len(domains))

    def later(moment, pace):
        if moment is None or draw.random() < 0.1:
            return None
        after = moment + int(draw.exponential(pace)) * unit
        return after if after <= AS_OF else None

    def one() -> tuple:
        n = int(draw.integers(len(domains)))
        born = AS_OF - int(draw.integers(0, 25)) * unit
        work = later(born, paces[n])
        deployed = later(work if draw.random() < 0.9 else born, paces[n])
        adopted = later(deployed if draw.random() < 0.9 else born, paces[n])
        closed = later(born, 20) if draw.random() < 0.3 else None
        return domains[n], born if draw.random() < 0.95 else None, work, deployed, adopted, closed

    return [one() for _ in range(int(draw.choice([150, 300])))]


@pytest.mark.parametrize("seed", range(6))
def test_every_comparison_equals_scipy_and_statsmodels(models, seed):
    draw = np.random.default_rng(seed)
    products = random_organisation(draw)
    found, expected = differing(models, products), differences(products, AS_OF)
    assert any(test.p is not None for test, _, _ in expected.values())
    assert {key for key, row in found.items() if row["reason"] != "no_products"} == set(expected)
    for key, (test, holm, difference) in expected.items():
        row = found[key]
        assert row["observed_count"] == test.observed
        assert row["expected_count"] == pytest.approx(test.expected, abs=1e-9)
        assert row["logrank_p_value"] == pytest.approx(test.p, abs=1e-9)
        assert row["holm_p_value"] == pytest.approx(holm, abs=1e-8)
        assert row["difference"] == difference


# --- Organisations of a known law -------------------------------------------------------------------


def organisation(draw: np.random.Generator, domain_count: int, product_count: int, slow: str | None = None) -> list:
    """Three years of ideas; each domain with about `product_count`, 0.4 to 1.6 times; three exponential stages.

    All have one pace, and a tenth is closed before its adoption. The domain named `slow` has `product_count` ideas and
    half that pace in each stage.
    """
    products = []
    for n in range(domain_count):
        domain = f"d{n:02}"
        count = product_count if domain == slow else max(2, draw.poisson(product_count * draw.uniform(0.4, 1.6)))
        ages = draw.uniform(0, 365 * YEARS, count)
        mean_days = STAGE_MEDIAN_DAYS / np.log(2) * (2 if domain == slow else 1)
        reached = np.cumsum(draw.exponential(mean_days, (count, 3)), axis=1)  # days from the idea to each step
        closed = draw.exponential(3 * mean_days * (1 - CLOSED_SHARE) / CLOSED_SHARE, count)
        for age, days, ends in zip(ages, reached, closed, strict=True):
            steps = dict(zip(("work_started_at", "deployed_at", "adopted_at"), days, strict=True))
            steps = {name: day for name, day in steps.items() if day <= min(age, ends)}
            if ends <= age and "adopted_at" not in steps:
                steps["closed_at"] = ends
            products.append(product(domain, idea_logged_at=age, **{name: age - day for name, day in steps.items()}))
    return products


def statements(models: Compiled, organisations: Iterable[list[tuple]]) -> list[set[tuple[str, str, str]]]:
    """Of each organisation the (interval, domain, difference) of what is slower or faster."""
    found = []
    with warehouse(models, []) as db:
        for products in organisations:
            db.register("sent", pa.table(dict(zip(SENT.names, zip(*products, strict=True), strict=True)), SENT))
            db.execute(f"create or replace table curated.data_products as {DATA_PRODUCTS}")
            for name in ("survival_series", "domain_logranks", "domain_differences"):
                db.execute(f"create or replace table curated.{name} as {models[name]}")
            query = "select interval_id, domain, difference from curated.domain_differences"
            found.append(set(db.execute(f"{query} where difference <> 'within_chance'").fetchall()))
    return found


DATA_PRODUCTS = (
    "select 'p' || row_number() over () as data_product_id, domain, "
    + ", ".join(f"make_timestamptz({name}) as {name}" for name in SENT.names if name.endswith("_at"))
    + " from sent"
)


def family_wise(models: Compiled, count: int, domain_count: int, product_count: int) -> int:
    """In how many organisations of identical domains anything differs, from idea to adoption or in a stage."""
    draw = np.random.default_rng(1)
    made = (organisation(draw, domain_count, product_count) for _ in range(count))
    return sum(bool(found) for found in statements(models, made))


def power(models: Compiled, count: int, domain_count: int, product_count: int) -> int:
    """In how many organisations the one domain of half the pace is slower from idea to adoption."""
    draw = np.random.default_rng(2)
    made = (organisation(draw, domain_count, product_count, slow="d00") for _ in range(count))
    return sum((WHOLE, "d00", "slower") in found for found in statements(models, made))


def test_identical_domains_do_not_differ_and_a_slow_one_is_seen(models):
    assert family_wise(models, 8, 8, 40) <= 1
    assert power(models, 4, 8, 100) == 4


@pytest.mark.soak
@pytest.mark.parametrize(("domain_count", "product_count"), [(8, 40), (12, 60), (20, 40), (40, 60)])
def test_of_200_organisations_of_identical_domains_a_twentieth_says_that_one_differs(
    models, domain_count, product_count
):
    assert family_wise(models, 200, domain_count, product_count) <= 16  # 5 %, and two standard errors


@pytest.mark.soak
@pytest.mark.parametrize(("product_count", "seen"), [(20, 156), (40, 199)])
def test_a_domain_at_half_speed_is_seen_as_often_as_documented(models, product_count, seen):
    assert power(models, 200, 8, product_count) == pytest.approx(seen, abs=2)
