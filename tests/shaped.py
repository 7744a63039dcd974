"""Runs the compiled dbt models on made-up events in an in-memory DuckDB: every curated and authoritative table in about
a second, without landing, dbt or a file.

Belongs here: compiling once, events in, tables out. Does not belong here: any expectation.
"""

import hashlib
import importlib.util
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType

import duckdb
import pyarrow as pa
from conftest import once_a_session
from oracles.pace import Product
from pipeline import compile_project

from orchestration.build.builds import Build
from orchestration.contracts.odcs import load_layer
from orchestration.home import Home
from orchestration.landing.quarantine import refused_rows
from orchestration.pulse import group_figures

DBT_PROJECT = Path(__file__).parent.parent / "dbt_project"
AS_OF = "2026-01-01T00:00:00+00:00"
DAY = 86_400_000_000  # microseconds
# the declared tables that dbt knows
DECLARED = (
    "process_changes",
    "source_timezones",
    "domains",
    "capabilities",
    "product_costs",
    "initiatives",
    "initiative_kpis",
    "initiative_products",
    "tenet_assessments",
)
PACE_TABLES = ("leading_metrics_monthly", "time_to_value", "flywheel_scorecard")
WHOLE_DAYS_ABOVE = 100_000  # data products
EVENTS = pa.schema(
    [
        ("event_type", pa.string()),
        ("data_product_id", pa.string()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("domain", pa.string()),
        ("consumer_domain", pa.string()),
        ("has_named_consumer", pa.bool_()),
        ("passed_count", pa.int64()),
        ("failed_count", pa.int64()),
        ("contract_version", pa.string()),
        ("named_consumer_domains", pa.list_(pa.string())),
        ("initiative", pa.string()),
        ("source", pa.string()),
        ("version_status", pa.string()),
        ("stage", pa.string()),
    ]
)


@dataclass(frozen=True)
class Model:
    """One compiled model: its schema, how it is built and from what."""

    name: str
    schema: str
    is_view: bool
    path: Path
    sql: str
    inputs: tuple[str, ...]


@cache
def manifest(as_of: str = AS_OF, north_star: str = "") -> dict:
    """What dbt says of the project, its models and tests compiled."""
    name = f"compiled-{hashlib.sha256(f'{as_of} {north_star}'.encode()).hexdigest()[:16]}"
    target = once_a_session(name, lambda target: compile_project(target, as_of, north_star))
    return json.loads((target / "manifest.json").read_text())


def _nodes(as_of: str, north_star: str) -> list[dict]:
    """dbt's models and tests, compiled."""
    return list(manifest(as_of, north_star)["nodes"].values())


@cache
def compiled(as_of: str = AS_OF, north_star: str = "") -> dict[str, Model]:
    """{name: model} in an order in which they can be built; `north_star` is that section of flywheel.yml as YAML."""
    models = {node["name"]: _model(node) for node in _nodes(as_of, north_star) if node["resource_type"] == "model"}
    return _in_order({name: model for name, model in models.items() if model.schema != "raw"})


@cache
def with_raw(as_of: str = AS_OF) -> dict[str, Model]:
    """{name: model} of the models in SQL, the raw ones too, in an order in which they can be built."""
    models = {node["name"]: _model(node) for node in _nodes(as_of, "") if node["resource_type"] == "model"}
    in_python = {name for name, model in models.items() if not model.sql}
    read_them = {name for name, model in models.items() if in_python & {*model.inputs}}
    return _in_order({name: model for name, model in models.items() if name not in in_python | read_them})


@cache
def publication_rules(as_of: str = AS_OF, north_star: str = "") -> dict[str, str]:
    """{name: SQL that finds what breaks it} of dbt's tests of these models: what stops a publication."""
    tests = [node for node in _nodes(as_of, north_star) if node["resource_type"] == "test"]
    models = compiled(as_of, north_star)
    return {test["name"]: test["compiled_code"] for test in tests if {*_model(test).inputs} <= models.keys()}


def _model(node: dict) -> Model:
    nodes = [key for key in node["depends_on"]["nodes"] if not key.startswith("source.")]  # named as their raw models
    inputs = tuple(key.rpartition(".")[2] for key in nodes)
    path = DBT_PROJECT / node["original_file_path"]
    sql = node["compiled_code"] if path.suffix == ".sql" else ""
    return Model(node["name"], node["schema"], node["config"]["materialized"] == "view", path, sql, inputs)


def _in_order(models: dict[str, Model]) -> dict[str, Model]:
    ordered: dict[str, Model] = {}
    while len(ordered) < len(models):
        for name, model in models.items():
            if name not in ordered and all(i in ordered for i in model.inputs if i in models):
                ordered[name] = model
    return ordered


def instant(days: float) -> int:
    """Microseconds since 1970 of so many days before AS_OF."""
    return 1_767_225_600_000_000 - round(days * DAY)


def event(event_type: str, data_product_id: str, days: float, **columns) -> dict:
    """An event `days` before AS_OF."""
    return {"event_type": event_type, "data_product_id": data_product_id, "occurred_at": instant(days), **columns}


@contextmanager
def empty_warehouse(threads: int = 1, changes: Iterable[tuple[str, str]] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory warehouse with the project's declared tables; `changes` are (date, note) of declared changes."""
    with duckdb.connect(config={"threads": threads}) as db:
        db.execute("attach ':memory:' as warehouse; use warehouse; set TimeZone = 'UTC'")
        for schema in ("raw", "curated", "authoritative", "declared"):
            db.execute(f"create schema {schema}")
        _put_seeds(db)
        put_declared(db, {})
        for day, note in changes:
            db.execute("insert into declared.process_changes values ($1, $2)", [day, note])
        yield db


def _put_seeds(db: duckdb.DuckDBPyConnection) -> None:
    types = ["BOOLEAN", "INTEGER", "DOUBLE", "DATE", "VARCHAR"]  # dbt's
    for path in (DBT_PROJECT / "seeds" / "declared").glob("*.csv"):
        db.execute(f"create table declared.{path.stem} as from read_csv('{path}', auto_type_candidates = {types})")


def put_declared(db: duckdb.DuckDBPyConnection, declared: dict[str, list[dict]]) -> None:
    """Replace the declared tables that dbt knows by these rows; a table that is not named has none."""
    for name in DECLARED:
        schema = pa.schema([(p.name, p.arrow_type) for p in load_layer("declared")[name].properties])
        _replace(db, name, pa.Table.from_pylist(declared.get(name, []), schema))
    answers = load_layer("declared")["pulse_answers"]
    schema = pa.schema([(p.name, p.arrow_type) for p in answers.properties])
    _replace(db, "pulse_figures", group_figures(pa.Table.from_pylist(declared.get("pulse_answers", []), schema)))


def _replace(db: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    db.register("rows_of_people", table)
    db.execute(f"create or replace table declared.{name} as from rows_of_people")
    db.unregister("rows_of_people")


def put_events(db: duckdb.DuckDBPyConnection, events: list[dict]) -> None:
    """Events, current unless `version_status` says otherwise, as raw and curated tables that the models read."""
    rows = [{name: event.get(name) for name in EVENTS.names} for event in events]
    db.register("sent", pa.Table.from_pylist(rows, EVENTS))
    db.register("refused", nothing_refused())
    db.execute(
        """
        create table curated.event_versions as
        select
            'e' || row_number() over () as event_id, * replace (
                coalesce(source, 'source') as source, coalesce(version_status, 'current') as version_status
            ),
            null as title,
            null as source_ref, null as attributes,
            occurred_at as recorded_at, 0 as revision, false as is_retracted, false as is_assumed_utc,
            false as is_assumed_time,
            'batch' as batch_id, row_number() over () as line_number,
            false as is_recorded_at_sent, false as is_conflicting
        from sent;
        create table raw.batch_receipts as
        select 'batch' as batch_id, 'events.jsonl' as file_name, now() as landed_at, count(*) as rows_read,
            count(*) as rows_landed, 0 as rows_quarantined
        from sent;
        create table raw.rows_refused as from refused;
        """
    )
    db.unregister("sent")
    db.unregister("refused")


def put_table(db: duckdb.DuckDBPyConnection, name: str, made: list[dict], schema: pa.Schema) -> None:
    """A curated table of these rows."""
    db.register("made", pa.Table.from_pylist(made, schema))
    db.execute(f"create table curated.{name} as from made")
    db.unregister("made")


def nothing_refused() -> pa.Table:
    """The refused rows of a home that has none, as a build holds them."""
    with tempfile.TemporaryDirectory() as folder:
        return refused_rows(Home(Path(folder)))


def build_models(db: duckdb.DuckDBPyConnection, models: dict[str, Model], names: Iterable[str] | None = None) -> None:
    """Build the models that are not there yet, all of them or those named, in order."""
    there = set(db.execute("select table_schema, table_name from information_schema.tables").fetchall())
    for name in models if names is None else (m for m in models if m in set(names)):
        model = models[name]
        if (model.schema, name) in there:
            continue
        if model.sql:
            kind = "view" if model.is_view else "table"
            db.execute(f"create {kind} {model.schema}.{name} as {model.sql}")
        else:
            rows = python_model(model.path).model(_Dbt(db, models), None)
            db.register("made", rows)
            db.execute(f"create table {model.schema}.{name} as from made")
            db.unregister("made")


def build_compiled(home: Home, build: Build) -> None:
    """Build every model into a build, as dbt compiled it, at the build's as_of; no check of dbt runs."""
    models = _in_order({node["name"]: _model(node) for node in _nodes(AS_OF, "") if node["resource_type"] == "model"})
    compiled_in = re.findall(r"read_parquet\('(.*)/landing/", models["ideas_logged"].sql)[0]
    changed = {AS_OF: build.dates.as_of.isoformat(), compiled_in: str(home.root)}
    home.dbt_target.mkdir()
    (home.dbt_target / "manifest.json").write_text(json.dumps(manifest()))
    with duckdb.connect() as db:
        db.execute(f"attach '{build.path}' as warehouse; use warehouse; set TimeZone = 'UTC'")
        for schema in ("raw", "curated", "authoritative"):
            db.execute(f"create schema {schema}")
        _put_seeds(db)
        build_models(db, _changed(models, changed))


@cache
def python_model(path: Path) -> ModuleType:
    """The module of a dbt model in Python."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Dbt:
    """What a Python model sees of dbt."""

    def __init__(self, db: duckdb.DuckDBPyConnection, models: dict[str, Model]):
        self._db, self._models = db, models

    def ref(self, name: str):
        schema = self._models[name].schema if name in self._models else "declared"  # where the seeds are
        return self._db.table(f"{schema}.{name}")


def rows(db: duckdb.DuckDBPyConnection, query: str) -> list[dict]:
    """The rows of a query, each a dictionary."""
    found = db.execute(query)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@contextmanager
def shaped(
    events: list[dict],
    changes=(),
    north_star="",
    as_of=AS_OF,
    threads=1,
    declared: dict[str, list[dict]] | None = None,
    tables: Iterable[str] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every table of the project, or `tables` and all they need, built from these events and declared rows."""
    models = compiled(as_of, north_star)
    with empty_warehouse(threads, changes) as db:
        if declared:
            put_declared(db, declared)
        put_events(db, events)
        build_models(db, models, None if tables is None else _needed(models, tables))
        yield db


def _needed(models: dict[str, Model], tables: Iterable[str]) -> set[str]:
    """The names of these tables and of all that they are built from."""
    needed, missing = set(), set(tables)
    while missing:
        needed |= missing
        missing = {name for table in missing for name in models[table].inputs if name in models} - needed
    return needed


@contextmanager
def paced(
    products: Iterable[Product],
    changes=(),
    as_of=AS_OF,
    timezone="UTC",
    tables=PACE_TABLES,
    whole_days_above=WHOLE_DAYS_ABOVE,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which these tables, and all they need, are built from the products' events.

    Ages are whole days above `whole_days_above` data products.
    """
    changed = {AS_OF: as_of, "'UTC'": f"'{timezone}'", f"> {WHOLE_DAYS_ABOVE}": f"> {whole_days_above}"}
    models = _changed(compiled(), changed)
    with empty_warehouse(changes=changes) as db:
        put_events(db, [row for number, product in enumerate(products) for row in product.events(number)])
        build_models(db, models, _needed(models, tables))
        yield db


def _changed(models: dict[str, Model], texts: dict[str, str]) -> dict[str, Model]:
    """The models with these texts of their SQL replaced: {old: new}."""
    changed = {}
    for name, model in models.items():
        sql = model.sql
        for old, new in texts.items():
            sql = sql.replace(old, new)
        changed[name] = replace(model, sql=sql)
    return changed
