"""The dbt assets: raw, curated and authoritative in one step.

`@dbt_assets` rather than DbtProjectComponent: it loads three times faster and runs dbt on the project itself, where the
component runs it on a copy.
"""

import os
from collections.abc import Iterator
from importlib.metadata import version

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets
from packaging.version import Version

from orchestration.defs.resources import AnalysisDates
from orchestration.home import Home
from orchestration.progress import tell
from orchestration.transform import BUILD, DBT, dbt_environment, fresh_manifest, tables_at_a_glance
from orchestration.warehouse import DBT_PROJECT, approve_build, prepare_warehouse


class Dbt(DbtCliResource):
    """dbt without what dagster-dbt does before each run: 5 s, and `dbt --version`, which asks
    the package index for a newer one."""

    @property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args) -> None:
        """No adapter: it is for column metadata, which the contracts give."""


class BuildConfig(dg.Config):
    """How to build."""

    full_refresh: bool = False


@dbt_assets(manifest=fresh_manifest(Home.at()), name="transform", pool="warehouse")
def transform(context: dg.AssetExecutionContext, config: BuildConfig, dates: AnalysisDates):
    """Shape the landed events: dbt build, with its tests as checks; any failing test stops publication."""
    home = Home.at()
    as_of, known_at = dates.resolve(home)
    with home.lock():
        tell("shaping", "looking the warehouse over")
        fault = prepare_warehouse(home, as_of, known_at)
        if fault:
            context.log.warning(f"The warehouse is rebuilt from landing: {fault}.")
            tell("shaping", f"rebuilding the warehouse from landing: {fault}")
        os.environ.update(dbt_environment(home, as_of, known_at))
        dbt = Dbt(project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=DBT)
        arguments = [*BUILD, *(["--full-refresh"] if config.full_refresh else [])]
        invocation = dbt.cli(arguments, context=context, target_path=home.dbt_target)
        yield from _described(home, invocation.stream())


def _described(home: Home, events: Iterator) -> Iterator:
    """dbt's events with row counts and previews, which can be read only once dbt has let go of the warehouse."""
    seen, failure = [], None
    try:
        for event in events:
            seen.append(event)
            tell("shaping", f"{len(seen)} tables and checks done")
    except Exception as error:  # dbt's own, raised again below, after what did succeed has been told
        failure = error
    built = [event for event in seen if isinstance(event, dg.Output)]
    glance = tables_at_a_glance(home, [_table(event) for event in built])
    for event in seen:
        if isinstance(event, dg.Output) and _table(event) in glance:
            rows, preview = glance[_table(event)]
            about = {"dagster/row_count": rows, "preview": dg.MetadataValue.md(preview)}
            event = event.with_metadata({**event.metadata, **about})
        yield event
    if failure:
        raise failure
    approve_build(home)
    tell("shaping", f"{len(built)} tables built, {len(seen) - len(built)} checks passed", is_end=True)


def _table(event: dg.Output) -> tuple[str, str]:
    """(schema, table): the asset key, as the output is named by it."""
    schema, table = event.output_name.split("__", 1)
    return schema, table
