"""The history of a git repository, as records: renames, merges, reverts, deletions that return."""

import orjson
import pytest
from git_repository import BODY, Repository

from orchestration.home import Home
from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.pull import pull
from orchestration.sources.repositories.git import folders_of, head, read_history
from orchestration.sources.templates import add


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


def lines_said(home: Home) -> list[dict]:
    files = sorted(home.inbox.glob("shop-*"))
    return [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]


def said(home: Home) -> list[tuple]:
    pull(home, "shop")
    events = lines_said(home)
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


def starts(source) -> list[tuple]:
    records = read_history(source, head(source))
    return [
        (r["path"][7:], r["committed_at"][8:10], r["first_authored_at"][8:10])
        for r in records
        if "first_authored_at" in r
    ]


def test_a_file_starts_with_the_first_commit_on_any_branch_that_brought_it_under_any_name(repository, source):
    repository.commit(marts__sales__orders=BODY)
    repository.git("checkout", "-q", "-b", "work")
    repository.commit(marts__sales__draft=BODY + "select 2")
    repository.day += 1
    repository.move("marts/sales/draft.sql", "marts/sales/stock.sql")
    repository.git("commit", "-q", "-m", "rename")
    repository.git("checkout", "-q", "-b", "nested")
    repository.commit(marts__finance__revenue="select 1")
    repository.git("checkout", "-q", "work")
    repository.commit(marts__finance__costs="select 2")
    repository.day += 1
    repository.git("merge", "-q", "--no-ff", "nested", "-m", "merge")
    repository.git("checkout", "-q", "main")
    repository.commit(marts__sales__orders=BODY + "select 3")
    repository.day += 1
    repository.git("merge", "-q", "--no-ff", "work", "-m", "merge")
    started = {path: days for path, *days in starts(source) if path != "marts/sales/orders.sql"}
    assert started == {
        "marts/finance/costs.sql": ["08", "05"],
        "marts/finance/revenue.sql": ["08", "04"],
        "marts/sales/stock.sql": ["08", "02"],
    }


def test_what_returns_starts_anew_and_what_is_renamed_keeps_its_start(repository, source):
    repository.commit(marts__sales__orders=BODY)
    repository.commit(marts__sales__orders=None)
    repository.commit(marts__sales__orders=BODY)
    repository.day += 1
    repository.move("marts/sales/orders.sql", "marts/sales/all_orders.sql")
    repository.git("commit", "-q", "-m", "rename")
    assert starts(source) == [
        *(("marts/sales/orders.sql", "01", "01"), ("marts/sales/orders.sql", "03", "03")),
        ("marts/sales/all_orders.sql", "04", "03"),
    ]


PROJECT = "name: shop\nmodels:\n  shop:\n    marts:\n      +group: core\n      sales:\n        group: sales_team\n"
EXPOSURES = """
exposures:
  - name: board
    type: dashboard
    owner: {name: Sales Ops, email: a@b.c}
    depends_on: [ref('orders'), "ref('shop', 'stock')", "source('raw', 'x')"]
  - name: app
    owner: {email: a@b.c}
    depends_on:
      - ref("orders")
"""


def properties(source) -> list[tuple]:
    records = read_history(source, head(source))
    return [(r["committed_at"][8:10], r["change"], r["path"][7:], r.get("group"), r.get("is_public")) for r in records]


def test_a_model_has_the_group_that_dbt_s_files_give_it_by_precedence(repository, source):
    repository.commit_files({"dbt_project.yml": PROJECT, "models/marts/sales/a.sql": "select 1"})
    repository.commit(marts__b="select 2", marts__c="{{ config(\n  group = 'own',\n  access=\"public\") }} select 3")
    repository.commit_files({"models/marts/b.yml": "models: [{name: b, config: {group: listed, access: public}}]"})
    repository.commit_files({"models/marts/b.yml": "models: [{name: b}, {name: c, group: late}]"})
    assert [record for record in properties(source) if not record[2].endswith("yml")] == [
        ("01", "added", "marts/sales/a.sql", "sales_team", None),
        ("02", "added", "marts/b.sql", "core", True),
        ("02", "added", "marts/c.sql", "own", True),
        ("03", "configured", "marts/b.sql", "listed", True),
        ("04", "configured", "marts/b.sql", "core", True),
    ]


