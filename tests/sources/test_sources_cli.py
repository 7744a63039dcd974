"""The commands of `flywheel sources`, and what `flywheel run` does with sources."""

import os
from functools import partial

import pytest
from conftest import NOW
from pipeline import query, run, shared_home
from source_home import World, record
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.home import Home
from orchestration.sources_cli import pull_every_source


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def set_variable(value: str) -> None:
    os.environ["SECRET_PLACE"] = value


def flywheel(world: World, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["sources", *arguments, "--home", str(world.home.root)])
    assert done.exit_code == code, done.output
    return done.output


def test_add_list_pull_and_test_say_what_they_did(world):
    added = flywheel(world, "add", "jira_csv", "--where", str(world.folder), "--name", "jira")
    assert f"Wrote {world.home.sources / 'jira.yml'}" in added and "then `flywheel run`" in added
    sent = (world.home.sources / "jira.test/records/export.csv").read_bytes()
    world.write("export.csv", sent)
    (world.home.sent / "former").mkdir(parents=True)
    assert flywheel(world, "pull", "jira") == "jira: 4 records, 5 events, 5 new\n"
    assert flywheel(world, "pull", "jira") == "jira: 4 records, 5 events, nothing new\n"
    assert flywheel(world, "test", "jira") == "jira: the test passes.\n"
    listed = " ".join(flywheel(world, "list").split())
    assert f"jira files, {world.folder}: 5 events said, in 1 files" in listed
    assert "former declared no more; its events stay: 0 events said" in listed
    assert "cdevents CDEvents: a ticket is an idea" in listed


def test_a_test_that_fails_shows_both_and_exits_with_1(world):
    flywheel(world, "add", "jira_csv", "--where", str(world.folder))
    expected = world.home.sources / "jira_csv.test" / "expected.jsonl"
    lines = expected.read_text().splitlines()
    expected.write_text("\n".join(lines[1:]))
    assert flywheel(world, "test", "jira_csv", code=1).startswith(f"+ {lines[0]}\njira_csv: the events differ")
    assert flywheel(world, "test", "jira_csv", "--accept") == "jira_csv: the test passes.\n"


def test_show_lists_events_by_type_and_the_records_that_gave_none(world):
    world.declare("record_kind: body->>'type'\n")
    world.map((world.home.sources / "crm.sql").read_text() + "where body->>'type' <> 'comment'")
    world.write("a.jsonl", [record(1), record(2), record(3, kind="retired"), record(4, kind="comment")])
    shown = flywheel(world, "show", "crm")
    assert shown.splitlines() == [
        *("4 records gave 3 events:", "        2  deployed", "        1  retired"),
        "Records by kind, and the events of those that were mapped alone:",
        *("        2  deployed → 2 deployed from 2", "        1  retired → 1 retired from 1"),
        "        1  comment → no event from 1; 1 gave none, such as a.jsonl record 4",
    ]
    assert not list(world.home.inbox.iterdir())


def test_what_cant_be_used_exits_with_1_and_says_why(world):
    assert "declares no source erp. It declares: crm." in flywheel(world, "pull", "erp", code=1)
    assert "There is no template sap. There are: " in flywheel(world, "add", "sap", "--where", "/x", code=1)
    world.home.remember_sample(NOW, [], [])
    assert "holds sample events" in flywheel(world, "add", "dbt", "--where", "/x", code=1)


def test_a_home_without_sources_pulls_none_and_one_with_them_says_a_line_for_each(tmp_path, world):
    assert pull_every_source(Home.at(tmp_path / "other")) == []
    assert [pulled.name for pulled in pull_every_source(world.home)] == ["crm"]


@pytest.mark.slow
def test_a_run_pulls_first_writes_no_value_of_the_environment_and_a_failing_source_stops_nothing(tmp_path):
    world = World(tmp_path)
    world.write("a.jsonl", [record(1, kind="idea_logged"), record(2)])
    root = shared_home().empty()
    (root / "sources").mkdir()
    sql = (world.home.sources / "crm.sql").read_text().replace("select\n", "select 'sales' as domain,\n")
    (root / "sources" / "crm.sql").write_text(sql)
    (root / "sources" / "crm.yml").write_text("kind: files\nwhere: ${SECRET_PLACE}\n")
    (root / "sources" / "erp.yml").write_text("kind: files\nwhere: /nowhere\n")
    ended = run(root, as_of="2026-02-01", first=partial(set_variable, str(world.folder)))
    assert ended.code == 0, ended.output
    words = " ".join(ended.output.split())
    assert "crm: 2 records, 2 events, 2 new" in words and "sample" not in words
    assert "erp: /nowhere is no folder; correct `where` in erp.yml, or mount it. Its last statement" in words
    assert query(root, "select count(*) from curated.data_products") == [(1,)]
    files = [path for path in root.rglob("*") if path.is_file()]
    assert [path for path in files if str(world.folder).encode() in path.read_bytes()] == []
