"""Each step of the evidence of influence, against statsmodels and against its description one draw at a time."""

import math

import numpy as np
import pytest
from influence_tables import MONTH_COUNT, found, model, noise
from oracles.influences import aicc_again, errors_again, p_again, t_again, white_again
from scipy import stats
from statsmodels.regression.linear_model import OLS


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


def autoregressive(*slopes: float, months: int = MONTH_COUNT, seed: int = 5) -> np.ndarray:
    """One series that follows its last months by these slopes, settled over 60 months."""
    shocks = noise(60 + months, seed=seed)
    for month in range(len(slopes), len(shocks)):
        shocks[month] += sum(slope * shocks[month - lag] for lag, slope in enumerate(slopes, 1))
    return shocks[60:]


def test_errors_of_every_order_agree_with_statsmodels_burg():
    series = autoregressive(0.5, -0.4, months=60)
    errors, variances = model.prediction_errors(series, np.arange(60))
    assert len(variances) == 13
    for order in (1, 2, 5, 12):
        again, variance = errors_again(series, order)
        assert errors[order, order:] == pytest.approx(again)
        assert variances[order] == pytest.approx(variance)


def test_aicc_agrees_with_statsmodels_and_rules_out_orders_with_too_few_months():
    variances = np.array([4.0, 2.0, 1.9, 1.8])
    assert model.aicc(variances, 36, 2) == pytest.approx([aicc_again(v, 36, p + 3) for p, v in enumerate(variances)])
    assert model.aicc(variances, 36, 2).argmin() == 1
    assert model.aicc(variances, 6, 2).tolist()[2:] == [math.inf, math.inf]


def test_runs_of_known_months_end_at_gaps_and_changes():
    assert model.known_before(np.array([1, 1, -1, 1, 1, 1, 2, 2])).tolist() == [0, 1, 0, 0, 1, 2, 0, 1]


@pytest.mark.parametrize("slopes", [(0.8,), (0, 0, 0, 0.9), (0,) * 11 + (0.9,)], ids=["slow", "every_4", "every_12"])
def test_prewhitening_leaves_no_autocorrelation_of_a_slow_or_periodic_series(slopes):
    series, phases, lag = autoregressive(*slopes, months=96), np.ones(96, dtype=int), len(slopes)
    white = model.prewhiten(series, phases, model.phase_lines(phases))
    assert stats.pearsonr(series[lag:], series[:-lag]).statistic > 0.5
    assert abs(stats.pearsonr(white[lag:], white[:-lag]).statistic) < 0.25


def test_the_statistic_takes_the_pairs_that_are_known_at_its_lag():
    leading, following = noise(30), noise(30, seed=2)
    leading[4] = following[20] = math.nan
    [[by_lag]] = model.strengths(leading[None, :], following[None, :])
    for lag, strength in zip(model.LAGS, by_lag, strict=True):
        known = [t for t in range(30 - lag) if t != 4 and t + lag != 20]
        x, y = leading[known], following[np.add(known, lag)]
        assert strength == pytest.approx(t_again(x, y))
        r = sum(x * y) / math.sqrt(sum(x**2) * sum(y**2))
        assert model.correlation(leading, following, lag) == pytest.approx(r)


def test_with_many_months_the_statistic_is_that_of_hc3():
    leading, following = noise(2000), noise(2000, seed=2)
    fit = OLS(following[1:], leading[:-1]).fit()
    strength = model.strengths(leading[None, :], following[None, :])[0, 0, 0]
    assert strength == pytest.approx(abs(fit.params[0]) / fit.HC3_se[0], rel=1e-3)


def test_two_months_that_agree_by_chance_are_no_lead():
    leading, following = np.zeros((1, 40)), np.zeros((1, 40))
    leading[0, [0, 10]] = following[0, [2, 12]] = 5
    assert model.strengths(leading, following)[0, 0].tolist() == pytest.approx([0, math.sqrt(2), 0, 0, 0, 0])
    leading[0, 10] = 0
    assert model.strengths(leading, following)[0, 0].max() < 1e-6


@pytest.mark.parametrize("month_count", [30, 31])
def test_a_draw_keeps_the_spectrum_and_its_mean_and_leaves_gaps_where_they_are(month_count):
    series = autoregressive(0.7, months=month_count)
    series -= series.mean()
    waves, no_lines = model.turns(month_count), np.zeros((0, month_count))
    copies = model.drawn_anew(series, no_lines, waves)
    assert len(copies) == 2000
    assert copies.mean(axis=1) == pytest.approx(0, abs=1e-9)
    assert np.abs(np.fft.rfft(copies[:9])) == pytest.approx(np.tile(np.abs(np.fft.rfft(series)), (9, 1)))
    assert abs(np.corrcoef(copies[0], copies[1])[0, 1]) < 0.9
    series[7] = math.nan
    assert np.isnan(model.drawn_anew(series, no_lines, waves)).sum(axis=0).tolist() == [
        2000 * (t == 7) for t in range(month_count)
    ]


PHASES = [pytest.param(np.ones(30, dtype=int), id="one_phase"), pytest.param(np.repeat([1, 2], 15), id="two_phases")]


@pytest.mark.parametrize("phases", PHASES)
def test_prewhitening_agrees_with_its_description_month_by_month(phases):
    series = autoregressive(0.7, months=30) + 5 * phases
    white, again = model.prewhiten(series, phases, model.phase_lines(phases)), white_again(series, phases)
    assert white / np.abs(white).max() == pytest.approx(again / np.abs(again).max(), abs=1e-9)


@pytest.mark.parametrize("phases", PHASES)
def test_the_p_value_agrees_with_one_draw_at_a_time(phases, monkeypatch):
    monkeypatch.setattr(model, "DRAW_COUNT", 300)
    leading, following = noise(2, 30, seed=11)
    following[2:] += 0.5 * leading[:-2]
    changes = [15] if len(set(phases)) == 2 else []
    p = found(leading, following, changes)["p_value"]
    assert 0.01 < p < 0.9
    assert p == pytest.approx(p_again(leading, following, phases, model.turns(30)), abs=1e-9)
