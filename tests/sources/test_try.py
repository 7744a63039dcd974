"""`flywheel try`: what it assumes of a dbt repository, the home that it writes, what it refuses."""

import shutil
from collections import Counter
from unittest.mock import Mock

import pytest
from conftest import NOW, make_event
from git_repository import BODY, Repository
from typer.testing import CliRunner

from orchestration import cli
from orchestration.home import Home
from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.examine import run_test
from orchestration.sources.pull import pull
from orchestration.sources.repositories import try_dbt
from orchestration.sources.templates import TEMPLATES

PROJECT = "name: shop\n"


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path / "warehouse")


def made(repository: Repository, *commits: dict[str, str | None], project: str = PROJECT) -> Repository:
    """A repository with these commits of files, by their path; the first has the project too."""
    first, *later = commits
    repository.commit_files({"dbt_project.yml": project} | first)
    for commit in later:
        repository.commit_files(commit)
    return repository


def tried(repository: Repository, **arguments) -> try_dbt.Tried:
    _, found = try_dbt.set_up(repository.folder.parent / "home", str(repository.folder), **arguments)
    assert found
    return found


def of(found: try_dbt.Tried) -> set[tuple]:
    """(type, data product, owner or consumer) of its events."""
    return {(e["event_type"], e["data_product_id"], e.get("domain") or e.get("consumer_domain")) for e in found.events}


