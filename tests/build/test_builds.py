"""A build is whole, checked and dated, or it is a scratch: only the first is ever published, whatever people start."""

import json
import os
import resource
import shutil
from pathlib import Path

import duckdb
import pytest
from deliveries import AFTER, AS_OF, BEFORE, delivered
from pipeline import (
    FLYWHEEL,
    Started,
    attached,
    build_file,
    build_well,
    dbt_by_hand,
    materialize,
    query,
    run,
    run_well,
    served,
    shared_home,
    stop_the_clock,
    tables,
    write_events,
)

from orchestration.build import builds
from orchestration.home import Home
from orchestration.landing.inbox import place_in_inbox
from orchestration.landing.receipts import RECEIPT, receipts
from orchestration.publish import record

pytestmark = pytest.mark.slow

NORTH_STAR, DOMAINS, SERVING = "authoritative/north_star_monthly", "curated/domains", "serving/serving_duckdb"
CHECK = ("authoritative/event_accounting", "every_landed_row_is_accounted_for")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The tables of a home that has published BEFORE; kept as `published`, and with a fault as `failing`.

    In `failing` a receipt counts a row more than there are, as a damaged disk might: a check of any new build fails.
    """
    home = shared_home().empty()
    run_well(home, write_events(tmp_path_factory.mktemp("builds") / "before.jsonl", BEFORE), as_of=AS_OF)
    shared_home().keep("published")
    tables = served(home)
    count_a_row_more(home)
    (home / "failed-run.txt").write_text(run(home, as_of=AS_OF).output)
    shared_home().keep("failing")
    return tables


def count_a_row_more(home: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for receipt in receipts(Home(home)):
        path = home / "landing" / "batches" / f"{receipt['batch_id']}.parquet"
        more = receipt | {"rows_landed": receipt["rows_landed"] + 1, "rows_read": receipt["rows_read"] + 1}
        pq.write_table(pa.Table.from_pylist([more], RECEIPT), path)


def test_a_failing_check_stops_publication_and_shows_the_rows_that_break_it(published):
    home = shared_home().back_to("failing")
    output = (home / "failed-run.txt").read_text()
    assert "Not published. The last good tables stay in place." in output
    assert "✗ authoritative/event_accounting: every_landed_row_is_accounted_for" in output
    assert "1 rows break it" in output and "before.jsonl" in output
    assert served(home) == published
    assert not builds.Build(max((home / "builds").glob("*.duckdb"))).is_approved


# --- the ways to publish what is not whole, or not checked, or of another date --------------------


def test_a_few_assets_go_into_the_scratch_and_serving_publishes_the_last_approved_build(published):
    home = shared_home().back_to("failing")
    approved = build_file(home).read_bytes()
    ended = Started(materialize, home, [DOMAINS, SERVING]).end()
    assert ended.code == 0, ended.output
    made = dict(line.split(" ", 2)[1:] for line in ended.output.splitlines() if line.startswith("made"))
    scratch = "scratch, a copy of the last approved build: never published; 'Materialize all' builds anew and publishes"
    assert made == {DOMAINS: f"{scratch} 2026-06-01T00:00:00+00:00", SERVING: build_file(home).stem}
    assert served(home) == published
    assert build_file(home).read_bytes() == approved


@pytest.mark.soak  # test_a_few_assets shows that what a few assets build is not what serving publishes
def test_a_failing_table_is_not_published_by_way_of_another_asset_or_another_check(published):
    home = shared_home().back_to("failing")
    every_number_wrong(home)
    for selection in [([NORTH_STAR],), ([DOMAINS],), ([], CHECK)]:
        Started(materialize, home, *selection).end()
        assert Started(materialize, home, [SERVING]).end().code == 0
        assert served(home) == published, selection


def every_number_wrong(home: Path) -> None:
    """A scratch in which somebody changed what the North Star counts."""
    assert Started(materialize, home, [DOMAINS]).end().code == 0
    with duckdb.connect(str(home / "builds" / "scratch.duckdb")) as db:
        db.execute("update curated.adoptions set first_adopted_at = first_adopted_at - interval 40 days")


@pytest.mark.parametrize("by", ["flywheel dbt", pytest.param("dbt", marks=pytest.mark.soak)])
def test_dbt_by_hand_writes_to_the_scratch_and_is_never_published(published, by):
    home = shared_home().back_to("failing")
    every_number_wrong(home)
    project = ["--project-dir", builds.DBT_PROJECT, "--profiles-dir", builds.DBT_PROJECT]
    places = [*project, "--target-path", home / "by-hand", "--log-path", home / "logs"]
    models = ["north_star_values", "process_limits", "north_star_monthly"]
    command = [FLYWHEEL, "dbt", "--home", home, "run", "-s", *models]
    if by == "dbt":
        command = [Path(FLYWHEEL).with_name("dbt"), "run", "-s", "north_star_monthly", *places]
    dbt_by_hand(home, command)
    if by == "flywheel dbt":
        months = "select max(month_starting)::text, sum(value) <> $1 from authoritative.north_star_monthly"
        adoptions = query(home, "select sum(value) from authoritative.north_star_monthly")[0]
        with attached(home / "builds" / "scratch.duckdb") as db:  # at its own date, and with the change that was made
            assert db.execute(months, adoptions).fetchall() == [("2026-06-01", True)]
    assert Started(materialize, home, [SERVING]).end().code == 0
    assert served(home) == published


def test_assets_of_another_date_are_refused_and_serving_publishes_no_build_of_another_date(published):
    home = shared_home().back_to("published")
    ended = Started(materialize, home, [DOMAINS], None, "2026-02-01").end()
    assert ended.code == 1 and "Only a whole run can look back" in ended.output
    ended = Started(materialize, home, [SERVING], None, "2026-02-01").end()
    assert ended.code == 1 and "No whole build with these dates has passed its checks" in ended.output
    assert served(home) == published
    assert not (home / "as_of").exists()


def test_landing_with_a_few_assets_is_no_whole_run(published, tmp_path):
    home = shared_home().back_to("published")
    place_in_inbox(Home(home), write_events(tmp_path / "after.jsonl", AFTER))
    every_landing = [f"landing/{path.name}" for path in (home / "landing").iterdir() if path.name != "dismissals"]
    ended = Started(materialize, home, [*every_landing, DOMAINS, SERVING]).end()
    assert ended.code == 0, ended.output
    assert f"made {DOMAINS} scratch" in ended.output
    assert len(receipts(Home(home))) == 2
    assert served(home) == published


def materialize_all_but(root: Path, check: tuple[str, str]) -> int:
    """Every asset and every check but one, in one run."""
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.instance import open_instance, prepare_instance

    stop_the_clock(AS_OF)
    prepare_instance(Home(root))
    graph = defs().resolve_asset_graph()
    checks = set(graph.asset_check_keys) - {dg.AssetCheckKey(dg.AssetKey(check[0].split("/")), check[1])}
    assert len(checks) == len(graph.asset_check_keys) - 1
    job = defs().resolve_implicit_global_asset_job_def()
    job = job.get_subset(asset_selection=set(graph.executable_asset_keys), asset_check_selection=checks)
    return 0 if job.execute_in_process(instance=open_instance(Home(root)), raise_on_error=False).success else 1


@pytest.mark.soak
def test_everything_but_the_check_that_fails_is_no_whole_run(published):
    approved = build_file(home := shared_home().back_to("failing"))
    ended = Started(materialize_all_but, home, CHECK).end()
    assert ended.code == 0, ended.output
    assert build_file(home) == approved
    assert served(home) == published


def test_nothing_can_be_built_in_part_or_published_before_a_whole_run_has_passed(published):
    home = shared_home().empty()
    for selection in ([DOMAINS], [SERVING]):
        ended = Started(materialize, home, selection).end()
        assert ended.code == 1
        assert "'Materialize all' in the Dagster UI" in ended.output
    assert not (home / "serving.duckdb").exists()


@pytest.mark.soak
def test_the_scratch_is_copied_anew_once_another_build_is_approved(published, tmp_path):
    home = shared_home().back_to("published")
    every_number_wrong(home)
    run_well(home, write_events(tmp_path / "after.jsonl", AFTER), as_of=AS_OF)
    assert Started(materialize, home, [DOMAINS]).end().code == 0
    adoptions = "select * from curated.adoptions order by all"
    with attached(home / "builds" / "scratch.duckdb") as scratch, attached(build_file(home)) as build:
        assert scratch.execute(adoptions).fetchall() == build.execute(adoptions).fetchall()


# --- builds ---------------------------------------------------------------------------------------


def test_a_build_holds_its_dates_settings_and_code_and_only_the_last_approved_one_is_kept(published):
    home = shared_home().back_to("failing")
    files = sorted(path.name for path in (home / "builds").glob("0*"))
    assert len(files) == 3 and files[1] == files[0].replace(".duckdb", ".json")  # approved, and one that failed
    about = builds.Build(home / "builds" / files[0]).about
    assert f"{about['as_of']:%Y-%m-%d %H:%M}" == "2026-06-01 00:00"
    assert json.loads(about["settings"])["metric"] == "cross_domain_adoptions"
    assert about["code_version"] == builds.code_version()
    assert builds.Build(home / "builds" / files[2]).about["build_id"] > about["build_id"]
    with attached(home / "serving.duckdb") as db:
        published_at = db.execute("select run_id, as_of from main.publication").fetchone()
    assert published_at == (about["run_id"], about["as_of"])
    shutil.rmtree(home / "landing" / "batches")
    build_well(home, *(home / "inbox").iterdir(), as_of=AS_OF)
    kept = sorted(path.name for path in (home / "builds").glob("0*"))
    assert len(kept) == 2 and kept[0] > files[2]


def truncate(path: Path):
    os.truncate(path, path.stat().st_size // 2)


def overwrite_the_middle(path: Path):
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3)
        file.write(b"\xa5" * (path.stat().st_size // 3))


def overwrite_the_start(path: Path):
    with path.open("r+b") as file:
        file.write(b"this is no database " * 1000)


def change_a_row(path: Path):
    with duckdb.connect(str(path)) as db:
        db.execute("delete from authoritative.north_star_monthly where value > 0")


def replace_by_the_scratch(path: Path):
    with duckdb.connect(str(path)) as db:
        db.execute("create table main.more as select 1 as one")


def remove(path: Path):
    path.unlink()


# all are told by the file's hash: in make test one that DuckDB can't open, one that it can, and none
SOME, MORE = [truncate, change_a_row, remove], [overwrite_the_middle, overwrite_the_start, replace_by_the_scratch]
DAMAGES = [*SOME, *(pytest.param(damage, marks=pytest.mark.soak) for damage in MORE)]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_build_that_is_not_what_was_approved_is_neither_published_nor_copied(published, damage):
    home = shared_home().back_to("published")
    path = build_file(home)
    path.chmod(0o644)
    damage(path)
    for selection in ([SERVING], [DOMAINS]):
        ended = Started(materialize, home, selection).end()
        assert ended.code == 1
        assert "is not the approved file: it was changed, damaged or deleted" in ended.output
        assert served(home) == published


@pytest.mark.soak
def test_an_approval_or_a_note_of_what_is_published_that_is_damaged_counts_as_none(published):
    home = shared_home().back_to("published")
    build_file(home).with_suffix(".json").write_text("{")
    ended = Started(materialize, home, [SERVING]).end()
    assert ended.code == 1 and "No whole build with these dates has passed its checks" in ended.output
    (home / "published.json").write_text("[")
    run_well(home, as_of=AS_OF)
    assert served(home) == published


@pytest.mark.soak
@pytest.mark.parametrize("damage", [overwrite_the_middle, remove])
def test_a_whole_run_needs_no_build_before_it(published, damage):
    home = shared_home().back_to("published")
    (path := build_file(home)).chmod(0o644)
    damage(path)
    run_well(home, as_of=AS_OF, rebuild=True)
    assert served(home) == published
    assert builds.last_approved(Home(home)).approval["sha256"]


@pytest.mark.soak
def test_a_disk_that_fills_up_during_a_build_is_a_plain_error_and_readers_keep_the_last_good_file(published, tmp_path):
    home = shared_home().back_to("published")
    more = write_events(tmp_path / "more.jsonl", delivered(100, 120))
    ended = run(home, more, as_of=AS_OF, first=fill_the_disk_while_dbt_builds)
    assert ended.code == 1
    assert "Not published. The last good tables stay in place." in ended.output
    assert "Could not write file" in ended.output or "File too large" in ended.output
    assert served(home) == published
    failed = max((home / "builds").glob("0*"))
    run_well(home, as_of=AS_OF)
    assert query(home, "select count(*) from curated.data_products") == [(60,)]
    kept = sorted((home / "builds").glob("0*"))
    assert len(kept) == 2 and kept[0] > failed  # the last approved one, after a whole run too


def fill_the_disk_while_dbt_builds() -> None:
    """From now on dbt can't write a file of more than 256 KiB, as on a full disk."""
    from orchestration.defs import transform

    original, (soft, hard) = transform.run_dbt, resource.getrlimit(resource.RLIMIT_FSIZE)

    def run_dbt(*arguments):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, hard))
        try:
            return original(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    transform.run_dbt = run_dbt


def test_files_of_a_batch_without_receipt_and_stale_temporaries_are_invisible(published):
    home = shared_home().back_to("published")
    sound = everything(build_file(home))
    (real,) = (p for p in (home / "landing" / "ideas_logged").glob("*.parquet") if not p.name.startswith("_"))
    real.with_name("0" * 32 + ".parquet").write_bytes(real.read_bytes())
    rename_batch(real.with_name("0" * 32 + ".parquet"))
    real.with_name("1" * 32 + ".parquet.tmp").write_bytes(b"half a file")
    build_well(home, as_of=AS_OF)
    assert everything(build_file(home)) == sound


def everything(path: Path) -> dict[str, list[tuple]]:
    """The curated and authoritative tables of a build."""
    found = tables(path, {"authoritative.event_accounting": {"landed_at"}, "curated.batch_accounting": {"landed_at"}})
    return {name: rows for name, rows in found.items() if not name.startswith("main.")}


# --- nothing new ----------------------------------------------------------------------------------


def test_a_run_with_the_same_events_dates_settings_and_code_says_so_and_ends(published):
    home = shared_home().back_to("published")
    before = (home / "serving.duckdb").stat().st_ino
    assert "Nothing new since the last publication" in run_well(home, as_of=AS_OF)
    assert (home / "serving.duckdb").stat().st_ino == before
    assert "tables built" not in run_well(home, as_of=AS_OF)


@pytest.mark.parametrize("changed", ["settings", "code", "date", "page", "tables", "twin", "events", "browser"])
def test_whatever_changed_is_noticed(published, changed, monkeypatch):
    monkeypatch.setenv("FLYWHEEL_CHROMIUM", "")  # as for the run that published
    place = Home(shared_home().back_to("published"))
    dates = builds.Build(build_file(place.root)).dates
    assert record.is_current(place, dates)
    if changed == "settings":
        place.settings.write_text("north_star: {target: 20}\n")
    elif changed == "code":
        monkeypatch.setattr(builds, "code_version", lambda: "other code")
    elif changed == "browser":
        monkeypatch.setattr(record, "browser", lambda: "/usr/bin/other")
    elif changed == "date":
        dates = type(dates)(dates.as_of.replace(day=2))
    elif changed == "page":
        (place.dashboard / "index.html").write_text("by hand")
    elif changed == "tables":
        place.serving.chmod(0o644)
        truncate(place.serving)
    elif changed == "twin":
        (place.serving_parquet / "outlook.parquet").unlink()
    elif changed == "events":
        for path in (place.landing / "batches").glob("[!_]*.parquet"):
            path.rename(path.with_name("0" * 32 + ".parquet"))
            rename_batch(path.with_name("0" * 32 + ".parquet"))
    assert not record.is_current(place, dates)


def rename_batch(path: Path) -> None:
    with duckdb.connect() as db:
        db.execute(f"create table receipt as select * replace ('{path.stem}' as batch_id) from '{path}'")
        db.execute(f"copy receipt to '{path}' (format parquet)")


@pytest.mark.soak  # test_look_back has a look back that leaves what people read as it is
def test_looking_back_publishes_beside_and_leaves_what_people_read_as_it_is(published, tmp_path):
    home = shared_home().back_to("published")
    before = {path: path.read_bytes() for path in everything_read(home)}
    output = run_well(home, as_of=AS_OF, look_back="2026-02-10")
    assert str(home / "as_of" / "2026-02-10") in output.replace("\n", "")
    assert {path: path.read_bytes() for path in everything_read(home)} == before
    about = "select strftime(as_of, '%Y-%m-%d'), known_at from main.publication"
    assert query(home / "as_of" / "2026-02-10", about) == [("2026-02-10", None)]
    assert (home / "as_of" / "2026-02-10" / "serving" / "outlook.parquet").exists()
    assert len(list((home / "builds").glob("0*"))) == 2  # today's, and not that of the look back
    assert "Nothing new since the last publication" in run_well(home, as_of=AS_OF, look_back="2026-02-10")
    assert "Nothing new since the last publication" in run_well(home, as_of=AS_OF)


def everything_read(home: Path) -> list[Path]:
    folders = [home / "serving", home / "dashboard", home / "archive"]
    files = [p for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()]
    return [home / "serving.duckdb", *(home / "builds").glob("0*"), *files]
