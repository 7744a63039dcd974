"""The compiled models over landing tables in memory: what becomes of rows that have landed, without a file or a run.

Belongs here: batches of events in, tables out. Does not belong here: any expectation.
"""

import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from shaped import AS_OF, DBT_PROJECT, nothing_refused, put_declared, rows, with_raw

from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing.batch import prepare_landing

FIRST_LANDING = datetime(2025, 1, 6, tzinfo=UTC)


class Warehouse:
    """The models over landing tables in memory, as of `as_of`."""

    def __init__(self, as_of: str = AS_OF):
        self.models = with_raw(as_of)
        self.contracts = load_layer("landing")
        self.db = duckdb.connect()
        self.db.execute("set TimeZone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
        for schema in ("landing", "raw", "curated", "authoritative", "declared"):
            self.db.execute(f"create schema {schema}")
        for seed in (DBT_PROJECT / "seeds" / "declared").glob("*.csv"):
            self.db.execute(f"create table declared.{seed.stem} as from read_csv('{seed}')")
        put_declared(self.db, {})
        with tempfile.TemporaryDirectory() as folder:
            home = Home(Path(folder))
            prepare_landing(home, self.contracts)
            self.schemas = {path.parent.name: pq.read_schema(path) for path in home.landing.glob("*/_empty.parquet")}
        self.schemas["quarantined_events"] = nothing_refused().schema
        for name, schema in self.schemas.items():
            empty = schema.empty_table()  # noqa: F841 - the SQL reads it by name
            self.db.execute(f"create table landing.{name} as from empty")
        for model in self.models.values():
            if model.schema == "raw":
                sql = re.sub(r"read_parquet\('[^']*/landing/(\w+)/[^)]*\)", r"landing.\1", model.sql)
                self.db.execute(f"create view raw.{model.name} as {sql}")

    def start_again(self) -> None:
        for name in self.schemas:
            self.db.execute(f"delete from landing.{name}")

    def land(self, batches: dict[str, list[dict]]) -> None:
        """Make batches visible, as landing would, one a day in this order."""
        for day, (batch, events) in enumerate(batches.items()):
            for name, contract in self.contracts.items():
                rows = [
                    self._landed(event, contract, batch, i)
                    for i, event in enumerate(events)
                    if event["event_type"] in contract.event_types
                ]
                self._insert(name, rows)
            counts = {"rows_read": len(events), "rows_landed": len(events), "rows_quarantined": 0}
            self._insert(
                "batches",
                [{"batch_id": batch, "file_name": batch, "landed_at": FIRST_LANDING + timedelta(days=day), **counts}],
            )

    def _landed(self, event: dict, contract, batch: str, i: int) -> dict:
        own = {p.name: event.get(p.name, p.default) for p in contract.properties}
        if column := contract.custom.get("eventTypeColumn"):
            own[column] = event["event_type"]
        own["occurred_at"] = datetime.fromisoformat(event["occurred_at"])
        if event.get("recorded_at"):
            own["recorded_at"] = datetime.fromisoformat(event["recorded_at"])
        return own | {
            "is_assumed_utc": False,
            "is_assumed_time": False,
            "batch_id": batch,
            "line_number": i,
            "row_number": i,
        }

    def _insert(self, table: str, rows: list[dict]) -> None:
        if rows:
            landed = pa.Table.from_pylist(rows, self.schemas[table])
            self.db.register("landed", landed)
            self.db.execute(f"insert into landing.{table} from landed")
            self.db.unregister("landed")

    def versions(self) -> list[dict]:
        """Every landed row with what became of it."""
        self.db.execute(f"create or replace table curated.event_versions as {self.models['event_versions'].sql}")
        return rows(self.db, "from curated.event_versions")

    def build(self) -> list[str]:
        """Build every table; returns their names, with the schema."""
        built = [model for model in self.models.values() if model.schema != "raw" and model.sql]
        for model in built:
            kind = "view" if model.is_view else "table"
            self.db.execute(f"create or replace {kind} {model.schema}.{model.name} as {model.sql}")
        return [f"{model.schema}.{model.name}" for model in built]
