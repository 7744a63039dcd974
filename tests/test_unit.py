"""The rules that a person would argue about, each on rows worked out by hand: dbt's unit tests.

They stand in dbt_project/models/unit_tests.yml. Here they run, once, on the tables of a home that was built.
"""

import json
import os

import yaml
from deliveries import AS_OF, BEFORE
from pipeline import Started, _dbt, build_well, stage, write_events

from orchestration.home import Home, parse_instant
from orchestration.transform import dbt_environment
from orchestration.warehouse import DBT_PROJECT


def unit_test(root) -> int:
    home = Home.at(root)
    options = ["--target-path", str(home.dbt_target), "--log-path", str(home.logs)]
    environment = os.environ | dbt_environment(home, parse_instant(AS_OF))
    return _dbt(["test", "--select", "test_type:unit", *options], environment, DBT_PROJECT)


def test_every_rule_holds_on_the_rows_worked_out_by_hand(tmp_path):
    declared = yaml.safe_load((DBT_PROJECT / "models" / "unit_tests.yml").read_text())["unit_tests"]
    expected = {f"unit_test.flywheel.{test['model']}.{test['name']}": "pass" for test in declared}
    assert len(expected) == len(declared) > 0

    home = stage().empty()
    build_well(home, write_events(tmp_path / "events.jsonl", BEFORE), as_of=AS_OF)
    ended = Started(unit_test, home).end()
    results = json.loads((Home.at(home).dbt_target / "run_results.json").read_text())["results"]
    found = {result["unique_id"]: result["status"] for result in results}
    found = {name: status for name, status in found.items() if name.startswith("unit_test.")}
    assert found == expected, ended.output
    assert ended.code == 0, ended.output
