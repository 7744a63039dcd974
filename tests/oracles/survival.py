"""Survival figures of one interval and domain, from statsmodels, numpy and the rules of docs/metrics.md.

Kaplan-Meier: statsmodels' SurvfuncRight. Incidence, with closing as a competing event: CumIncidenceRight, its variance
also by the sum of Marubini and Valsecchi (1995), Analysing Survival Data from Clinical Trials and Observational
Studies, ch. 10. Bands: log-log, as in R's survfit. Times in microseconds, figures in days.
"""

import numpy as np
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

INTERVALS = {
    "idea_to_deployed": ("idea_logged_at", "deployed_at"),
    "deployed_to_adopted": ("deployed_at", "adopted_at"),
    "idea_to_adopted": ("idea_logged_at", "adopted_at"),
    "idea_to_started": ("idea_logged_at", "work_started_at"),
    "started_to_deployed": ("work_started_at", "deployed_at"),
}
MOMENTS = ["idea_logged_at", "work_started_at", "deployed_at", "adopted_at", "closed_at"]
DAY = 86_400_000_000  # microseconds
SHARE_DAYS = (30, 90, 180, 365, 730)
Z = 1.959963984540054


class Interval:
    """What the models should say of one interval and domain; `as_of` in microseconds since 1970.

    `products` are (domain, *MOMENTS in microseconds, or None).
    """

    def __init__(self, products: list[tuple], interval_id: str, domain: str, as_of: int):
        start_name, end_name = INTERVALS[interval_id]
        self.as_of = as_of
        self.left_out = {"no_start": 0, "negative": 0, "closed_before_start": 0}
        self.km, self.aj = [], []  # (microseconds, 1 observed · 2 closed · 0 open)
        for owner, *at in products:
            if domain not in ("all", owner):
                continue
            moments = dict(zip(MOMENTS, at, strict=True))
            start, end, closed = (moments[start_name], moments[end_name], moments["closed_at"])
            if start is None:
                self.left_out["no_start"] += 1
            elif end is not None and end < start:
                self.left_out["negative"] += 1
            elif closed is not None and closed < start:
                self.left_out["closed_before_start"] += 1
            else:
                self.km.append(self._exit(start, end, None) if end is not None else self._exit(start, None, closed))
                is_closed_first = closed is not None and (end is None or closed < end)
                self.aj.append(self._exit(start, None if is_closed_first else end, closed if is_closed_first else None))
        self.km = np.array(self.km, dtype=np.int64).reshape(-1, 2)
        self.aj = np.array(self.aj, dtype=np.int64).reshape(-1, 2)
        self.durations = self.km[self.km[:, 1] == 1, 0] / DAY

    def _exit(self, start, end, closed) -> tuple[int, int]:
        if end is not None:
            return end - start, 1
        return (closed - start, 2) if closed is not None else (self.as_of - start, 0)

    def kaplan_meier(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Microseconds, survival, standard error; at the times at which somebody is observed."""
        if 1 not in self.km[:, 1]:
            return np.array([]), np.array([]), np.array([])
        fit = SurvfuncRight(self.km[:, 0], (self.km[:, 1] == 1).astype(int))
        # statsmodels has no standard error where the survival is 0; ours is 0, so that the band is simply unknown
        return fit.surv_times, fit.surv_prob, np.nan_to_num(fit.surv_prob_se, nan=0.0)

    def incidence(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Microseconds, share observed, its standard error, share closed; at the times at which somebody leaves."""
        times, status = self.aj[:, 0], self.aj[:, 1]
        nothing = np.zeros(len(np.unique(times)))
        if not status.any():  # statsmodels takes the number of causes from the data, and fails at none
            return np.unique(times), nothing, nothing, nothing
        # where the last ones leave by an event statsmodels divides by zero; the sum as printed needs no such division
        with np.errstate(divide="ignore", invalid="ignore"):
            fit = CumIncidenceRight(times, status)
        error, by_hand = fit.cinc_se[0], np.sqrt(self.incidence_variance_by_hand())
        is_known = np.isfinite(error)
        assert np.allclose(error[is_known] ** 2, by_hand[is_known] ** 2, atol=1e-12)
        closed = fit.cinc[1] if len(fit.cinc) > 1 else nothing
        return fit.times, fit.cinc[0], np.where(is_known, error, by_hand), closed

    def incidence_variance_by_hand(self) -> np.ndarray:
        """Marubini and Valsecchi's sum, written as it is printed."""
        times = np.unique(self.aj[:, 0])
        at_risk = np.array([(self.aj[:, 0] >= t).sum() for t in times], dtype=float)
        observed = np.array([((self.aj[:, 0] == t) & (self.aj[:, 1] == 1)).sum() for t in times], dtype=float)
        left = np.array([((self.aj[:, 0] == t) & (self.aj[:, 1] > 0)).sum() for t in times], dtype=float)
        before = np.concatenate([[1.0], np.cumprod(1 - left / at_risk)[:-1]])
        share = np.cumsum(before * observed / at_risk)
        variances = []
        for now in range(len(times)):
            total = 0.0
            for u in range(now + 1):
                later, n, d, d1, s = (share[now] - share[u], at_risk[u], left[u], observed[u], before[u])
                total += later**2 * d / (n * (n - d)) if n > d else 0.0  # nothing happens later if all have left
                total += s**2 * d1 * (n - d1) / n**3 - 2 * later * s * d1 / n**2
            variances.append(max(total, 0.0))
        return np.array(variances)


def at(times: np.ndarray, values: np.ndarray, when: int, before_first: float) -> float:
    """The value of a step function at a microsecond."""
    position = np.searchsorted(times, when, side="right")
    return float(values[position - 1]) if position else before_first


def band(survival: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % log–log limits of a survival; nan where it is 1 or 0, as R's survfit has it."""
    inside = (survival > 1e-9) & (survival < 1 - 1e-9)
    s, e = np.where(inside, survival, 0.5), np.where(inside, error, 0.0)
    centre, width = np.log(-np.log(s)), Z * e / (s * np.abs(np.log(s)))
    limits = np.exp(-np.exp(centre + width)), np.exp(-np.exp(centre - width))
    return tuple(np.where(inside, limit, np.nan) for limit in limits)


def first_at_most(times: np.ndarray, falling: np.ndarray, level: float) -> float | None:
    """Smallest t with S(t) <= level, in days. SurvfuncRight.quantile asks for S(t) < level: too late at exactly 0.5."""
    with np.errstate(invalid="ignore"):
        found = np.flatnonzero(falling <= level + 1e-9)
    return float(times[found[0]]) / DAY if len(found) else None


def expect_figures(row: dict, times, survival, error, exits: np.ndarray) -> None:
    """A row of time_to_value against a survival curve, the rules for small numbers included."""
    observed = int((exits[:, 1] == 1).sum())
    median = first_at_most(times, survival, 0.5)
    at_risk = int((exits[:, 0] >= round(median * DAY)).sum()) if median is not None else 5
    is_enough = observed >= 10 and at_risk >= 5
    lower, upper = band(survival, error)
    assert row["median_days"] == pytest.approx(median if is_enough else None, abs=1e-9)
    assert row["median_lower_days"] == pytest.approx(first_at_most(times, lower, 0.5) if is_enough else None, abs=1e-9)
    assert row["median_upper_days"] == pytest.approx(first_at_most(times, upper, 0.5) if is_enough else None, abs=1e-9)
    p85 = first_at_most(times, survival, 0.15) if observed >= 10 else None
    assert row["p85_days"] == pytest.approx(p85, abs=1e-9)
    for day in SHARE_DAYS:
        assert row[f"share_by_day_{day}"] == pytest.approx(1 - at(times, survival, day * DAY, 1.0), abs=1e-9)
    if not is_enough:
        assert row["reason"] == "not_enough_data"
    elif median is None:
        assert row["reason"] == "not_reached"
    else:
        assert row["reason"] == ("p85_not_reached" if p85 is None else None)


def expect_nothing(row: dict, reason: str) -> None:
    assert row["reason"] == reason
    assert {value for name, value in row.items() if name.endswith("_days") or name.startswith("share_")} == {None}


def expect_counts(by_estimator: dict[str, dict], expected: Interval, is_received: bool) -> None:
    for estimator, row in by_estimator.items():
        ways_out = (expected.aj if estimator == "incidence" else expected.km)[:, 1]
        assert row["product_count"] == len(ways_out)
        assert row["observed_count"] == ((ways_out == 1).sum() if is_received else None)
        assert row["closed_count"] == ((ways_out == 2).sum() if is_received else None)
        assert row["open_count"] == (ways_out == 0).sum()
        assert {why: row[f"left_out_{why}_count"] for why in expected.left_out} == expected.left_out


def expect_completed_only(row: dict, durations: np.ndarray) -> None:
    is_enough = len(durations) >= 10
    median, p85 = np.quantile(durations, [0.5, 0.85]) if is_enough else (None, None)
    assert row["median_days"] == pytest.approx(median, abs=1e-9)
    assert row["p85_days"] == pytest.approx(p85, abs=1e-9)
    assert row["median_lower_days"] is None and row["median_upper_days"] is None
    assert row["reason"] == (None if is_enough else "not_enough_data")
    for day in SHARE_DAYS:
        share = np.mean(durations <= day) if len(durations) else None
        assert row[f"share_by_day_{day}"] == pytest.approx(share, abs=1e-9)


def expect_curve(drawn: list[dict], expected: Interval, times, share, error, closed) -> None:
    leaving = expected.aj[expected.aj[:, 1] > 0, 0]
    assert [row["day"] for row in drawn] == sorted({0} | {-(-int(t) // DAY) for t in leaving})
    lower, upper = band(1 - share, error)
    for row in drawn:
        day = row["day"]
        assert row["share_adopted"] == pytest.approx(at(times, share, day * DAY, 0.0), abs=1e-9)
        assert row["share_closed"] == pytest.approx(at(times, closed, day * DAY, 0.0), abs=1e-9)
        for side, limit in (("lower", 1 - upper), ("upper", 1 - lower)):
            value = at(times, limit, day * DAY, np.nan)
            assert row[side] == pytest.approx(None if np.isnan(value) else value, abs=1e-9)
        first = min((t for t in leaving if -(-int(t) // DAY) == day), default=0)
        assert row["at_risk_count"] == (expected.aj[:, 0] >= first).sum()
