"""Pace in windows of 180 days, pace index and momentum, from sums over the single products in numpy.

Left-truncated Kaplan-Meier by age and the one-sample log-rank (Klein and Moeschberger 2003, Survival Analysis, ch. 4.6
and 7.2); momentum by statsmodels' WLS. Definitions: docs/metrics.md. test_pace.py compares the windows with
statsmodels' SurvfuncRight. Moments in microseconds since 1970, ages in microseconds, figures in days.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from statsmodels.api import WLS, add_constant

from oracles.survival import DAY, SHARE_DAYS, band, first_at_most

MOMENTS = {
    "idea_logged": "idea",
    "work_started": "work",
    "deployed": "deployed",
    "adopted": "adopted",
    "withdrawn": "closed",
}
INTERVALS = {
    "idea_to_deployed": ("idea", "deployed"),
    "deployed_to_adopted": ("deployed", "adopted"),
    "idea_to_adopted": ("idea", "adopted"),
    "idea_to_started": ("idea", "work"),
    "started_to_deployed": ("work", "deployed"),
}
METRICS = {"build_time": "idea_to_deployed", "adoption_lag": "deployed_to_adopted", "time_to_value": "idea_to_adopted"}
NOT_RECEIVED = {"deployed": "no_deployment_events", "adopted": "no_adoption_events"}
WINDOW = 180 * DAY
WINDOW_AS_OF = -1
LATENESS = 5 * DAY


@dataclass(frozen=True)
class Product:
    """A data product; its moments in microseconds since 1970."""

    domain: str
    idea: int | None = None
    work: int | None = None
    deployed: int | None = None
    adopted: int | None = None
    closed: int | None = None

    def events(self, number: int) -> list[dict]:
        sent = []
        for event_type, moment in MOMENTS.items():
            if getattr(self, moment) is not None:
                row = {
                    "event_type": event_type,
                    "data_product_id": f"p{number:05}",
                    "occurred_at": getattr(self, moment),
                }
                sent.append(row | ({"consumer_domain": "users"} if moment == "adopted" else {"domain": self.domain}))
        return sent


@dataclass(frozen=True)
class Spans:
    """The products in one interval: when each starts and leaves, and whether observed (1), closed (2) or open (0)."""

    start: np.ndarray
    left: np.ndarray
    status: np.ndarray
    domain: np.ndarray

    def of(self, domain: str) -> "Spans":
        its = np.full(len(self.start), True) if domain == "all" else self.domain == domain
        return Spans(self.start[its], self.left[its], self.status[its], self.domain[its])


def spans(products: list[Product], interval_id: str, as_of: int) -> Spans:
    begin, finish = INTERVALS[interval_id]
    found = []
    for one in products:
        start, end, closed = getattr(one, begin), getattr(one, finish), one.closed
        if start is None or (end is not None and end < start) or (closed is not None and closed < start):
            continue
        if end is not None and (closed is None or end <= closed):
            found.append((start, end, 1, one.domain))
        else:
            found.append((start, as_of, 0, one.domain) if closed is None else (start, closed, 2, one.domain))
    start, left, status, domain = zip(*found, strict=True) if found else ((), (), (), ())
    return Spans(
        *(np.array(column, dtype=np.int64) for column in (start, left, status)), np.array(domain, dtype=object)
    )


@dataclass(frozen=True)
class Period:
    """What a window sees: at which age each product comes in (-1: from 0 on) and leaves, and how."""

    entry: np.ndarray
    exit: np.ndarray
    status: np.ndarray

    @cached_property
    def survival(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Ages at which somebody is observed, how many were at risk, survival, its standard error."""
        ages, observed = np.unique(self.exit[self.status == 1], return_counts=True)
        at_risk = np.searchsorted(np.sort(self.entry), ages) - np.searchsorted(np.sort(self.exit), ages)
        survival = np.cumprod(1 - observed / at_risk)
        stays = np.where(at_risk > observed, at_risk - observed, np.inf)  # from S = 0 on there is no variance
        return ages, at_risk, survival, survival * np.sqrt(np.cumsum(observed / (at_risk * stays)))

    @cached_property
    def hazard(self) -> tuple[np.ndarray, np.ndarray]:
        """Nelson–Aalen's cumulative hazard by age."""
        ages, at_risk, *_ = self.survival
        observed = np.unique(self.exit[self.status == 1], return_counts=True)[1]
        return ages, np.cumsum(observed / at_risk)

    def figures(self) -> dict:
        """As in current_pace."""
        ages, at_risk, survival, error = self.survival
        lower, upper = band(survival, error)
        median = first_at_most(ages, survival, 0.5)
        found = {"product_count": len(self.exit), "observed_count": (self.status == 1).sum()}
        found["median_days"] = median
        is_there = survival <= 0.5 + 1e-9
        found["median_at_risk_count"] = None if median is None else at_risk[is_there][0]
        found["median_lower_days"] = first_at_most(ages, lower, 0.5)
        found["median_upper_days"] = first_at_most(ages, upper, 0.5)
        for day in SHARE_DAYS:
            position = np.searchsorted(ages, day * DAY, side="right")
            found[f"share_by_day_{day}"] = 1 - survival[position - 1] if position else 0
        return found | {"p85_days": first_at_most(ages, survival, 0.15)}

    @property
    def is_enough(self) -> bool:
        _, at_risk, survival, _ = self.survival
        there = np.flatnonzero(survival <= 0.5 + 1e-9)
        return (self.status == 1).sum() >= 10 and (not len(there) or at_risk[there[0]] >= 5)


