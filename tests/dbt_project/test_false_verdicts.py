"""How often a verdict is wrong where nothing changes, and how soon a doubling is seen: the figures of docs/metrics.md.

The samples are built with the models. What is drawn from a known law is judged by the oracle of limits, which
test_limits.py holds against the models.
"""

import random
from collections import Counter
from datetime import datetime

import numpy as np
import pytest
from limit_tables import series, then
from oracles.limits import Series, expected_verdict
from shaped import EVENTS, build_models, compiled, empty_warehouse, put_events, rows

from orchestration.sample.events import sample_events
from orchestration.sample.organisation import PROCESS_CHANGE_ON, SAMPLE_AS_OF, START

pytestmark = pytest.mark.soak

SAMPLES = 200
CHANGES = {"improving", "worsening", "improved", "worsened"}
DECLARED = [(PROCESS_CHANGE_ON.isoformat(), "a change without effect")]


def in_warehouse(events: list[dict]) -> list[dict]:
    """Events in the wire format as `put_events` takes them."""
    made = []
    for one in events:
        at = datetime.fromisoformat(one["occurred_at"])
        row = {name: one.get(name) for name in EVENTS.names} | {"occurred_at": round(at.timestamp() * 1e6)}
        made.append(row | {"has_named_consumer": bool(one.get("named_consumer_domains"))})
    return made


def ramped(seed: int, events: list[dict]) -> list[dict]:
    """The events of ever more of the data products of the first year: of its first day none, of its last day all."""
    draw, first = random.Random(seed), {}
    for one in events:
        first.setdefault(one["data_product_id"], datetime.fromisoformat(one["occurred_at"]))
    kept = {product for product, at in first.items() if draw.random() < (at - START).days / 365}
    return [one for one in events if one["data_product_id"] in kept]


def judged(events: list[dict], changes: list) -> dict[str, str]:
    """{metric: verdict} of the whole organisation, of the metrics that have one."""
    models = compiled(SAMPLE_AS_OF.isoformat())
    needed, missing = set(), {"series_verdicts"}
    while missing:
        needed |= missing
        missing = {name for table in missing for name in models[table].inputs if name in models} - needed
    with empty_warehouse(changes=changes) as db:
        put_events(db, in_warehouse(events))
        build_models(db, models, needed)
        found = rows(db, "from curated.series_verdicts where domain = 'all' and verdict <> 'not_enough_data'")
    return {row["metric_id"]: row["verdict"] for row in found}


@pytest.mark.parametrize(
    ("ramps", "changes", "most"),  # most: % of North Stars, of series, of programmes with any
    [
        pytest.param(False, [], (5, 6, 55), id="nothing planted"),
        pytest.param(False, DECLARED, (6, 8, 60), id="a change is declared and has no effect"),
        pytest.param(True, [], (15, 8, 65), id="ideas ramp up for a year"),
    ],
)
def test_of_200_samples_in_which_nothing_changes_few_series_have_a_verdict(ramps, changes, most):
    stars, all_series, programmes = Counter(), Counter(), 0
    for seed in range(1, SAMPLES + 1):
        events = sample_events(seed, planted=False)
        found = judged(ramped(seed, events) if ramps else events, changes)
        stars[found["cross_domain_adoptions"]] += 1
        all_series.update(found.values())
        programmes += any(verdict in CHANGES for verdict in found.values())
    wrong = [100 * sum(some[verdict] for verdict in CHANGES) / some.total() for some in (stars, all_series)]
    wrong.append(100 * programmes / SAMPLES)
    print(f"\n{wrong} % of {stars}, {all_series}")
    assert stars.total() == SAMPLES
    assert all(share <= bound for share, bound in zip(wrong, most, strict=True)), wrong


def shares(drawn: list[Series]) -> dict[str, float]:
    """{verdict: % of the series}."""
    found = Counter(expected_verdict(one)["verdict"] for one in drawn)
    return {verdict: 100 * count / len(drawn) for verdict, count in found.items()}


def changed(found: dict[str, float]) -> float:
    return sum(found.get(verdict, 0) for verdict in CHANGES)


DRAWN = 2000


@pytest.mark.parametrize("rate", [3, 8.7, 20])
def test_a_count_that_is_constant_or_was_after_its_first_year_seldom_has_a_verdict(rate):
    draw = np.random.default_rng(20_230_101)
    ramp = rate * np.concatenate([np.arange(1, 13) / 13, np.ones(24)])
    drawn = {
        "constant": [series(draw.poisson(rate, 36)) for _ in range(DRAWN)],
        "ramp": [series(draw.poisson(ramp)) for _ in range(DRAWN)],
        "23 + 13": [then(series(draw.poisson(rate, 23)), draw.poisson(rate, 13)) for _ in range(DRAWN)],
        "12 + 24": [then(series(draw.poisson(rate, 12)), draw.poisson(rate, 24)) for _ in range(DRAWN)],
        "6 + 30": [then(series(draw.poisson(rate, 6)), draw.poisson(rate, 30)) for _ in range(DRAWN)],
    }
    found = {name: shares(some) for name, some in drawn.items()}
    print(f"\n{rate} a month: {found}")
    assert changed(found["constant"]) < 4
    assert changed(found["ramp"]) < 5
    assert changed(found["23 + 13"]) < 5
    assert changed(found["12 + 24"]) < 7
    assert changed(found["6 + 30"]) < 10


@pytest.mark.parametrize(
    ("factor", "is_declared", "seen"),  # at least so many % after 3, 6 and 12 months
    [(2, True, (80, 93, 98)), (2, False, (65, 72, 48)), (1.5, True, (28, 55, 80)), (1.5, False, (20, 25, 15))],
)
def test_how_soon_a_rise_is_seen(factor, is_declared, seen):
    draw, found = np.random.default_rng(20_230_102), {}
    for months in (1, 2, 3, 6, 12, 18, 24):
        before = [series(draw.poisson(8.7, 24)) for _ in range(DRAWN // 2)]
        drawn = [then(one, draw.poisson(8.7 * factor, months), 1 + is_declared) for one in before]
        some = shares(drawn)
        found[months] = some.get("improving", 0) + some.get("improved", 0)
    print(f"\n{factor} times 8.7 a month, {'declared' if is_declared else 'not declared'}: {found}")
    assert all(found[months] >= share for months, share in zip((3, 6, 12), seen, strict=True))
