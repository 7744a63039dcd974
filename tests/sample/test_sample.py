"""The sample organisation: its truths are found by independent arithmetic."""

import hashlib
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from oracles.sample import (
    ALWAYS,
    CHANGE,
    CHANGE_AT,
    MONTHS,
    OPTIONAL,
    REQUIRED,
    days,
    frame,
    lead,
    monthly_adoptions,
    named_share,
    pairs,
    products,
    signals,
    within_phases,
    without_ar1,
)
from scipy import stats

from orchestration.sample import organisation
from orchestration.sample.deliveries import sample_mess, write_sample
from orchestration.sample.events import sample_events

AS_OF = pd.Timestamp(organisation.SAMPLE_AS_OF)
SOME_SEEDS = range(5)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return frame(sample_events())


@pytest.fixture(scope="module")
def mess() -> dict[str, int]:
    return sample_mess()


# --- The same every time --------------------------------------------------------------------------


def digest(folder: Path) -> str:
    return hashlib.sha256(b"".join(p.name.encode() + p.read_bytes() for p in sorted(folder.iterdir()))).hexdigest()


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        write_sample(tmp_path / folder, seed=5)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert sample_events(5) != sample_events(6)


def test_the_bytes_depend_on_no_platform_version_or_hash_seed(tmp_path):
    """The digest was the same on Python 3.11, 3.12 and 3.13; change it only with the organisation."""
    code = "import sys, pathlib; from orchestration.sample.deliveries import write_exports, write_sample\n"
    code += "write_sample(pathlib.Path(sys.argv[1])), write_exports(pathlib.Path(sys.argv[1]))"
    environment = os.environ | {"PYTHONHASHSEED": "4"}
    root = Path(organisation.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, tmp_path / "out"], env=environment, cwd=root, check=True)
    assert digest(tmp_path / "out") == "edea00500c45cebf995f6cf221dc4e028966dda0e9ec433818faebbcd9fad7cd"


def test_every_file_is_whole_and_no_part_is_left_behind(tmp_path):
    paths = write_sample(tmp_path / "inbox")
    assert sorted((tmp_path / "inbox").iterdir()) == paths
    quarters = [f"events-{year}q{quarter}.jsonl" for year in (2023, 2024, 2025) for quarter in (1, 2, 3, 4)]
    assert [p.name for p in paths] == [
        "cloudevents-deploys-2025.jsonl",
        "corrections-2026q1.jsonl",
        *quarters,
        "events-2026q1.jsonl",
        "factory-stages-2025.jsonl",
        "marketing-spreadsheet.csv",
    ]


# --- The wire format ------------------------------------------------------------------------------


@pytest.mark.parametrize("planted", [True, False])
def test_every_event_is_in_the_wire_format(planted):
    for event in sample_events(planted=planted):
        assert event.keys() >= ALWAYS | REQUIRED[event["event_type"]]
        assert event.keys() <= ALWAYS | OPTIONAL
        assert ("domain" in event) == (event["event_type"] == "idea_logged")
        assert event["occurred_at"] == datetime.fromisoformat(event["occurred_at"]).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert event["occurred_at"] <= event["recorded_at"] <= "2026-01-07T00:00:00Z"
        assert event.get("evidence", "granted") in ("declared", "granted", "observed")


def test_an_event_id_is_unique_in_its_source_and_only_there(events):
    assert not events.duplicated(["source", "event_id"]).any()
    assert events.duplicated("event_id").any()
    assert events.source.nunique() == 7


def test_events_come_sorted_and_every_product_has_one_idea(events):
    assert events["at"].is_monotonic_increasing
    ideas = events[events.event_type == "idea_logged"]
    assert ideas.data_product_id.is_unique
    assert set(ideas.data_product_id) == set(events.data_product_id)
    assert 370 <= len(ideas) <= 430
    assert len(events) < 7_000


def test_an_idea_names_only_other_domains(events):
    ideas = events[events.named_consumer_domains.notna()]
    for domain, named in zip(ideas.domain, ideas.named_consumer_domains, strict=True):
        assert named
        assert domain not in named
        assert set(named) <= set(organisation.DOMAINS)


def test_january_2026_is_there_in_part(events):
    january = events[events["at"] >= "2026-01-01"]
    assert {"idea_logged", "deployed", "adopted"} <= set(january.event_type)
    assert len(pairs(events)[lambda p: p["at"] >= "2026-01-01"]) < 8


# --- The known truths -----------------------------------------------------------------------------


def test_adoptions_double_at_the_process_change(events):
    monthly = monthly_adoptions(events)
    before, after = monthly[:CHANGE_AT].mean(), monthly[CHANGE_AT:].mean()
    assert before == pytest.approx(8.7, rel=0.05)
    assert after / before == pytest.approx(2, rel=0.15)


def test_both_first_adoptions_and_expansion_bring_the_doubling(events):
    first = pairs(events).drop_duplicates("data_product_id").groupby("month").size()
    expansion = monthly_adoptions(events) - first.reindex(MONTHS, fill_value=0)
    assert expansion[CHANGE:].mean() > 2 * expansion[: CHANGE - timedelta(days=1)].mean()
    assert first[CHANGE : CHANGE + timedelta(days=31)].mean() > 1.3 * first[: CHANGE - timedelta(days=1)].mean()


