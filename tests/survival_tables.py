"""Builds the models of time to value, all time, from data products made up as their moments.

Belongs here: products in, rows out. Does not belong here: any expectation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from oracles.survival import DAY, MOMENTS, SHARE_DAYS
from shaped import compiled

MODELS = {
    "product_intervals": ("curated", "view"),
    "survival_series": ("curated", "table"),
    "domain_logranks": ("curated", "table"),
    "domain_differences": ("curated", "table"),
    "risk_sets": ("curated", "view"),
    "survival_steps": ("curated", "table"),
    "estimator_figures": ("curated", "view"),
    "interval_estimates": ("curated", "table"),
    "time_to_value": ("authoritative", "table"),
    "time_to_value_curve": ("authoritative", "table"),
}
KEY = ["interval_id", "domain", "cohort", "estimator"]
SENT = pa.schema([("domain", pa.string()), *((name, pa.int64()) for name in MOMENTS)])
AS_OF = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


class Compiled(dict):
    def __repr__(self) -> str:  # hypothesis prints what it failed with
        return "models"


def compiled_models() -> Compiled:
    """{model: compiled SQL}, in the order in which they build."""
    return Compiled((name, compiled()[name].sql) for name in MODELS)


def product(domain="sales", **moments) -> tuple:
    """A data product whose moments are days before as_of: `product(idea_logged_at=10, deployed_at=4)`."""
    return domain, *(None if moments.get(m) is None else AS_OF - round(moments[m] * DAY) for m in MOMENTS)


def waiting(took=None, closed_after=None, age=100.0, domain="sales") -> tuple:
    """A data product `age` days old, deployed `took` days after its idea and closed after some more."""
    at = {"deployed_at": took, "closed_at": closed_after}
    return product(domain, idea_logged_at=age, **{m: age - after for m, after in at.items() if after is not None})


@dataclass(frozen=True)
class Built:
    """What the models made of some data products; each row a dictionary."""

    time_to_value: list[dict]
    time_to_value_curve: list[dict]
    survival_steps: list[dict]

    def figures(self, interval_id="idea_to_deployed", domain="all", estimator="incidence") -> dict:
        wanted = interval_id, domain, "all", estimator
        (row,) = (r for r in self.time_to_value if tuple(r[name] for name in KEY) == wanted)
        return row

    def steps(self, interval_id="idea_to_deployed", domain="all") -> list[dict]:
        wanted = interval_id, domain, "all"
        found = (r for r in self.survival_steps if tuple(r[name] for name in KEY[:3]) == wanted)
        return sorted(found, key=lambda row: row["elapsed_days"])

    def curve(self, interval_id="idea_to_deployed", domain="all") -> list[dict]:
        found = (r for r in self.time_to_value_curve if (r["interval_id"], r["domain"]) == (interval_id, domain))
        return sorted(found, key=lambda row: row["day"])


@contextmanager
def warehouse(models: Compiled, products: list[tuple], threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory warehouse in which everything is built from these data products."""
    with duckdb.connect(config={"threads": threads}) as db:
        db.execute("attach ':memory:' as warehouse; use warehouse; set TimeZone = 'UTC'")
        db.execute("create schema curated; create schema authoritative")
        columns = dict(zip(SENT.names, zip(*products, strict=True) if products else [[]] * 6, strict=True))
        db.register("sent", pa.table(columns, SENT))
        moments = ", ".join(f"make_timestamptz({name}) as {name}" for name in MOMENTS)
        db.execute(
            "create table curated.data_products as select 'p' || row_number() over () as data_product_id, '' as title, "
            f"domain, {moments}, if(closed_at is null, null, 'withdrawn') as close_reason, 'idea' as stage from sent"
        )
        # the pace of the trailing 180 days has its own tests, in test_pace.py
        shares = ", ".join(f"share_by_day_{day} double" for day in SHARE_DAYS)
        db.execute(
            "create table curated.current_pace (interval_id text, domain text, window_number int, "
            "product_count bigint, observed_count bigint, median_days double, median_at_risk_count bigint, "
            f"median_lower_days double, median_upper_days double, {shares}, p85_days double)"
        )
        for name, (schema, kind) in MODELS.items():
            db.execute(f"create {kind} {schema}.{name} as {models[name]}")
        yield db


def build(models: Compiled, products: list[tuple]) -> Built:
    with warehouse(models, products) as db:
        return Built(*(rows(db, table) for table in ("time_to_value", "time_to_value_curve", "survival_steps")))


def rows(db: duckdb.DuckDBPyConnection, table: str) -> list[dict]:
    found = db.execute(f"select * from {MODELS[table][0]}.{table}")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
