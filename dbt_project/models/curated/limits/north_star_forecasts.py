"""The next six months' North Star: what to expect if the latest months go on, and the chance of the target.

Here belong: the gamma-Poisson predictive of one month and of the months so far, its 80 % intervals, and the reasons
why nothing is shown. Not here: limits, phases and signals (process_limits), what drives the North Star
(metric_influences), any trend or season: months without a signal have shown none.

Statistics. n months, those in the limits of the current process phase, with S adoptions in all. Under the Jeffreys
prior Gamma(1/2, 0) the rate is Gamma(S + 1/2, n), and the sum of the next h months negative binomial with mean m = h (S
+ 1/2) / n and variance m (1 + h/n) (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6). Counts that vary more than
Poisson's widen it: the variance is multiplied by dispersion = max(1, variance / mean) of these months (McCullagh and
Nelder, Generalized Linear Models, 2nd ed., 6.2.3), and both moments are kept in a negative binomial.

That dispersion is itself an estimate with n - 1 degrees of freedom, but only the share 1 - 1/dispersion of the
variance rests on it; Poisson's share is known. Cochran and Cox (Experimental Designs, 2nd ed., 4.14) weight the two
quantiles, z/dispersion + t (1 - 1/dispersion), which to first order is Student's t with
(n - 1) dispersion / (dispersion - 1) degrees of freedom. Probabilities pass through it.

Ends are mid-p quantiles (Lancaster 1961): plain ones cover too much when counts are small. Measured with 8.7 adoptions
a month: the "80 %" interval covers 82 to 84 % of Poisson's months and sums, and 78 to 79 % where the variance is twice
the mean, for phases of 6, 13 and 24 months. Without the t it is 76 % there at 6 months.
"""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from scipy import stats

