"""The serving asset: publishes what passed every check, in one swap."""

import dagster as dg

from orchestration.contracts import load_layer
from orchestration.home import Home
from orchestration.progress import tell
from orchestration.serving import DRILL_DOWN, publish_serving

UPSTREAM = [["authoritative", name] for name in load_layer("authoritative")] + [
    ["curated", name] for name in DRILL_DOWN
]


@dg.asset(
    key=["serving", "serving_duckdb"],
    group_name="serving",
    deps=[dg.AssetKey(key) for key in UPSTREAM],
    kinds={"duckdb"},
    owners=["team:data-office"],
    pool="warehouse",
    description="The read-only DuckDB file people query, and the same tables as Parquet; swapped in whole.",
)
def serving_duckdb(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Copy the checked tables into a new serving file, read it back, and swap it in."""
    home = Home.at()
    with home.lock():
        tell("publishing", "writing the serving file")
        counts = publish_serving(home, context.run_id)
    tell("publishing", f"{len(counts)} tables published", is_end=True)
    rows = [dg.TableRecord({"table": name, "rows": count}) for name, count in counts.items()]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(counts.values()),
            "path": dg.MetadataValue.path(home.serving),
            "bytes": home.serving.stat().st_size,
            "preview": dg.MetadataValue.table(
                rows, dg.TableSchema([dg.TableColumn("table", "string"), dg.TableColumn("rows", "int")])
            ),
        }
    )
