"""Peers' formulas on our events: what the field's lead-time tools would say of the three real sets, beside ours.

Each convention is one SQL expression over the finished data products, as the tool named writes it (sources:
docs/peers.md). All of them are *completed-only*: what is still open does not exist for them.

- interpolated median (`PERCENTILE_CONT(…, 0.5)`): Four Keys, of whole minutes and without what took none; GitLab's DORA
  metrics, over a longer time as the median of each day's median.
- lower median: Apache DevLake (`max(x)` where `percent_rank() <= 0.5`); CNCF DevStats (`percentile_disc(0.5)`), which
  also has the 85th percentile.
- mean: Jira's control chart.
- inclusive calendar days, end date - start date + 1: Vacanti's flow metrics, which ProKanban teaches. Which percentile
  Kanban tools take of them differs; here it is the lower one.

Expected figures come from events.jsonl with Python and numpy, not from any table. Agreement means the same formula; it
does not mean that the figure is right.
"""

import json
from collections import defaultdict
from datetime import datetime

import numpy as np
import pytest
from conftest import SETS
from pipeline import CHECKOUT, attached, build_file, published

pytestmark = pytest.mark.slow

INTERVALS = {
    "idea_to_deployed": ("idea_logged_at", "deployed_at"),
    "idea_to_adopted": ("idea_logged_at", "adopted_at"),
}
CASES = [(name, interval) for name in SETS for interval in INTERVALS]
CONVENTIONS = """
with finished as (
    select
        (epoch_us({end}) - epoch_us({start})) / 86400000000.0 as days,
        (epoch_us({end}) - epoch_us({start})) // 60000000 as minutes,
        cast({end} as date) as finished_on,
        cast({end} as date) - cast({start} as date) + 1 as calendar_days
    from curated.data_products
    where {end} >= {start}
),
ranked as (select days, percent_rank() over (order by days) as rank from finished),
daily as (select median(days) as days from finished group by finished_on)
select
    percentile_cont(0.5) within group (order by days) as interpolated_median,
    percentile_cont(0.5) within group (order by minutes) filter (where minutes > 0) / 1440 as four_keys_median,
    (select percentile_cont(0.5) within group (order by days) from daily) as gitlab_median,
    (select max(days) from ranked where rank <= 0.5) as devlake_median,
    percentile_disc(0.5) within group (order by days) as lower_median,
    percentile_cont(0.85) within group (order by days) as interpolated_p85,
    percentile_disc(0.85) within group (order by days) as lower_p85,
    avg(days) as mean,
    percentile_disc(0.5) within group (order by calendar_days) as calendar_median,
    percentile_disc(0.85) within group (order by calendar_days) as calendar_p85
from finished
"""


@pytest.fixture(scope="module")
def tables(shared):
    """{set: (its peers' figures by interval, our medians by interval and estimator)}, each from one build."""
    found = {}
    for name, as_of in SETS.items():
        home = published(name, shared / "datasets" / name / "events.jsonl", as_of=as_of)
        with attached(build_file(home)) as db:
            found[name] = {interval: peers(db, *moments) for interval, moments in INTERVALS.items()}, ours(db)
    return found


def peers(db, start: str, end: str) -> dict[str, float | None]:
    cursor = db.execute(CONVENTIONS.format(start=start, end=end))
    return dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))


