"""The sample organisation: its truths are found by independent arithmetic, and its mess adds up."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from orchestration.sample import organisation
from orchestration.sample.deliveries import sample_mess, write_sample
from orchestration.sample.events import sample_events

MONTHS = pd.date_range("2023-01-01", "2025-12-01", freq="MS")
CHANGE = pd.Timestamp(organisation.PROCESS_CHANGE_ON)
CHANGE_AT = MONTHS.get_loc(CHANGE)
AS_OF = pd.Timestamp(organisation.SAMPLE_AS_OF)
SOME_SEEDS = range(5)

REQUIRED = {
    "idea_logged": {"domain"},
    "work_started": set(),
    "deployed": set(),
    "adopted": {"consumer_domain"},
    "withdrawn": set(),
    "abandoned": set(),
    "rejected": set(),
    "retired": set(),
    "contract_activated": set(),
    "contract_checked": {"passed_count", "failed_count"},
}
ALWAYS = {"event_id", "source", "event_type", "data_product_id", "occurred_at"}
OPTIONAL = {"recorded_at", "revision", "domain", "title", "source_ref", "named_consumer_domains", "initiative"}
OPTIONAL |= {"version", "consumer_domain", "evidence", "contract_version", "passed_count", "failed_count"}


def frame(seed: int = organisation.DEFAULT_SEED, planted: bool = True) -> pd.DataFrame:
    events = pd.DataFrame(sample_events(seed, planted))
    events["at"] = pd.to_datetime(events["occurred_at"], utc=True)
    events["month"] = events["at"].dt.tz_localize(None).dt.to_period("M").dt.start_time
    return events


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return frame()


def pairs(events: pd.DataFrame) -> pd.DataFrame:
    """The first adoption of every (product, consuming domain other than the owner)."""
    owner = events[events.event_type == "idea_logged"].set_index("data_product_id").domain
    adopted = events[events.event_type == "adopted"].sort_values("at")
    others = adopted[adopted.consumer_domain != adopted.data_product_id.map(owner)]
    return others.drop_duplicates(["data_product_id", "consumer_domain"])


def monthly_adoptions(events: pd.DataFrame) -> np.ndarray:
    return pairs(events).groupby("month").size().reindex(MONTHS, fill_value=0).to_numpy(float)


def named_share(events: pd.DataFrame) -> np.ndarray:
    ideas = events[events.event_type == "idea_logged"]
    return ideas.named_consumer_domains.notna().groupby(ideas.month).mean().reindex(MONTHS).to_numpy(float)


def products(events: pd.DataFrame) -> pd.DataFrame:
    """One row a product: its domain and the first time of each stage."""
    ideas = events[events.event_type == "idea_logged"].set_index("data_product_id")
    first = events.pivot_table(index="data_product_id", columns="event_type", values="at", aggfunc="min")
    first["closed"] = first[list(organisation.CLOSINGS)].min(axis=1)
    first["adopted"] = pairs(events).groupby("data_product_id")["at"].min()
    return first.assign(domain=ideas.domain)


def days(start: pd.Series, end: pd.Series) -> pd.Series:
    return (end - start).dt.total_seconds() / 86_400


def signals(values: np.ndarray, baseline: np.ndarray) -> list[int]:
    """Where the three rules fire against the baseline's XmR limits."""
    center, half_width = baseline.mean(), 2.66 * np.abs(np.diff(baseline)).mean()
    lower, upper = max(0, center - half_width), center + half_width
    found = []
    for i, value in enumerate(values):
        last_8, last_4 = values[max(0, i - 7) : i + 1], values[max(0, i - 3) : i + 1]
        one_side = len(last_8) == 8 and (all(last_8 > center) or all(last_8 < center))
        far = max(sum(last_4 > (center + upper) / 2), sum(last_4 < (center + lower) / 2)) >= 3
        if value > upper or value < lower or one_side or far:
            found.append(i)
    return found


def within_phases(values: np.ndarray) -> np.ndarray:
    before, after = values[:CHANGE_AT], values[CHANGE_AT:]
    return np.concatenate([before - before.mean(), after - after.mean()])


