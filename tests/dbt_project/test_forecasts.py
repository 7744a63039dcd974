"""The six months ahead: the gamma-Poisson predictive against integration, coverage, and the reasons for none."""

import math
import random
from datetime import date
from types import SimpleNamespace

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import CHECKOUT, examples
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.forecasts import gamma_poisson
from scipy import stats
from shaped import python_model

LIMITS = CHECKOUT / "dbt_project" / "models" / "curated" / "limits"
COUNTS = [9.0, 7.0, 11.0, 8.0, 10.0, 9.0]  # varies less than Poisson: nothing to widen
SPREAD = [4.0, 8.0, 12.0, 4.0, 8.0, 12.0]  # mean 8, variance 64 / 5 = 12.8, 1.6 times the mean
CHANCES = {"chance_of_target", "total_chance_of_target"}


forecasts = python_model(LIMITS / "north_star_forecasts.py")
FIGURES = [name for name in forecasts.SCHEMA.names if name not in ("month_starting", "horizon_months", "reason")]


def month(index: int, value: float | None, **columns) -> dict:
    """The North Star's row of process_limits for the month `index` months after January 2025."""
    row = {"metric_id": "cross_domain_adoptions", "domain": "all", "period": "month"}
    row |= {"month_starting": date(2025 + index // 12, index % 12 + 1, 1), "process_phase": 1, "is_complete": True}
    row |= {"is_north_star": True, "kind": "flow", "value": value, "process_value": value, "has_limits": True}
    row |= {"point_starting": row["month_starting"], "limits_starting": date(2025, 1, 1)}
    return row | {"own_rule": None, "target": 9.0} | columns


def months(values, **columns) -> list[dict]:
    return [month(index, value, **columns) for index, value in enumerate(values)]


def figures_and_reason(rows: list[dict]) -> tuple[set, set]:
    """The names of the figures shown in any month ahead, and the reasons."""
    found = forecasts.forecast(rows)
    assert len(found) == 6
    return {name for row in found for name in FIGURES if row[name] is not None}, {row["reason"] for row in found}


@pytest.mark.parametrize("ahead", [1, 6])
def test_a_phase_that_varies_like_poisson_forecasts_the_gamma_mixture_of_poissons(ahead):
    row = forecasts.forecast(months(COUNTS))[ahead - 1]
    below = sum(gamma_poisson(count, ahead, COUNTS) for count in range(9 * ahead))
    assert row["total_chance_of_target"] == pytest.approx(1 - below, abs=1e-8)
    assert row["total_expected_value"] == pytest.approx(ahead * 54.5 / 6, abs=1e-9)
    oracle = stats.nbinom(54.5, 6 / (6 + ahead))
    assert oracle.pmf(9 * ahead) == pytest.approx(gamma_poisson(9 * ahead, ahead, COUNTS), rel=1e-8)
    inside = [k for k in range(200) if 0.1 <= oracle.cdf(k) - oracle.pmf(k) / 2 <= 0.9]
    assert (row["total_lower"], row["total_upper"]) == (inside[0], inside[-1])


def test_counts_that_vary_more_than_poisson_widen_the_interval_by_variance_over_mean():
    future = forecasts.predictive(SPREAD, 1)
    mean = 48.5 / 6
    assert (future.mean, future.variance) == pytest.approx((mean, 1.6 * mean * 7 / 6))
    assert future.degrees_of_freedom == pytest.approx(5 / (1 - 1 / 1.6))
    # z of 10 % under Student's t with 13 1/3 degrees of freedom is 1.346: 8.9 % in each tail
    tail = stats.norm.sf(stats.t.isf(0.1, 40 / 3))
    assert tail == pytest.approx(0.0891, abs=5e-4)
    oracle = stats.nbinom(mean**2 / (future.variance - mean), mean / future.variance)
    inside = [k for k in range(200) if tail <= oracle.cdf(k) - oracle.pmf(k) / 2 <= 1 - tail]
    assert future.interval() == (inside[0], inside[-1]) == (4, 13)
    assert oracle.sf(12) < future.chance_of_at_least(13) < 0.2


def test_the_t_that_pays_for_the_estimated_dispersion_is_near_cochran_and_coxs_weighted_quantile():
    weighted = stats.norm.ppf(0.9) / 1.6 + stats.t.ppf(0.9, 5) * (1 - 1 / 1.6)
    assert stats.t.ppf(0.9, forecasts.predictive(SPREAD, 1).degrees_of_freedom) == pytest.approx(weighted, abs=0.02)


def test_each_month_ahead_is_forecast_alike_and_only_the_sums_grow():
    found = forecasts.forecast(months(COUNTS))
    assert [row["horizon_months"] for row in found] == [1, 2, 3, 4, 5, 6]
    assert [row["month_starting"].isoformat() for row in found][::5] == ["2025-07-01", "2025-12-01"]
    assert len({(row["expected_value"], row["lower"], row["upper"], row["chance_of_target"]) for row in found}) == 1
    assert all(found[0][name] == found[0][f"total_{name}"] for name in forecasts.FIGURES)
    widths = [row["total_upper"] - row["total_lower"] for row in found]
    assert widths == sorted(set(widths))


def test_months_go_on_over_the_end_of_a_year():
    rows = [month(index, 9.0) for index in range(3, 11)]
    found = [row["month_starting"] for row in forecasts.forecast(rows)]
    assert found == [date(2025, 12, 1), *(date(2026, number, 1) for number in range(1, 6))]


@pytest.mark.parametrize(("target", "likely"), [(0.0, (1, 1)), (9.0, (0.4, 0.6)), (9.5, (0.3, 0.5)), (60.0, (0, 1e-6))])
def test_the_chance_is_that_of_reaching_the_target_or_more(target, likely):
    row = forecasts.forecast(months(COUNTS, target=target))[0]
    assert likely[0] <= row["chance_of_target"] <= likely[1]
    assert row["chance_of_target"] == pytest.approx(stats.nbinom.sf(math.ceil(target) - 1, 54.5, 6 / 7), abs=1e-9)


def test_a_target_of_a_third_a_month_is_one_in_three_months():
    row = forecasts.forecast(months([0.0, 1.0] * 3, target=0.1 + 0.2))[9 - 4]
    assert row["total_chance_of_target"] == pytest.approx(stats.nbinom.sf(1, 3.5, 6 / 12), abs=1e-9)  # 1.8: two or more
    thirds = forecasts.forecast(months([0.0, 1.0] * 3, target=1.1 - 1 + 7 / 30))[2]
    assert thirds["total_chance_of_target"] == pytest.approx(stats.nbinom.sf(0, 3.5, 6 / 9), abs=1e-9)


COVERAGE_CASES = [
    pytest.param(ratio, month_count, id=f"variance_{ratio}_times_the_mean-{month_count}_months")
    for ratio in (1, 2)
    for month_count in (6, 13, 24)
]


@pytest.mark.parametrize(("ratio", "month_count"), COVERAGE_CASES)
def test_four_of_five_futures_lie_inside_the_eighty_percent_interval(ratio, month_count):
    """500 phases of 8.7 a month; the chance that the future lies inside is exact, by the true distribution."""

    def true(ahead):
        return stats.poisson(8.7 * ahead) if ratio == 1 else stats.nbinom(8.7 * ahead / (ratio - 1), 1 / ratio)

    phases = true(1).rvs(size=(500, month_count), random_state=month_count).astype(float)
    for ahead in (1, 6):
        lower, upper = np.array([forecasts.predictive(list(phase), ahead).interval() for phase in phases]).T
        covered = np.mean(true(ahead).cdf(upper) - true(ahead).cdf(lower - 1))
        assert 0.77 <= covered <= 0.85, (ahead, covered)


# --- When nothing is shown, and why ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param(months(COUNTS, kind="stock"), "not_a_count", id="a_stock"),
        pytest.param(months(COUNTS, has_limits=False), "not_a_count", id="an_overlapping_window"),
        pytest.param(months([*COUNTS, 7.5]), "not_a_count", id="half_an_adoption"),
        pytest.param(months([*COUNTS, -1.0]), "not_a_count", id="below_zero"),
        pytest.param(months([*COUNTS, 2.0**53 + 2]), "not_a_count", id="above_what_a_double_counts"),
        pytest.param(months(COUNTS[:5]), "not_enough_data", id="five_months"),
        pytest.param(months([*COUNTS[:5], None, math.nan]), "not_enough_data", id="five_known_months"),
        pytest.param(
            [*months(COUNTS[:5]), month(5, 9.0, is_complete=False)], "not_enough_data", id="a_sixth_month_under_way"
        ),
        pytest.param(
            [*months(COUNTS), *(month(6 + i, 9.0, process_phase=2) for i in range(5))],
            "not_enough_data",
            id="a_young_phase",
        ),
        pytest.param(
            [*months(COUNTS), month(6, 2.0, process_phase=2, is_complete=False)],
            "not_enough_data",
            id="a_change_this_month",
        ),
        pytest.param([*months(COUNTS), month(6, 40.0, own_rule="outside")], "signal_in_phase", id="a_signal"),
    ],
)
def test_without_a_steady_phase_of_counts_there_are_no_figures_but_a_reason(rows, reason):
    assert figures_and_reason(rows) == (set(), {reason})


