"""Does a metric lead the North Star: planted leads are found, unrelated pairs are not, and every reason for silence."""

import math
import random
from collections import Counter
from datetime import date
from types import SimpleNamespace

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import CHECKOUT, examples
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.influences import p_again, white_again
from oracles.sample import monthly_shares_and_adoptions
from scipy import stats
from shaped import python_model

from orchestration.sample.events import sample_events
from orchestration.sample.organisation import DEFAULT_SEED, LEAD_MONTHS, PROCESS_CHANGE_ON

LIMITS = CHECKOUT / "dbt_project" / "models" / "curated" / "limits"
LEAST_P = 1 / 2001
MONTH_COUNT = 36
CHANGE_AT = 23  # the sample's declared change, in months


model = python_model(LIMITS / "metric_influences.py")


def month_starting(index: int) -> date:
    return date(2023 + index // 12, index % 12 + 1, 1)


def rows_of(values, metric_id="lever", changes=(), **columns) -> list[dict]:
    """A metric's rows of process_limits, a month each from January 2023; a phase starts at each index in `changes`."""
    row = {"metric_id": metric_id, "domain": "all", "period": "month", "is_complete": True, "is_north_star": False}
    row |= {"kind": "flow", "has_limits": True, "own_rule": None, "target": None} | columns
    return [
        row
        | {"month_starting": month_starting(i), "process_phase": 1 + sum(change <= i for change in changes)}
        | {"value": value, "process_value": value}
        for i, value in enumerate(None if value is None else float(value) for value in values)
    ]


def north_star(values, changes=(), **columns) -> list[dict]:
    return rows_of(values, "cross_domain_adoptions", changes, is_north_star=True, **columns)


def found(leading, following, changes=()) -> dict:
    (row,) = model.influences([*rows_of(leading, changes=changes), *north_star(following, changes)])
    return row


def noise(*size: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=size)


def led_by(leading: np.ndarray, lag: int, sign: int = 1) -> np.ndarray:
    """A series that repeats the leading one that many months later, with noise half as large."""
    return sign * np.roll(leading, lag) + 0.5 * noise(len(leading), seed=99)


def evidence_count(pairs, changes=()) -> int:
    return sum(found(*pair, changes)["verdict"] == "evidence" for pair in pairs)


# --- Leads that are there -------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("lag", [1, 2, 3, 4, 5, 6])
def test_a_planted_lead_is_found_at_its_lag_and_with_its_sign(lag, sign):
    leading = noise(MONTH_COUNT)
    row = found(leading, led_by(leading, lag, sign))
    assert (row["lag"], row["verdict"], row["reason"]) == (lag, "evidence", None)
    assert 0.7 < sign * row["correlation"] <= 1
    assert row["p_value"] == round(LEAST_P, 10)


@pytest.mark.parametrize("lag", [-2, 0, 7])
def test_a_metric_that_follows_moves_along_or_leads_by_more_than_six_months_is_not_taken_for_a_lead(lag):
    """2.5 of 50 would look like one by chance; more than 7 come in one case of 200."""
    longer = noise(50, 60, seed=8)
    followings = longer[:, 12 - lag : 48 - lag] + 0.5 * noise(50, MONTH_COUNT, seed=9)
    assert evidence_count(zip(longer[:, 12:48], followings, strict=True)) <= 7


def test_a_lead_shows_through_a_declared_change():
    leading = noise(MONTH_COUNT)
    jump = np.where(np.arange(MONTH_COUNT) >= CHANGE_AT, 20, 0)
    row = found(leading, led_by(leading, 2) + jump, changes=[CHANGE_AT])
    assert (row["lag"], row["verdict"]) == (2, "evidence")


@pytest.mark.parametrize("seed", [DEFAULT_SEED, 1, 2, 3])
def test_the_samples_lever_is_found_two_months_ahead(seed):
    assert month_starting(CHANGE_AT) == PROCESS_CHANGE_ON
    row = found(*monthly_shares_and_adoptions(sample_events(seed, True)), changes=[CHANGE_AT])
    assert (row["lag"], row["verdict"], row["p_value"]) == (LEAD_MONTHS, "evidence", round(LEAST_P, 10))
    assert row["correlation"] > 0.6  # the least of 50 seeds is 0.70


# --- Leads that are not ---------------------------------------------------------------------------


def test_a_sample_with_nothing_planted_shows_nothing():
    """Of 899 seeds 5.8 % do; more than two of ten come by chance in one case of 50."""
    assert evidence_count(monthly_shares_and_adoptions(sample_events(seed, False)) for seed in range(400, 410)) <= 2


def autoregressive(pair_count: int, slope: float) -> np.ndarray:
    """Unrelated pairs, pairs x 2 x months, settled over 50 months."""
    shocks = noise(pair_count, 2, 50 + MONTH_COUNT, seed=5)
    for month in range(1, shocks.shape[-1]):
        shocks[..., month] += slope * shocks[..., month - 1]
    return shocks[..., 50:]


RISING = np.linspace(0, 3, MONTH_COUNT)
DOUBLED = np.where(np.arange(MONTH_COUNT) >= CHANGE_AT, 10, 0)
UNRELATED = [
    pytest.param(autoregressive(100, 0.5), (), id="two_slow_series"),
    pytest.param(noise(100, 2, MONTH_COUNT) + RISING, (), id="two_that_grow"),
    pytest.param(noise(100, 2, MONTH_COUNT) + DOUBLED, (CHANGE_AT,), id="two_that_a_declared_change_moves"),
]


@pytest.mark.parametrize(("pairs", "changes"), UNRELATED)
def test_unrelated_pairs_seldom_look_like_evidence(pairs, changes):
    """5 of 100 would, by the meaning of p < 0.05; more than 10 come by chance in one case of 100."""
    assert evidence_count(pairs, changes) <= 10


# --- Each step ------------------------------------------------------------------------------------


def test_a_mean_is_taken_out_of_a_short_phase_and_a_line_out_of_a_long_one():
    values = np.array([1.0, 2.0, 6.0, *(5 + 3 * np.arange(12) + np.tile([1, -1, -1, 1], 3))])
    phases = np.array([1] * 3 + [2] * 12)
    lines = model.phase_lines(phases)
    assert lines @ lines.T == pytest.approx(np.eye(3))
    residuals = model.take_out(lines, values)
    assert residuals[:3] == pytest.approx([-2, -1, 3])
    fitted = np.polyval(np.polyfit(np.arange(12), values[3:], 1), np.arange(12))
    assert residuals[3:] == pytest.approx(values[3:] - fitted)


def test_an_unknown_month_stays_unknown_and_moves_nothing_else():
    values, phases = np.array([1.0, math.nan, 3.0, 8.0]), np.array([1, -1, 1, 1])
    assert model.take_out(model.phase_lines(phases), values) == pytest.approx([-3, math.nan, -1, 4], nan_ok=True)


def test_the_ar_coefficient_is_least_squares_within_phases_and_freed_of_its_bias():
    residuals = np.array([1.0, 2.0, -3.0, 4.0, -4.0])
    follows = np.array([False, True, True, False, True])  # the fourth month starts a phase
    least_squares = (1 * 2 + 2 * -3 + 4 * -4) / (1 + 4 + 16)  # -20/21
    slope = model.slope_of_ar(residuals, follows, line_count=2, phase_count=2)
    assert slope == pytest.approx(max(-0.95, least_squares + 2 * (1 + 3 * least_squares) / 5))
    assert model.slope_of_ar(residuals / 9, follows, 0, 0) == pytest.approx(-0.95)
    gentle = np.array([1.0, 0.2, 0.1, -1.0, 0.2])
    expected = (0.2 + 0.02 - 0.2) / (1 + 0.04 + 1)
    assert model.slope_of_ar(gentle, follows, 2, 2) == pytest.approx(expected + 2 * (1 + 3 * expected) / 5)


def test_prewhitening_leaves_no_autocorrelation_of_a_slow_series():
    (slow, _), *_ = autoregressive(1, 0.8)
    phases = np.ones(MONTH_COUNT, dtype=int)
    white = model.prewhiten(slow, phases, model.phase_lines(phases))
    assert stats.pearsonr(slow[1:], slow[:-1]).statistic > 0.5
    assert abs(stats.pearsonr(white[1:], white[:-1]).statistic) < 0.2


def test_a_correlation_takes_the_pairs_that_are_known_at_its_lag():
    leading, following = noise(30), noise(30, seed=2)
    leading[4] = following[20] = math.nan
    r, pairs = model.correlations(leading[None, :], following)
    for index, lag in enumerate(model.LAGS):
        known = [t for t in range(30 - lag) if t != 4 and t + lag != 20]
        assert pairs[index] == len(known)
        assert r[0, index] == pytest.approx(stats.pearsonr(leading[known], following[np.add(known, lag)]).statistic)


def test_a_shuffle_moves_months_within_their_phase_only_and_leaves_gaps_where_they_are():
    values = np.array([1.0, 2.0, math.nan, 3.0, 40.0, 50.0])
    copies = model.shuffled(values, np.array([1, 1, -1, 1, 2, 2]))
    assert len(copies) == 2000
    assert np.isnan(copies[:, 2]).all()
    orders = Counter(tuple(copy[[0, 1, 3, 4, 5]]) for copy in copies)
    assert {(tuple(sorted(order[:3])), tuple(sorted(order[3:]))) for order in orders} == {((1, 2, 3), (40, 50))}
    assert len(orders) == 12  # 3! times 2!
    assert max(orders.values()) < 230  # 167 expected of each; six standard deviations are 74


PHASES = [pytest.param(np.ones(30, dtype=int), id="one_phase"), pytest.param(np.repeat([1, 2], 15), id="two_phases")]


@pytest.mark.parametrize("phases", PHASES)
def test_prewhitening_agrees_with_its_description_month_by_month(phases):
    series = autoregressive(1, 0.5)[0, 0, :30] + 5 * phases
    white, again = model.prewhiten(series, phases, model.phase_lines(phases)), white_again(series, phases)
    assert white / np.abs(white).max() == pytest.approx(again / np.abs(again).max(), abs=1e-9)


@pytest.mark.parametrize("phases", PHASES)
def test_the_p_value_agrees_with_one_shuffle_at_a_time(phases, monkeypatch):
    monkeypatch.setattr(model, "PERMUTATION_COUNT", 600)
    leading, following = noise(2, 30, seed=11)
    following[2:] += 0.5 * leading[:-2]
    changes = [15] if len(set(phases)) == 2 else []
    p = found(leading, following, changes)["p_value"]
    assert 0.01 < p < 0.6
    assert p == pytest.approx(p_again(leading, following, phases, model.shuffled), abs=1e-9)


# --- When nothing can be said, and why ------------------------------------------------------------

X, Y = noise(2, MONTH_COUNT, seed=3)
REASONS = [
    pytest.param(rows_of(X[:23]), north_star(Y), "fewer_than_24_months", 23, id="23_months"),
    pytest.param(rows_of([*X[:23], None, math.nan]), north_star(Y), "fewer_than_24_months", 23, id="23_known_months"),
    pytest.param(rows_of(X), north_star([None] * 13 + [*Y[13:]]), "fewer_than_24_months", 23, id="23_in_both"),
    pytest.param(rows_of(X, is_complete=False), north_star(Y), "fewer_than_24_months", 0, id="none_complete"),
    pytest.param(rows_of(X), [], "fewer_than_24_months", 0, id="no_north_star"),
    pytest.param(rows_of(X, period="quarter"), north_star(Y), "not_monthly", 0, id="quarters"),
    pytest.param(rows_of(X), north_star(Y, period="quarter"), "not_monthly", 0, id="a_north_star_by_quarters"),
    pytest.param(rows_of([0.3] * 36), north_star(Y), "constant", 36, id="always_the_same"),
    pytest.param(rows_of(X), north_star([0] * 36), "constant", 36, id="a_north_star_of_zeros"),
    pytest.param(
        rows_of([0.1] * 23 + [0.7] * 13, changes=[23]), north_star(Y), "constant", 36, id="the_same_within_phases"
    ),
    pytest.param(rows_of(0.1 * np.arange(36)), north_star(Y), "constant", 36, id="a_straight_line"),
    pytest.param(rows_of(X), north_star(Y, has_limits=False), "north_star_not_a_flow", 36, id="a_stock"),
]


@pytest.mark.parametrize(("leading", "following", "reason", "count"), REASONS)
def test_what_cannot_be_tested_says_why_and_claims_nothing(leading, following, reason, count):
    (row,) = model.influences([*leading, *following])
    assert row == {
        "metric_id": "lever",
        "lag": None,
        "correlation": None,
        "p_value": None,
        "observation_count": count,
        "verdict": "not_enough_evidence",
        "reason": reason,
    }


def test_a_leading_metric_that_was_made_the_north_star_is_not_said_to_lead_itself():
    assert model.influences([*rows_of(Y, "cross_domain_adoptions"), *north_star(Y)]) == []


def test_24_months_are_enough():
    row = found(X[:24], Y[:24])
    assert (row["reason"], row["observation_count"]) == (None, 24)
    assert row["p_value"] >= round(LEAST_P, 10)


def test_domains_quarters_and_months_under_way_change_nothing():
    rows = [*rows_of(X), *north_star(Y)]
    others = [*rows_of(Y, domain="sales"), *rows_of(Y[:12], period="quarter"), *north_star(X, domain="sales")]
    under_way = [rows_of(np.full(37, 99.0), is_complete=False)[-1], north_star(np.full(37, 0.0), is_complete=False)[-1]]
    only_in_sales = rows_of(X, "orders", domain="sales")
    assert model.influences([*rows, *others, *under_way, *only_in_sales]) == model.influences(rows)


# --- As a dbt model -------------------------------------------------------------------------------


def test_neither_the_order_of_rows_nor_another_metric_changes_a_figure():
    rows = [*rows_of(X, "a"), *rows_of(noise(36), "b"), *north_star(Y)]
    mixed = random.Random(7).sample(rows, len(rows))
    assert mixed != rows
    a, b = model.influences(rows)
    assert model.influences(mixed) == [a, b]
    assert model.influences([row for row in rows if row["metric_id"] != "b"]) == [a]


def built(rows: list[dict]) -> pa.Table:
    """What the model returns for these rows of process_limits, read from DuckDB as dbt would."""
    texts = [(name, pa.string()) for name in ("metric_id", "domain", "period", "kind", "own_rule")]
    flags = [(name, pa.bool_()) for name in ("is_complete", "is_north_star", "has_limits")]
    numbers = [(name, pa.float64()) for name in ("value", "process_value", "target")]
    schema = pa.schema([*texts, *flags, *numbers, ("month_starting", pa.date32()), ("process_phase", pa.int32())])
    with duckdb.connect() as db:
        db.register("sent", pa.Table.from_pylist(rows, schema))
        db.execute("create table process_limits as from sent")
        return model.model(SimpleNamespace(ref=db.table), db)


@pytest.mark.parametrize("rows", [[], north_star(Y), rows_of([None])], ids=["empty", "north_star_alone", "all_unknown"])
def test_the_table_is_typed_even_when_there_is_nothing_to_say(rows):
    table = built(rows)
    assert table.schema == model.SCHEMA
    assert table.num_rows == any(not row["is_north_star"] for row in rows)


def test_a_null_read_from_duckdb_is_an_unknown_month():
    rows = [*rows_of([None, *X[1:]]), *north_star(Y)]
    assert built(rows).to_pylist() == model.influences(rows)
    assert built(rows)["observation_count"].to_pylist() == [35]


FLAT = st.lists(st.sampled_from([0.0, 0.1]), min_size=24, max_size=26)
COUNTS = st.lists(st.integers(0, 3).map(float), min_size=24, max_size=40)
ANY = st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=40)
HUGE = st.lists(st.sampled_from([0.0, 1e-310, 1e308, -1e308]), min_size=24, max_size=30)
SERIES = FLAT | COUNTS | ANY | HUGE


@pytest.mark.filterwarnings("error")
@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(SERIES, SERIES, st.lists(st.integers(0, 39), max_size=4))
def test_whatever_the_series_every_figure_is_finite_or_null_with_a_reason(leading, following, changes):
    rows = [*rows_of(leading, changes=changes), *north_star(following, changes)]
    for row in model.influences(rows):
        assert row["verdict"] in ("evidence", "not_enough_evidence")
        figures = row["lag"], row["correlation"], row["p_value"]
        if row["reason"]:
            assert figures == (None, None, None)
        else:
            assert 1 <= row["lag"] <= 6
            assert -1 <= row["correlation"] <= 1
            assert round(LEAST_P, 10) <= row["p_value"] <= 1
            assert (row["verdict"] == "evidence") == (row["p_value"] < 0.05)