def without_ar1(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean()
    now, then = centred[1:], centred[:-1]
    return now - (now @ then) / (then @ then) * then


def lead(driver: np.ndarray, outcome: np.ndarray) -> tuple[int, float, float]:
    """The best of lags 1 to 6, the correlation there, and p from permuting the maximum."""

    def correlations(drivers: np.ndarray) -> np.ndarray:
        lagged = [(drivers[:, :-lag], outcome[lag:]) for lag in range(1, 7)]
        scored = [((a - a.mean(1, keepdims=True)) / a.std(1, keepdims=True), b) for a, b in lagged]
        return np.array([a @ (b - b.mean()) / b.std() / len(b) for a, b in scored]).T

    actual = correlations(driver[None, :])[0]
    permuted = np.random.default_rng(1).permuted(np.tile(driver, (2_000, 1)), axis=1)
    highest = np.abs(correlations(permuted)).max(axis=1)
    lag = int(np.abs(actual).argmax()) + 1
    return lag, actual[lag - 1], (1 + sum(highest >= np.abs(actual).max())) / 2_001


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
    code = "import sys, pathlib; from orchestration.sample.deliveries import write_sample\n"
    code += "write_sample(pathlib.Path(sys.argv[1]))"
    environment = os.environ | {"PYTHONHASHSEED": "4"}
    root = Path(organisation.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, tmp_path / "out"], env=environment, cwd=root, check=True)
    assert digest(tmp_path / "out") == "2fae3c31a923fbf6d703d38cfbed8010b6d561cc3dd8594f297a333d44358df7"


