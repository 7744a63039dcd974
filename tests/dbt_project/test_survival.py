"""Time to value in SQL against statsmodels, numpy and cases worked by hand: the compiled models on made-up products."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from shaped import compiled
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

MODELS = {
    "product_intervals": ("curated", "view"),
    "survival_series": ("curated", "table"),
    "risk_sets": ("curated", "view"),
    "survival_steps": ("curated", "table"),
    "estimator_figures": ("curated", "view"),
    "interval_estimates": ("curated", "table"),
    "time_to_value": ("authoritative", "table"),
    "time_to_value_curve": ("authoritative", "table"),
}
INTERVALS = {
    "idea_to_deployed": ("idea_logged_at", "deployed_at"),
    "deployed_to_adopted": ("deployed_at", "adopted_at"),
    "idea_to_adopted": ("idea_logged_at", "adopted_at"),
    "idea_to_started": ("idea_logged_at", "work_started_at"),
    "started_to_deployed": ("work_started_at", "deployed_at"),
}
KEY = ["interval_id", "domain", "cohort", "estimator"]
MOMENTS = ["idea_logged_at", "work_started_at", "deployed_at", "adopted_at", "closed_at"]
SENT = pa.schema([("domain", pa.string()), *((name, pa.int64()) for name in MOMENTS)])
DAY = 86_400_000_000  # microseconds
AS_OF = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
REASONS_WHY_NOTHING_IS_KNOWN = {"no_products", "no_deployment_events", "no_adoption_events", "no_work_started_events"}
SHARE_DAYS = (30, 90, 180, 365, 730)
Z = 1.959963984540054


# --- Running the models ---------------------------------------------------------------------------


class Compiled(dict):
    def __repr__(self) -> str:  # hypothesis prints what it failed with
        return "models"


@pytest.fixture(scope="session")
def models() -> Compiled:
    """{model: compiled SQL}, in the order in which they build."""
    return Compiled((name, compiled()[name].sql) for name in MODELS)


def product(domain="sales", **moments) -> tuple:
    """A data product whose moments are days before as_of: `product(idea_logged_at=10, deployed_at=4)`."""
    return domain, *(None if moments.get(m) is None else AS_OF - round(moments[m] * DAY) for m in MOMENTS)


def waiting(took=None, closed_after=None, age=100.0, domain="sales") -> tuple:
    """A data product `age` days old, deployed `took` days after its idea and closed after some more."""
    at = {"deployed_at": took, "closed_at": closed_after}
    return product(domain, idea_logged_at=age, **{m: age - after for m, after in at.items() if after is not None})


@dataclass(frozen=True)
class Built:
    """What the models made of some data products; each row a dictionary."""

    time_to_value: list[dict]
    time_to_value_curve: list[dict]
    survival_steps: list[dict]

    def figures(self, interval_id="idea_to_deployed", domain="all", estimator="incidence") -> dict:
        wanted = interval_id, domain, "all", estimator
        (row,) = (r for r in self.time_to_value if tuple(r[name] for name in KEY) == wanted)
        return row

    def steps(self, interval_id="idea_to_deployed", domain="all") -> list[dict]:
        wanted = interval_id, domain, "all"
        found = (r for r in self.survival_steps if tuple(r[name] for name in KEY[:3]) == wanted)
        return sorted(found, key=lambda row: row["elapsed_days"])

    def curve(self, interval_id="idea_to_deployed", domain="all") -> list[dict]:
        found = (r for r in self.time_to_value_curve if (r["interval_id"], r["domain"]) == (interval_id, domain))
        return sorted(found, key=lambda row: row["day"])


@contextmanager
def warehouse(models: Compiled, products: list[tuple], threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory warehouse in which everything is built from these data products."""
    with duckdb.connect(config={"threads": threads}) as db:
        db.execute("attach ':memory:' as warehouse; use warehouse; set TimeZone = 'UTC'")
        db.execute("create schema curated; create schema authoritative")
        columns = dict(zip(SENT.names, zip(*products, strict=True) if products else [[]] * 6, strict=True))
        db.register("sent", pa.table(columns, SENT))
        moments = ", ".join(f"make_timestamptz({name}) as {name}" for name in MOMENTS)
        db.execute(
            "create table curated.data_products as select 'p' || row_number() over () as data_product_id, '' as title, "
            f"domain, {moments}, if(closed_at is null, null, 'withdrawn') as close_reason, 'idea' as stage from sent"
        )
        # the pace of the trailing 180 days has its own tests, in test_pace.py
        shares = ", ".join(f"share_by_day_{day} double" for day in SHARE_DAYS)
        db.execute(
            "create table curated.current_pace (interval_id text, domain text, window_number int, "
            "product_count bigint, observed_count bigint, median_days double, median_at_risk_count bigint, "
            f"median_lower_days double, median_upper_days double, {shares}, p85_days double)"
        )
        for name, (schema, kind) in MODELS.items():
            db.execute(f"create {kind} {schema}.{name} as {models[name]}")
        yield db