def test_without_a_target_only_the_chances_are_unknown():
    for unknown in (None, math.nan):
        shown, reasons = figures_and_reason(months(COUNTS, target=unknown))
        assert (set(FIGURES) - shown, reasons) == (CHANCES, {"no_target"})


def test_with_a_target_six_steady_months_show_every_figure_without_a_reason():
    assert figures_and_reason(months(COUNTS)) == (set(FIGURES), {None})


def test_a_signal_of_an_earlier_phase_or_of_a_month_under_way_hides_nothing():
    earlier = [month(0, 40.0, own_rule="outside")]
    current = [month(index, value, process_phase=2) for index, value in enumerate(COUNTS, start=1)]
    under_way = month(7, 1.0, process_phase=2, is_complete=False, own_rule="outside")
    assert figures_and_reason([*earlier, *current, under_way]) == (set(FIGURES), {None})


def test_only_the_current_phase_counts():
    both = [*months([100.0] * 8), *(month(8 + index, value, process_phase=2) for index, value in enumerate(COUNTS))]
    alone = forecasts.forecast(both[8:])
    assert forecasts.forecast(both) == alone
    assert alone[0]["expected_value"] == pytest.approx(54.5 / 6, abs=1e-9)


def test_months_older_than_those_in_the_limits_and_their_signals_do_not_count():
    old = [month(0, 100.0, own_rule="outside_limits"), *(month(index, 50.0) for index in range(1, 10))]
    rows = [*old, *(month(10 + index, value) for index, value in enumerate(COUNTS))]
    in_limits = [row | {"limits_starting": date(2025, 11, 1)} for row in rows]
    assert forecasts.forecast(in_limits) == forecasts.forecast(in_limits[10:])
    assert forecasts.forecast(in_limits)[0]["expected_value"] == pytest.approx(54.5 / 6, abs=1e-9)