def test_every_file_is_whole_and_no_part_is_left_behind(tmp_path):
    paths = write_sample(tmp_path / "inbox")
    assert sorted((tmp_path / "inbox").iterdir()) == paths
    quarters = [f"events-{year}q{quarter}.jsonl" for year in (2023, 2024, 2025) for quarter in (1, 2, 3, 4)]
    assert [p.name for p in paths] == [
        "cloudevents-deploys-2025.jsonl",
        "corrections-2026q1.jsonl",
        *quarters,
        "events-2026q1.jsonl",
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
    assert events.source.nunique() == 4


def test_events_come_sorted_and_every_product_has_one_idea(events):
    assert events["at"].is_monotonic_increasing
    ideas = events[events.event_type == "idea_logged"]
    assert ideas.data_product_id.is_unique
    assert set(ideas.data_product_id) == set(events.data_product_id)
    assert 370 <= len(ideas) <= 430
    assert len(events) < 6_000


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
        events = frame(seed)
        monthly = monthly_adoptions(events)
        assert monthly[CHANGE_AT:].mean() / monthly[:CHANGE_AT].mean() == pytest.approx(2, rel=0.15)
        lag, correlation, p_value = lead(within_phases(named_share(events)), within_phases(monthly))
        assert (lag, p_value < 0.05) == (2, True)
        assert correlation > 0.75


def test_nothing_is_found_where_nothing_was_planted():
    ratios, leads, builds = [], [], []
    for seed in SOME_SEEDS:
        events = frame(seed, planted=False)
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


# --- The mess -------------------------------------------------------------------------------------


def read_as_sent(folder: Path) -> tuple[list[tuple[str, dict]], int]:
    """Read every row with nothing but the standard library: (file, flat record), and how many were no JSON."""
    rows, unreadable = [], 0
    for path in sorted(folder.iterdir()):
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as lines:
                rows += [(path.name, {k: v for k, v in row.items() if v}) for row in csv.DictReader(lines)]
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append((path.name, flat(json.loads(line))))
            except json.JSONDecodeError:
                unreadable += 1
    return rows, unreadable


def flat(row: dict) -> dict:
    if row.get("specversion") != "1.0":
        return row
    names = {"event_id": "id", "source": "source", "occurred_at": "time", "data_product_id": "subject"}
    mapped = {name: row[attribute] for name, attribute in names.items() if attribute in row}
    return mapped | {"event_type": row["type"].rsplit(".", 1)[-1]} | row["data"]


def is_well_formed(row: dict) -> bool:
    try:
        at = utc(row["occurred_at"])
        counts_fit = all(isinstance(row.get(name, 0), int) for name in ("passed_count", "failed_count"))
        return row.keys() >= ALWAYS | REQUIRED[row["event_type"]] and 1970 <= at.year <= 2026 and counts_fit
    except (KeyError, ValueError):
        return False


def utc(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def quarter(at: datetime) -> str:
    return f"{at.year}q{(at.month - 1) // 3 + 1}"


def normal(row: dict) -> dict:
    known = {name: value for name, value in row.items() if name in ALWAYS | OPTIONAL | {"is_retracted"}}
    return known | {"occurred_at": utc(row["occurred_at"]).strftime("%Y-%m-%dT%H:%M:%SZ")}


@pytest.fixture(scope="module")
def sent(tmp_path_factory) -> tuple[list[tuple[str, dict]], int]:
    folder = tmp_path_factory.mktemp("inbox")
    write_sample(folder)
    return read_as_sent(folder)


@pytest.fixture(scope="module")
def mess() -> dict[str, int]:
    return sample_mess()


def test_the_files_hold_the_stated_rows(sent, mess):
    rows, unreadable = sent
    parts = ("current", "superseded", "duplicates", "retractions", "malformed")
    assert mess["rows"] == len(rows) + unreadable == sum(mess[part] for part in parts)
    assert mess["files"] == len({name for name, _ in rows})
    assert mess["malformed"] == unreadable + sum(not is_well_formed(row) for _, row in rows)
    assert 12 <= mess["malformed"] <= 20


def test_what_survives_reading_the_files_rightly_is_the_truth(sent):
    latest: dict[tuple, dict] = {}
    for _, row in sent[0]:
        if is_well_formed(row):
            row = normal(row)
            key = row["source"], row["event_id"]
            if key not in latest or row.get("revision", 0) > latest[key].get("revision", 0):
                latest[key] = row
    current = [row for row in latest.values() if not row.get("is_retracted")]
    current.sort(key=lambda row: (row["occurred_at"], row["source"], row["event_id"]))
    assert current == sample_events()


def test_every_kind_of_mess_is_counted_exactly(sent, mess):
    good = [row for _, row in sent[0] if is_well_formed(row)]
    texts = pd.Series([json.dumps(normal(row), sort_keys=True) for row in good])
    corrected = {(row["source"], row["event_id"]) for row in good if row.get("revision")}
    first_sent = [r for r in good if not r.get("revision") and (r["source"], r["event_id"]) in corrected]
    assert mess["duplicates"] == texts.duplicated().sum() == 40
    assert mess["retractions"] == sum(row.get("is_retracted", False) for row in good) == 6
    assert mess["corrections"] == sum("revision" in row and "is_retracted" not in row for row in good) == 12
    assert mess["superseded"] == len(first_sent) == 18
    assert mess["assumed_utc"] == sum(len(row["occurred_at"]) == 19 for row in good) == 8
    assert mess["other_offset"] == sum(row["occurred_at"].endswith("+02:00") for row in good) == 8


def test_duplicates_come_again_in_the_same_file_and_in_others(sent):
    good = pd.DataFrame(
        [(name, json.dumps(normal(row), sort_keys=True)) for name, row in sent[0] if is_well_formed(row)],
        columns=["file", "text"],
    )
    files = good[good.text.duplicated(keep=False)].groupby("text").file.nunique()
    assert set(files) == {1, 2}


def test_some_rows_arrive_in_a_later_quarters_file(sent, mess):
    truth = {(e["source"], e["event_id"]): e for e in sample_events()}
    late = set()
    for name, row in sent[0]:
        if name.startswith("events-") and (row.get("source"), row.get("event_id")) in truth:
            recorded, happened = quarter(utc(row["recorded_at"])), quarter(utc(row["occurred_at"]))
            is_truth = normal(row) == truth[row["source"], row["event_id"]]
            if is_truth and happened < recorded == name[7:13]:
                late.add((row["source"], row["event_id"]))
    assert len(late) == mess["late_arrivals"] > 30


def test_believing_a_retracted_event_would_change_the_north_star(sent, events):
    phantoms = [row for _, row in sent[0] if row.get("is_retracted") and row["event_type"] == "adopted"]
    known = set(map(tuple, pairs(events)[["data_product_id", "consumer_domain"]].to_numpy()))
    owner = events[events.event_type == "idea_logged"].set_index("data_product_id").domain
    assert phantoms
    for row in phantoms:
        assert (row["data_product_id"], row["consumer_domain"]) not in known
        assert row["consumer_domain"] != owner[row["data_product_id"]]


def test_unknown_columns_ride_along(sent):
    names = {name for _, row in sent[0] for name in row}
    assert {"jira_ticket", "team_mood"} <= names


def test_the_mess_adds_up_for_any_seed_planted_or_not():
    for seed in SOME_SEEDS:
        mess = sample_mess(seed, planted=bool(seed % 2))
        parts = ("current", "superseded", "duplicates", "retractions", "malformed")
        assert mess["rows"] == sum(mess[part] for part in parts)
        assert (mess["duplicates"], mess["superseded"], mess["corrections"]) == (40, 18, 12)