def build(models: Compiled, products: list[tuple]) -> Built:
    with warehouse(models, products) as db:
        return Built(*(rows(db, table) for table in ("time_to_value", "time_to_value_curve", "survival_steps")))


def rows(db: duckdb.DuckDBPyConnection, table: str) -> list[dict]:
    found = db.execute(f"select * from {MODELS[table][0]}.{table}")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


# --- The oracle: the same figures from statsmodels, numpy and the rules of METRICS.md ---------------


class Interval:
    """What the models should say of one interval and domain."""

    def __init__(self, products: list[tuple], interval_id: str, domain: str):
        start_name, end_name = INTERVALS[interval_id]
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

    @staticmethod
    def _exit(start, end, closed) -> tuple[int, int]:
        return (
            (end - start, 1) if end is not None else (closed - start, 2) if closed is not None else (AS_OF - start, 0)
        )

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


# --- Against statsmodels, on anything ---------------------------------------------------------------


@st.composite
def portfolios(draw) -> list[tuple]:
    """Data products on a grid of times coarse enough for ties, from a few to enough for a median."""
    unit = draw(st.sampled_from([DAY, 20 * DAY, 1, DAY // 7]))
    often, rarely = st.integers(0, 8), st.none() | st.integers(-1, 8)
    never, at_once = st.none(), st.just(0)
    after = st.sampled_from([often, rarely, never, at_once])
    started, deployed, adopted, closed = (
        draw(after),
        draw(after),
        draw(after),
        draw(st.sampled_from([rarely, never, often])),
    )
    idea = draw(st.sampled_from([st.integers(0, 12), st.none() | st.integers(0, 12), st.just(9)]))
    one = st.tuples(
        st.sampled_from(["sales", "ops", None]), idea, st.integers(0, 12), started, deployed, adopted, closed
    )

    def moments(domain, idea, base, *delays) -> tuple:
        born = AS_OF - (base if idea is None else idea) * unit
        later = [None if delay is None or born + delay * unit > AS_OF else born + delay * unit for delay in delays]
        return domain, None if idea is None else born, *later

    size = draw(st.sampled_from([1, 5, 40]))
    return [moments(*drawn) for drawn in draw(st.lists(one, min_size=size // 2, max_size=size))]


@pytest.mark.slow
@settings(max_examples=examples(150), deadline=None)
@given(products=portfolios())
def test_every_step_and_figure_equals_statsmodels(models, products):
    built = build(models, products)
    received = {name: any(one[1 + MOMENTS.index(name)] is not None for one in products) for name in MOMENTS}
    for interval_id, (_, end) in INTERVALS.items():
        for domain in {"all"} | {owner for owner, *_ in products if owner}:
            check_interval(built, Interval(products, interval_id, domain), interval_id, domain, received[end])


def check_interval(built: Built, expected: Interval, interval_id: str, domain: str, is_received: bool) -> None:
    by_estimator = {e: built.figures(interval_id, domain, e) for e in ("incidence", "kaplan_meier", "completed_only")}
    drawn = built.curve(interval_id, domain)
    expect_counts(by_estimator, expected, is_received)
    if not len(expected.km) or not is_received:
        for row in by_estimator.values():
            expect_nothing(row, "no_products" if not len(expected.km) else row["reason"])
            assert row["reason"] in REASONS_WHY_NOTHING_IS_KNOWN
        assert drawn == []
        return
    times, survival, error = expected.kaplan_meier()
    aj_times, share, share_error, closed = expected.incidence()
    expect_figures(by_estimator["kaplan_meier"], times, survival, error, expected.km)
    expect_figures(by_estimator["incidence"], aj_times, 1 - share, share_error, expected.aj)
    expect_completed_only(by_estimator["completed_only"], expected.durations)
    expect_curve(drawn, expected, aj_times, share, share_error, closed)
    for step in built.steps(interval_id, domain):
        when = round(step["elapsed_days"] * DAY)
        found = [step[name] for name in ("km_survival", "km_variance", "share_observed", "share_closed")]
        found.append(step["share_observed_variance"])
        wanted = [at(times, survival, when, 1.0), at(times, error, when, 0.0) ** 2, at(aj_times, share, when, 0.0)]
        wanted += [at(aj_times, closed, when, 0.0), at(aj_times, share_error, when, 0.0) ** 2]
        assert found == pytest.approx(wanted, abs=1e-9)
        for exits, prefix in ((expected.km, "km_"), (expected.aj, "")):
            assert step[f"{prefix}at_risk_count"] == (exits[:, 0] >= when).sum()
            assert step[f"{prefix}observed_count"] == ((exits[:, 0] == when) & (exits[:, 1] == 1)).sum()


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


@settings(max_examples=examples(20), deadline=None)
@given(products=portfolios())
def test_without_closings_incidence_is_one_minus_kaplan_meier(models, products):
    never_closed = [(*one[:-1], None) for one in products]
    built = build(models, never_closed)
    for step in built.survival_steps:
        assert step["share_observed"] == pytest.approx(1 - step["km_survival"], abs=1e-12)
        assert step["share_observed_variance"] == pytest.approx(step["km_variance"], abs=1e-12)
        assert step["at_risk_count"] == step["km_at_risk_count"]


def test_in_a_large_organisation_times_are_rounded_up_to_whole_hours(models):
    assert "> 100000" in models["risk_sets"]
    large = Compiled((name, sql.replace("> 100000", "> 0")) for name, sql in models.items())
    draw = np.random.default_rng(3)
    took, is_closed = draw.integers(1, 60 * 24 * 90, 80) / (60 * 24), draw.random(80) < 0.2

    def estimated(models: Compiled, days: np.ndarray) -> list:
        ways = np.where(is_closed, "closed_after", "took")
        products = [waiting(**{way: after}) for way, after in zip(ways, days, strict=True)]
        built = build(models, [*products, waiting(), waiting()])
        figures = [built.figures(estimator=estimator) for estimator in ("incidence", "kaplan_meier")]
        return [built.steps(), built.curve(), figures]

    exact, in_hours = estimated(models, took), estimated(large, took)
    assert in_hours == estimated(models, np.ceil(np.round(took * 24, 9)) / 24)
    assert in_hours != exact
    assert {round(step["elapsed_days"] * 24, 9) % 1 for step in in_hours[0]} == {0}


# --- Worked by hand ---------------------------------------------------------------------------------

# Remission in weeks under 6-MP (Freireich et al. 1963, as in Cox 1972); a plus sign is 9.5 -> still in remission at 9.
SIX_MP = [(6, 1), (6, 1), (6, 1), (6, 0), (7, 1), (9, 0), (10, 1), (10, 0), (11, 0), (13, 1), (16, 1)]
SIX_MP += [(17, 0), (19, 0), (20, 0), (22, 1), (23, 1), (25, 0), (32, 0), (32, 0), (34, 0), (35, 0)]


def six_mp() -> list[tuple]:
    return [waiting(took=t) if is_observed else waiting(age=t) for t, is_observed in SIX_MP]


def test_leukaemia_remissions_under_6_mp_are_as_in_the_textbook(models):
    built = build(models, six_mp())
    by_week = {step["elapsed_days"]: step for step in built.steps()}
    survival = [round(by_week[week]["km_survival"], 4) for week in (6, 7, 10, 13, 16, 22, 23)]
    assert survival == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    error = [round(np.sqrt(by_week[week]["km_variance"]), 4) for week in (6, 7, 10, 13, 16, 22, 23)]
    assert error == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert [by_week[week]["km_at_risk_count"] for week in (6, 7, 10, 23)] == [21, 17, 15, 6]
    assert built.figures(estimator="kaplan_meier")["reason"] == "not_enough_data"  # 9 relapses


def test_the_same_patients_twice_have_the_textbook_median(models):
    built = build(models, six_mp() * 2)
    row = built.figures(estimator="kaplan_meier")
    assert (row["median_days"], row["p85_days"], row["reason"]) == (23, None, "p85_not_reached")
    assert row["median_lower_days"] == 16 and row["median_upper_days"] is None
    assert row["share_by_day_30"] == pytest.approx(1 - 0.4482, abs=1e-4)
    assert row["share_by_day_730"] == row["share_by_day_90"] == row["share_by_day_30"]  # carried on


def test_four_products_with_a_closing_between_them(models):
    # day 1: one of 4 deployed; day 2: one of 3 closed; day 3: one of 2 deployed; the last stays open
    built = build(models, [waiting(1), waiting(closed_after=2), waiting(3), waiting()])
    found = [(s["elapsed_days"], s["share_observed"], s["share_closed"], s["km_survival"]) for s in built.steps()]
    assert found == [
        (1, pytest.approx(1 / 4), pytest.approx(0), pytest.approx(3 / 4)),
        (2, pytest.approx(1 / 4), pytest.approx(3 / 4 / 3), pytest.approx(3 / 4)),
        (3, pytest.approx(1 / 4 + 1 / 2 / 2), pytest.approx(1 / 4), pytest.approx(3 / 4 / 2)),
    ]
    # nobody is censored before the last event, so the variance is the binomial p (1 - p) / n
    assert [s["share_observed_variance"] for s in built.steps()] == [
        pytest.approx(1 / 4 * 3 / 4 / 4),
        pytest.approx(1 / 4 * 3 / 4 / 4),
        pytest.approx(1 / 2 * 1 / 2 / 4),
    ]


def test_withdrawn_half_means_the_headline_median_is_not_reached(models):
    products = [waiting(took=day) for day in range(1, 13)] + [waiting(closed_after=0.5)] * 13
    built = build(models, products)
    assert built.figures()["reason"] == "not_reached"
    assert built.figures()["share_by_day_30"] == pytest.approx(12 / 25)
    assert built.figures(estimator="kaplan_meier")["median_days"] == 6
    assert built.figures(estimator="completed_only")["median_days"] == 6.5


def test_a_median_at_exactly_one_half_is_reached(models):
    products = [waiting(took=day) for day in range(1, 13)] + [waiting()] * 12  # S falls to 12/24 by rounding steps
    built = build(models, products)
    assert built.figures(estimator="kaplan_meier")["median_days"] == 12
    assert built.figures()["median_days"] == 12


def test_completed_only_medians_lie_about_a_young_programme(models):
    # ideas evenly over four months, each deployed after a random time with median 90 days; most still wait
    draw = np.random.default_rng(7)
    ages = np.linspace(0.01, 120, 3000)
    took = draw.exponential(90 / np.log(2), 3000)
    products = [waiting(took=t if t <= age else None, age=age) for age, t in zip(ages, took, strict=True)]
    built = build(models, products)
    km = built.figures(estimator="kaplan_meier")
    assert km["median_lower_days"] < 90 < km["median_upper_days"]
    assert km["median_days"] == pytest.approx(90, rel=0.1)
    assert built.figures(estimator="completed_only")["median_days"] < 50


# --- The rules --------------------------------------------------------------------------------------


def test_who_is_left_out_and_why(models):
    products = [
        product(deployed_at=5),  # no idea
        product(deployed_at=5, closed_at=9),  # no idea, whatever else
        product(idea_logged_at=5, deployed_at=6),  # negative
        product(idea_logged_at=5, deployed_at=6, closed_at=7),  # negative before closed
        product(idea_logged_at=5, closed_at=6),  # closed before it began
        product(idea_logged_at=5, deployed_at=2, closed_at=6),
        product(idea_logged_at=5, closed_at=5),  # closed at the very start: no time, but in
        product(idea_logged_at=5, deployed_at=5),
        product(idea_logged_at=0),
    ]
    built = build(models, products)
    row = built.figures()
    left_out = [row[f"left_out_{why}_count"] for why in ("no_start", "negative", "closed_before_start")]
    assert left_out == [2, 2, 2]
    assert [row[f"{kind}_count"] for kind in ("product", "observed", "closed", "open")] == [3, 1, 1, 1]
    assert row["share_by_day_30"] == pytest.approx(1 / 3)


def test_an_adoption_after_a_closing_counts_for_kaplan_meier_and_not_for_the_headline(models):
    built = build(models, [waiting(took=8, closed_after=3), waiting(took=4), waiting()])
    headline, km = built.figures(), built.figures(estimator="kaplan_meier")
    assert (headline["observed_count"], headline["closed_count"], headline["open_count"]) == (1, 1, 1)
    assert (km["observed_count"], km["closed_count"], km["open_count"]) == (2, 0, 1)
    assert headline["share_by_day_30"] == pytest.approx(2 / 3 / 2)
    assert km["share_by_day_30"] == pytest.approx(2 / 3)


def test_closed_in_the_moment_of_the_deployment_is_deployed(models):
    built = build(models, [waiting(took=3, closed_after=3), waiting()])
    assert (built.figures()["observed_count"], built.figures()["closed_count"]) == (1, 0)


def test_censored_in_the_moment_of_an_event_is_still_at_risk(models):
    built = build(models, [waiting(took=7), waiting(age=7), waiting(age=7), waiting(age=50)])
    (step,) = built.steps()
    assert step["at_risk_count"] == step["km_at_risk_count"] == 4
    assert step["km_survival"] == pytest.approx(3 / 4)


def test_the_band_is_unknown_where_the_share_is_0_or_1(models):
    built = build(models, [waiting(took=1), waiting(took=2)])
    assert [(r["day"], r["share_adopted"], r["lower"] is None, r["upper"] is None) for r in built.curve()] == [
        (0, 0, True, True),
        (1, 0.5, False, False),
        (2, 1, True, True),
    ]
    built = build(models, [waiting(took=3)] * 12)
    row = built.figures(estimator="kaplan_meier")
    assert (row["median_days"], row["p85_days"], row["reason"]) == (3, 3, None)
    assert row["median_lower_days"] is None and row["median_upper_days"] is None


def test_a_median_needs_ten_observed_and_five_at_risk(models):
    nine = [waiting(took=3)] * 9
    built = build(models, nine)
    for estimator in ("incidence", "kaplan_meier", "completed_only"):
        row = built.figures(estimator=estimator)
        assert (row["median_days"], row["p85_days"], row["reason"]) == (None, None, "not_enough_data")
        assert row["share_by_day_30"] == 1
    # ten observed early, most open ones too young to say more, and 4 left at risk where half are there
    few_left = [waiting(took=1)] * 9 + [waiting(age=2)] * 20 + [waiting(took=day) for day in (5, 6, 7, 8)]
    built = build(models, few_left)
    km = built.figures(estimator="kaplan_meier")
    assert (km["observed_count"], km["median_days"], km["reason"]) == (13, None, "not_enough_data")
    assert built.figures(estimator="completed_only")["median_days"] == 1


def test_an_event_never_received_is_unknown_and_one_never_reached_is_zero(models):
    products = [waiting(took=day) for day in range(10)] + [waiting(domain="ops")]
    built = build(models, products)
    for estimator in ("incidence", "kaplan_meier", "completed_only"):
        for interval_id in ("idea_to_adopted", "deployed_to_adopted"):
            expect_nothing(built.figures(interval_id, estimator=estimator), "no_adoption_events")
        expect_nothing(built.figures("idea_to_started", estimator=estimator), "no_work_started_events")
        expect_nothing(built.figures("started_to_deployed", estimator=estimator), "no_products")
    assert built.figures("idea_to_adopted")["observed_count"] is None
    assert built.figures("idea_to_adopted")["product_count"] == 11
    assert built.curve("idea_to_adopted") == []
    never = built.figures(domain="ops")
    assert (never["observed_count"], never["share_by_day_730"], never["reason"]) == (0, 0, "not_enough_data")
    assert [(row["day"], row["share_adopted"], row["at_risk_count"]) for row in built.curve(domain="ops")] == [
        (0, 0, 1)
    ]


def test_deployments_never_received_have_their_own_reason(models):
    built = build(models, [product(idea_logged_at=5, work_started_at=3)])
    expect_nothing(built.figures("idea_to_deployed"), "no_deployment_events")
    expect_nothing(built.figures("started_to_deployed"), "no_deployment_events")


def test_every_interval_domain_and_estimator_has_its_row(models):
    built = build(models, [])
    found = built.time_to_value
    assert len(found) == 5 * 4
    assert {(row["domain"], row["product_count"], row["reason"]) for row in found} == {("all", 0, "no_products")}
    assert built.time_to_value_curve == []
    built = build(models, [waiting(1), waiting(2, domain="ops"), waiting(3, domain=None)])
    found = built.time_to_value
    assert len({tuple(row[name] for name in KEY) for row in found}) == len(found)
    assert sum(row["cohort"] == "all" for row in found) == 5 * 3 * 4
    # the ideas are 100 days old: one quarter, two owners and everyone, no pace of its own
    cohorts = {row["cohort"] for row in found if row["interval_id"] == "idea_to_deployed"}
    assert cohorts == {"all", "2025-Q3"}
    assert sum(row["cohort"] == "2025-Q3" and row["interval_id"] == "idea_to_deployed" for row in found) == 3 * 3
    assert {row["domain"] for row in found} == {"all", "sales", "ops"}


def test_an_unknown_owner_counts_for_everyone_only(models):
    built = build(models, [waiting(1), waiting(2, domain=None), waiting(3, domain="all")])
    assert built.figures()["product_count"] == 3
    assert built.figures(domain="sales")["product_count"] == 1
    assert {row["domain"] for row in built.time_to_value} == {"all", "sales"}


def test_a_step_belongs_to_the_day_at_whose_end_it_has_happened(models):
    moment = 1 / DAY  # one microsecond
    built = build(models, [waiting(0), waiting(moment), waiting(1), waiting(1 + moment), waiting(30)])
    assert [(row["day"], round(row["share_adopted"], 9), row["at_risk_count"]) for row in built.curve()] == [
        (0, 0.2, 5),
        (1, 0.6, 4),
        (2, 0.8, 2),
        (30, 1.0, 1),
    ]
    assert built.figures()["share_by_day_30"] == 1


def test_building_again_gives_the_same_bits(models):
    draw = np.random.default_rng(3)
    ages, took, closed = (draw.uniform(0, 900, 20_000), draw.exponential(300, 20_000), draw.exponential(700, 20_000))
    products = [
        waiting(t if t <= age else None, c if c <= age else None, age, domain=f"domain {i % 7}")
        for i, (age, t, c) in enumerate(zip(ages, took, closed, strict=True))
    ]
    prints = set()
    for threads in (1, 4, 4):
        with warehouse(models, products, threads) as db:
            prints |= set(
                db.execute("select sum(hash(steps)::hugeint) from curated.survival_steps as steps").fetchall()
            )
    assert len(prints) == 1
