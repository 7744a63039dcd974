"""What changed since an earlier page: each kind of change, and pages that were kept by another version."""

import random
import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
from page_data import ADOPTIONS, month, served
from page_data import changed as changed_verdict

from dashboard.kept import COMPARED, Comparison, compare, kept_months
from dashboard.views.archive import archive_list
from dashboard.views.changed import changed_card
from dashboard.words import changed, codes

NOVEMBER = date(2025, 11, 1)


def earlier(before: dict, now: dict) -> Comparison:
    nothing = dict.fromkeys(COMPARED, ())
    return Comparison(NOVEMBER, nothing | before, nothing | now)


def verdict(metric="build_time", code="no_change", **columns) -> dict:
    return {"metric_id": metric, "domain": "all", "verdict": code} | columns


def queue(name: str, count: int) -> dict:
    return {"queue": name, "domain": "all", "open_count": count}


def domain(name: str, difference="within_chance", slow_stage=None) -> dict:
    return {"domain": name, "difference": difference, "slow_stage": slow_stage}


def goal(capability: str | None) -> dict:
    return {"metric_id": "cross_domain_adoptions", "capability": capability}


def card(before: dict, now: dict) -> dict | None:
    return changed_card(served(month(12, 10.0), earlier=earlier(before, now)), {"claims": "claims-1"})


def lines(before: dict, now: dict) -> list[str]:
    """What the section says, a line each: "Queues: In build: 12 → 15"."""
    groups = card(before, now)["groups"]
    return [f"{group['title']}: {row['name']}: {row['how']}" for group in groups for row in group["rows"]]


@pytest.mark.parametrize(
    ("table", "before", "now", "expected"),
    [
        ("metric_verdicts", [verdict()], [verdict()], []),
        ("metric_verdicts", [verdict()], [verdict(code="worsening")], ["Verdicts: Build time: no change → worsening"]),
        ("metric_verdicts", [verdict()], [verdict(code="a code of tomorrow")], []),
        ("metric_verdicts", [], [verdict(code="worsening")], []),
        ("metric_verdicts", [{"metric_id": "build_time"}], [verdict(code="worsening")], []),
        ("metric_verdicts", [verdict("gone", "improving")], [verdict("gone")], []),
        ("queues", [queue("in_build", 12)], [queue("in_build", 15)], ["Queues: In build: 12 → 15"]),
        ("queues", [queue("in_build", 12)], [queue("in_build", 12)], []),
        ("queues", [queue("in_build", 1_200)], [queue("in_build", 0)], ["Queues: In build: 1,200 → 0"]),
        ("queues", [{"queue": "in_build", "count": 12}], [queue("in_build", 15)], []),
        ("domain_scorecard", [domain("claims")], [domain("claims")], []),
        (
            "domain_scorecard",
            [domain("claims")],
            [domain("claims", "slower")],
            ["Domains: claims: newly slower than all others"],
        ),
        (
            "domain_scorecard",
            [domain("claims")],
            [domain("claims", "within_chance", "started_to_deployed")],
            ["Domains: claims: newly slower than all others from started to deployed"],
        ),
        (
            "domain_scorecard",
            [domain("claims", "slower"), domain("risk", None, "idea_to_started")],
            [domain("claims", None), domain("risk")],
            [
                "Domains: claims: no longer slower than all others",
                "Domains: risk: no longer slower than all others from idea to started",
            ],
        ),
        (
            "domain_scorecard",
            [domain("claims")],
            [domain("claims"), domain("new", "slower")],
            ["Domains: new: newly slower than all others"],
        ),
        ("domain_scorecard", [{"domain": "claims", "pace": 1}], [domain("claims", "slower")], []),
        (
            "north_star_target",
            [goal("hit_or_miss")],
            [goal("misses_reliably")],
            ["Target: North Star: hit or miss → no, missed reliably"],
        ),
        ("north_star_target", [goal(None)], [goal("hit_or_miss")], []),
        ("north_star_target", [goal("hit_or_miss")], [goal("hit_or_miss")], []),
    ],
)
def test_each_kind_of_change(table, before, now, expected):
    same = {"queues": [queue("not_started", 3)]} if table != "queues" else {"north_star_target": [goal(None)]}
    assert lines(same | {table: before}, same | {table: now}) == expected