MONTHS_AHEAD = 6
FEWEST_MONTHS = 6
LOWER_TAIL, UPPER_TAIL = 0.1, 0.9
LARGEST_COUNT = 2**53  # above it a double no longer tells whole numbers apart
FIGURES = ("expected_value", "lower", "upper", "chance_of_target")
SCHEMA = pa.schema(
    [
        ("month_starting", pa.date32()),
        ("horizon_months", pa.int32()),
        *((name, pa.float64()) for name in FIGURES),
        *((f"total_{name}", pa.float64()) for name in FIGURES),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Predictive:
    """The distribution of a future count: a negative binomial's mean and variance, and how well the latter is known."""

    mean: float
    variance: float  # above the mean
    degrees_of_freedom: float  # inf: nothing in the variance was estimated

    @property
    def _size_and_probability(self) -> tuple[float, float]:
        return self.mean**2 / (self.variance - self.mean), self.mean / self.variance

    def interval(self) -> tuple[float, float]:
        """Return the smallest and the largest count k with P(X < k) + P(X = k) / 2 between the two tails."""
        low, high = tails = stats.norm.cdf(stats.t.ppf([LOWER_TAIL, UPPER_TAIL], self.degrees_of_freedom))
        shape = self._size_and_probability
        ends = stats.nbinom.ppf(tails, *shape)
        mid_low, mid_high = stats.nbinom.cdf(ends, *shape) - stats.nbinom.pmf(ends, *shape) / 2
        return float(ends[0] + (mid_low < low)), float(ends[1] - (mid_high > high))

    def chance_of_at_least(self, target: float) -> float:
        """Return P(X >= target); a target within 1e-9 of a whole number is that number."""
        short_of_it = math.ceil(target - 1e-9) - 1
        chance = stats.nbinom.sf(short_of_it, *self._size_and_probability)
        return float(stats.t.sf(stats.norm.isf(chance), self.degrees_of_freedom))


def predictive(counts: list[float], months_ahead: int) -> Predictive:
    """Return what the sum of that many further months will be; counts: one per month, whole numbers."""
    month_count, total = len(counts), float(sum(counts))
    mean = months_ahead * (total + 0.5) / month_count
    variance_to_mean = float(np.var(counts, ddof=1)) / (total / month_count) if total else 1.0
    dispersion = max(1.0, variance_to_mean)
    estimated_share = 1 - 1 / dispersion
    degrees_of_freedom = (month_count - 1) / estimated_share if estimated_share > 0 else math.inf
    return Predictive(mean, dispersion * mean * (1 + months_ahead / month_count), degrees_of_freedom)


def why_nothing_is_shown(complete: list[dict]) -> str | None:
    """Return the reason why these months, all complete, allow no figures; None where they do."""
    values = known_values(complete)
    if any(month["kind"] != "flow" or month["period"] != "month" or not month["has_limits"] for month in complete):
        return "not_a_count"
    if any(value < 0 or value > LARGEST_COUNT or not value.is_integer() for value in values):
        return "not_a_count"
    if any(month["own_rule"] for month in complete):
        return "signal_in_phase"
    return "not_enough_data" if len(values) < FEWEST_MONTHS else None


def known_values(months: list[dict]) -> list[float]:
    """Return the values that are known: neither NULL nor NaN nor infinite."""
    return [float(month["value"]) for month in months if month["value"] is not None and math.isfinite(month["value"])]


def forecast(rows: list[dict]) -> list[dict]:
    """Return one row of figures per month ahead, from the North Star's rows of process_limits in any order.

    The current phase is the latest month's, complete or not: what was declared this month has no complete month yet.
    Of the phase the months in its limits count, as docs/metrics.md has them.
    """
    months = sorted((row for row in rows if is_north_star(row)), key=lambda row: row["month_starting"])
    complete = [month for month in months if month["is_complete"]]
    if not complete:
        return []
    last, current = complete[-1], [month for month in complete if is_in_limits(month, months[-1]["process_phase"])]
    reason = why_nothing_is_shown(current)
    last_month = months_later(last["month_starting"], 2 if last["period"] == "quarter" else 0)
    target = last["target"] if last["target"] is not None and math.isfinite(last["target"]) else None
    found = []
    for ahead in range(1, MONTHS_AHEAD + 1):
        row = dict.fromkeys(SCHEMA.names) | {"month_starting": months_later(last_month, ahead)}
        row |= {"horizon_months": ahead, "reason": reason or ("no_target" if target is None else None)}
        if reason is None:
            row |= figures(predictive(known_values(current), 1), target, "")
            row |= figures(predictive(known_values(current), ahead), target and ahead * target, "total_")
        found.append(row)
    return found


def is_north_star(row: dict) -> bool:
    """Tell whether this row of process_limits is a month, or quarter, of the whole organisation's North Star."""
    return bool(row["is_north_star"]) and row["domain"] == "all"


def is_in_limits(month: dict, phase: int) -> bool:
    """Tell whether this complete month is one of the latest of that process phase, on which its limits rest."""
    first = month["limits_starting"]
    return month["process_phase"] == phase and (first is None or month["point_starting"] >= first)


def figures(future: Predictive, target: float | None, prefix: str) -> dict[str, float | None]:
    """Return the published columns of one distribution, rounded so that platforms agree."""
    chance = None if target is None else future.chance_of_at_least(target)
    values = (future.mean, *future.interval(), chance)
    return {
        prefix + name: None if value is None else round(value, 10) for name, value in zip(FIGURES, values, strict=True)
    }


def months_later(month: date, count: int) -> date:
    """Return the first day of the month that many months after this one."""
    years, index = divmod(month.month - 1 + count, 12)
    return date(month.year + years, index + 1, 1)


def model(dbt, session) -> pa.Table:
    """Run as a dbt model: process_limits in, one row per month ahead out."""
    limits = dbt.ref("process_limits")
    rows = [dict(zip(limits.columns, row, strict=True)) for row in limits.fetchall()]
    return pa.Table.from_pylist(forecast(rows), schema=SCHEMA)