def test_limits_see_the_doubling_within_three_months_and_nothing_before(events):
    monthly = monthly_adoptions(events)
    found = signals(monthly, baseline=monthly[:CHANGE_AT])
    assert CHANGE_AT <= found[0] < CHANGE_AT + 3
    assert signals(monthly[CHANGE_AT:], baseline=monthly[CHANGE_AT:]) == []


def test_adoptions_have_their_level_from_the_first_month_on(events):
    monthly = monthly_adoptions(events)
    assert monthly[:6].mean() == pytest.approx(monthly[6:CHANGE_AT].mean(), rel=0.2)


def test_one_domain_builds_three_times_slower(events):
    items = products(events)
    build = days(items.work_started, items.deployed).groupby(items.domain).agg(["median", "count"])
    elsewhere = days(items.work_started, items.deployed)[items.domain != organisation.SLOW_DOMAIN].median()
    others = build[(build["count"] >= 10) & (build.index != organisation.SLOW_DOMAIN)]
    assert build["median"][organisation.SLOW_DOMAIN] >= 2.5 * elsewhere
    assert others["median"].max() < 1.6 * elsewhere


@pytest.mark.parametrize("prewhiten", [within_phases, without_ar1])
def test_named_consumers_lead_adoptions_by_two_months(events, prewhiten):
    lag, correlation, p_value = lead(prewhiten(named_share(events)), prewhiten(monthly_adoptions(events)))
    assert lag == organisation.LEAD_MONTHS
    assert correlation >= 0.6
    assert p_value < 0.05


def test_the_truths_do_not_hang_on_the_default_seed():
    for seed in SOME_SEEDS:
        events = frame(sample_events(seed))
        monthly = monthly_adoptions(events)
        assert monthly[CHANGE_AT:].mean() / monthly[:CHANGE_AT].mean() == pytest.approx(2, rel=0.15)
        lag, correlation, p_value = lead(within_phases(named_share(events)), within_phases(monthly))
        assert (lag, p_value < 0.05) == (2, True)
        assert correlation > 0.75


def test_nothing_is_found_where_nothing_was_planted():
    ratios, leads, builds = [], [], []
    for seed in SOME_SEEDS:
        events = frame(sample_events(seed, planted=False))
        monthly, items = monthly_adoptions(events), products(events)
        ratios.append(monthly[CHANGE_AT:].mean() / monthly[:CHANGE_AT].mean())
        leads.append(lead(without_ar1(named_share(events)), without_ar1(monthly))[2] < 0.05)
        build, is_slow = days(items.work_started, items.deployed), items.domain == organisation.SLOW_DOMAIN
        builds.append(build[is_slow].median() / build[~is_slow].median())
    assert np.mean(ratios) == pytest.approx(1, abs=0.15)
    assert max(ratios) < 1.45
    assert sum(leads) <= 1  # one in twenty is what p < 0.05 means
    assert np.mean(builds) == pytest.approx(1, abs=0.15)


def test_completed_only_medians_lie(events):
    items = products(events)
    took = days(items.idea_logged, items.adopted.fillna(items.closed).fillna(AS_OF))
    is_open = items.adopted.isna()
    survival = stats.ecdf(stats.CensoredData(uncensored=took[~is_open], right=took[is_open])).sf
    kaplan_meier = survival.quantiles[np.argmax(survival.probabilities <= 0.5 + 1e-9)]
    assert survival.probabilities.min() < 0.5
    assert took[~is_open].median() < 0.6 * kaplan_meier


def test_ideas_get_about_as_far_as_promised(events):
    items = products(events)
    assert items.work_started.notna().mean() == pytest.approx(0.8, abs=0.05)
    assert items.deployed.notna().mean() == pytest.approx(0.68, abs=0.05)
    assert items.adopted.notna().sum() / items.deployed.notna().sum() == pytest.approx(0.6, abs=0.06)
    assert (items.closed.notna() & items.deployed.isna()).mean() == pytest.approx(0.12, abs=0.04)
    assert 3 <= items.retired.notna().sum() <= 25


def test_repeats_and_own_use_are_there_to_be_left_out(events):
    adopted = events[events.event_type == "adopted"]
    owner = events[events.event_type == "idea_logged"].set_index("data_product_id").domain
    is_own = adopted.consumer_domain == adopted.data_product_id.map(owner)
    assert is_own.sum() > 30
    assert len(adopted) - is_own.sum() > 1.5 * len(pairs(events))
    assert (events.event_type == "deployed").sum() > products(events).deployed.notna().sum() + 30


def test_only_the_documented_orders_are_impossible(events, mess):
    items = products(events)
    assert (items.deployed < items.idea_logged).sum() == mess["deployed_before_logged"] == 3
    assert (items.adopted < items.deployed).sum() == mess["adopted_before_deployed"] == 1
    assert (items.work_started < items.idea_logged).sum() == (items.deployed < items.work_started).sum() == 0
    after_closing = pairs(events).set_index("data_product_id")["at"] >= items.closed.reindex(
        pairs(events).data_product_id
    )
    assert not after_closing.any()
    assert items.deployed[items.adopted.notna()].notna().all()


def test_about_a_hundred_products_are_under_contract_and_some_fail(events):
    checks = events[events.event_type == "contract_checked"].groupby("data_product_id")
    rate = checks.passed_count.sum() / (checks.passed_count.sum() + checks.failed_count.sum())
    assert 75 <= len(rate) <= 125
    assert 0.05 < (rate < 0.95).mean() < 0.4
