"""A build is of the batches that were visible when it began, whatever lands and is compacted meanwhile."""

import re
from datetime import timedelta

import duckdb
from conftest import NOW, as_lines, make_event, put
from shaped import with_raw

from orchestration.build import builds
from orchestration.home import Dates, Home
from orchestration.landing import compaction
from orchestration.landing.land import land_inbox
from orchestration.landing.receipts import receipts

REFUSED = make_event("adopted", consumer_domain=True)


def send(home: Home, name: str, hours: int) -> None:
    """Land a file with an idea and a refused row."""
    put(home, name, as_lines([make_event(event_id=name), REFUSED | {"event_id": name}]))
    land_inbox(home, NOW + timedelta(hours=hours))


def raw(home: Home, build: builds.Build, name: str) -> list[tuple]:
    """The rows of a raw model in a build of this home."""
    sql = re.sub(r"read_parquet\('[^']*/builds/landing", f"read_parquet('{home.build_landing}", with_raw()[name].sql)
    with duckdb.connect() as db:
        db.execute(f"set TimeZone = 'UTC'; attach '{build.path}' as warehouse (read_only); use warehouse")
        return db.execute(sql).fetchall()


def seen(home: Home, build: builds.Build) -> list:
    """What the models read of landing: ideas, receipts, refused rows."""
    return [sorted(raw(home, build, name), key=str) for name in ("ideas_logged", "batch_receipts", "rows_refused")]


def test_what_lands_and_is_compacted_while_a_build_is_at_work_is_in_the_next_one(home, unchecked, monkeypatch):
    for k in range(3):
        send(home, f"f{k}.jsonl", k)
    landed = receipts(home)
    send(home, "late.jsonl", 4)  # after the run has asked which batches there are, before it links their files
    build = builds.begin(home, "run", Dates(NOW), landed)
    before = seen(home, build)
    assert [len(rows) for rows in before] == [3, 3, 3]

    monkeypatch.setattr(compaction, "SPARED_FILES", 1)
    send(home, "later.jsonl", 5)
    assert len(list((home.landing / "ideas_logged").glob("[!_]*"))) == 1

    assert seen(home, build) == before
    assert build.about["fingerprint"] == builds.fingerprint(home, Dates(NOW), landed)
    assert build.about["fingerprint"] != builds.fingerprint(home, Dates(NOW))
    after = builds.begin(home, "next", Dates(NOW))
    assert [len(rows) for rows in seen(home, after)] == [5, 5, 5]
    assert [row for row in seen(home, after)[0] if row in before[0]] == before[0]


def test_a_file_system_without_hard_links_has_copies(home, unchecked, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(builds.os, "link", refuse)
    send(home, "a.jsonl", 0)
    build = builds.begin(home, "run", Dates(NOW))
    assert [len(rows) for rows in seen(home, build)] == [1, 1, 1]


def test_a_scratch_of_an_earlier_version_says_what_to_do(home, unchecked, monkeypatch):
    send(home, "a.jsonl", 0)
    build = builds.begin(home, "run", Dates(NOW))
    build.approve()
    home.build_landing.unlink()
    try:
        builds.scratch(home)
    except builds.BuildError as error:
        assert str(error).startswith(f"Build {build.id} is of an earlier version of Flywheel. Run `flywheel run`")
    else:
        raise AssertionError("the scratch has no landing to read")
