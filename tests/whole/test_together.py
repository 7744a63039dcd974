"""Runs, readers and rules side by side: what a run may and may not do to the others."""

import json
import os
import re
import subprocess
from collections import defaultdict

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import SECONDS
from deliveries import AS_OF, BEFORE, delivered, event
from pipeline import (
    CHECKOUT,
    FLYWHEEL,
    attached,
    publish_again,
    publish_well,
    query,
    run,
    run_well,
    served,
    shared_home,
    start,
    tables,
    write_events,
)
from shaped import shaped

from orchestration.contracts.dbt_properties import dbt_properties
from orchestration.contracts.odcs import load_layer

pytestmark = pytest.mark.slow

BAD = [{**row, "consumer_domain": None} for row in BEFORE if row["event_type"] == "adopted"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A home that has published BEFORE; kept as `published`."""
    home = shared_home().empty()
    publish_well(home, write_events(tmp_path_factory.mktemp("together") / "before.jsonl", BEFORE), as_of=AS_OF)
    shared_home().keep("published")
    return served(home)


def test_two_runs_started_together_both_end_well_and_readers_block_neither(published, tmp_path):
    home = shared_home().back_to("published")
    files = [write_events(tmp_path / f"{n}.jsonl", delivered(100 * n, 100 * n + 5)) for n in (1, 2)]
    path = home / "serving.duckdb"
    with attached(path) as reader, duckdb.connect(str(path), read_only=True) as holder:
        ended = [process.end() for process in [start(home, file, as_of=AS_OF) for file in files]]
        output = [process.output for process in ended]
        assert [process.code for process in ended] == [0, 0], output
        for old in (reader, holder):
            assert old.execute("select count(*) from curated.data_products").fetchall() == [(40,)]
    assert not any("lock" in words.lower() for words in output)
    assert query(home, "select count(*) from curated.data_products") == [(50,)]
    assert query(home, "select count(*), bool_and(is_balanced) from authoritative.event_accounting") == [(3, True)]


@pytest.mark.soak  # test_order_free builds the same events in other orders, and test_survival the same again
def test_a_second_build_of_the_same_events_changes_no_served_value(published):
    home = shared_home().back_to("published")
    assert "nothing new in the inbox" in run_well(home, as_of=AS_OF, rebuild=True)
    assert served(home) == published


def test_a_broken_source_stops_publication_and_the_message_says_what_to_do(published, tmp_path):
    home = shared_home().back_to("published")
    before = (home / "serving.duckdb").read_bytes()
    ended = run(home, write_events(tmp_path / "broken.jsonl", BAD), as_of=AS_OF)
    output = " ".join(ended.output.split())
    assert ended.code == 1
    assert "landing/products_adopted: quarantine_share" in output
    assert "broken.jsonl: 100% of its rows refused, the contract allows 50%" in output
    assert "flywheel replay" in output
    assert (home / "serving.duckdb").read_bytes() == before
    # the source mends itself: the good rows of the next delivery publish, and nothing of the bad one counts
    publish_well(home, write_events(tmp_path / "good.jsonl", delivered(300, 320)), as_of=AS_OF)
    assert query(home, "select count(*) from curated.data_products") == [(60,)]
    assert query(home, "select sum(quarantined_count)::int from authoritative.event_accounting") == [(len(BAD),)]
    states = query(home, "select file_name, state, count(*) from curated.quarantined_events group by all")
    assert states == [("broken.jsonl", "waiting", len(BAD))]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--as-of", "nonsense"], "is not a date"),
        (["--as-of", "2999-02-10"], "2999-02-10 00:00 UTC is in the future"),
        (["--known-at", "2999-02-10"], "2999-02-10 00:00 UTC is in the future"),
        (["--events", "no/such/file.jsonl"], "no such file"),
        (["--frobnicate"], "No such option"),
    ],
)
def test_bad_usage_exits_2_and_changes_nothing(tmp_path, arguments, words):
    home = tmp_path / "home"
    command = [FLYWHEEL, "run", "--home", home, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=os.environ | {"COLUMNS": "200"})
    assert done.returncode == 2
    assert words in re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert not list(home.glob("inbox/*"))
    assert not (home / "serving.duckdb").exists()


def test_real_events_are_kept_out_of_a_sample_home(tmp_path):
    home = tmp_path / "home"
    events = write_events(tmp_path / "real.jsonl", BEFORE[:1])
    assert subprocess.run([FLYWHEEL, "sample", "--home", home], capture_output=True, timeout=SECONDS).returncode == 0
    files = sorted(path.name for path in (home / "inbox").iterdir())
    done = subprocess.run(
        [FLYWHEEL, "run", "--home", home, "--events", events], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 2
    assert "holds sample events" in done.stdout
    assert sorted(path.name for path in (home / "inbox").iterdir()) == files


@pytest.mark.soak
def test_a_delivery_of_nothing_but_bad_rows_is_told_and_publishes_what_is_known(tmp_path):
    home = shared_home().empty()
    bad = [event(n, "idea_logged", "p", n, domain=None) for n in range(3)]
    said = run_well(home, write_events(tmp_path / "bad.jsonl", bad), as_of=AS_OF)
    words = (
        "0 landed, 3 in quarantine domain_missing 3: bad.jsonl line 1: domain is missing What to do: Send the column"
    )
    assert words in " ".join(said.split())
    assert query(home, "select count(*) from curated.data_products") == [(0,)]
    assert query(home, "select distinct reason from authoritative.time_to_value") == [("no_products",)]


def test_every_served_table_and_column_says_what_it_is(published):
    home = shared_home().back_to("published")
    with attached(home / "serving.duckdb") as db:
        silent = db.execute(
            "select table_name from duckdb_tables() where database_name = 'file' and comment is null union all "
            "select table_name || '.' || column_name from duckdb_columns() "
            "where database_name = 'file' and not internal and comment is null"
        ).fetchall()
    assert silent == []


def test_the_parquet_twin_holds_the_same_rows(published):
    home = shared_home().back_to("published")
    with attached(home / "serving.duckdb") as db:
        served_tables = tables(home / "serving.duckdb", {})
        for name, (columns, *rows) in served_tables.items():
            path = home / "serving" / f"{name.split('.')[1]}.parquet"
            twin = db.execute(f"select {', '.join(columns)} from '{path}' order by all").fetchall()
            assert twin == rows, name
    files = {path.stem for path in (home / "serving").iterdir()}
    assert files == {name.split(".")[1] for name in served_tables} > {"publication", "lifecycle_events"}


def test_a_parquet_file_has_its_table_s_descriptions_for_duckdb_pyarrow_and_pandas(published):
    home = shared_home().back_to("published")
    with attached(home / "serving.duckdb") as db:
        described = dict(db.execute("select table_name, comment from duckdb_tables() where not internal").fetchall())
        for name, description in described.items():
            columns = "select column_name, comment from duckdb_columns() where table_name = ? and not internal"
            columns = dict(db.execute(columns, [name]).fetchall())
            path = home / "serving" / f"{name}.parquet"
            found = db.execute("select decode(key), decode(value) from parquet_kv_metadata(?)", [str(path)]).fetchall()
            assert (dict(found)["description"], json.loads(dict(found)["columns"])) == (description, columns)
            metadata = pq.read_schema(path).metadata
            assert (metadata[b"description"].decode(), json.loads(metadata[b"columns"])) == (description, columns)
            assert pd.read_parquet(path).attrs == {"description": description, "columns": columns}
    assert len(described) == len(list((home / "serving").iterdir()))


def test_what_people_read_is_read_only_and_the_next_publication_replaces_it(published):
    home = shared_home().back_to("published")
    inodes = [{path.stat().st_ino for path in read_only_files(home)}]
    publish_again(home)
    inodes.append({path.stat().st_ino for path in read_only_files(home)})
    assert not inodes[0] & inodes[1]


def read_only_files(home) -> list:
    files = [home / "serving.duckdb", *(home / "serving").iterdir()]
    assert [path.name for path in files if path.stat().st_mode & 0o777 != 0o444] == []
    return files


def test_events_can_be_drilled_into_with_what_proves_them(tmp_path):
    rows = [
        event(1, "idea_logged", "p1", 0, domain="d1", initiative="old", source_ref="https://jira/1", ticket="J-1"),
        event(2, "idea_logged", "p1", 1, domain="d1", initiative="new"),
        event(3, "deployed", "p1", 2, source_ref="replaced", initiative="replaced"),
        {**event(3, "deployed", "p1", 2, source_ref="a commit", initiative="newest"), "revision": 1},
        event(4, "idea_logged", "p2", 20, domain="d1"),
    ]
    home = shared_home().empty()
    publish_well(home, write_events(tmp_path / "events.jsonl", rows), as_of="2026-01-10T00:00:00Z")
    served_events = "select event_type, source_ref, attributes, initiative, revision::int from curated.lifecycle_events"
    assert query(home, f"{served_events} order by occurred_at") == [
        ("idea_logged", "https://jira/1", '{"ticket":"J-1"}', "old", 0),
        ("idea_logged", None, None, "new", 0),
        ("deployed", "a commit", None, "newest", 1),
    ]
    assert query(home, "select data_product_id, initiative from curated.data_products") == [("p1", "newest")]
    assert query(home, "select data_product_id, initiative from authoritative.open_ideas") == [("p1", "newest")]


def test_nothing_served_is_nan_or_infinite(published):
    for name, (_, *rows) in published.items():
        for row in rows:
            for value in row:
                assert not isinstance(value, float) or abs(value) < float("inf"), (name, row)


def test_models_read_only_the_layers_below_them(published):
    manifest = json.loads((shared_home().home / "dbt" / "manifest.json").read_text())
    allowed = {
        "raw": {"source"},
        "curated": {"raw", "curated", "declared"},
        "authoritative": {"curated", "authoritative", "declared"},
    }
    read = defaultdict(set)
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            for parent in node["depends_on"]["nodes"]:
                kind, _, name, *_ = parent.split(".")
                layer = name if name == "declared" else "source"
                read[node["schema"]].add(layer if kind == "source" else manifest["nodes"][parent]["schema"])
    assert set(read) == set(allowed)
    for layer, layers in read.items():
        assert layers <= allowed[layer], layer


def test_curated_folders_read_only_those_before_them():
    path = ["events", "products", "quality", "survival", "pace", "estimates", "metrics", "limits"]
    nodes = json.loads((shared_home().home / "dbt" / "manifest.json").read_text())["nodes"]
    models = {
        name: node for name, node in nodes.items() if node["resource_type"] == "model" and node["schema"] == "curated"
    }
    folders = {name: path.index(node["fqn"][2]) for name, node in models.items()}
    assert set(folders.values()) == set(range(len(path)))
    for name, node in models.items():
        later = [parent for parent in node["depends_on"]["nodes"] if folders.get(parent, -1) > folders[name]]
        assert not later, f"{name} reads {later}"


def test_every_model_has_a_description_and_so_has_each_of_its_columns(published):
    manifest = json.loads((shared_home().home / "dbt" / "manifest.json").read_text())
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    nodes += [source for source in manifest["sources"].values() if source["schema"] == "declared"]
    assert [node["name"] for node in nodes if not node["description"]] == []
    described = {
        (node["schema"], node["name"]): {name for name, column in node["columns"].items() if column["description"]}
        for node in nodes
        if node["schema"] != "raw"  # its columns are those of the landing contracts
    }
    with shaped([]) as db:  # what is ephemeral in dbt is a table here
        built = defaultdict(set)
        for schema, table, column in db.execute(
            "select table_schema, table_name, column_name from information_schema.columns where table_schema <> 'raw'"
        ).fetchall():
            built[schema, table].add(column)
    assert built == described


def test_sources_have_descriptions_and_the_exposures_name_what_is_published(published):
    manifest = json.loads((shared_home().home / "dbt" / "manifest.json").read_text())
    assert [name for name, source in manifest["sources"].items() if not source["description"]] == []
    exposed = {
        exposure["name"]: {parent.rpartition(".")[2] for parent in exposure["depends_on"]["nodes"]}
        for exposure in manifest["exposures"].values()
    }
    assert exposed["serving_file"] == {name.partition(".")[2] for name in published if name != "main.publication"}
    for name, folder in [("dashboard", "dashboard"), ("notebooks", "notebooks")]:
        text = "".join(path.read_text() for path in (CHECKOUT / folder).rglob("*.py"))
        assert exposed[name] == set(re.findall(r"\b(?:authoritative|curated)\.([a-z_]+)", text)), name


def test_the_authoritative_properties_are_what_the_contracts_say():
    path = CHECKOUT / "dbt_project" / "models" / "authoritative" / "properties.yml"
    assert path.read_text() == dbt_properties(load_layer("authoritative")), "run `make contracts`"
