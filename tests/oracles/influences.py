"""Evidence of a lead, month by month and one draw at a time, as metric_influences.py describes its method.

Lines within phases by numpy's polyfit, autoregressions and AICc by statsmodels. A series has one value a month,
`phases` the number of the phase of each.
"""

import math

import numpy as np
from statsmodels.regression.linear_model import burg
from statsmodels.tools.eval_measures import aicc


def without_lines(series: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """The series less each phase's own straight line, fitted by numpy; every phase is long enough for one."""
    t, left = np.arange(len(series)), series.copy()
    for phase in set(phases):
        at = phases == phase
        left[at] -= np.polyval(np.polyfit(t[at], series[at], 1), t[at])
    return left


def errors_again(series: np.ndarray, order: int) -> tuple[np.ndarray, float]:
    """The errors of predicting each month of one phase from as many before it, and Burg's variance of them."""
    slopes, _ = burg(series, order, demean=False)
    months = range(order, len(series))
    partial = [burg(series, lower, demean=False)[0][-1] for lower in range(1, order + 1)]
    variance = np.mean(series**2) * math.prod(1 - k * k for k in partial)
    return np.array([series[t] - sum(slopes[i] * series[t - 1 - i] for i in range(order)) for t in months]), variance


def aicc_again(variance: float, count: int, parameter_count: int) -> float:
    """Minus twice the log likelihood, less its constant, and statsmodels' penalty."""
    return aicc(-count / 2 * math.log(variance), count, parameter_count)


def reflections_again(e: np.ndarray, phases: np.ndarray, most: int) -> list[float]:
    """Burg's reflection coefficients over all phases together, by recursion over lists of each phase."""
    parts = [(list(e[phases == phase]), list(e[phases == phase])) for phase in sorted(set(phases))]
    found = []
    for _ in range(most):
        pairs = [(f, b) for ahead, behind in parts for f, b in zip(ahead[1:], behind[:-1], strict=True)]
        k = 2 * sum(f * b for f, b in pairs) / sum(f * f + b * b for f, b in pairs)
        found.append(k)
        parts = [
            (
                [f - k * b for f, b in zip(ahead[1:], behind[:-1], strict=True)],
                [b - k * f for f, b in zip(ahead[1:], behind[:-1], strict=True)],
            )
            for ahead, behind in parts
        ]
    return found


def white_again(series: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """What the docstring says prewhitening is, month by month."""
    e, line_count = without_lines(series, phases), 2 * len(set(phases))
    slopes, variances = [[]], [np.mean(e**2)]
    for k in reflections_again(e, phases, 12):
        last = slopes[-1]
        slopes.append([*(a - k * b for a, b in zip(last, last[::-1], strict=True)), k])
        variances.append(variances[-1] * (1 - k * k))
    fits = [aicc_again(v, len(e), p + line_count + 1) for p, v in enumerate(variances)]
    order = int(np.argmin(fits))
    white = []
    for t in range(len(e)):
        reach = min(order, sum(phases[:t] == phases[t]))
        predicted = sum(slope * e[t - 1 - i] for i, slope in enumerate(slopes[reach]))
        white.append((e[t] - predicted) * math.sqrt(variances[order] / variances[reach]))
    return without_lines(np.array(white), phases)


def t_again(x: np.ndarray, y: np.ndarray) -> float:
    """|t| of y on x without a constant, by HC3 whose residuals are those of the slope held back by its leverages."""
    power = sum(x**2)
    slope = sum(x * y) / power
    held = slope * (1 - sum((a * a / power) ** 2 for a in x))
    variance = sum((a / power) ** 2 * ((b - held * a) / (1 - a * a / power)) ** 2 for a, b in zip(x, y, strict=True))
    return abs(slope) / math.sqrt(variance)


def p_again(leading: np.ndarray, following: np.ndarray, phases: np.ndarray, turns: np.ndarray) -> float:
    """The p-value of the draws with these phases (draws x frequencies), one at a time."""

    def strongest(x, y):
        return max(t_again(x[:-lag], y[lag:]) for lag in range(1, 7))

    x, y = white_again(leading, phases), white_again(following, phases)
    waves = np.fft.rfft(y)
    draws = [without_lines(np.fft.irfft(waves * turn, len(y)), phases) for turn in turns]
    reached = sum(strongest(x, draw) >= strongest(x, y) - 1e-9 for draw in draws)
    return (1 + reached) / (1 + len(draws))