def test_the_first_group_of_a_model_counts_before_it_too_and_stays_when_its_file_is_renamed(repository, source):
    repository.commit(marts__orders=BODY)
    repository.day += 1
    repository.move("marts/orders.sql", "marts/all_orders.sql")
    repository.git("commit", "-q", "-m", "rename")
    repository.commit_files({"models/m.yml": "models:\n  - name: all_orders\n    group: sales\n"})
    repository.commit(marts__all_orders=None)
    repository.commit_files({"models/m.yml": "models: [{name: {{ broken }}"})
    assert [record[:4] for record in properties(source) if record[2].endswith("sql")] == [
        *(("01", "added", "marts/orders.sql", "sales"), ("02", "renamed", "marts/all_orders.sql", "sales")),
        *(("03", "configured", "marts/all_orders.sql", "sales"), ("04", "deleted", "marts/all_orders.sql", "sales")),
    ]


def test_an_exposure_is_a_declared_use_by_its_owner_else_by_itself(repository, source, home):
    repository.commit(marts__sales__orders=BODY, marts__sales__stock="select 2")
    repository.commit_files({"models/marts/exposures.yml": EXPOSURES})
    [_, _, record] = read_history(source, head(source))
    assert record["exposures"] == [
        {"name": "board", "owner": "Sales Ops", "refs": ["orders", "stock"]},
        {"name": "app", "owner": None, "refs": ["orders"]},
    ]
    pull(home, "shop")
    uses = [event for event in lines_said(home) if event["event_type"] == "adopted"]
    assert [(e["data_product_id"], e["consumer_domain"], e["evidence"]) for e in uses] == [
        *(("orders", "Sales Ops", "declared"), ("orders", "exposure:app", "declared")),
        ("stock", "Sales Ops", "declared"),
    ]


def test_a_start_is_said_only_where_it_is_before_the_arrival(repository, home, source):
    repository.commit(marts__sales__orders=BODY)
    repository.git("checkout", "-q", "-b", "work")
    repository.commit(marts__sales__stock="select 1")
    repository.git("checkout", "-q", "main")
    repository.commit(marts__sales__other="select 2")
    repository.day += 1
    repository.git("merge", "-q", "--no-ff", "work", "-m", "merge")
    assert [event[:3] for event in said(home) if event[1] == "stock" or event[0] == "work_started"] == [
        *(("deployed", "stock", "04"), ("work_started", "stock", "02")),
    ]


def test_a_project_that_moved_keeps_its_models_and_their_groups(repository, home):
    repository.commit_files({"dbt_project.yml": PROJECT, "models/marts/sales/orders.sql": BODY})
    repository.day += 1
    (repository.folder / "dbt").mkdir()
    repository.git("mv", "models", "dbt_project.yml", "dbt")
    repository.git("commit", "-q", "-m", "move")
    repository.commit_files({"dbt/models/marts/finance/revenue.sql": "select * from {{ ref('orders') }}"})
    add(home, "dbt", str(repository.folder), "shop")
    path = home.sources / "shop.yml"
    path.write_text(path.read_text().replace("folder: models", "folder: dbt/models"))
    source = load_source(home, "shop")
    assert folders_of(source, "HEAD") == (["dbt/models", "models"], ["dbt/dbt_project.yml", "dbt_project.yml"])
    assert [(r["change"], r["path"], r["group"]) for r in read_history(source, head(source))] == [
        ("added", "models/marts/sales/orders.sql", "sales_team"),
        ("renamed", "dbt/models/marts/sales/orders.sql", "sales_team"),
        ("added", "dbt/models/marts/finance/revenue.sql", "core"),
    ]
    assert said(home) == [
        *(("adopted", "orders", "03", False), ("deployed", "orders", "01", False)),
        ("deployed", "revenue", "03", False),
    ]