def period(these: Spans, begins: int, ends: int, is_end_inside=False) -> Period:
    """The window from `begins` until `ends`: what happens in the moment it ends is only inside where told."""
    last = ends if is_end_inside else ends - 1
    inside = (these.start <= last) & ((these.start >= begins) | (these.left > begins))
    start, left = these.start[inside], these.left[inside]
    entry = np.where(start >= begins, -1, begins - start)
    return Period(entry, np.minimum(left, ends) - start, np.where(left <= last, these.status[inside], 0))


class Programme:
    """What the tables should say of some products; `as_of` in ISO 8601, `changed_on` a declared process change."""

    def __init__(self, products: list[Product], as_of: str, timezone: str, changed_on: date | None):
        self.products = products
        self.as_of = round(datetime.fromisoformat(as_of).timestamp() * 1_000_000)
        self.zone = ZoneInfo(timezone)
        self.domains = ["all", *sorted({one.domain for one in products})]
        moments = [moment for one in products for moment in (getattr(one, name) for name in MOMENTS.values()) if moment]
        first, last = self.month_of(min(moments)), self.month_of(self.as_of)
        self.months = [date(n // 12, n % 12 + 1, 1) for n in range(self.number(first), self.number(last) + 2)]
        self.edges = np.array([self.moment(month) for month in self.months])  # one more than there are months
        self.months.pop()
        phase_ends = next((m for m in self.months if changed_on and m >= changed_on), None)
        wall_clock = datetime.fromtimestamp(self.as_of / 1e6, self.zone).replace(tzinfo=UTC).timestamp() * 1e6
        ends = [
            datetime(m.year + m.month // 12, m.month % 12 + 1, 1, tzinfo=UTC).timestamp() * 1e6 for m in self.months
        ]
        self.is_complete = np.array([end + LATENESS < wall_clock for end in ends])
        in_baseline = self.is_complete & np.array([phase_ends is None or month < phase_ends for month in self.months])
        self.baseline_months = int(in_baseline.sum())
        self.spans = {name: spans(products, name, self.as_of) for name in INTERVALS}

    @staticmethod
    def number(month: date) -> int:
        return 12 * month.year + month.month - 1

    def month_of(self, moment: int) -> date:
        return datetime.fromtimestamp(moment // 1_000_000, self.zone).date().replace(day=1)

    def moment(self, day: date) -> int:
        return round(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()) * 1_000_000

    @cached_property
    def by_domain(self) -> dict[tuple[str, str], Spans]:
        return {(name, domain): self.spans[name].of(domain) for name in INTERVALS for domain in self.domains}

    @cached_property
    def windows(self) -> dict[tuple[str, str, int], Period]:
        """{(interval, domain, window number): what it sees}, where it sees anything."""
        found = {}
        for (name, domain), these in self.by_domain.items():
            found[name, domain, WINDOW_AS_OF] = period(these, self.as_of - WINDOW, self.as_of, is_end_inside=True)
            if name not in METRICS.values():
                continue
            for number in range(self.first_month(these.start), len(self.months)):
                ends = self.edges[number + 1]
                found[name, domain, number] = period(these, ends - WINDOW, ends)
        return {key: window for key, window in found.items() if len(window.exit)}

    @cached_property
    def indexes(self) -> dict[str, dict[tuple[str, int], tuple[int, float]]]:
        """{interval: {(domain, month number): observed, expected}}."""
        return {name: self.index(name) for name in METRICS.values()}

    def index(self, name: str) -> dict[tuple[str, int], tuple[int, float]]:
        """What each product has gained in hazard: from its start, or its age as the month began, until it leaves or the
        month ends."""
        these, ends = self.spans[name], self.edges[self.baseline_months]
        ages, hazard = period(these, -(2**60), ends).hazard if self.baseline_months else (np.array([]), np.array([]))
        hazard = np.concatenate([[0.0], hazard])
        ages_then = [np.minimum(these.left, edge) - these.start for edge in self.edges]
        until = [hazard[np.searchsorted(ages, age, side="right")] for age in ages_then]
        found = {}
        for domain in self.domains:
            its = np.full(len(these.start), True) if domain == "all" else these.domain == domain
            for number in range(self.first_month(these.start[its]), len(self.months)):
                begins, ends = self.edges[number], self.edges[number + 1]
                is_new = its & (these.start >= begins) & (these.start < ends)
                was_open = its & (these.start < begins) & (these.left >= begins)
                observed = its & (these.status == 1) & (these.left >= begins) & (these.left < ends)
                expected = until[number + 1][is_new].sum() + (until[number + 1] - until[number])[was_open].sum()
                found[domain, number] = observed.sum(), expected
        return found

    def first_month(self, moments: np.ndarray) -> int:
        """The number of the month of the earliest; one too high where there is none."""
        return np.searchsorted(self.edges, moments.min(), side="right") - 1 if len(moments) else len(self.months)

    def monthly(self, name: str) -> dict[tuple[str, int], tuple[str | None, dict]]:
        """{(domain, month number): why there is no median, figures}, from the first month that names the domain."""
        end = INTERVALS[name][1]
        known_from = self.first_month(np.array([m for one in self.products if (m := getattr(one, end)) is not None]))
        found = {}
        for domain in self.domains:
            its = [one for one in self.products if domain in ("all", one.domain)]
            named = [getattr(one, moment) for one in its for moment in MOMENTS.values() if moment != "adopted"]
            for number in range(self.first_month(np.array([m for m in named if m is not None])), len(self.months)):
                window = self.windows.get((name, domain, number))
                figures = window.figures() if window else {"observed_count": 0, "product_count": 0}
                if number < known_from:
                    reason = NOT_RECEIVED[end]
                elif window is None:
                    reason = "no_products"
                elif not window.is_enough:
                    reason = "not_enough_data"
                else:
                    reason = "not_reached" if figures["median_days"] is None else None
                found[domain, number] = reason, figures
        return found


def expect_equal(found: dict[tuple, tuple], wanted: dict[tuple, tuple]) -> None:
    """The same keys, and numbers to 1e-9; None only where None."""
    assert found.keys() == wanted.keys()
    keys = list(wanted)
    got, want = (np.array([table[key] for key in keys], dtype=float) for table in (found, wanted))
    wrong = ~np.isclose(got, want, rtol=0, atol=1e-9, equal_nan=True).all(axis=1)
    assert not wrong.any(), [(keys[i], found[keys[i]], wanted[keys[i]]) for i in np.flatnonzero(wrong)[:3]]


def slope_of(x, y, weights) -> tuple[float, float]:
    """Weighted least squares by statsmodels: slope and its standard error."""
    fit = WLS(np.array(y), add_constant(np.array(x)), weights=np.array(weights, dtype=float)).fit()
    return fit.params[1], fit.bse[1]
