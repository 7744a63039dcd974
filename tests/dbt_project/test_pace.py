"""Current pace, pace index, cohorts and momentum in SQL against the same figures from the single products."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import duckdb
import jinja2
import numpy as np
import pytest
import test_survival
from scipy import stats
from shaped import AS_OF, DAY, DBT_PROJECT, build_models, compiled, empty_warehouse, instant, put_events, rows
from statsmodels.api import WLS, add_constant
from statsmodels.duration.survfunc import SurvfuncRight
from test_survival import Interval, band, expect_completed_only, expect_counts, expect_figures, first_at_most

TABLES = ("leading_metrics_monthly", "time_to_value", "flywheel_scorecard")
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
SHARE_DAYS = (30, 90, 180, 365, 730)
LATENESS = 5 * DAY
MANY = 100_000  # data products above which ages are whole days
CHANGED_ON = date(2025, 3, 10)  # so the second phase begins in April


# --- Building ---------------------------------------------------------------------------------------


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


@contextmanager
def paced(
    products: Iterable[Product], changes=(), as_of=AS_OF, timezone="UTC", tables=TABLES, many=MANY
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which these tables, and all they need, are built from the products' events."""
    models = {
        name: replace(
            model,
            sql=model.sql.replace(AS_OF, as_of).replace("'UTC'", f"'{timezone}'").replace(f"> {MANY}", f"> {many}"),
        )
        for name, model in compiled().items()
    }
    needed, missing = set(), set(tables)
    while missing:
        needed |= missing
        missing = {name for table in missing for name in models[table].inputs if name in models} - needed
    with empty_warehouse(changes=changes) as db:
        put_events(db, [row for number, product in enumerate(products) for row in product.events(number)])
        build_models(db, models, needed)
        yield db


# --- The oracle: sums over the single products ------------------------------------------------------


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
    """What the tables should say of some products."""

    def __init__(self, products: list[Product], as_of=AS_OF, timezone="UTC", changed_on: date | None = CHANGED_ON):
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


# --- Against single products, on anything -----------------------------------------------------------


