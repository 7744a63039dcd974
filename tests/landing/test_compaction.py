"""Compaction changes which files hold what has landed, and nothing that anybody reads."""

import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import NOW, Crash, as_lines, examples, make_event, put
from typer.testing import CliRunner

from orchestration.build import builds
from orchestration.cli import app
from orchestration.contracts.odcs import load_layer
from orchestration.home import Dates, Home
from orchestration.landing import batch, compaction, inbox, locks, receipts, rules
from orchestration.landing.inbox import waiting_files
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import dismiss, refused_rows, replay

TABLES = [*load_layer("landing"), "quarantined_events"]
MONTH = timedelta(days=31)
# six files of an idea and a refused adoption; a month later an adoption is corrected, and two files are refused
FIRST = {
    f"f{k}.jsonl": [make_event(event_id=f"e{k}"), make_event("adopted", f"e{k}", consumer_domain=True)]
    for k in range(6)
}
SECOND = {"g0.jsonl": [make_event("adopted", "e0")], "g1.jsonl": ["nonsense"], "g2.xlsx": [b"PK"]}
SINGLE, COMPACTED = 9 + 6 + 1 + 8, 2 + 1 + 1 + 2  # receipts, ideas, adoptions, quarantined rows


def answers(home: Home) -> dict:
    """Everything that anybody asks landing."""
    found = {
        "receipts": receipts.receipts(home),
        "refused": refused_rows(home).to_pylist(),
        "waiting": waiting_files(home),
        "fingerprint": builds.fingerprint(home, Dates(NOW)),
    }
    with locks.shared(home), duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        for table in TABLES:
            rows = receipts.visible_rows(db, home, table)
            found[table] = rows.order("batch_id, row_number nulls first").fetchall()
            some = receipts.visible_rows(db, home, table, found["receipts"][2:4])
            found[f"some of {table}"] = some.order("batch_id, row_number nulls first").fetchall()
    return found


def files(home: Home) -> list[Path]:
    """The files of landing that hold rows, dismissals left out, and unfinished ones."""
    found = sorted(home.landing.glob("*/*"))
    return [path for path in found if path.stem != receipts.EMPTY and path.parent.name != "dismissals"]


@pytest.fixture(scope="module")
def nine(tmp_path_factory) -> Home:
    """A home with nine batches of two months, each in files of its own."""
    home = Home.at(tmp_path_factory.mktemp("nine") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "_failures", lambda *_: iter(()))
        for landed_at, sent in ((NOW - MONTH, FIRST), (NOW, SECOND)):
            for name, rows in sent.items():
                put(home, name, as_lines(rows))
            land_inbox(home, landed_at)
    dismiss(home, "f1.jsonl", None, "a test", NOW)
    return home


@pytest.fixture
def many(nine, home, monkeypatch) -> Home:
    """A copy of it, in which a compaction is worth it."""
    shutil.copytree(nine.root, home.root, dirs_exist_ok=True)
    monkeypatch.setattr(compaction, "SPARED_FILES", 2)
    return home


def test_after_a_compaction_every_question_has_the_same_answer_from_fewer_files(many):
    before = answers(many)
    assert (len(before["receipts"]), len(before["refused"]), len(files(many))) == (9, 8, SINGLE)

    compaction.compact(many)

    assert answers(many) == before
    assert len(files(many)) == COMPACTED
    [of_july] = (many.landing / "batches").glob("2026-07-*")
    assert pq.read_metadata(of_july).num_rows == 6
    assert (land_inbox(many, NOW), len(receipts.receipts(many))) == ([], 9)


def test_what_lands_after_a_compaction_corrects_and_replays_rows_of_it(many, unchecked):
    compaction.compact(many)
    put(many, "h.jsonl", as_lines([make_event("adopted", "e3")]))
    [receipt] = land_inbox(many, NOW + timedelta(hours=1))
    states = {row["file_name"]: row["state"] for row in refused_rows(many).to_pylist()}
    assert receipt["rows_landed"] == 1
    assert [states[f"f{k}.jsonl"] for k in range(5)] == ["corrected", "dismissed", "waiting", "corrected", "waiting"]
    assert replay(many, NOW) is None


class Steps:
    """Counts the files that a compaction writes, renames and deletes; stops it before or after one of them."""

    def __init__(self, patch: pytest.MonkeyPatch, nth: int, is_done: bool, ask=lambda: None) -> None:
        self.count = 0

        def counted(original):
            def step(*arguments, **options):
                self.count += 1
                ask()
                if self.count == nth and not is_done:
                    raise Crash
                original(*arguments, **options)
                if self.count == nth:
                    raise Crash

            return step

        patch.setattr(batch, "publish", counted(batch.publish))
        patch.setattr(pq, "write_table", counted(pq.write_table))
        patch.setattr(Path, "unlink", counted(Path.unlink))