def test_it_names_the_earlier_page_and_leads_to_the_domains_page():
    shown = card({"domain_scorecard": [domain("claims")]}, {"domain_scorecard": [domain("claims", "slower")]})
    assert (shown["since"], shown["groups"][0]["rows"][0]["slug"]) == ("November 2025", "claims-1")


def test_where_nothing_changed_it_says_so_and_where_nothing_can_be_compared_there_is_no_section():
    queues = {"queues": [queue("in_build", 1)]}
    assert card(queues, queues)["groups"] == []
    assert card({}, queues) is None
    assert changed_card(served(month(12, 10.0)), {}) is None


@pytest.mark.parametrize("seed", range(20))
def test_every_number_is_in_the_rows_of_its_queue(seed):
    chance = random.Random(seed)
    before, now = ({name: chance.randrange(3_000) for name in codes.QUEUES} for _ in range(2))
    said = changed.queues(
        earlier(*({"queues": [queue(name, count) for name, count in side.items()]} for side in (before, now)))
    )
    names = {words: name for name, words in codes.QUEUES.items()}
    assert len(said) == sum(before[name] != now[name] for name in codes.QUEUES)
    for words, how in said:
        numbers = [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", how)]
        assert numbers == [before[names[words]], now[names[words]]]


# --- Kept by any version --------------------------------------------------------------------------


def keep(archive: Path, name: str, **tables: str) -> Path:
    """A month in the archive with these tables, each as SQL; without any, as months were kept before there were any."""
    folder = archive / name / "tables"
    folder.mkdir(parents=True) if tables else folder.parent.mkdir(parents=True)
    for table, sql in tables.items():
        duckdb.sql(f"copy ({sql}) to '{folder / table}.parquet' (format parquet)")
    return folder


@pytest.fixture
def db():
    with duckdb.connect() as db:
        db.execute("create schema authoritative")
        db.execute("create table authoritative.queues as select 'in_build' as queue, 'all' as domain, 15 as open_count")
        yield db


QUEUE = "select 'in_build' as queue, 'all' as domain, {count} as open_count"


def test_the_latest_earlier_month_that_has_tables_is_compared(tmp_path, db):
    for name, count in (("2025-09", 8), ("2025-10", 9), ("2025-12", 12)):
        keep(tmp_path, name, queues=QUEUE.format(count=count))
    keep(tmp_path, "2025-11")  # before tables were kept
    (tmp_path / ".2025-11").mkdir()  # a crash left it
    found = compare(db, tmp_path, date(2025, 12, 1))
    assert found.month_starting == date(2025, 10, 1)
    assert changed.queues(found) == [("In build", "9 → 15")]
    assert kept_months(tmp_path) == ["2025-09", "2025-10", "2025-11", "2025-12"]


def test_without_an_archive_or_a_complete_month_nothing_is_compared(tmp_path, db):
    keep(tmp_path, "2025-12", queues=QUEUE.format(count=1))
    assert [compare(db, None, NOVEMBER), compare(db, tmp_path, None), compare(db, tmp_path, NOVEMBER)] == [None] * 3


def test_a_damaged_table_and_one_without_its_columns_are_not_compared(tmp_path, db):
    folder = keep(tmp_path, "2025-10", queues="select 'in_build' as queue, 3 as open_count")
    (folder / "metric_verdicts.parquet").write_bytes(b"PAR1 cut short")
    assert compare(db, tmp_path, NOVEMBER).before == {table: [] for table in COMPARED}


def test_the_archives_list_shows_what_each_month_kept():
    tables = {
        "north_star_monthly": [month(11, 8.0), month(12, 14.0)],
        "metric_definitions": [ADOPTIONS],
        "metric_verdicts": [changed_verdict()],
        "time_to_value": [],
    }
    older = {name: [] for name in tables}
    months = [
        ("2025-12", "7 Jan 2026, 09:30 UTC", tables),
        ("2025-11", "", tables | {"metric_definitions": [{}]}),
        ("2025-10", "9 Nov 2025, 08:00 UTC", older),
    ]
    [new, other, old] = archive_list(months)["months"]
    assert (new["month"], new["value"], new["verdict"]["code"]) == ("December 2025", "14 adoptions", "improved")
    assert new["drawn_at"] == "7 Jan 2026, 09:30 UTC"
    assert (other["month"], other["value"], other["verdict"], other["drawn_at"]) == ("November 2025", "–", None, "–")
    assert (old["name"], old["value"], old["drawn_at"]) == ("2025-10", "–", "9 Nov 2025, 08:00 UTC")
