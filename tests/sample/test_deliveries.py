"""The sample's files: malformed, repeated, retracted and late rows are as many as stated."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from oracles.sample import ALWAYS, OPTIONAL, REQUIRED, frame, pairs

from orchestration.home import Home
from orchestration.sample.deliveries import CHECKS, sample_mess
from orchestration.sample.events import sample_events
from orchestration.sample.home import put_sample
from orchestration.sources.pull import pull

SOME_SEEDS = range(5)
COUNTS = ("passed_count", "failed_count")


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return frame(sample_events())


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
                rows.append((path.name, {k: v for k, v in flat(json.loads(line)).items() if v or k in COUNTS}))
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
        counts_fit = all(isinstance(row.get(name, 0), int) for name in COUNTS)
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
    home = Home.at(tmp_path_factory.mktemp("home"))
    put_sample(home)
    pull(home, CHECKS)
    return read_as_sent(home.inbox)


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