WRITTEN = 3 + 1  # data files of July, and its receipts; renamed as often
STOPS = [1, 4, WRITTEN * 2, WRITTEN * 2 + 1, WRITTEN * 2 + 9]


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", STOPS if examples(1) == 1 else range(1, 60))
def test_a_crash_at_any_step_of_a_compaction_changes_no_answer_and_the_next_landing_ends_it(
    many, monkeypatch, nth, is_done
):
    before = answers(many)
    with monkeypatch.context() as patch:
        steps = Steps(patch, nth, is_done)
        try:
            compaction.compact(many)
        except Crash:
            assert steps.count == nth
        else:
            assert 40 < steps.count < nth
    assert answers(many) == before
    land_inbox(many, NOW)
    assert answers(many) == before
    assert len(files(many)) == COMPACTED


def test_a_reader_at_any_step_sees_each_batch_once(many, monkeypatch):
    before, seen = receipts.receipts(many), []
    with monkeypatch.context() as patch:
        steps = Steps(patch, 0, False, ask=lambda: seen.append(receipts.receipts(many)))
        compaction.compact(many)
    assert len(seen) == steps.count > 40
    assert all(each == before for each in seen)


def test_a_listing_that_a_compaction_overtakes_is_made_again(many, monkeypatch):
    """It has passed the place of the new file when that appears, and then misses what is deleted."""
    before, scandir, calls = receipts.receipts(many), receipts.os.scandir, []

    def overtaken(folder):
        if calls:
            return scandir(folder)
        entries = list(scandir(folder))
        calls.append(folder)
        compaction.compact(many)
        return [entry for entry in entries if Path(entry.path).exists()]

    monkeypatch.setattr(receipts.os, "scandir", overtaken)
    assert receipts.receipts(many) == before
    assert calls


def test_a_home_of_an_earlier_version_is_compacted_as_any_other(many):
    """Its receipts and rows lack columns that were added since, and nobody has made the files of the locks."""
    for folder, column in (("batches", "warnings"), ("batches", "is_readable"), ("ideas_logged", "is_assumed_time")):
        for path in sorted((many.landing / folder).glob("[!_]*"))[:3]:
            pq.write_table(pq.read_table(path).drop_columns(column), path)
    for path in many.root.glob("*.lock"):
        path.unlink()
    before = answers(many)
    assert [r["is_readable"] for r in before["receipts"]].count(None) == 3
    compaction.compact(many)
    assert answers(many) == before
    assert len(files(many)) == COMPACTED


def test_after_a_compaction_a_landing_and_a_build_touch_few_files_and_hash_none_twice(home, unchecked, monkeypatch):
    """As many as where the same rows came in one file, but for what the inbox lists."""
    monkeypatch.setattr(batch, "TOGETHER", 1_000)
    for k in range(70):
        put(home, f"f{k:02}.jsonl", as_lines([make_event(event_id=f"e{k}")]))
    assert len(land_inbox(home, NOW)) == 70
    assert len(files(home)) == 2  # compacted at the end of the landing
    read, hashed = [], []
    for module, name, seen in ((receipts, "_read_receipt", read), (inbox, "sha256", hashed)):
        original = getattr(module, name)
        monkeypatch.setattr(module, name, lambda path, o=original, s=seen: (s.append(path.name), o(path))[1])
    receipts._known.clear()
    inbox._hash.cache_clear()
    put(home, "g.jsonl", as_lines([make_event(event_id="g")]))
    land_inbox(home, NOW)
    assert (len(read), hashed) == (1 + 1 + 1, ["g.jsonl"])  # the empty file, the compaction, the new one
    builds.link_landing(home)
    assert len([path for path in home.build_landing.glob("*/*") if path.stem != receipts.EMPTY]) == 2 + 2


def test_nothing_is_compacted_while_somebody_lands_or_reads_or_where_it_spares_little(many, monkeypatch):
    with locks.shared(many):
        compaction.compact(many)
    monkeypatch.setattr(compaction, "SPARED_FILES", 8)
    compaction.compact(many)
    assert len(files(many)) == SINGLE


def test_large_files_are_left_and_a_compaction_that_is_large_is_not_written_again(many, monkeypatch):
    monkeypatch.setattr(compaction, "SMALL_ROWS", 3)
    compaction.compact(many)
    of_july = sorted((many.landing / "batches").glob("2026-07-*"))
    assert [pq.read_metadata(path).num_rows for path in of_july] == [2, 2, 2]
    compaction.compact(many)
    assert sorted((many.landing / "batches").glob("2026-07-*")) == of_july


