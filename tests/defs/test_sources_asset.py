"""The sources in Dagster: an asset each, upstream of landing; one that fails stops neither its siblings nor landing."""

import os

import dagster as dg
import pytest

from orchestration.defs import sources as of_sources
from orchestration.defs.resources import AnalysisDates, PulledSources
from orchestration.home import Home


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    monkeypatch.setenv("FLYWHEEL_HOME", str(tmp_path / "home"))
    home = Home.at()
    home.sources.mkdir()
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "a.jsonl").write_text('{"id": "1"}\n')

    os.utime(exports / "a.jsonl", (1_700_000_000, 1_700_000_000))
    (home.sources / "crm.yml").write_text(f"kind: files\nwhere: {exports}\nschedule: 15 * * * *\n")
    (home.sources / "crm.sql").write_text("select body->>'id' as event_id, 'deployed' as event_type from records")
    (home.sources / "erp.yml").write_text("kind: files\nwhere: /nowhere\n")
    keys = {name: dg.AssetKey(["sources", name]) for name in ("crm", "erp")}
    monkeypatch.setattr(of_sources, "SOURCES", keys)
    return home


def test_each_source_is_pulled_and_the_check_of_a_failing_one_says_what_to_do(home):
    found = of_sources.sources()

    @dg.asset(deps=[["sources", "crm"], ["sources", "erp"]])
    def landing():
        return [path.name for path in home.inbox.iterdir()]

    result = dg.materialize([*found.assets, landing], resources={"dates": AnalysisDates(), "sources": PulledSources()})
    assert result.success
    assert result.output_for_node("landing") == ["crm-000001.jsonl"]
    checks = {check.asset_key.path[1]: check for check in result.get_asset_check_evaluations()}
    assert checks["crm"].passed and checks["crm"].description == "crm: 1 records, 1 events, 1 new"
    assert not checks["erp"].passed and checks["erp"].severity == dg.AssetCheckSeverity.WARN
    assert "/nowhere is no folder; correct `where` in erp.yml" in checks["erp"].description
    [made] = [e for e in result.get_asset_materialization_events() if e.asset_key.path[-1] == "crm"]
    shown = made.step_materialization_data.materialization.metadata
    assert {name: value.value for name, value in shown.items()}["new"] == 1


def test_a_schedule_is_the_one_that_the_file_declares(home):
    [schedule] = of_sources.sources().schedules
    assert (schedule.name, schedule.cron_schedule) == ("pull_crm", "15 * * * *")
