"""dbt's own tests: the rules that a person would argue about, and the checks that stop a publication.

The rules are dbt's unit tests, in the unit_tests.yml of each folder of models, each on rows worked out by hand. Here
they run, once, on the tables of a home that was built. The checks run in every build; here they are broken on purpose.
"""

import json
import os

import pytest
import yaml
from deliveries import AS_OF, BEFORE
from pipeline import Started, build_well, dbt, shared_home, write_events
from shaped import event, publication_rules, rows, shaped

from orchestration.build.builds import DBT_PROJECT, last_approved
from orchestration.build.dbt import dbt_environment
from orchestration.home import Home

pytestmark = pytest.mark.slow


def unit_test(root) -> int:
    home = Home.at(root)
    build = last_approved(home)
    os.environ.update(dbt_environment(home, build, build.dates))
    return dbt(home, "test", "--select", "test_type:unit")


def test_every_rule_holds_on_the_rows_worked_out_by_hand(tmp_path):
    files = sorted((DBT_PROJECT / "models").rglob("unit_tests.yml"))
    declared = [test for file in files for test in yaml.safe_load(file.read_text())["unit_tests"]]
    expected = {f"unit_test.flywheel.{test['model']}.{test['name']}": "pass" for test in declared}
    assert len(expected) == len(declared) > 0

    home = shared_home().empty()
    build_well(home, write_events(tmp_path / "events.jsonl", BEFORE), as_of=AS_OF)
    ended = Started(unit_test, home).end()
    results = json.loads((Home.at(home).dbt_target / "run_results.json").read_text())["results"]
    found = {result["unique_id"]: result["status"] for result in results}
    found = {name: status for name, status in found.items() if name.startswith("unit_test.")}
    assert found == expected, ended.output
    assert ended.code == 0, ended.output


def write_checks(path) -> int:
    """Write what dbt tests, and what Dagster checks of the tables that dbt builds."""
    import pipeline_server

    from orchestration.definitions import defs

    nodes = pipeline_server.manifest.nodes.values()
    assets = defs().resolve_asset_graph().assets_defs
    [transform] = [asset for asset in assets if asset.is_executable and asset.node_def.name == "transform"]
    checks = [(check.name, check.description, check.blocking) for check in transform.check_specs]
    path.write_text(json.dumps([[node.name for node in nodes if node.resource_type == "test"], checks]))
    return 0


def test_every_test_is_a_blocking_asset_check_with_a_short_name_that_says_what_holds(tmp_path):
    ended = Started(write_checks, tmp_path / "checks.json").end()
    assert ended.code == 0, ended.output
    tests, checks = json.loads((tmp_path / "checks.json").read_text())
    # dbt compiles each test to a file with its name
    assert len(set(tests)) == len(tests) > 0
    assert sorted(tests) == sorted(name for name, _, _ in checks)
    for name, description, is_blocking in checks:
        assert len(name) < 40
        assert description[0].isupper() and description.endswith(".") and description.count(". ") == 0
        assert is_blocking


def test_a_tables_test_says_of_each_row_what_is_wrong_with_it():
    adopted = event("adopted", "orders", 20, consumer_domain="finance")
    with shaped([event("idea_logged", "orders", 90, domain="sales"), adopted]) as db:
        rule = publication_rules()["data_products_is_valid"]
        assert rows(db, rule) == []
        db.execute("insert into curated.data_products from curated.data_products")
        db.execute("insert into curated.data_products (data_product_id, stage) values ('bills', 'sold'), (null, null)")
        faults = {(row["data_product_id"], row["problem"]) for row in rows(db, rule)}
    assert faults == {
        ("orders", "2 rows have the same data_product_id"),
        ("bills", "stage is 'sold', not one of idea, started, deployed, adopted, closed"),
        (None, "data_product_id is missing; stage is missing"),
    }


def test_the_north_star_that_is_not_its_parts_or_not_the_adoptions_is_no_north_star():
    adopted = event("adopted", "orders", 60, consumer_domain="finance")
    with shaped([event("idea_logged", "orders", 90, domain="sales"), adopted]) as db:
        rule = publication_rules()["north_star_parts_add_up"]
        assert rows(db, rule) == []
        db.execute("update authoritative.north_star_monthly set value = 2 where value = 1")
        faults = {(row["problem"], row["value"], row["expected_value"]) for row in rows(db, rule)}
    assert faults == {
        ("value is not first_adoptions_count + expansion_adoptions_count", 2, 1),
        ("values of all months together are not the rows of adoptions", 2, 1),
    }


def test_a_series_judged_twice_or_never_or_without_limits_stops_publication():
    adopted = event("adopted", "orders", 60, consumer_domain="finance")
    with shaped([event("idea_logged", "orders", 90, domain="sales"), adopted]) as db:
        rule = publication_rules()["each_series_is_judged_once"]
        assert rows(db, rule) == []
        db.execute("update authoritative.metric_verdicts set value = 7 where metric_id = 'net_flow' and domain = 'all'")
        db.execute("delete from authoritative.metric_verdicts where metric_id = 'build_time' and domain = 'all'")
        db.execute("update authoritative.metric_verdicts set domain = 'nobody' where domain = 'finance'")
        db.execute("update curated.process_limits set signal = 'none' where metric_id = 'first_adoptions'")
        faults = {(row["problem"], row["metric_id"]) for row in rows(db, rule)}
    assert {
        ("its value is not that of the latest complete period", "net_flow"),
        ("the series has no verdict", "build_time"),
        ("the verdict has no series", "build_time"),
        ("a month has a signal without limits", "first_adoptions"),
    } <= faults
