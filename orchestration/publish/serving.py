"""Publishes the authoritative tables: one read-only DuckDB file, swapped in whole, and the same tables as Parquet.

Belongs here: copying, describing, verifying and swapping. Does not belong here: computing anything that is served, the
Parquet files.
Readers keep the file they have open; the next one to open gets the new one; nobody sees a half-written one.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.build import builds
from orchestration.build.builds import Build, one_row, sql_text
from orchestration.build.dbt import reading
from orchestration.contracts.odcs import load_layer
from orchestration.home import Home, new_folder, publish, seal, swap_folder
from orchestration.publish import record
from orchestration.publish.parquet import write_tables

STORAGE_VERSION = "v1.4.0"  # DuckDB 1.4 and every later one can read it
# curated tables that are served too, to drill down: {name: (the columns it is sorted by, the rows that are served)}
DRILL_DOWN = {
    "data_products": (("data_product_id",), "true"),
    "product_initiatives": (("data_product_id", "initiative_id"), "true"),
    "adoptions": (("data_product_id", "consumer_domain"), "true"),
    "lifecycle_events": (
        ("data_product_id", "occurred_at", "source", "event_id"),
        "occurred_at <= (select as_of from main.build)",
    ),
    "data_quality_issues": ((), "true"),
    "quarantined_events": ((), "true"),
}


class PublicationError(RuntimeError):
    """The new serving file differs from the build; the last good one stays in place."""


@dataclass(frozen=True)
class ServedTable:
    """One served table; without `order` it is sorted by all its columns."""

    schema: str
    name: str
    order: tuple[str, ...]
    description: str
    columns: dict[str, str]  # name -> description
    where: str = "true"


PUBLICATION = ServedTable(
    "main",
    "publication",
    (),
    "One row: what the tables of this file are about.",
    {
        "as_of": "The analysis date: later events are ignored and open work is censored there.",
        "known_at": "The knowledge date: only what had been recorded by then counts; NULL counts all that has landed.",
        "is_sample": "Whether these are the made-up events of the sample organisation.",
        "data_through": "The latest event that counts.",
        "settings": "The settings that the figures depend on, as JSON: North Star, its k and days, reporting timezone.",
        "run_id": "The Dagster run that published this file; its log and checks are in the Dagster UI.",
    },
)


def publish_serving(home: Home, build: Build, run_id: str = "by hand") -> dict[str, int]:
    """Write, verify and swap in the serving file of an approved build and its Parquet twin; returns rows by table.

    They go into the folder of the build's dates. Raises BuildError for a build that differs from what was approved.
    """
    build.verify()
    published, tables = home.folder_for(build.dates), served_tables(home)
    published.root.mkdir(parents=True, exist_ok=True)
    temporary = published.serving.with_name(f".{published.serving.name}.tmp")
    for path in (temporary, temporary.with_name(temporary.name + ".wal")):
        path.unlink(missing_ok=True)
    counts = _copy(build, tables, temporary, run_id)
    _verify(temporary, tables, counts)
    seal(temporary)
    parquet = _write_parquet(published.serving_parquet, temporary)
    record.tables_change(published)
    publish(temporary, published.serving)
    swap_folder(published.serving_parquet, parquet)
    record.tables_are_published(published, build)
    builds.sweep(home)
    return counts


def served_tables(home: Home) -> list[ServedTable]:
    """What is served, described by the contracts and, for the drill-down tables, by dbt's manifest."""
    authoritative = [
        ServedTable(
            "authoritative", c.name, tuple(c.grain), c.description, {p.name: p.description for p in c.properties}
        )
        for c in load_layer("authoritative").values()
    ]
    nodes = json.loads((home.dbt_target / "manifest.json").read_text())["nodes"]
    curated = []
    for name, (order, where) in DRILL_DOWN.items():
        node = nodes[f"model.flywheel.{name}"]
        columns = {column["name"]: column["description"] for column in node["columns"].values()}
        curated.append(ServedTable("curated", name, order, node["description"], columns, where))
    return authoritative + curated


def _copy(build: Build, tables: list[ServedTable], temporary: Path, run_id: str) -> dict[str, int]:
    with reading(build) as db:
        # 5,000,000 events are sorted in 14 CPU-s and 1.1 GB; without a limit in as many, and 2.4 GB
        db.execute("set memory_limit = '1GB'")
        db.execute(f"set temp_directory = {sql_text(f'{build.path}.tmp')}")
        db.execute(f"attach {sql_text(temporary)} as serving (storage_version '{STORAGE_VERSION}')")
        db.execute("begin")
        for schema in sorted({t.schema for t in tables}):
            db.execute(f"create schema serving.{schema}")
        counts = {f"{t.schema}.{t.name}": _copy_table(db, t) for t in tables}
        _describe_publication(db, run_id)
        db.execute("commit")
        db.execute("checkpoint serving")
        db.execute("detach serving")
    return counts


def _copy_table(db: duckdb.DuckDBPyConnection, table: ServedTable) -> int:
    name = f"{table.schema}.{table.name}"
    order = ", ".join(table.order) or "all"
    db.execute(f"create table serving.{name} as select * from {name} where {table.where} order by {order}")
    _comment(db, table)
    return one_row(db.execute(f"select count(*) from {name} where {table.where}"))[0]


def _comment(db: duckdb.DuckDBPyConnection, table: ServedTable) -> None:
    name = f"serving.{table.schema}.{table.name}"
    db.execute(f"comment on table {name} is {sql_text(table.description)}")
    for column, description in table.columns.items():
        db.execute(f"comment on column {name}.{column} is {sql_text(description)}")


def _describe_publication(db: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """One row about the file's tables; no wall clock, so only run_id differs between runs."""
    db.execute(
        """
        create table serving.main.publication as
        select
            as_of,
            known_at,
            is_sample,
            (select max(occurred_at) from curated.lifecycle_events where occurred_at <= as_of) as data_through,
            settings,
            cast($1 as varchar) as run_id
        from main.build
        """,
        [run_id],
    )
    _comment(db, PUBLICATION)


def _verify(path: Path, tables: list[ServedTable], counts: dict[str, int]) -> None:
    """Read every column of the finished file back; raises PublicationError."""
    with duckdb.connect() as db:
        db.execute(f"attach {sql_text(path)} as serving (read_only)")
        for table in tables:
            name = f"{table.schema}.{table.name}"
            count, _ = one_row(db.execute(f"select count(*), bit_xor(hash(t)) from serving.{name} as t"))
            if count != counts[name]:
                raise PublicationError(f"{name}: {count} rows in the new serving file, {counts[name]} in the build")


def _write_parquet(link: Path, serving: Path) -> Path:
    folder = new_folder(link)
    write_tables(serving, folder, ("authoritative", "curated", "main"))
    return folder
