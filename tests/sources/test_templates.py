"""Each template: its own test passes, its events land, and on real records it gives what is known of them."""

import json
import os
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from conftest import NOW, SETTLED, as_lines, landed_count, put
from shaped import manifest
from source_home import World

from orchestration.home import Home
from orchestration.landing.land import land_inbox
from orchestration.landing.quarantine import quarantined
from orchestration.sources.declaration import SourceError, load_source
from orchestration.sources.examine import events_of_test, run_test
from orchestration.sources.mapping import Mapping
from orchestration.sources.pull import pull, tables
from orchestration.sources.records import records_table
from orchestration.sources.templates import PLACE, TEMPLATES, add, templates

RECEIVED_AT = "2026-01-01T00:00:00Z"


def place_of(home: Home, template: str) -> str:
    """What `add --where` is given; nothing for a template of something that is received."""
    return str(home.root) if PLACE in (TEMPLATES / template / "source.yml").read_text() else ""


@pytest.mark.parametrize("template", templates())
def test_the_test_of_a_template_passes_under_any_name_of_the_source(home, template):
    place = place_of(home, template)
    add(home, template, place, "mine")
    assert load_source(home, "mine", needs_environment=False).where == place
    assert run_test(home, "mine") == []


def test_the_events_of_every_template_s_test_land(home):
    count = 0
    for template in templates():
        add(home, template, place_of(home, template))
        source = load_source(home, template, needs_environment=False)
        events = [event for event in events_of_test(home, source) if not event.get("is_retracted")]
        count += len(events)
        put(home, f"{template}.jsonl", as_lines([e | {"source": template} for e in events]))
    land_inbox(home, NOW)
    waiting = [(r["event_type"], r["reasons"]) for r in quarantined(home).to_pylist() if r["event_type"]]
    assert waiting == [] and landed_count(home) == count > 0


def test_a_changed_event_fails_the_test_and_can_be_accepted(home):
    add(home, "jira_csv", str(home.root))
    sql = home.sources / "jira_csv.sql"
    sql.write_text(sql.read_text().replace("'Declined', ", "'Done', "))
    missing, found = run_test(home, "jira_csv")
    assert missing[0] == "+" and '"rejected"' in missing and found[0] == "-" and '"deployed"' in found
    run_test(home, "jira_csv", accept=True)
    assert run_test(home, "jira_csv") == []


def test_a_template_is_copied_once_and_its_place_may_come_from_the_environment(home, monkeypatch):
    written = add(home, "dbt", "${CLONES}/shop", "shop")
    assert {path.name for path in written} >= {"shop.yml", "shop.sql", "history.jsonl", "data_products.csv"}
    monkeypatch.setenv("CLONES", "/clones")
    source = load_source(home, "shop")
    assert (source.where, source.location, source.kind) == ("${CLONES}/shop", Path("/clones/shop"), "git")
    with pytest.raises(SourceError, match="is there already; give the new source another name"):
        add(home, "dbt", "/x", "shop")
    with pytest.raises(SourceError, match=r"There is no template nope. There are: .*cdevents, .*dbt, "):
        add(home, "nope", "/x")
    with pytest.raises(SourceError, match="Shop can't name a source"):
        add(home, "dbt", "/x", "Shop")
    with pytest.raises(SourceError, match="The address holds a secret; put it into the environment"):
        add(home, "postgres", "postgresql://reader:abc@host/lake", "lake")


def key_of(event: dict) -> tuple:
    return (
        *(event["event_type"], event["data_product_id"], event.get("consumer_domain")),
        datetime.fromisoformat(event["occurred_at"]),
    )


def test_the_history_of_a_real_repository_gives_the_known_events(shared):
    folder = shared / "datasets" / "mitodl_dbt"
    records = records_table([("history.jsonl.gz", folder / "history_records.jsonl.gz", RECEIVED_AT)])
    with Mapping(TEMPLATES / "dbt" / "mapping.sql", {"records": records}) as mapping:
        events = mapping.events()
    moved = {"owner_changed": 4}
    assert Counter(e["event_type"] for e in events) == {"deployed": 226, "adopted": 258, "retired": 16} | moved
    known = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
    steps = [event for event in events if event["event_type"] not in moved]
    assert Counter(map(key_of, steps)) == Counter(key_of(e) for e in known if e["event_type"] != "idea_logged")
    quirks = [line.split(",") for line in (folder / "quirks.csv").read_text().splitlines()]
    assert {(e["data_product_id"], e["domain"], e["occurred_at"][:10]) for e in events if e not in steps} == {
        (product, *words.split(" -> ")[1].split(" at ")) for product, kind, words in quirks if "owning_domain" in kind
    }


