"""The serving asset: publishes what passed every check, in one swap."""

import dagster as dg

from orchestration.build import builds
from orchestration.build.builds import Build, BuildError
from orchestration.contracts.odcs import load_layer
from orchestration.defs.resources import AnalysisDates, published_daily
from orchestration.progress import report
from orchestration.publish.serving import DRILL_DOWN, publish_serving

UPSTREAM = [["authoritative", name] for name in load_layer("authoritative")] + [
    ["curated", name] for name in DRILL_DOWN
]


@dg.asset(
    key=["serving", "serving_duckdb"],
    group_name="serving",
    deps=[dg.AssetKey(key) for key in UPSTREAM],
    kinds={"duckdb"},
    owners=["team:data-office"],
    pool="home",
    freshness_policy=published_daily(),
    description=(
        "The read-only DuckDB file people query, and the same tables as Parquet; swapped in whole. It is always a copy "
        "of the latest whole build that passed every check, whatever else this run materializes."
    ),
)
def serving_duckdb(context: dg.AssetExecutionContext, dates: AnalysisDates) -> dg.MaterializeResult:
    """Copy the checked tables into a new serving file, read it back, and swap it in."""
    report("publishing", "writing the serving file")
    try:
        build = _approved(context.run_id, dates)
        counts = publish_serving(dates.home, build, context.run_id)
    except BuildError as error:
        raise dg.Failure(str(error)) from error
    report("publishing", f"{len(counts)} tables published", is_end=True)
    rows = [dg.TableRecord({"table": name, "rows": count}) for name, count in counts.items()]
    serving = dates.folder.serving
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(counts.values()),
            "build": build.id,
            "path": dg.MetadataValue.path(serving),
            "bytes": serving.stat().st_size,
            "preview": dg.MetadataValue.table(
                rows, dg.TableSchema([dg.TableColumn("table", "string"), dg.TableColumn("rows", "int")])
            ),
        }
    )


def _approved(run_id: str, dates: AnalysisDates) -> Build:
    """This run's build, else the last approved one; raises BuildError where neither may be published."""
    mine = builds.of_run(dates.home, run_id)
    if mine and mine.is_approved:
        return mine
    last = builds.last_approved(dates.home)
    if last is None or dates.dates.name:
        raise BuildError(f"No whole build with these dates has passed its checks. {builds.PUBLISH}")
    return last