def test_many_small_files_that_land_together_are_in_one_file_a_table_from_the_start(home, unchecked):
    for k in range(40):
        put(home, f"f{k:02}.jsonl", as_lines([make_event(event_id=f"e{k}")]))
    found = land_inbox(home, NOW)
    assert [receipt["file_name"] for receipt in found] == [f"f{k:02}.jsonl" for k in range(40)]
    assert [path.parent.name for path in files(home)] == ["batches", "ideas_logged"]
    assert sorted(receipts.receipts(home), key=receipts.place) == found
    assert waiting_files(home) == []


def test_a_file_of_rows_that_is_damaged_or_lacks_rows_stays_as_it_is(many):
    [first, second] = sorted((many.landing / "ideas_logged").glob("[!_]*"))[:2]
    whole = first.read_bytes()
    first.write_bytes(whole[:-9])
    compaction.compact(many)
    assert first.exists() and second.exists()
    pq.write_table(pq.read_table(second).slice(1), first)
    compaction.compact(many)
    assert first.exists() and second.exists() and not list(many.landing.glob("*/*.tmp"))
    first.write_bytes(whole)
    compaction.compact(many)
    assert len(files(many)) == COMPACTED


def test_files_of_a_backup_of_any_age_count_once(many, nine, tmp_path):
    """Single files that a compaction has replaced, and an older compaction of some of them."""
    before = answers(many)
    shutil.copytree(many.landing, tmp_path / "landing", dirs_exist_ok=True)
    older = Home(tmp_path)
    for path in files(older):
        if path.parent.name == "batches" and pq.read_table(path).to_pylist()[0]["file_name"] in (
            "f4.jsonl",
            "g1.jsonl",
        ):
            path.unlink()
    compaction.compact(older)
    compaction.compact(many)
    shutil.copytree(nine.landing, many.landing, dirs_exist_ok=True)
    shutil.copytree(older.landing, many.landing, dirs_exist_ok=True)
    assert len(list((many.landing / "batches").glob("2026-07-*"))) == 2
    assert answers(many) == before
    compaction.compact(many)
    assert answers(many) == before
    assert len(files(many)) == COMPACTED


def status(home: Home) -> str:
    ended = CliRunner().invoke(app, ["status", "--home", str(home.root)])
    assert (ended.exit_code, ended.output.count("\n")) == (1, 1)
    return ended.output


def test_receipts_of_a_compaction_that_are_damaged_or_in_two_files_stop_a_command_with_what_to_do(many):
    compaction.compact(many)
    [path] = (many.landing / "batches").glob("2026-07-*")
    table = pq.read_table(path)
    other = path.with_name(f"2026-07-{'0' * 32}.parquet")
    pq.write_table(
        pa.concat_tables([table.slice(0, 2), table.slice(0, 1).set_column(0, "batch_id", [["0" * 32]])]), other
    )
    assert f"{other.name} and {path.name}, as after a partial restore. Move one of them out" in status(many)
    other.unlink()
    path.write_bytes(path.read_bytes()[:-9])
    assert status(many).endswith(
        "It holds the receipts of many batches, and never changes: copy it back from a backup. Without one, delete "
        f"these batches, rm {many.landing}/*/{path.name}, and run: their files land again.\n"
    )


@pytest.mark.parametrize("is_compacted", [False, True])
def test_an_erased_batch_is_gone_with_its_rows_and_no_other_is(many, is_compacted):
    if is_compacted:
        compaction.compact(many)
    before = answers(many)
    [erased] = [r for r in before["receipts"] if r["file_name"] == "f3.jsonl"]
    compaction.erase(many, erased["batch_id"])
    after = answers(many)
    assert after["receipts"] == [r for r in before["receipts"] if r != erased]
    assert len(after["ideas_logged"]) == 5 and len(after["refused"]) == 7
    assert not any(b'e3"' in path.read_bytes() or b"f3.jsonl" in path.read_bytes() for path in files(many))
    assert [file.name for file in after["waiting"]] == ["f3.jsonl"]
    with pytest.raises(LookupError):
        compaction.erase(many, erased["batch_id"])


@pytest.mark.soak
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", range(1, 20))
def test_a_crash_while_a_batch_is_erased_leaves_all_others(many, monkeypatch, nth, is_done):
    compaction.compact(many)
    before = receipts.receipts(many)
    [erased] = [r for r in before if r["file_name"] == "f3.jsonl"]
    others = [r for r in before if r != erased]
    with monkeypatch.context() as patch:
        Steps(patch, nth, is_done)
        with suppress(Crash):
            compaction.erase(many, erased["batch_id"])
    assert receipts.receipts(many) in (before, others)
    answers(many)
    if receipts.receipts(many) == before:
        compaction.erase(many, erased["batch_id"])
    compaction.compact(many)
    assert receipts.receipts(many) == others
    assert not any(b"f3.jsonl" in path.read_bytes() for path in files(many))
