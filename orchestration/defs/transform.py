"""The dbt assets: raw, curated and authoritative in one step.

`@dbt_assets` rather than DbtProjectComponent: it loads three times faster and runs dbt on the project itself, where the
component runs it on a copy.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets
from dagster_dbt.asset_utils import DAGSTER_DBT_UNIQUE_ID_METADATA_KEY, default_description_fn

from orchestration.build import builds
from orchestration.build.builds import DBT_PROJECT, Build, BuildError
from orchestration.build.dbt import Node, dbt_environment, failing_rows, fresh_manifest, run_dbt, tables_at_a_glance
from orchestration.build.engines.environment import EngineError
from orchestration.build.engines.things import chosen_engine, is_thing, make_things
from orchestration.defs.resources import AnalysisDates
from orchestration.home import Dates, Home
from orchestration.progress import report
from orchestration.settings import load_settings

SCRATCH = "scratch, a copy of the last approved build: never published; 'Materialize all' builds anew and publishes"


class Prose(DagsterDbtTranslator):
    """Describes an asset by its model's description alone; its SQL is a code reference, not a part of it."""

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The model's description."""
        return default_description_fn(dbt_resource_props, display_raw_sql=False)

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """dbt's, of the kind of the home's engine where that makes the table."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if self._engine == "duckdb" or not is_thing(manifest["nodes"].get(unique_id, {})):
            return spec
        return spec.replace_attributes(kinds={"dbt", self._engine})

    @cached_property
    def _engine(self) -> str:
        return chosen_engine(Home.at())


@dbt_assets(
    manifest=fresh_manifest(Home.at()),
    name="transform",
    pool="home",
    project=DbtProject(DBT_PROJECT, profiles_dir=DBT_PROJECT),
    dagster_dbt_translator=Prose(DagsterDbtTranslatorSettings(enable_code_references=True)),
)
def transform(context: dg.AssetExecutionContext, dates: AnalysisDates) -> Iterator:
    """Shape the landed events: dbt build, with its tests as checks; any failing test stops publication.

    A run that lands and shapes everything writes a new build. Any other works on the scratch, at the scratch's dates.
    """
    home, unique_ids = dates.home, _unique_ids(context)
    mine = builds.of_run(home, context.run_id)
    is_whole = mine is not None and len(unique_ids) == len(_every_unique_id())
    build = mine if mine and is_whole else _scratch(home, dates.dates)
    about = {"build": SCRATCH if build.is_scratch else build.id, **_dates_in_words(build.dates)}
    selected = None if is_whole else _selectors(unique_ids)
    if is_whole:
        _make_things(home, build, about)
    nodes = run_dbt(home, build, build.dates, selected, lambda n: report("shaping", f"{n} tables and checks done"))
    yield from _results(context, build, nodes, unique_ids, about)
    if failed := [node for node in nodes if node.has_failed]:
        raise dg.Failure(_failed_nodes(failed))
    if is_whole:
        build.approve()
        shutil.rmtree(build.things, ignore_errors=True)  # the build has them now; the engine's log stays
    tables = sum(not node.is_test for node in nodes)
    report("shaping", f"{tables} tables built, {len(nodes) - tables} checks passed", is_end=True)


def _make_things(home: Home, build: Build, about: dict[str, str]) -> None:
    """Have the home's engine make the things, where it has one; raises Failure with what to do."""
    engine = load_settings(home).engine
    if engine.name == "duckdb":
        return
    about["engine"] = engine.name
    environment = dbt_environment(home, build, build.dates) | {"FLYWHEEL_THINGS": str(build.things)}
    try:
        make_things(home, build, engine, environment, lambda words: report("shaping", words))
    except EngineError as error:
        raise dg.Failure(str(error)) from error


def _scratch(home: Home, dates: Dates) -> Build:
    """The scratch; raises Failure where there is none, or where the run was given other dates than the scratch has."""
    if dates.name:
        raise dg.Failure(
            "Only a whole run can look back: a few assets are built into the scratch, at the dates of the build that "
            "it is a copy of. Leave as_of and known_at empty, or use 'Materialize all'."
        )
    try:
        return builds.scratch(home)
    except BuildError as error:
        raise dg.Failure(str(error)) from error


def _dates_in_words(dates: Dates) -> dict[str, str]:
    known = {"known_at": dates.known_at.isoformat()} if dates.known_at else {}
    return {"as_of": dates.as_of.isoformat(), **known}


def _every_unique_id() -> dict[str, dg.AssetKey | dg.AssetCheckKey]:
    """{dbt's id: Dagster's key} of every table and check; a run's own definition lacks the checks it left out."""
    assets = {spec.metadata[DAGSTER_DBT_UNIQUE_ID_METADATA_KEY]: spec.key for spec in transform.specs}
    checks = {spec.metadata[DAGSTER_DBT_UNIQUE_ID_METADATA_KEY]: spec.key for spec in transform.check_specs}
    return assets | checks


def _unique_ids(context: dg.AssetExecutionContext) -> dict[str, dg.AssetKey | dg.AssetCheckKey]:
    """The same of those that this run was asked for."""
    asked = context.selected_asset_keys | context.selected_asset_check_keys
    return {unique_id: key for unique_id, key in _every_unique_id().items() if key in asked}


def _selectors(unique_ids: Iterable[str]) -> list[str]:
    """dbt's selection of nodes: the name is the second last or last part of an id."""
    return [unique_id.split(".")[2] for unique_id in unique_ids]


def _results(
    context: dg.AssetExecutionContext, build: Build, nodes: list[Node], keys: dict[str, Any], about: dict[str, str]
) -> Iterator:
    """A materialization for each table, an evaluation for each test, in the order in which dbt ended them."""
    made = {node.unique_id: keys[node.unique_id] for node in nodes if not node.is_test and node.status == "success"}
    glance = tables_at_a_glance(build, [tuple(key.path) for key in made.values()])
    for node in nodes:
        if node.is_test and node.unique_id in keys and node.status != "skipped":
            key = keys[node.unique_id]
            promise = context.assets_def.get_spec_for_check_key(key).description or ""
            yield _check_result(build, node, key, promise, about)
        elif node.unique_id in made:
            rows, preview = glance.get(tuple(made[node.unique_id].path), (None, None))
            seen = {"dagster/row_count": rows, "preview": dg.MetadataValue.md(preview)} if preview else {}
            yield dg.MaterializeResult(asset_key=made[node.unique_id], metadata={**about, **seen})


def _failure_message(node: Node) -> str:
    if node.status == "error":
        return f"The check could not run: {node.message.strip()}"
    return f"{node.failing_rows:,} rows break it; the first are in the check's metadata."


def _check_result(
    build: Build, node: Node, key: dg.AssetCheckKey, promise: str, about: dict[str, str]
) -> dg.AssetCheckResult:
    has_passed = not node.has_failed and node.status != "warn"
    rows = {} if has_passed or node.status == "error" else {"rows": dg.MetadataValue.md(failing_rows(build, node.sql))}
    return dg.AssetCheckResult(
        passed=has_passed,
        asset_key=key.asset_key,
        check_name=key.name,
        description=None if has_passed else f"{promise} {_failure_message(node)}".strip(),
        severity=dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={**about, "failing_rows": node.failing_rows, **rows},
    )


def _failed_nodes(failed: list[Node]) -> str:
    words = "; ".join(f"{node.unique_id.split('.')[2]}: {node.message.strip()}" for node in failed[:5])
    return f"{len(failed)} of dbt's nodes failed: {words}"
