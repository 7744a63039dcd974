"""Evidence of a lead, month by month and one shuffle at a time, as metric_influences.py describes its method.

Lines within phases by numpy's polyfit, an AR(1) slope as plain sums. A series has one value a month, `phases` the
number of the phase of each.
"""

import math
from collections.abc import Callable

import numpy as np


def without_lines(series: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """The series less each phase's own straight line, fitted by numpy; every phase is long enough for one."""
    t, left = np.arange(len(series)), series.copy()
    for phase in set(phases):
        at = phases == phase
        left[at] -= np.polyval(np.polyfit(t[at], series[at], 1), t[at])
    return left


def white_again(series: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """What the docstring says prewhitening is, month by month."""
    e, months = without_lines(series, phases), range(1, len(series))
    follows = [t for t in months if phases[t] == phases[t - 1]]
    slope = sum(e[t] * e[t - 1] for t in follows) / sum(e[t - 1] ** 2 for t in follows)
    slope += len(set(phases)) * (2 + 4 * slope) / len(e)
    white = [e[t] - slope * e[t - 1] if t in follows else e[t] * math.sqrt(1 - slope**2) for t in range(len(e))]
    return without_lines(np.array(white), phases)


def p_again(leading: np.ndarray, following: np.ndarray, phases: np.ndarray, shuffled: Callable) -> float:
    """The p-value of the shuffles that `shuffled(series, phases)` returns, one at a time."""

    def strongest(x):
        pairs = ((x[:-lag], y[lag:]) for lag in range(1, 7))
        return max(abs(np.corrcoef(early, late)[0, 1]) * math.sqrt(len(early)) for early, late in pairs)

    x, y = white_again(leading, phases), white_again(following, phases)
    shuffles = shuffled(x, phases)
    reached = sum(strongest(without_lines(shuffle, phases)) >= strongest(x) for shuffle in shuffles)
    return (1 + reached) / (1 + len(shuffles))