def test_the_manifest_of_this_project_gives_what_its_models_read(tmp_path):
    read = manifest()
    nodes = {key: node for key, node in read["nodes"].items() if node["resource_type"] == "model"}
    changed = {key: node | {"access": "public", "group": node["schema"]} for key, node in nodes.items()}
    (tmp_path / "manifest.json").write_text(json.dumps(read | {"nodes": changed}))
    home = Home.at(tmp_path / "home")
    add(home, "dbt_manifest", "/x")
    source = load_source(home, "dbt_manifest")
    files = [("manifest.json", tmp_path / "manifest.json", RECEIVED_AT)]
    with Mapping(source.sql, tables(home, source, records_table(files))) as mapping:
        events = mapping.events()
    deployed = {e["source_ref"] for e in events if e["event_type"] == "deployed"}
    adopted = {
        (e["data_product_id"], e["consumer_domain"], e["evidence"]) for e in events if e["event_type"] == "adopted"
    }
    assert deployed == nodes.keys()
    users = [(node["schema"], "observed", node) for node in nodes.values()]
    users += [(exposure["owner"]["name"], "declared", exposure) for exposure in read["exposures"].values()]
    assert adopted == {
        (nodes[parent]["name"], domain, evidence)
        for domain, evidence, user in users
        for parent in user["depends_on"]["nodes"]
        if parent in nodes and nodes[parent]["schema"] != domain
    }
    assert {evidence for *_, evidence in adopted} == {"observed", "declared"}


@pytest.mark.parametrize(("template", "records", "events"), [("cdevents", 25, 4), ("openlineage", 87, 2)])
def test_the_payloads_of_the_specifications_are_read_and_none_is_quarantined(
    tmp_path, shared, template, records, events
):
    world = World(tmp_path)
    shutil.copytree(shared / "payloads" / template, world.folder, dirs_exist_ok=True)
    for path in world.folder.iterdir():
        os.utime(path, (SETTLED, SETTLED))
    add(world.home, template, str(world.folder))
    declared = "data_product_id,domain,source,key\norders,sales,openlineage,postgres://postgres:5432/postgres.public."
    (world.home.declared / "data_products.csv").write_text(
        f"{declared}stg_orders\nshop,sales,openlineage,my-datasource-namespace/instance.schema.table\n"
    )
    sql = world.home.sources / f"{template}.sql"
    sql.write_text(sql.read_text().replace(">= 3", ">= 1"))  # all their runs are of one day
    pulled = pull(world.home, template)
    assert (pulled.records, pulled.events) == (records, events)
    land_inbox(world.home, datetime.fromisoformat("2026-11-01T00:00:00Z"))
    assert landed_count(world.home) == events and quarantined(world.home).num_rows == 0


def jira(tmp_path, *rows: str) -> list[dict]:
    header = "Summary,Issue key,Issue id,Issue Type,Project key,Resolution,Created,Updated,Resolved,Labels,Component/s"
    (tmp_path / "export.csv").write_text("\n".join([header, *rows, ""]))
    files = [("export.csv", tmp_path / "export.csv", RECEIVED_AT)]
    home = Home.at(tmp_path / "home")
    add(home, "jira_csv", "/x")
    source = load_source(home, "jira_csv")
    with Mapping(source.sql, tables(home, source, records_table(files))) as mapping:
        return mapping.events()


def test_a_moved_and_reopened_jira_issue_is_the_same_idea_by_its_latest_row(tmp_path):
    events = jira(
        tmp_path,
        "Churn,DP-1,10001,Epic,DP,Done,12/Jan/26 9:00 AM,1/Mar/26 2:10 PM,1/Mar/26 2:10 PM,data-product,",
        "Churn score,ML-7,10001,Epic,ML,,12/Jan/26 9:00 AM,1/Apr/26 12:00 PM,,data-product,",
    )
    assert [(e["event_id"], e["data_product_id"], e["domain"], e["title"]) for e in events] == [
        ("10001/idea", "ml-7", "ML", "Churn score")
    ]