def random_programme(draw: np.random.Generator, domain: str, as_of: int, edges: np.ndarray) -> list[Product]:
    """Products on a grid of days, weeks or microseconds; every kind of coincidence that windows have to get right."""
    unit = int(draw.choice([DAY, DAY, 7 * DAY, 1]))
    history = int(draw.choice([60, 150, 250, 500, 900])) * DAY
    usual = draw.choice([3.0, 40.0, 150.0, 400.0], 3) * DAY  # days to work, to deployed, from there to adopted
    closes = float(draw.choice([0, 0, 0.2, 0.6]))
    chance = draw.choice([0.5, 0.9, 1.0])

    def later(after: int | None, days: float) -> int | None:
        if after is None or draw.random() > chance:
            return None
        took = 0 if draw.random() < 0.08 else round(draw.exponential(days) / unit) * unit
        return after + took if after + took <= as_of else None

    def one() -> Product:
        idea = as_of - int(draw.integers(history // unit + 1)) * unit
        kind = draw.random()
        if kind < 0.06:
            idea = as_of - WINDOW + int(draw.choice([-1, 0, 1]))
        elif kind < 0.15:
            idea = int(min(draw.choice(edges) - draw.choice([0, WINDOW]) + draw.choice([-1, 0, 0, 1]), as_of))
        work = later(idea, usual[0])
        deployed = later(idea if draw.random() < 0.2 else work, usual[1])
        adopted = later(deployed if draw.random() < 0.9 else idea, usual[2])
        if adopted is not None and draw.random() < 0.15:
            adopted = int(edges[np.searchsorted(edges, adopted)])
            adopted = adopted if adopted <= as_of else None
        closed = later(idea, 2 * usual.mean()) if draw.random() < closes else None
        is_known = draw.random() < 0.95 or deployed is None
        return Product(domain, idea if is_known else None, work, deployed, adopted, closed)

    return [one() for _ in range(int(draw.choice([1, 4, 15, 30, 60])))]


BUILDS = {"utc": (500, AS_OF, "UTC"), "new_york": (60, "2025-12-17T09:30:00+00:00", "America/New_York")}


@pytest.fixture(scope="module", params=BUILDS)
def programmes(request) -> Iterator[tuple[duckdb.DuckDBPyConnection, Programme]]:
    """Random programmes of as many owning domains, built, and what should come out."""
    count, as_of, timezone = BUILDS[request.param]
    draw = np.random.default_rng(count)
    moment = round(datetime.fromisoformat(as_of).timestamp() * 1_000_000)
    zone = ZoneInfo(timezone)
    edges = np.array(
        [round(datetime(2023 + n // 12, n % 12 + 1, 1, tzinfo=zone).timestamp()) * 1_000_000 for n in range(6, 37)]
    )
    products = [one for n in range(count) for one in random_programme(draw, f"domain {n:03}", moment, edges)]
    with paced(products, [(str(CHANGED_ON), "a change")], as_of, timezone) as db:
        yield db, Programme(products, as_of, timezone)


@pytest.mark.slow
def test_every_window_equals_the_single_products(programmes):
    db, expected = programmes
    names = list(next(iter(expected.windows.values())).figures())
    found = {
        (row["interval_id"], row["domain"], row["window_number"]): tuple(row[name] for name in names)
        for row in rows(db, "select * from curated.current_pace")
    }
    expect_equal(found, {key: tuple(window.figures().values()) for key, window in expected.windows.items()})


def test_the_oracle_equals_statsmodels(programmes):
    """Except that statsmodels counts nobody who enters at 0 among those at risk at 0: hence the entry at -1."""
    _, expected = programmes
    for (*_, number), window in expected.windows.items():
        if number == WINDOW_AS_OF and (window.status == 1).any():
            fit = SurvfuncRight(window.exit, (window.status == 1).astype(int), entry=window.entry)
            ages, at_risk, survival, error = window.survival
            assert (fit.surv_times == ages).all() and (fit.n_risk == at_risk).all()
            assert np.allclose(fit.surv_prob, survival, rtol=0, atol=1e-12)
            inside = survival > 1e-9
            assert np.allclose(fit.surv_prob_se[inside], error[inside], rtol=0, atol=1e-12)


def paces(products: list[Product], many: int) -> dict[tuple, tuple]:
    """current_pace, in an organisation that is large above so many data products."""
    with paced(products, tables=["current_pace"], many=many) as db:
        query = "select count(*), count(case when at_risk_count < observed_count then 1 end) from curated.pace_steps"
        count, impossible = db.execute(query).fetchone()
        assert count > 1000 and impossible == 0
        found = db.execute("select * from curated.current_pace").fetchall()
    return {row[:3]: row[3:] for row in found}  # interval, domain, window


def test_in_a_large_organisation_whole_days_change_nothing_that_happens_in_whole_days():
    draw, as_of = np.random.default_rng(8), instant(0)
    edges = np.array([as_of - days * DAY for days in (365, 181, 180, 92, 61, 31, 0)])
    drawn = [one for n in range(20) for one in random_programme(draw, f"domain {n:03}", as_of, edges)]
    whole = [
        Product(one.domain, *(moment and moment // DAY * DAY for moment in vars(one).values() if moment != one.domain))
        for one in drawn
    ]
    assert f"> {MANY}" in compiled()["pace_exposures"].sql
    expect_equal(paces(whole, many=0), paces(whole, many=MANY))
    assert paces(drawn, many=0)  # at any other time nobody leaves before coming in


def test_the_published_current_pace_is_that_of_the_trailing_180_days(programmes):
    db, expected = programmes
    published = rows(db, "select * from authoritative.time_to_value where estimator = 'current_pace'")
    assert {(row["interval_id"], row["domain"]) for row in published} == {
        (name, domain) for name in INTERVALS for domain in expected.domains
    }
    for row in published:
        window = expected.windows.get((row["interval_id"], row["domain"], WINDOW_AS_OF))
        assert row["cohort"] == "all"
        if window is None:
            assert (row["product_count"], row["observed_count"], row["open_count"], row["closed_count"]) == (0, 0, 0, 0)
            assert row["reason"] == "no_products" and row["median_days"] is None and row["share_by_day_30"] is None
            continue
        wanted = window.figures()
        wanted |= {"open_count": (window.status == 0).sum(), "closed_count": (window.status == 2).sum()}
        del wanted["median_at_risk_count"]
        reason = "not_reached" if wanted["median_days"] is None else None
        reason = reason or ("p85_not_reached" if wanted["p85_days"] is None else None)
        if not window.is_enough:
            wanted |= {"median_days": None, "median_lower_days": None, "median_upper_days": None}
            # few at risk at young ages can take the whole curve to 0: nothing of it is told
            wanted |= dict.fromkeys(("p85_days", *(name for name in wanted if name.startswith("share_by_day"))))
        assert row["reason"] == (reason if window.is_enough else "not_enough_data")
        expect_equal({(): tuple(row[name] for name in wanted)}, {(): tuple(wanted.values())})


@pytest.mark.slow
def test_the_monthly_pace_is_that_of_the_180_days_before_each_month_s_end(programmes):
    db, expected = programmes
    wanted, reasons = {}, {}
    for metric_id, name in METRICS.items():
        for (domain, number), (reason, figures) in expected.monthly(name).items():
            key = metric_id, domain, expected.months[number]
            counts = [figures[f"{of}_count"] for of in ("observed", "product")]
            counts = [count if reason is None or count > 0 else None for count in counts]
            observed, hazard = expected.indexes[name].get((domain, number), (0, 0))
            is_known = reason not in NOT_RECEIVED.values()
            index = observed / hazard if is_known and hazard >= 1 else None
            value = figures["median_days"] if reason is None else None
            reasons[key], wanted[key] = reason, (value, *counts, index, expected.is_complete[number])
    found = {
        (row["metric_id"], row["domain"], row["month_starting"]): row
        for row in rows(db, "select * from authoritative.leading_metrics_monthly")
        if row["metric_id"] in METRICS and row["domain"] != "users"
    }
    names = ("value", "numerator", "denominator", "pace_index", "is_complete")
    expect_equal({key: tuple(row[name] for name in names) for key, row in found.items()}, wanted)
    assert {key: row["reason"] for key, row in found.items()} == reasons
    assert set(reasons.values()) >= {None, "not_enough_data", "not_reached", "no_products"}


def test_the_pace_index_expects_what_the_first_phase_would_have_brought(programmes):
    db, expected = programmes
    found = rows(db, "select * from curated.pace_indexes")
    for name in METRICS.values():
        its = {
            (row["domain"], row["period_number"]): (row["observed_count"], row["expected_count"])
            for row in found
            if row["interval_id"] == name
        }
        expect_equal(its, expected.indexes[name])


def test_over_its_baseline_the_index_expects_what_was_observed(programmes):
    db, expected = programmes
    query = f"""
        select interval_id, sum(observed_count) as observed, sum(expected_count) as expected
        from curated.pace_indexes where domain = 'all' and period_number < {expected.baseline_months} group by 1
        """
    found = rows(db, query)
    assert {row["interval_id"] for row in found} == set(METRICS.values())
    for row in found:
        assert row["observed"] > 100
        assert row["expected"] == pytest.approx(row["observed"], abs=1e-9)


def test_the_domains_parts_of_the_index_sum_to_everyone_s(programmes):
    db, _ = programmes
    query = """
        select interval_id, period_number, domain = 'all' as is_all, sum(observed_count), sum(expected_count)
        from curated.pace_indexes group by all
        """
    found: dict[bool, dict] = {True: {}, False: {}}
    for name, number, is_all, *sums in db.execute(query).fetchall():
        found[is_all][name, number] = sums
    expect_equal(found[False], found[True])


def test_quarter_cohorts_equal_statsmodels(programmes, monkeypatch):
    db, expected = programmes
    monkeypatch.setattr(test_survival, "AS_OF", expected.as_of)
    published: dict[tuple, dict[str, dict]] = {}
    for row in rows(db, "select * from authoritative.time_to_value where cohort <> 'all'"):
        published.setdefault((row["interval_id"], row["domain"], row["cohort"]), {})[row["estimator"]] = row
    cohorts: dict[tuple, list[tuple]] = {}
    for one in expected.products:
        for name, (start, _) in INTERVALS.items():
            if getattr(one, start) is not None:
                month = expected.month_of(getattr(one, start))
                cohort = f"{month.year}-Q{(month.month + 2) // 3}"
                at = (one.idea, one.work, one.deployed, one.adopted, one.closed)
                for domain in ("all", one.domain):
                    cohorts.setdefault((name, domain, cohort), []).append((one.domain, *at))
    assert published.keys() == cohorts.keys()
    for (name, domain, cohort), members in cohorts.items():
        if domain not in expected.domains[1::5]:  # the oracle's sums are slow
            continue
        of, its = Interval(members, name, "all"), published[name, domain, cohort]
        expect_counts(its, of, is_received=True)
        if not len(of.km):
            assert {row["reason"] for row in its.values()} == {"no_products"}
            continue
        times, survival, error = of.kaplan_meier()
        expect_figures(its["kaplan_meier"], times, survival, error, of.km)
        times, share, error, _ = of.incidence()
        expect_figures(its["incidence"], times, 1 - share, error, of.aj)
        expect_completed_only(its["completed_only"], of.durations)


# --- Momentum ---------------------------------------------------------------------------------------


def slope_of(x, y, weights) -> tuple[float, float]:
    """Weighted least squares by statsmodels: slope and its standard error."""
    fit = WLS(np.array(y), add_constant(np.array(x)), weights=np.array(weights, dtype=float)).fit()
    return fit.params[1], fit.bse[1]


def test_momentum_is_a_weighted_regression_of_the_pace_index(programmes):
    db, expected = programmes
    found = {row["metric_id"]: row for row in rows(db, "select * from curated.momentum")}
    x, y, weights, before = [], [], [], 0
    index = expected.indexes["idea_to_adopted"]
    for number in range(len(expected.months)):
        observed, hazard = index.get(("all", number), (0, 0.0))
        if before >= 1 and observed > 0 and hazard >= 1 and expected.is_complete[number]:
            x.append(np.log(before))
            y.append(-np.log(observed / hazard))
            weights.append(observed)
        before += observed
    expect_momentum(found["momentum"], x, y, weights)
    done = [
        (one.adopted, number, one.adopted - one.idea)
        for number, one in enumerate(expected.products)
        if one.idea is not None and one.adopted is not None and one.idea <= one.adopted <= (one.closed or one.adopted)
    ]
    days = [(rank, took / DAY) for rank, (*_, took) in enumerate(sorted(done), 1) if took > 0]
    rank, took = np.log(np.array(days)).T
    expect_momentum(found["momentum_completed_only"], rank, took, np.ones(len(rank)))


def expect_momentum(row: dict, x, y, weights) -> None:
    assert row["point_count"] == len(x)
    assert (row["slope"], row["standard_error"]) == pytest.approx(slope_of(x, y, weights), abs=1e-9)


def test_momentum_is_published_by_doublings_with_its_interval(programmes):
    db, _ = programmes
    found = {row["metric_id"]: row for row in rows(db, "select * from curated.momentum")}
    published = {row["metric_id"]: row for row in rows(db, "select * from authoritative.flywheel_scorecard")}
    for metric_id, row in found.items():
        quantile = stats.t.ppf(0.975, row["point_count"] - 2)
        for name, away in (("value", 0), ("lower", -quantile), ("upper", quantile)):
            wanted = 100 * (2 ** (row["slope"] + away * row["standard_error"]) - 1)
            assert published[metric_id][name] == pytest.approx(wanted, abs=1e-9 if name == "value" else 0.01)
    momentum = published["momentum"]
    is_clear = "improving" if momentum["upper"] < 0 else "worsening" if momentum["lower"] > 0 else "no_change"
    assert momentum["verdict"] == is_clear
    assert published["momentum_completed_only"]["verdict"] == "not_enough_data"  # shown beside it, never judged


def test_momentum_needs_twenty_adopted_products():
    def momentum(adopted: int) -> tuple:
        # two ideas a month, adopted after 20 days, then 40, and so on by turns
        products = [product(900 - 15 * n, adopted=900 - 15 * n - 20 * (1 + n % 2)) for n in range(adopted)]
        with paced([*products, product(800)]) as db:
            query = (
                "select value, lower, upper, reason from authoritative.flywheel_scorecard where metric_id = 'momentum'"
            )
            return db.execute(query).fetchone()

    assert momentum(19) == (None, None, None, "not_enough_data")
    value, lower, upper, reason = momentum(40)
    assert lower < value < upper and reason is None


def test_the_points_of_student_s_t_are_within_a_ten_thousandth_from_ten_degrees_on():
    macros = jinja2.Environment().from_string((DBT_PROJECT / "macros" / "survival.sql").read_text()).module
    quantile = macros.student_t_975("df")
    found = duckdb.sql(f"select df, {quantile} as t from range(10, 400) as degrees (df)").fetchall()
    wrong = {df: t - stats.t.ppf(0.975, df) for df, t in found if abs(t - stats.t.ppf(0.975, df)) > 1e-4}
    assert wrong == {}


# --- Worked by hand ---------------------------------------------------------------------------------


def product(idea: float, adopted: float | None = None, closed: float | None = None, domain="sales") -> Product:
    """Moments in days before as_of."""
    moments = {"idea": idea, "adopted": adopted, "closed": closed}
    return Product(domain, **{name: instant(days) for name, days in moments.items() if days is not None})


def steps(products: list[Product]) -> list[tuple]:
    """(age in days, at risk, survival) of the window of as_of, for ideas to adoption."""
    query = """
        select elapsed_days, at_risk_count, survival from curated.pace_steps
        inner join curated.pace_series using (series_id)
        where interval_id = 'idea_to_adopted' and domain = 'all' and window_number = -1 order by 1
        """
    with paced(products, tables=["current_pace"]) as db:
        return db.execute(query).fetchall()


def test_a_product_carried_into_the_window_is_at_risk_from_its_age_then():
    carried_in, new, still_open = product(300, adopted=100), product(100, adopted=50), product(150)  # 120 old; 0; 0
    before = product(400, adopted=200)  # over before the window began
    assert steps([carried_in, new, still_open, before]) == [(50, 2, 0.5), (200, 1, 0)]
    assert steps([carried_in, still_open, product(280, adopted=140)]) == [(140, 3, pytest.approx(2 / 3)), (200, 1, 0)]


def test_who_starts_with_the_window_is_at_risk_from_age_0_and_who_started_a_moment_before_is_not():
    moment = 1 / DAY  # a microsecond
    with_it, before, at_once = product(180), product(180 + moment), product(90, adopted=90)
    assert steps([with_it, at_once]) == [(0, 2, 0.5)]
    assert steps([before, at_once]) == [(0, 1, 0)]
    # adopted as the window began: over, unless it began then too
    assert steps([product(200, adopted=180), product(180, adopted=180), at_once]) == [(0, 2, 0)]


def test_what_happens_as_a_month_ends_belongs_to_the_next_one():
    # as_of is the first of January: the ideas are of 1 November, and 31 days before as_of December began
    products = [product(61, adopted=31), product(61, adopted=31 + 1 / DAY), product(61)]
    with paced(products) as db:
        query = """
            select period_number, observed_count from curated.pace_indexes
            where domain = 'all' and interval_id = 'idea_to_adopted' order by 1
            """
        assert db.execute(query).fetchall() == [(0, 1), (1, 1), (2, 0)]
        query = """
            select numerator, denominator from authoritative.leading_metrics_monthly
            where metric_id = 'time_to_value' and domain = 'all' order by month_starting
            """
        assert db.execute(query).fetchall() == [(1, 3), (2, 3), (2, 3)]


def test_the_index_by_hand():
    # the first phase is October and November: of four ideas of 2 October one is adopted after 10 days, one after 20:
    # hazards 1/4 and 1/3. In December, the second phase, three of four new ideas are adopted after 15 days
    old = [product(91, adopted=81), product(91, adopted=71), product(91), product(91, closed=20)]
    new = [product(30, adopted=15)] * 3 + [product(30)]
    with paced(old + new, [("2025-12-01", "a change")], as_of="2026-01-06T00:00:01+00:00") as db:
        query = """
            select observed_count, expected_count from curated.pace_indexes
            where domain = 'all' and interval_id = 'idea_to_adopted' order by period_number
            """
        found = db.execute(query).fetchall()
    hazard = 1 / 4 + 1 / 3
    assert found == [
        (2, pytest.approx(1 / 4 + 3 * hazard)),  # one left after 10 days, three others grew older than 20
        (0, 0),  # older than anything ever seen: nothing more is expected
        (3, pytest.approx(3 * 1 / 4 + hazard)),
        (0, 0),
    ]


def test_a_median_needs_ten_observed_and_five_at_risk():
    def pace(products: list[Product]) -> dict:
        with paced(products, tables=["time_to_value"]) as db:
            query = "select * from authoritative.time_to_value where estimator = 'current_pace' and domain = 'all'"
            return next(row for row in rows(db, query) if row["interval_id"] == "idea_to_adopted")

    ten = [product(100, adopted=100 - day) for day in range(1, 11)]  # half of them after 5 days, 6 at risk there
    assert (pace(ten)["median_days"], pace(ten)["reason"]) == (5, None)
    assert (pace(ten[1:])["median_days"], pace(ten[1:])["reason"]) == (None, "not_enough_data")
    young = [product(1.5) for _ in range(20)]  # nobody of them is seen at the age of five days
    few = [product(100, adopted=99) for _ in range(9)] + [product(100, adopted=100 - day) for day in (5, 6, 7, 8)]
    assert (pace(few + young)["median_days"], pace(few + young)["reason"]) == (None, "not_enough_data")
    assert pace(ten + [product(100)] * 11)["reason"] == "not_reached"


def test_the_index_sees_a_doubling_of_speed_months_before_the_median():
    """40 ideas a month; half are adopted within 150 days, and from 2025 on, also of those waiting, within 75."""
    first, changed, draw = 1461, 365, np.random.default_rng(5)
    products = []
    for idea in np.linspace(first, 0, 1920, endpoint=False):
        took = draw.exponential(150 / np.log(2))
        slow = max(idea - changed, 0)  # the days it has at the old pace
        took = took if took <= slow else slow + (took - slow) / 2
        products.append(product(idea, idea - took if took <= idea else None))
    with paced(products, [("2025-01-01", "twice the speed")]) as db:
        query = """
            select month_starting, value, verdict from authoritative.leading_metrics_monthly
            where metric_id = 'time_to_value' and domain = 'all' and is_complete order by 1
            """
        found = rows(db, query)
    before = [row for row in found if row["month_starting"] < date(2025, 1, 1)]
    after = [row for row in found if row["month_starting"] >= date(2025, 1, 1)]
    assert before[-1]["value"] == pytest.approx(150, rel=0.15) and after[-1]["value"] == pytest.approx(75, rel=0.15)
    seen = next(number for number, row in enumerate(after) if row["verdict"] == "improving")
    shown = next(number for number, row in enumerate(after) if row["value"] <= 0.75 * 150)
    told = next(number for number, row in enumerate(after) if row["value"] <= 75 * 1.15)
    assert seen == 0 and shown >= 2 and told >= 4
    assert [row["verdict"] for row in before].count("improving") <= 1
    assert {row["verdict"] for row in after} == {"improving"}


def test_nobody_is_expected_where_nobody_was_observed():
    with paced([product(60), product(50, closed=40), event_free("ops")]) as db:
        query = "select distinct expected_count, observed_count from curated.pace_indexes"
        assert db.execute(query).fetchall() == [(0, 0)]
        query = (
            "select distinct value, pace_index, reason from authoritative.leading_metrics_monthly where metric_id = $1"
        )
        assert db.execute(query, ["time_to_value"]).fetchall() == [(None, None, "no_adoption_events")]


def event_free(domain: str) -> Product:
    """An idea of as_of: no time yet in which anything could happen."""
    return product(0, domain=domain)
