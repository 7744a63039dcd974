"""The history of a git repository, as records: renames, merges, reverts, deletions that return."""

import os
import subprocess
from pathlib import Path

import orjson
import pytest

from orchestration.home import Home
from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.git import head, read_history
from orchestration.sources.pull import pull
from orchestration.sources.templates import add

BODY = "select 1 as order_id, 2 as customer_id, 3 as amount, 4 as placed_at, 5 as country\n" * 5


class Repository:
    """A git repository with one commit a day, from 1 January 2025 on."""

    def __init__(self, folder: Path):
        self.folder, self.day = folder, 0
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        at = f"2025-01-{self.day:02}T12:00:00+02:00"
        own = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_CONFIG_GLOBAL": os.devnull}
        who = {f"GIT_{w}_{k}": "a@b.c" for w in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, env=os.environ | own | who, capture_output=True, text=True, check=True).stdout

    def commit(self, **files: str | None) -> str:
        """Commit files by their path below models/, with __ for a slash; None deletes one. Returns the commit's id."""
        self.day += 1
        for name, content in files.items():
            path = self.folder / "models" / f"{name.replace('__', '/')}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content) if content is not None else path.unlink()
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"day {self.day}")
        return self.git("rev-parse", "HEAD").strip()

    def move(self, old: str, new: str) -> None:
        (self.folder / "models" / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", f"models/{old}", f"models/{new}")


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path / "shop")


@pytest.fixture
def source(home, repository):
    add(home, "dbt", str(repository.folder), "shop")
    return load_source(home, "shop")


def history(source) -> list[tuple]:
    records = read_history(source, head(source))
    assert [record["sequence"] for record in records] == list(range(1, len(records) + 1))
    return [(r["committed_at"][8:10], r["change"], r["path"][7:], r["added_refs"]) for r in records]


def said(home: Home) -> list[tuple]:
    pull(home, "shop")

    lines = [line for file in sorted(home.inbox.glob("shop-*")) for line in file.read_bytes().splitlines()]
    events = map(orjson.loads, lines)
    return [(e["event_type"], e["data_product_id"], e["occurred_at"][8:10], e["is_retracted"]) for e in events]


def test_each_changed_file_of_each_commit_is_a_record(repository, source):
    first = repository.commit(marts__sales__orders=BODY, **{"marts__sales__my file": "select 1"})
    repository.commit(marts__finance__revenue="select * from {{ ref('orders') }} -- {{ ref('not_this') }}\n")
    repository.commit(marts__finance__revenue="--{{ ref('nor_this') }}\nselect * from {{ ref('pkg', \"stock\") }}\n")
    assert history(source) == [
        ("01", "added", "marts/sales/my file.sql", []),
        ("01", "added", "marts/sales/orders.sql", []),
        ("02", "added", "marts/finance/revenue.sql", ["not_this", "orders"]),
        ("03", "modified", "marts/finance/revenue.sql", ["stock"]),
    ]
    assert read_history(source, head(source))[0]["commit_id"] == first


def test_a_rename_keeps_both_names_and_a_product_its_first(repository, source, home):
    repository.commit(marts__sales__orders=BODY)
    repository.day += 1
    repository.move("marts/sales/orders.sql", "marts/sales/all_orders.sql")
    repository.git("commit", "-q", "-m", "rename")
    [_, renamed] = read_history(source, head(source))
    assert (renamed["change"], renamed["old_path"], renamed["path"]) == (
        *("renamed", "models/marts/sales/orders.sql", "models/marts/sales/all_orders.sql"),
    )
    repository.commit(marts__finance__revenue="select * from {{ ref('all_orders') }}")
    assert said(home) == [
        *(("adopted", "orders", "03", False), ("deployed", "orders", "01", False)),
        ("deployed", "revenue", "03", False),
    ]