def test_other_metrics_and_domains_are_not_the_north_star():
    others = [
        month(7, 900.0, is_north_star=False, metric_id="net_flow"),
        month(7, 900.0, domain="sales"),
    ]
    assert forecasts.forecast([*others, *months(COUNTS)]) == forecasts.forecast(months(COUNTS))


def test_a_north_star_by_quarter_has_the_months_after_its_last_complete_quarter_and_the_reason():
    quarters = [month(index, 0.5, period="quarter", kind="rate") for index in (0, 3, 6)]
    under_way = month(9, None, period="quarter", kind="rate", is_complete=False)
    found = forecasts.forecast([*quarters, under_way])
    assert [row["month_starting"] for row in found] == [
        date(2025, 10, 1),
        *(date(2025 + n // 12, n % 12 + 1, 1) for n in range(10, 15)),
    ]
    assert figures_and_reason([*quarters, under_way]) == (set(), {"not_a_count"})


def test_before_the_first_complete_month_nothing_is_forecast():
    assert forecasts.forecast([]) == forecasts.forecast([month(0, 3.0, is_complete=False)]) == []


# --- As a dbt model -------------------------------------------------------------------------------


def built(rows: list[dict]) -> pa.Table:
    """What the model returns for these rows of process_limits, read from DuckDB as dbt would."""
    columns = [("metric_id", pa.string()), ("domain", pa.string()), ("period", pa.string())]
    columns += [("month_starting", pa.date32()), ("process_phase", pa.int32()), ("is_complete", pa.bool_())]
    columns += [("is_north_star", pa.bool_()), ("kind", pa.string()), ("value", pa.float64())]
    columns += [("point_starting", pa.date32()), ("limits_starting", pa.date32())]
    columns += [("process_value", pa.float64()), ("has_limits", pa.bool_()), ("own_rule", pa.string())]
    with duckdb.connect() as db:
        db.register("sent", pa.Table.from_pylist(rows, pa.schema([*columns, ("target", pa.float64())])))
        db.execute("create table process_limits as from sent")
        return forecasts.model(SimpleNamespace(ref=db.table), db)


def test_the_table_is_typed_even_when_it_is_empty_or_all_unknown():
    for rows in ([], months(COUNTS[:2], target=None)):
        table = built(rows)
        assert table.schema == forecasts.SCHEMA
        assert table.num_rows == (6 if rows else 0)


def test_a_null_read_from_duckdb_stays_unknown():
    found = built(months([*COUNTS, None], target=None)).to_pylist()
    assert found == forecasts.forecast(months([*COUNTS, None], target=None))
    assert found[0]["chance_of_target"] is None


def test_the_order_of_rows_does_not_matter():
    rows = [*months([3.0] * 7), *(month(7 + index, value, process_phase=2) for index, value in enumerate(SPREAD))]
    mixed = random.Random(7).sample(rows, len(rows))
    assert mixed != rows
    assert forecasts.forecast(mixed) == forecasts.forecast(rows)


WHOLE = st.integers(0, 40) | st.just(0) | st.integers(0, 2**53) | st.just(7)
VALUES = st.none() | WHOLE.map(float) | st.floats(allow_nan=True, allow_infinity=True)
SERIES = st.lists(WHOLE.map(float), max_size=30) | st.lists(VALUES, max_size=12) | st.lists(st.just(0.0), max_size=30)
TARGETS = st.none() | st.floats(0, 1e12) | st.just(math.nan) | st.just(math.inf)


@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(SERIES, TARGETS)
def test_whatever_came_before_every_figure_is_finite_and_in_order_or_null_with_a_reason(values, target):
    found = forecasts.forecast(months(values, target=target))
    assert len(found) == (6 if values else 0)
    for row in found:
        assert all(math.isfinite(row[name]) for name in FIGURES if row[name] is not None)
        missing = {name for name in FIGURES if row[name] is None}
        assert missing == {None: set(), "no_target": CHANCES}.get(row["reason"], set(FIGURES))
        for prefix in ("", "total_") if "lower" not in missing else ():
            assert 0 <= row[prefix + "lower"] <= row[prefix + "upper"]
            assert 0 <= (row[prefix + "chance_of_target"] or 0) <= 1
