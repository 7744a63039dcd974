"""Domains against all others: the log-rank test of one cause of two, from scipy and statsmodels, Holm from statsmodels.

A closing censors, so of each data product the first of its end, its closing and as_of counts. The 2 x 2 tables of all
times at which something is observed, as Mantel and Haenszel (1959) and Mantel (1966) have them, with their correction
of 1/2. Times in microseconds.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import CensoredData, logrank
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests

from oracles.survival import Interval

INTERVALS = ("idea_to_adopted", "idea_to_started", "started_to_deployed", "deployed_to_adopted")
FEWEST_EXPECTED = 10


@dataclass(frozen=True)
class Comparison:
    """One domain against all others: how many were observed and expected, and p; None where too few were expected."""

    observed: float
    expected: float
    p: float | None


def compared(own: np.ndarray, others: np.ndarray) -> Comparison:
    """Compare two groups of (microseconds, 1 observed · anything else censored)."""
    tables = []
    for time in np.unique(np.concatenate([group[group[:, 1] == 1, 0] for group in (own, others)])):
        left = [((group[:, 0] == time) & (group[:, 1] == 1)).sum() for group in (own, others)]
        stayed = [(group[:, 0] >= time).sum() - gone for group, gone in zip((own, others), left, strict=True)]
        tables.append([left, stayed])
    expected = float(sum(sum(left) * (left[0] + stayed[0]) / (sum(left) + sum(stayed)) for left, stayed in tables))
    observed = float((own[:, 1] == 1).sum())
    total = observed + float((others[:, 1] == 1).sum())
    if min(expected, total - expected) < FEWEST_EXPECTED:
        return Comparison(observed, expected, None)
    left_to_chance = [table for table in tables if sum(table[0]) and sum(table[1]) and min(np.sum(table, axis=0))]
    if not left_to_chance:
        return Comparison(observed, expected, 1.0)
    table = StratifiedTable([np.array(table, dtype=float) for table in left_to_chance])
    _expect_scipy(own, others, table)
    return Comparison(observed, expected, _corrected_p(table))


def _corrected_p(table: StratifiedTable) -> float:
    """Where |O - E| is below 1/2 statsmodels' correction goes past 0, and Mantel and Haenszel's stops there."""
    return 1.0 if _distance(table) <= 0.5 else float(table.test_null_odds(correction=True).pvalue)


def _distance(table: StratifiedTable) -> float:
    cells = table.table
    return abs(
        float(cells[0, 0].sum() - (cells[0].sum(axis=0) * cells[:, 0].sum(axis=0) / cells.sum(axis=(0, 1))).sum())
    )


def _expect_scipy(own: np.ndarray, others: np.ndarray, table: StratifiedTable) -> None:
    """The same tables without the correction are scipy's log-rank test."""
    groups = [CensoredData.right_censored(group[:, 0] / 1e9, group[:, 1] != 1) for group in (own, others)]
    assert np.isclose(logrank(*groups).statistic ** 2, table.test_null_odds(correction=False).statistic, rtol=1e-9)


Judged = tuple[Comparison, float | None, str | None]  # with Holm's p and the difference


def differences(products: list[tuple], as_of: int) -> dict[tuple[str, str], Judged]:
    """{(interval, domain): its judgement} of every domain with data products in the interval.

    `products` are (domain, *moments), as in oracles.survival.
    """
    known = [product for product in products if product[0] not in (None, "all")]
    tests = {}
    for interval_id in INTERVALS:
        for domain in sorted({product[0] for product in known}):
            own = Interval([p for p in known if p[0] == domain], interval_id, "all", as_of).aj
            others = Interval([p for p in known if p[0] != domain], interval_id, "all", as_of).aj
            if len(own):
                tests[interval_id, domain] = compared(own, others)
    tested = [key for key, test in tests.items() if test.p is not None]
    corrected = multipletests([tests[key].p for key in tested], method="holm")[1] if tested else []
    holm = dict(zip(tested, corrected, strict=True))
    return {key: (test, holm.get(key), _difference(test, holm.get(key))) for key, test in tests.items()}


def _difference(test: Comparison, holm: float | None) -> str | None:
    if holm is None:
        return None
    if holm >= 0.05:
        return "within_chance"
    return "slower" if test.observed < test.expected else "faster"