def ours(db) -> dict[tuple[str, str], dict]:
    cursor = db.execute(
        "select interval_id, estimator, median_days, p85_days, open_count, closed_count, reason "
        "from authoritative.time_to_value where domain = 'all' and cohort = 'all'"
    )
    names = [column[0] for column in cursor.description]
    rows = (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
    return {(row["interval_id"], row["estimator"]): row for row in rows}


@pytest.fixture(scope="module")
def finished(shared):
    """{(set, interval): [(start, end)] of the data products that finished}, straight from the events."""
    return {
        (name, interval): [(m[start], m[end]) for m in moments if start in m and end in m and m[end] >= m[start]]
        for name, as_of in SETS.items()
        for moments in [read_moments(shared / "datasets" / name / "events.jsonl", as_of)]
        for interval, (start, end) in INTERVALS.items()
    }


def read_moments(path, as_of: str) -> list[dict[str, datetime]]:
    """The first idea, deployment and adoption by another domain of each data product."""
    histories = defaultdict(list)
    for event in map(json.loads, path.read_text().splitlines()):
        at = datetime.fromisoformat(event["occurred_at"])
        if at <= datetime.fromisoformat(as_of) and not event["event_type"].startswith("milestone_"):
            histories[event["data_product_id"]].append((at, event["source"], event["event_id"], event))
    return [moments_of(sorted(history, key=lambda entry: entry[:3])) for history in histories.values()]


def moments_of(history: list[tuple]) -> dict[str, datetime]:
    moments = {}
    named = [(at, event["domain"]) for at, _, _, event in history if event.get("domain")]
    for at, _, _, event in history:
        kind = event["event_type"]
        owner = next((domain for since, domain in reversed(named) if since <= at), named[0][1] if named else None)
        if kind == "adopted" and owner not in (None, event["consumer_domain"]):
            moments.setdefault("adopted_at", at)
        elif kind in ("idea_logged", "deployed"):
            moments.setdefault(f"{kind}_at", at)
    return moments


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_each_convention_in_sql_is_its_figure_in_numpy(tables, finished, case):
    name, interval = case
    spans = finished[case]
    if not spans:  # no adoption was ever sent
        assert set(tables[name][0][interval].values()) == {None}
        return
    days = np.array([(end - start).total_seconds() / 86_400 for start, end in spans])
    minutes = np.array([(end - start).total_seconds() // 60 for start, end in spans])
    calendar = np.array([(end.date() - start.date()).days + 1 for start, end in spans])
    by_day = defaultdict(list)
    for took, (_, end) in zip(days, spans, strict=True):
        by_day[end.date()].append(took)
    expected = {
        "interpolated_median": np.median(days),
        "four_keys_median": np.median(minutes[minutes > 0]) / 1440,
        "gitlab_median": np.median([np.median(of_day) for of_day in by_day.values()]),
        "devlake_median": np.sort(days)[(len(days) - 1) // 2],
        "lower_median": np.quantile(days, 0.5, method="inverted_cdf"),
        "interpolated_p85": np.quantile(days, 0.85),
        "lower_p85": np.quantile(days, 0.85, method="inverted_cdf"),
        "mean": np.mean(days),
        "calendar_median": np.quantile(calendar, 0.5, method="inverted_cdf"),
        "calendar_p85": np.quantile(calendar, 0.85, method="inverted_cdf"),
    }
    assert tables[name][0][interval] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_our_completed_only_is_the_interpolated_one(tables, case):
    name, interval = case
    figures, medians = tables[name]
    row = medians[interval, "completed_only"]
    assert row["median_days"] == pytest.approx(figures[interval]["interpolated_median"], abs=1e-9)
    assert row["p85_days"] == pytest.approx(figures[interval]["interpolated_p85"], abs=1e-9)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_what_leaves_out_open_work_is_shorter_than_what_counts_it(tables, case):
    name, interval = case
    figures, medians = tables[name]
    peer, km, headline = figures[interval], medians[interval, "kaplan_meier"], medians[interval, "incidence"]
    if km["reason"] == "no_adoption_events":
        assert headline["median_days"] is None
    elif km["open_count"] + headline["closed_count"] == 0:  # everything is finished: nothing to leave out
        assert km["median_days"] == headline["median_days"] == pytest.approx(peer["lower_median"], abs=1e-9)
    else:
        medians_of_finished = [peer[f"{kind}_median"] for kind in ("interpolated", "four_keys", "devlake", "lower")]
        assert max(medians_of_finished) < km["median_days"] <= headline["median_days"]


def test_the_page_shows_these_figures(tables):
    """docs/peers.md: a row a convention, a column a case; what is not told there is that nothing was ever adopted."""
    columns = [case for case in CASES if case != ("dbt_core_changes", "idea_to_adopted")]
    shown = {}
    for line in (CHECKOUT / "docs" / "peers.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].startswith("`"):
            shown[cells[0].strip("`")] = cells[2 : 2 + len(columns)]
    expected = defaultdict(list)
    for name, interval in columns:
        figures, medians = tables[name]
        for key, figure in figures[interval].items():
            expected[key].append(f"{figure:.2f}")
        for estimator in ("completed_only", "kaplan_meier", "incidence"):
            expected[estimator].append(f"{medians[interval, estimator]['median_days']:.2f}")
    assert shown == expected
