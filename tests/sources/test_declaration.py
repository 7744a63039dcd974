"""What <home>/sources/<name>.yml may say, and what is refused, with file, line and what to write."""

import pytest

from orchestration.home import Home
from orchestration.sources.declaration import SourceError, declared_names, load_source


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home.at(tmp_path)
    home.sources.mkdir()
    return home


def load(home: Home, text: str):
    (home.sources / "crm.yml").write_text(text)
    return load_source(home, "crm")


def test_what_is_left_out_has_its_default(home):
    source = load(home, "kind: files\nwhere: /exports\n")
    assert (source.settings, source.vanished) == ({"pattern": "**/*"}, "retract")
    assert str(source.location) == "/exports"
    assert declared_names(home) == ["crm"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file can't be null; write the settings kind, vanished, schedule, record_kind"),
        ("where: /x\n", 1, "kind is missing; write files or git"),
        ("kind: files\n", 1, "where is missing; write the folder that holds the files"),
        ("where: /x\nkind: ftp\n", 2, 'kind can\'t be "ftp"; write files or git'),
        ("kind: files\nwhere: /x\nfolder: y\n", 3, "there is no setting folder; the settings are kind, vanished, sche"),
        ("kind: files\nwhere: 7\n", 2, "where can't be 7; write the folder that holds the files"),
        ("kind: files\nwhere: ''\n", 2, 'where can\'t be ""; write the folder that holds the files'),
        ("kind: files\nwhere: x\nrecords: some\n", 3, 'records can\'t be "some"; write current (of the files that'),
        (
            "kind: git\nwhere: https://x:abc@h/y\n",
            2,
            "where holds a secret; put it into the environment, and write ${NAME}",
        ),
        (
            "kind: database\nwhere: x://h?password=abc\nqueries: {a: b}\n",
            2,
            "where holds a secret; put it into the envi",
        ),
        (
            "kind: database\nwhere: x\nqueries: {}\n",
            3,
            "queries can't be {}; write names, in small letters, digits and",
        ),
        (
            "kind: database\nwhere: x\nqueries: {A: b}\n",
            3,
            'queries can\'t be "A"; write names, in small letters, digi',
        ),
        ("kind: database\nwhere: x\nqueries:\n  a: 1\n", 4, "queries.a can't be 1; write one SELECT in the SQL of the"),
        (
            "kind: files\nwhere: ${NOT_SET_HERE}\n",
            2,
            "NOT_SET_HERE is not in the environment; set it, or write the val",
        ),
    ],
)
def test_a_fault_is_named_with_its_line(home, text, line, words):
    with pytest.raises(SourceError) as refused:
        load(home, text)
    assert str(refused.value).startswith(f"{home.sources / 'crm.yml'} line {line}: {words}")


def test_a_source_that_is_not_declared_or_badly_named_is_refused(home):
    (home.sources / "CRM 1.yml").write_text("kind: files\nwhere: /x\n")
    with pytest.raises(SourceError, match="rename it: a source's name has small letters, digits and _ only"):
        load_source(home, "CRM 1")
    with pytest.raises(SourceError, match=r"declares no source erp. It declares: CRM 1\."):
        load_source(home, "erp")


@pytest.mark.parametrize("schedule", ["15 * * * *", "0 6 * * 1-5", "*/10 0,12 1 1-12/2 7"])
def test_a_schedule_is_a_cron_line(home, schedule):
    assert load(home, f"kind: files\nwhere: /x\nschedule: '{schedule}'\n").schedule == schedule


@pytest.mark.parametrize(
    "schedule", ["60 * * * *", "* * * *", "* * 0 * *", "5-1 * * * *", "* * * * mon", "*/0 * * * *"]
)
def test_another_schedule_is_refused(home, schedule):
    with pytest.raises(SourceError, match="line 3: schedule can't be"):
        load(home, f"kind: files\nwhere: /x\nschedule: '{schedule}'\n")


@pytest.mark.parametrize(
    ("where", "is_remote"),
    [
        *(("https://github.com/a/b", True), ("git@github.com:a/b.git", True), ("ssh://git@host/a", True)),
        *(("/clones/a", False), ("~/a", False), ("ext::sh -c x", False), ("--upload-pack=x", False)),
    ],
)
def test_an_address_is_fetched_and_anything_else_is_a_folder(home, where, is_remote):
    source = load(home, f'kind: git\nwhere: "{where}"\n')
    assert source.is_remote == is_remote
    assert (source.location == home.received / "crm" / "clone.git") == is_remote