def test_a_merge_is_one_commit_on_the_day_it_reaches_the_main_line(repository, source):
    repository.commit(marts__sales__orders=BODY)
    repository.git("checkout", "-q", "-b", "work")
    repository.commit(marts__finance__revenue="select 1")
    repository.commit(marts__finance__revenue="select * from {{ ref('orders') }}")
    repository.git("checkout", "-q", "main")
    repository.commit(marts__sales__other="select 2")
    repository.day += 1
    repository.git("merge", "-q", "--no-ff", "work", "-m", "merge")
    assert history(source)[1:] == [
        ("04", "added", "marts/sales/other.sql", []),
        ("05", "added", "marts/finance/revenue.sql", ["orders"]),
    ]


def test_a_revert_retires_and_a_return_deploys_again(repository, home, source):
    repository.commit(marts__sales__orders=BODY)
    repository.commit(marts__finance__revenue="select 1")
    repository.day += 1
    repository.git("revert", "--no-edit", "HEAD")
    repository.commit(marts__finance__revenue="select 1")
    assert sorted(said(home)) == [
        *(("deployed", "orders", "01", False), ("deployed", "revenue", "02", False)),
        *(("deployed", "revenue", "04", False), ("retired", "revenue", "03", False)),
    ]


def test_new_commits_are_read_and_a_rewritten_history_takes_back_what_it_no_longer_has(repository, home, source):
    repository.commit(marts__sales__orders=BODY)
    repository.commit(marts__sales__stock=BODY + "select 2")
    assert len(said(home)) == 2 and len(said(home)) == 2
    repository.git("reset", "-q", "--hard", "HEAD~1")
    repository.commit(marts__sales__other="select 3")
    assert [event[:2] + event[3:] for event in said(home)[2:]] == [
        *(("deployed", "other", False), ("deployed", "stock", True)),
    ]


def test_the_user_s_configuration_of_git_changes_nothing(repository, source):
    repository.commit(marts__sales__orders=BODY)
    before = history(source)
    for name, value in (("diff.noprefix", "true"), ("diff.renames", "false"), ("color.ui", "always")):
        repository.git("config", name, value)
    repository.git("config", "diff.mnemonicPrefix", "true")
    assert history(source) == before


def test_a_remote_repository_is_fetched_and_its_address_with_a_secret_is_in_no_file(
    home, repository, source, monkeypatch
):
    repository.commit(marts__sales__orders=BODY)
    local = history(source)
    monkeypatch.setenv("SECRET_PLACE", str(repository.folder))
    add(home, "dbt", "file://${SECRET_PLACE}", "remote")
    assert history(load_source(home, "remote")) == local
    pull(home, "remote")
    repository.commit(marts__finance__revenue="select * from {{ ref('orders') }}")
    assert pull(home, "remote").new == 2
    assert pull(home, "remote").words.endswith("nothing new")
    files = [path for part in (home.received, home.sent, home.inbox) for path in part.rglob("*") if path.is_file()]
    assert [path for path in files if str(repository.folder).encode() in path.read_bytes()] == []
    monkeypatch.setenv("SECRET_PLACE", "/nowhere/to/be/seen")
    with pytest.raises(SourceError, match=r"git can't fetch HEAD of file://\$\{SECRET_PLACE\}: fatal: ") as refused:
        pull(home, "remote")
    assert "/nowhere" not in str(refused.value)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r: "branch: trunk", "has no branch trunk; correct `branch`"),
        (lambda r: "folder: sql", "changed a file in sql; correct `folder`"),
        (lambda r: r.git("worktree", "list") and "branch: --all", "has no branch --all"),
        (lambda r: (r.folder / ".git").rename(r.folder / "git") and "", "is no git repository; clone it there"),
        (lambda r: r.folder.rename(r.folder.with_name("gone")) and "", "is no folder; correct `where` in shop.yml"),
        (lambda r: (r.folder / ".git/shallow").write_text(r.git("rev-parse", "HEAD")) and "", "is a shallow clone"),
    ],
)
def test_a_repository_that_cant_be_read_is_named(home, repository, source, spoil, words):
    repository.commit(marts__sales__orders=BODY)
    setting = spoil(repository)
    path = home.sources / "shop.yml"
    lines = [line for line in path.read_text().splitlines() if not setting or not line.startswith(setting.split()[0])]
    path.write_text("\n".join([*lines, setting]))
    with pytest.raises(SourceError, match=words):
        pull(home, "shop")
