"""A landing in S3: killed at any request and repeated, and from two homes: nothing lost, nothing twice."""

import threading
from pathlib import Path

import pytest
from conftest import NOW, as_lines, landed_count, make_event, put, visible
from s3_server import Bucket, Cut, cut_at, requests

from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing import compaction, landing_mirror, mirrors, quarantine, rules
from orchestration.landing.land import land_inbox
from orchestration.landing.landing_mirror import STATE
from orchestration.landing.quarantine import dismiss, quarantined
from orchestration.landing.receipts import live_files, receipts, tables_of
from orchestration.landing.storage import StorageError, Store

TABLES = [*load_layer("landing"), "quarantined_events"]
FILES = {
    "a.jsonl": as_lines([make_event(), make_event("adopted"), make_event(event_id="bad", occurred_at="never")]),
    "domain=sales/b.jsonl": as_lines([make_event(event_id="e2", domain=None), "not a row"]),
    "c.csv": b"a name without columns",
}


def fill(bucket: Bucket) -> None:
    for name, content in FILES.items():
        bucket.put(name, content)


def everything(home: Home) -> tuple:
    """All rows and receipts, without what differs from home to home: when a file was changed."""
    rows = {table: visible(home, table) for table in TABLES}
    return rows, [receipt | {"file_modified_ns": None} for receipt in receipts(home)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple:
    """What a home without S3 makes of the same files."""
    home = Home.at(tmp_path_factory.mktemp("undisturbed"))
    (home.inbox / "domain=sales").mkdir()
    for name, content in FILES.items():
        put(home, name, content)
    with pytest.MonkeyPatch.context() as patch:  # as the fixture `unchecked`, which lives as long as a test
        patch.setattr(rules, "_failures", lambda *_: iter(()))
        land_inbox(home, NOW)
    return everything(home)


def test_a_landing_in_s3_holds_the_rows_and_receipts_of_one_in_a_folder(unchecked, bucket, tmp_path, undisturbed):
    fill(bucket)
    home = bucket.home(tmp_path / "one")
    assert [r["file_name"] for r in land_inbox(home, NOW)] == ["a.jsonl", "c.csv", "domain=sales/b.jsonl"]
    assert everything(home) == undisturbed
    with requests(lambda *_: None) as sent:
        assert land_inbox(home, NOW) == []
    assert sent == ["list_objects_v2"] * 2, "nothing new costs one listing each"

    other = bucket.home(tmp_path / "other")
    assert land_inbox(other, NOW) == []
    assert everything(other) == undisturbed and receipts(other) == receipts(home)


def cut_and_repeat(bucket: Bucket, root: Path, nth: int, after: bool) -> tuple[bool, tuple, tuple]:
    """(whether a request was cut, what the home holds after a repetition, what another home brings)."""
    fill(bucket)
    home, was_cut = bucket.home(root / "one"), False
    with requests(cut_at(nth), after):
        try:
            land_inbox(home, NOW)
        except Cut:
            was_cut = True
    land_inbox(home, NOW)
    other = bucket.home(root / "other")
    assert land_inbox(other, NOW) == []
    objects = bucket.names("landing")
    assert len({name.rpartition("-")[0] for name in objects if "-" in name}) == objects_with_rows(objects)
    return was_cut, everything(home), everything(other)


def objects_with_rows(names: list[str]) -> int:
    return len([name for name in names if name != landing_mirror.MARKER and not name.startswith("batches/")])


# between rows of a batch, after the last receipt
@pytest.mark.parametrize(("nth", "after"), [(10, True), (17, True)])
def test_killed_at_a_request_and_repeated_nothing_is_lost_or_twice(
    unchecked, bucket, tmp_path, undisturbed, nth, after
):
    was_cut, *homes = cut_and_repeat(bucket, tmp_path, nth, after)
    assert was_cut and homes == [undisturbed, undisturbed]


@pytest.mark.soak
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_each_request_and_repeated_nothing_is_lost_or_twice(unchecked, tmp_path, bucket, undisturbed, after):
    for nth in range(1, 1000):
        was_cut, *homes = cut_and_repeat(Bucket(), tmp_path / str(nth), nth, after)
        assert homes == [undisturbed, undisturbed], nth
        if not was_cut:
            break
    assert nth > 16


@pytest.mark.soak
def test_a_mirror_that_is_cut_at_each_request_is_whole_the_next_time(unchecked, bucket, tmp_path, undisturbed):
    fill(bucket)
    land_inbox(bucket.home(tmp_path / "one"), NOW)
    for nth in range(1, 1000):
        other, was_cut = bucket.home(tmp_path / f"other{nth}"), False
        with requests(cut_at(nth)):
            try:
                mirrors.sync(other)
            except Cut:
                was_cut = True
        held = receipts(other)
        assert {(t, r["batch_id"]) for r in held for t in tables_of(r)} <= {
            (t, row["batch_id"]) for t in TABLES for row in visible(other, t)
        }, "what is visible has its rows"
        land_inbox(other, NOW)
        assert everything(other) == undisturbed, nth
        if not was_cut:
            break
    assert nth > 8


def meanwhile(bucket: Bucket, other: Home, now) -> None:
    """Land in another home, as its own process would."""
    land_inbox(other, now)


@pytest.mark.parametrize("is_same_content", [pytest.param(True, marks=pytest.mark.soak), False])
def test_of_two_homes_that_land_a_file_at_once_the_first_one_counts(
    unchecked, bucket, tmp_path, monkeypatch, is_same_content
):
    fill(bucket)
    one, other = bucket.home(tmp_path / "one"), bucket.home(tmp_path / "other")
    later = NOW.replace(year=2027)
    if not is_same_content:  # a later version writes other rows of the same file
        other.settings.write_text(other.settings.read_text() + "reporting: {timezone: Europe/Zurich}\n")
        monkeypatch.setattr(landing_mirror, "sha256", salted(landing_mirror.sha256, one))

    def before_its_first_receipt(number, operation, name):
        if name.startswith("batches/") and operation == "put_object" and not landed:
            landed.append(True)
            meanwhile(bucket, other, later)

    landed = []
    with requests(before_its_first_receipt):
        new = land_inbox(one, NOW)
    assert {receipt["landed_at"] for receipt in new} == {later}, "the first one's receipts"
    assert receipts(one) == receipts(other) and len(receipts(one)) == 3
    assert everything(one)[0] == everything(other)[0]
    assert landed_count(one) == 3 and all(r["rows_read"] == r["rows_landed"] + r["rows_quarantined"] for r in new)
    rows = [name for name in bucket.names("landing") if "-" in name]
    assert len(rows) == len({name.rpartition("-")[0] for name in rows}), "the other one's rows are deleted"


def salted(digest, home: Home):
    """Names of files with rows as if one home had written other bytes; what is compared stays true."""

    def of(path: Path) -> str:
        true = digest(path)
        return true[::-1] if path.suffix == ".tmp" and path.is_relative_to(home.root) else true

    return of


@pytest.mark.soak
def test_threads_of_two_homes_land_the_same_files(unchecked, bucket, tmp_path, undisturbed):
    fill(bucket)
    homes = [bucket.home(tmp_path / name) for name in ("one", "other")]
    threads = [threading.Thread(target=land_inbox, args=(home, NOW)) for home in homes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for home in homes:
        land_inbox(home, NOW)
        assert everything(home) == undisturbed
    assert len([name for name in bucket.names("landing") if name.startswith("batches/")]) == 3


def test_a_batch_without_a_receipt_in_the_bucket_is_invisible(unchecked, bucket, tmp_path):
    bucket.store("landing").create(f"ideas_logged/{'a' * 32}-{'b' * 32}.parquet", b"rows of an attempt")
    home = bucket.home(tmp_path)
    mirrors.sync(home)
    assert receipts(home) == [] and not list(home.landing.glob("*/a*"))


def delete(bucket: Bucket, start: str) -> None:
    store = bucket.store("landing")
    for entry in list(store.list()):
        if entry.name.startswith(start):
            store.delete(entry.name)


def test_what_vanished_from_the_bucket_vanishes_from_the_mirror_and_lands_again(
    unchecked, bucket, tmp_path, undisturbed
):
    fill(bucket)
    home = bucket.home(tmp_path)
    first = land_inbox(home, NOW)[0]
    for table in ["batches", *TABLES]:
        delete(bucket, f"{table}/{first['batch_id']}")
    mirrors.sync(home)
    assert len(receipts(home)) == 2 and not list(home.landing.glob(f"*/{first['batch_id']}.parquet"))
    land_inbox(home, NOW)
    assert everything(home) == undisturbed


def test_rows_that_the_bucket_lost_are_named(unchecked, bucket, tmp_path):
    fill(bucket)
    home = bucket.home(tmp_path / "one")
    land_inbox(home, NOW)
    delete(bucket, "products_adopted/")
    for each in (home, bucket.home(tmp_path / "other")):
        with pytest.raises(StorageError, match=r"products_adopted/[0-9a-f]{32}-.*(is not there|Restore them)"):
            mirrors.sync(each)


def test_an_object_that_is_not_what_its_receipt_says_is_refused(unchecked, bucket, tmp_path):
    fill(bucket)
    land_inbox(bucket.home(tmp_path / "one"), NOW)
    [name] = [name for name in bucket.names("landing") if name.startswith("products_adopted/")]
    bucket.store("landing").request("put_object", name, Body=b"changed")
    other = bucket.home(tmp_path / "other")
    with pytest.raises(StorageError, match=rf"{name} is not what its receipt says. Restore that object."):
        mirrors.sync(other)
    assert not list(other.landing.glob("products_adopted/[0-9a-f]*"))


def test_a_bucket_that_was_emptied_empties_no_mirror(unchecked, bucket, tmp_path, undisturbed):
    fill(bucket)
    home = bucket.home(tmp_path)
    land_inbox(home, NOW)
    delete(bucket, "")
    with pytest.raises(StorageError, match=r"holds no batch any more, and the home's mirror has 3\. If it was emptied"):
        mirrors.sync(home)
    (home.landing / STATE).unlink()
    mirrors.sync(home)
    assert everything(bucket.home(tmp_path))[0] == undisturbed[0]
    assert len([name for name in bucket.names("landing") if name.startswith("batches/")]) == 3


def test_what_a_home_landed_on_its_own_goes_up_also_after_a_cut(unchecked, bucket, tmp_path, undisturbed):
    home = bucket.home(tmp_path / "one", inbox=False, landing=False)
    (home.inbox / "domain=sales").mkdir()
    for name, content in FILES.items():
        put(home, name, content)
    land_inbox(home, NOW)
    dismiss(home, "c.csv", None, "not ours", NOW)
    bucket.home(tmp_path / "one", inbox=False)
    with requests(cut_at(6)), pytest.raises(Cut):
        mirrors.sync(home)
    mirrors.sync(home)
    other = bucket.home(tmp_path / "other", inbox=False)
    mirrors.sync(other)
    assert everything(home) == everything(other) == undisturbed
    assert quarantined(home).num_rows == quarantined(other).num_rows == 2

    strange = bucket.home(tmp_path / "strange", inbox=False, landing=False)
    put(strange, "d.jsonl", as_lines([make_event(event_id="d")]))
    land_inbox(strange, NOW)
    bucket.home(tmp_path / "strange", inbox=False)
    with pytest.raises(StorageError, match=r"holds 1 batches that .* lacks, and lacks 3 of its batches"):
        mirrors.sync(strange)
    assert len(receipts(strange)) == 1


def test_a_landing_that_left_s3_and_comes_back_loses_nothing(unchecked, bucket, tmp_path):
    fill(bucket)
    home = bucket.home(tmp_path)
    land_inbox(home, NOW)
    bucket.home(tmp_path, inbox=False, landing=False)
    put(home, "own.jsonl", as_lines([make_event(event_id="own")]))
    land_inbox(home, NOW)
    bucket.home(tmp_path)
    land_inbox(home, NOW)
    assert landed_count(home) == 4 and len(bucket.home(tmp_path) and receipts(home)) == 4
    assert len([name for name in bucket.names("landing") if name.startswith("batches/")]) == 4


def test_a_compaction_is_of_the_mirror_alone_and_ends_with_the_first_of_its_batches(
    unchecked, bucket, tmp_path, undisturbed, monkeypatch
):
    fill(bucket)
    home = bucket.home(tmp_path)
    first = land_inbox(home, NOW)[0]
    monkeypatch.setattr(compaction, "SPARED_FILES", 2)
    objects = bucket.names("landing")
    compaction.compact(home)
    assert [len(held) for held in live_files(home).values()] == [3]
    assert land_inbox(home, NOW) == [] and everything(home) == undisturbed
    with requests(lambda *_: None) as sent:
        mirrors.sync(home)
    assert bucket.names("landing") == objects and sent == ["list_objects_v2"] * 2
    for table in ["batches", *TABLES]:
        delete(bucket, f"{table}/{first['batch_id']}")
    mirrors.sync(home)
    assert sorted(map(len, live_files(home).values())) == [1, 1]
    land_inbox(home, NOW)
    assert everything(home) == undisturbed


@pytest.mark.soak
def test_a_home_with_compactions_goes_up_as_batches(unchecked, bucket, tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr(compaction, "SPARED_FILES", 2)
    home = bucket.home(tmp_path / "one", inbox=False, landing=False)
    (home.inbox / "domain=sales").mkdir()
    for name, content in FILES.items():
        put(home, name, content)
    land_inbox(home, NOW)
    bucket.home(tmp_path / "one", inbox=False)
    other = bucket.home(tmp_path / "other", inbox=False)
    for each in (home, other, home):
        mirrors.sync(each)
        assert everything(each) == undisturbed
    assert [len(held) for held in live_files(home).values()] == [3] and not list(home.landing.glob("*/*.tmp"))


def test_an_erased_batch_is_gone_from_the_bucket_and_from_every_mirror(unchecked, bucket, tmp_path):
    fill(bucket)
    home, other = bucket.home(tmp_path / "one"), bucket.home(tmp_path / "other")
    batch = land_inbox(home, NOW)[0]["batch_id"]
    mirrors.sync(other)
    bucket.store("landing").create(f"ideas_logged/{batch}-{'0' * 32}.parquet", b"rows of an attempt that came second")
    with requests(cut_at(4)), pytest.raises(Cut):
        compaction.erase(home, batch)
    compaction.erase(home, batch)
    mirrors.sync(other)
    for each in (home, other):
        assert len(receipts(each)) == 2 and not list(each.landing.glob(f"*/{batch}*"))
    assert [name for name in bucket.names("landing") if batch in name] == [f"erased/{batch}"]
    for receipt in receipts(home):
        compaction.erase(home, receipt["batch_id"])
    mirrors.sync(other)
    assert receipts(other) == [], "the last one too"


def test_dismissals_of_two_homes_take_different_numbers(unchecked, bucket, tmp_path, monkeypatch):
    fill(bucket)
    one, other = bucket.home(tmp_path / "one"), bucket.home(tmp_path / "other")
    land_inbox(one, NOW)
    land_inbox(other, NOW)
    assert dismiss(one, "a.jsonl", None, "one", NOW) == 1
    assert dismiss(other, "c.csv", None, "other", NOW) == 1, "it has not seen the first"
    assert [n for n in bucket.names("landing") if "dismissals" in n] == [f"dismissals/00000{n}.parquet" for n in (1, 2)]
    for home in (one, other):
        mirrors.sync(home)
        assert {row["file_name"] for row in quarantined(home).to_pylist()} == {"domain=sales/b.jsonl"}
    assert quarantine.restore(one, "c.csv", None, NOW) == 1
    mirrors.sync(other)
    assert quarantined(other).num_rows == 2


def test_a_store_that_overwrites_in_spite_of_the_condition_is_refused(bucket, tmp_path, monkeypatch):
    put_object = Store._put
    monkeypatch.setattr(Store, "_put", lambda self, name, content, options: put_object(self, name, content, {}))
    with pytest.raises(StorageError, match=r"overwrites objects in spite of If-None-Match, so two homes"):
        mirrors.sync(bucket.home(tmp_path))
