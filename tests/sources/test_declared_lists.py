"""What people declare about accounts and owners decides which reads of a lineage are use."""

import pytest
from source_home import World

from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.examine import events_of_test, run_test
from orchestration.sources.pull import pull
from orchestration.sources.statement import said
from orchestration.sources.templates import add


def reads(job: str) -> list[dict]:
    """Finished runs of a job that reads the dataset on three days; its namespace is its domain."""
    namespace, name = job.split("/")
    return [
        {
            "run": {"runId": f"{job} {day}"},
            "job": {"namespace": namespace, "name": name},
            "eventType": "COMPLETE",
            "eventTime": f"2026-01-0{day}T05:00:00Z",
            "inputs": [{"namespace": "pg", "name": "orders"}],
        }
        for day in (5, 6, 7)
    ]


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    add(world.home, "openlineage", str(world.folder), "lineage")
    return world


def consumers(world: World, *jobs: str, owner: str = "sales", accounts: str = "") -> list[str]:
    """The domains that adopt, where these jobs read the dataset of a data product."""
    world.write("events.jsonl", [row for job in jobs for row in reads(job)])
    declared = world.home.declared
    header, row = "data_product_id,domain,source,key", f"orders,{owner},lineage,pg/orders"
    (declared / "data_products.csv").write_text(f"{header}\n{row}\n")
    (declared / "service_accounts.csv").write_text(f"account,source,note\n{accounts}")
    pull(world.home, "lineage")
    return [event["consumer_domain"] for event in said(world.home.sent / "lineage").values()]


@pytest.mark.parametrize(
    ("accounts", "left"),
    [
        ("finance/board,another,\n", ["backup", "finance", "monitoring"]),
        ("finance/board,,no source: of every source\n", ["backup", "monitoring"]),
        ("monitoring,,a whole namespace\nbackup/copy,lineage,\n", ["finance"]),
    ],
)
def test_reads_of_service_accounts_of_this_source_and_of_every_source_are_no_use(world, accounts, left):
    jobs = ("finance/board", "backup/copy", "monitoring/freshness", "sales/own")
    assert consumers(world, *jobs, accounts=accounts) == left


def test_use_of_what_has_no_declared_owner_is_sent_whoever_reads(world):
    """What has changed hands: Flywheel judges each use by the owner of its day."""
    assert consumers(world, "finance/board", "sales/own", owner="") == ["finance", "sales"]


def test_a_declared_table_in_the_test_of_a_source_stands_for_the_one_of_the_home(world):
    path = world.home.declared / "service_accounts.csv"
    path.write_text("account,source,note\nmarketing/dashboard.refresh,,not in the test\n")
    assert run_test(world.home, "lineage") == []
    own = load_source(world.home, "lineage").tests / "service_accounts.csv"
    own.write_text(path.read_text())
    events = events_of_test(world.home, load_source(world.home, "lineage"))
    assert sorted({event["consumer_domain"] for event in events}) == ["backup", "monitoring"]
    own.write_text("account,owner\nx,y\n")
    with pytest.raises(SourceError, match=r"service_accounts.csv line 1: owner is no column of this table"):
        run_test(world.home, "lineage")
