"""Programmes in which nothing leads anything: five metrics and the two parts of a North Star, drawn independently.

Each is an array of 7 series x months. Those of releases share one calendar, as the data products of a project do that
ships all it has at once.
"""

from collections.abc import Callable

import numpy as np

SERIES_COUNT = 7
METRICS = ("named_consumer_share", "build_time", "contract_pass_rate", "contract_checks_passed", "first_deployments")


def unrelated(rng: np.random.Generator, months: int) -> np.ndarray:
    return rng.normal(size=(SERIES_COUNT, months))


def counts(rng: np.random.Generator, months: int) -> np.ndarray:
    return rng.poisson(2.0, size=(SERIES_COUNT, months)).astype(float)


def slow(rng: np.random.Generator, months: int, slope: float = 0.7) -> np.ndarray:
    """Autoregressive series, settled over 50 months."""
    shocks = rng.normal(size=(SERIES_COUNT, 50 + months))
    for month in range(1, shocks.shape[1]):
        shocks[:, month] += slope * shocks[:, month - 1]
    return shocks[:, 50:]


def rising(rng: np.random.Generator, months: int) -> np.ndarray:
    """All rise by three standard deviations."""
    return unrelated(rng, months) + np.linspace(0, 3, months)


def yearly(rng: np.random.Generator, months: int) -> np.ndarray:
    """Each has a season of its own, half as large again as its noise."""
    starts = rng.uniform(0, 12, size=(SERIES_COUNT, 1))
    return unrelated(rng, months) + 1.5 * np.sin(2 * np.pi * (np.arange(months) - starts) / 12)


def every_four_months(rng: np.random.Generator, months: int) -> np.ndarray:
    """Each has a peak in every fourth month, three standard deviations high, and its own first one."""
    firsts = rng.integers(0, 4, size=(SERIES_COUNT, 1))
    return unrelated(rng, months) + 3.0 * (np.arange(months) % 4 == firsts)


def releases(rng: np.random.Generator, months: int) -> np.ndarray:
    """Counts in the months of one calendar of releases, 3 to 5 months apart as those of Kubernetes; 0 in the others."""
    at = np.cumsum(rng.choice([3, 4, 4, 4, 4, 5], size=months))
    is_release = np.isin(np.arange(months), at)
    return rng.poisson(rng.uniform(4, 20, size=(SERIES_COUNT, 1)), size=(SERIES_COUNT, months)) * is_release * 1.0


PROGRAMMES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    program.__name__: program for program in (unrelated, counts, slow, rising, yearly, every_four_months, releases)
}