LAYOUTS = {
    "a folder in each layer": (
        {"models/marts/sales/orders.sql": BODY, "models/staging/sales/stg_orders.sql": "select 1"},
        {"models/intermediate/finance/int_revenue.sql": "select * from {{ ref('orders') }}"},
        {
            ("deployed", "orders", "sales"),
            ("deployed", "int_revenue", "finance"),
            ("adopted", "orders", "finance"),
        },
    ),
    "layers in each domain": (
        {"models/sales/marts/orders.sql": BODY, "models/sales/staging/stg_orders.sql": "select 1"},
        {"models/finance/staging/stg_revenue.sql": "select * from {{ ref('orders') }}"},
        {("deployed", "orders", "sales"), ("adopted", "orders", "finance")},
    ),
    "marts in no folder": (
        {"models/marts/orders.sql": BODY, "models/staging/stg_orders.sql": "select 1"},
        {"models/marts/customers.sql": "select * from {{ ref('orders') }}"},
        {("deployed", "orders", "shop"), ("deployed", "customers", "shop")},
    ),
    "areas without layers": (
        {"models/sales/orders.sql": BODY, "models/sales/stg_orders.sql": "select 1"},
        {"models/finance/revenue.py": "dbt.ref('orders')\n"},
        {
            ("deployed", "orders", "sales"),
            ("deployed", "revenue", "finance"),
            ("adopted", "orders", "finance"),
        },
    ),
    "models in no folder": (
        {"models/orders.sql": BODY, "models/staging/stg_orders.sql": "select 1"},
        {"models/customers.sql": "select * from {{ ref('orders') }}"},
        {("deployed", "orders", "shop"), ("deployed", "customers", "shop")},
    ),
    "groups and access": (
        {
            "models/marts/orders.sql": BODY,
            "models/marts/revenue.sql": "select 1",
            "models/marts.yml": "models: [{name: orders, group: sales, access: public}, {name: revenue, group: fin}]",
        },
        {"models/marts/revenue.sql": "select * from {{ ref('orders') }}"},
        {("deployed", "orders", "sales"), ("adopted", "orders", "fin")},
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_products_and_domains_of_a_layout(repository, layout):
    first, second, expected = LAYOUTS[layout]
    assert of(tried(made(repository, first, second))) == expected


def test_what_was_assumed_is_a_table_with_what_to_edit(repository):
    made(
        repository,
        {"models/marts/sales/orders.sql": BODY, "models/utils/days.sql": "select 1"},
        {"models/marts/finance/revenue.sql": "select * from {{ ref('orders') }}"},
        {"models/marts/finance/revenue.sql": None},
    )
    rows = {what: (words, edit) for what, words, edit in try_dbt.assumptions(tried(repository))}
    assert rows["dbt project"] == ("shop in the top folder, 2 models", "--project FOLDER, in a new home")
    assert rows["models"] == ("models", "folder in dbt.yml")
    commit = repository.git("rev-parse", "HEAD")[:12]
    assert rows["main line"][0].startswith(f"main, up to commit {commit} of 2025-01-03, after which nothing happens;")
    assert rows["main line"][1] == "git fetch; branch in dbt.yml; --as-of 2025-01-03 looks back"
    assert rows["data product"][0] == "a model in marts (mart, gold), or in a folder of intermediate (silver): 2"
    assert rows["domain"][0] == "the folder in its layer, else shop: finance 1, sales 1"
    assert rows["not counted"][0] == "models in utils 1: no domain is known for them"
    assert "known of 0 of 2" in rows["started"][0] and rows["deployed"][0].endswith("on the main line: 2")
    assert rows["adopted"][0].endswith("in an exposure: 1, of them 0 by exposures; by finance 1")
    assert rows["moved"][0].endswith("from then on: 0")
    assert rows["retired"][0].endswith("deleted: 1") and rows["not known"][0].startswith("ideas, so time to value")


def test_a_single_domain_is_named_as_what_hides_adoption(repository):
    made(repository, {"models/marts/orders.sql": BODY})
    assert "all products are in one, shop" in try_dbt.assumptions(tried(repository))[-1][1]


def test_the_home_has_a_real_source_that_stays_as_it_is_edited(repository, tmp_path):
    made(repository, {"models/marts/sales/orders.sql": BODY})
    home = Home.at(tmp_path / "home")
    assert tried(repository).source.where == str(repository.folder)
    source = load_source(home, "dbt")
    assert source.settings == {"folder": "models", "branch": "main"}
    assert run_test(home, "dbt") == []
    assert pull(home, "dbt").words == "dbt: 1 records, 1 events, 1 new"
    edited = source.sql.read_text().replace("'deployed' as event_type", "'retired' as event_type")
    source.sql.write_text(edited)
    assert try_dbt.set_up(home.root, str(repository.folder)) == (home, None)
    assert source.sql.read_text() == edited
    assert pull(home, "dbt").words == "dbt: 1 records, 1 events, 1 corrected"
    assert pull(home, "dbt").words == "dbt: 1 records, 1 events, nothing new"


def test_of_several_projects_the_largest_is_taken_and_a_folder_or_an_option_chooses(repository, tmp_path):
    files = {f"big/sql/marts/sales/{name}.sql": f"select '{name}'" for name in ("a", "b")}
    files |= {"small/dbt_project.yml": "name: small", "small/models/marts/x/c.sql": "select 3"}
    files |= {
        "small/dbt_packages/p/dbt_project.yml": "name: p",
        "big/dbt_project.yml": "name: big\nmodel-paths: [sql/]",
    }
    repository.commit_files(files)
    found = tried(repository)
    assert [project.words for project in found.projects] == ["big in big, 2 models", "small in small, 1 models"]
    assert of(found) == {("deployed", "a", "sales"), ("deployed", "b", "sales")}
    for number, place in enumerate(("small", "small/models/marts")):
        _, found = try_dbt.set_up(tmp_path / f"home{number}", str(repository.folder / place))
        assert found and found.projects[1:] == [] and of(found) == {("deployed", "c", "x")}
    _, found = try_dbt.set_up(tmp_path / "by_option", str(repository.folder), "small")
    assert found and found.project.name == "small"


def test_the_main_line_is_that_of_origin_not_the_branch_that_is_checked_out(repository, tmp_path):
    made(repository, {"models/marts/sales/orders.sql": BODY})
    repository.git("clone", "-q", ".", str(tmp_path / "clone"))
    clone = Repository.__new__(Repository)
    clone.folder, clone.day = tmp_path / "clone", 5
    clone.git("checkout", "-q", "-b", "feature")
    clone.commit(marts__sales__draft="select 1")
    found = tried(clone)
    assert found.source.settings["branch"] == "origin/main" and of(found) == {("deployed", "orders", "sales")}


def test_a_repository_at_an_address_is_fetched(repository, tmp_path):
    made(repository, {"models/marts/sales/orders.sql": BODY})
    address = f"file://{repository.folder}"
    home, found = try_dbt.set_up(tmp_path / "home", address)
    assert found and found.source.where == address and of(found) == {("deployed", "orders", "sales")}
    assert pull(home, "dbt").words == "dbt: 1 records, 1 events, 1 new"
    assert try_dbt.default_home(address).name == "warehouse-flywheel"
    assert try_dbt.default_home("git@github.com:you/shop.git").name == "shop-flywheel"


def shallow(repository: Repository) -> str:
    (repository.folder / ".git/shallow").write_text(repository.git("rev-parse", "HEAD"))
    return ""


def empty(repository: Repository) -> str:
    repository.git("init", "-q", "empty")
    return "empty"


REFUSED = {
    "empty has no commit, so no history": empty,
    r"NOT_SET of .*\{NOT_SET\} is not in the environment; set it": lambda r: "${NOT_SET}",
    "is no folder, and no address of a repository": lambda r: "nowhere",
    "is in no git repository: flywheel try reads": lambda r: shutil.rmtree(r.folder / ".git") or "",
    r"has no dbt_project.yml in commit \w{12}, so no dbt project.$": lambda r: (
        r.commit_files({"dbt_project.yml": None}) and ""
    ),
    r"docs of .* no dbt project. There are: a.$": lambda r: (
        r.commit_files({"dbt_project.yml": None, "a/dbt_project.yml": "name: a", "docs/x.md": "x"}) and "docs"
    ),
    "is a shallow clone, without its older commits: git -C .* fetch --unshallow": shallow,
    "shop in the top folder, 1 models: its history in .* has no model that could be": lambda r: (
        r.commit_files({"models/marts/sales/orders.sql": None, "models/stg_orders.sql": "select 1"})
        and r.git("checkout", "-q", "--orphan", "new") + r.git("branch", "-q", "-D", "main") + r.commit_files({})
        and ""
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cant_be_tried_is_refused_and_leaves_no_home(repository, tmp_path, words):
    made(repository, {"models/marts/sales/orders.sql": BODY})
    place = REFUSED[words](repository)
    with pytest.raises(SourceError, match=words):
        try_dbt.set_up(tmp_path / "home", str(repository.folder / place))
    assert not (tmp_path / "home").exists()


def other_source(home: Home) -> None:
    home.sources.mkdir()
    (home.sources / "jira.yml").write_text("kind: files\nwhere: /x\n")


def other_repository(home: Home) -> None:
    other_source(home)
    (home.sources / "jira.yml").rename(home.sources / "dbt.yml")


def events(home: Home) -> None:
    (home.inbox / "a.jsonl").write_text(str(make_event()))


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (lambda home: home.remember_sample(NOW, [], []), "holds sample events"),
        (other_source, "holds the source jira, not .*warehouse; choose another home: --home NEW"),
        (other_repository, "reads /x, not .*warehouse; choose another home"),
        (events, "holds events, not"),
        (lambda home: shutil.rmtree(home.root / "inbox"), "holds other files; choose another folder"),
    ],
)
def test_a_home_that_holds_something_else_is_refused_and_stays(repository, tmp_path, fill, words):
    made(repository, {"models/marts/sales/orders.sql": BODY})
    home = Home.at(tmp_path / "home")
    fill(home)
    before = {path: path.is_file() and path.read_bytes() for path in home.root.rglob("*") if path.name != "lock"}
    with pytest.raises(SourceError, match=words):
        try_dbt.set_up(home.root, str(repository.folder))
    assert before == {p: p.is_file() and p.read_bytes() for p in home.root.rglob("*") if p.name != "lock"}


def test_the_command_prints_the_table_and_runs_the_home(repository, tmp_path, monkeypatch):
    made(repository, {"models/marts/sales/orders.sql": BODY})
    ran = Counter[tuple]()
    monkeypatch.setattr(cli, "run", lambda as_of, root: ran.update([(as_of, root)]))
    monkeypatch.chdir(tmp_path)
    arguments = ["try", str(repository.folder), "--as-of", "2025-02-01"]
    for words in ("what was assumed", "dbt.sql already; they are yours, and stay."):
        done = CliRunner().invoke(cli.app, arguments)
        assert done.exit_code == 0 and words in " ".join(done.output.split()), done.output
        assert f"Home: {tmp_path / 'warehouse-flywheel'}" in done.output
        page = tmp_path / "warehouse-flywheel" / "as_of" / "2025-02-01" / "dashboard" / "index.html"
        assert done.output.endswith(f"then try again.\nOpen {page}\n")
    assert ran == {("2025-02-01", tmp_path / "warehouse-flywheel"): 2}
    done = CliRunner().invoke(cli.app, ["try", str(tmp_path / "nowhere")])
    assert done.exit_code == 1 and "is no folder, and no address of a repository." in " ".join(done.output.split())

    done = CliRunner().invoke(cli.app, [*arguments[:-1], "2999-01-01", "--home", str(tmp_path / "later")])
    assert done.exit_code == 2 and "is in the future" in done.output and not (tmp_path / "later").exists()


@pytest.mark.parametrize("stopped", ["receive", "_write_settings", "_move", "shutil.rmtree"])
def test_an_attempt_that_is_stopped_is_no_source_or_a_whole_one(repository, tmp_path, monkeypatch, stopped):
    made(repository, {"sql/models/marts/sales/orders.sql": BODY}, project="name: shop\nmodel-paths: [sql/models]")
    home, stop = Home.at(tmp_path / "home"), Mock(side_effect=KeyboardInterrupt)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(try_dbt.shutil, "rmtree", stop if "." in stopped else lambda *_, **__: None)  # as by SIGKILL
        if "." not in stopped:
            patched.setattr(try_dbt, stopped, stop)
        try_dbt.set_up(home.root, str(repository.folder))
    assert not list(home.sources.glob("*.yml"))
    _, found = try_dbt.set_up(home.root, str(repository.folder))
    assert found and of(found) == {("deployed", "orders", "sales")}
    assert pull(home, "dbt").words == "dbt: 1 records, 1 events, 1 new" and not (home.root / try_dbt.DRAFT).exists()


def test_the_template_has_every_part_that_try_changes():
    template = (TEMPLATES / "dbt" / "mapping.sql").read_text()
    for part in (try_dbt.PLACE, try_dbt.UNNAMED, try_dbt.PRODUCTS, try_dbt.NO_DOMAIN):
        assert template.count(part) == 1
    assert all(folder.rstrip("s") in template for folder in (*try_dbt.LAYERS, *try_dbt.USERS))
