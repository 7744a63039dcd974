"""Landing beside a run, and compaction between two: not one served value changes that should not."""

import time
from functools import partial
from pathlib import Path

import pytest
from deliveries import AFTER, AS_OF, BEFORE
from pipeline import Started, run_well, served, shared_home, write_events

from orchestration.home import Home
from orchestration.landing import batch, compaction
from orchestration.landing.inbox import place_in_inbox
from orchestration.landing.land import land_inbox
from orchestration.landing.receipts import live_files

pytestmark = [pytest.mark.slow, pytest.mark.soak]
PARTS = 12
KNOWN_AT = "2026-05-31"


def in_parts(folder: Path, rows: list[dict]) -> list[Path]:
    return [write_events(folder / f"part-{k:02}.jsonl", rows[k::PARTS]) for k in range(PARTS)]


def test_not_one_served_value_changes_by_a_compaction(tmp_path, monkeypatch):
    root = shared_home().empty()
    home = Home.at(root)
    monkeypatch.setattr(batch, "TOGETHER", 1_000)
    for path in in_parts(tmp_path, [*BEFORE, *AFTER]):
        place_in_inbox(home, path)
    land_inbox(home)
    run_well(root, as_of=AS_OF)
    run_well(root, as_of=AS_OF, look_back="2026-03-10", known_at=KNOWN_AT)
    [back] = (root / "as_of").iterdir()
    before = served(root), served(back)
    assert len(live_files(home)) == PARTS

    monkeypatch.setattr(compaction, "SPARED_FILES", 1)
    compaction.compact(home)

    assert len(live_files(home)) == 1
    assert "Nothing new since the last publication" in run_well(root, as_of=AS_OF)
    run_well(root, as_of=AS_OF, rebuild=True)
    run_well(root, as_of=AS_OF, look_back="2026-03-10", known_at=KNOWN_AT, rebuild=True)
    assert (served(root), served(back)) == before


def land_when_it_began(path: Path) -> None:
    """From now on a run lands this file once its build has begun, and compacts all that has landed."""
    from orchestration.build import builds

    begin = builds.begin

    def begun(home, *arguments):
        build = begin(home, *arguments)
        place_in_inbox(home, path)
        compaction.SPARED_FILES = 1
        land_inbox(home)
        return build

    builds.begin = begun


def test_a_run_publishes_what_had_landed_when_its_build_began_and_the_next_run_the_rest(tmp_path):
    before, after = write_events(tmp_path / "before.jsonl", BEFORE), write_events(tmp_path / "after.jsonl", AFTER)
    undisturbed = shared_home().empty()
    run_well(undisturbed, before, as_of=AS_OF)
    old = served(undisturbed)
    run_well(undisturbed, after, as_of=AS_OF)
    new = served(undisturbed)

    home = shared_home().empty()
    run_well(home, before, as_of=AS_OF, first=partial(land_when_it_began, after))
    assert served(home) == old
    assert len(live_files(Home(home))) == 1
    run_well(home, as_of=AS_OF)
    assert served(home) == new


def land_again_and_again(root: Path, folder: Path) -> int:
    """Land a file after the other, each by itself; compact often."""
    compaction.SPARED_FILES = 2
    home = Home.at(root)
    for path in sorted(folder.iterdir()):
        place_in_inbox(home, path)
        land_inbox(home)
        time.sleep(0.2)
    return 0


def figures(home: Path) -> dict[str, list[tuple]]:
    """The served tables that name no file and no batch."""
    tables = served(home).items()
    return {name: rows for name, rows in tables if name.startswith("auth") and not name.endswith("event_accounting")}


def test_two_that_land_beside_runs_lose_nothing(tmp_path):
    rows = [*BEFORE, *AFTER]
    home = shared_home().empty()
    run_well(home, write_events(tmp_path / "all.jsonl", rows), as_of=AS_OF)
    whole = figures(home)

    home = shared_home().empty()
    first, *parts = in_parts(tmp_path / "parts", rows)
    (tmp_path / "other").mkdir()
    for path in parts[::2]:
        path.rename(tmp_path / "other" / path.name)
    run_well(home, first, as_of=AS_OF)
    landing = [Started(land_again_and_again, home, tmp_path / folder) for folder in ("parts", "other")]
    run_well(home, as_of=AS_OF)
    assert [each.end().code for each in landing] == [0, 0]
    run_well(home, as_of=AS_OF)
    assert figures(home) == whole
