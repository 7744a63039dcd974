"""Reads the tables that were kept with an earlier month's pages, and the same ones of today to compare.

Belongs here: which kept tables are read, and tolerance of months that were kept by another version: a table, or a
column, that a month lacks is no row. Does not belong here: writing the archive, words.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from dashboard.rows import Row, select

Tables = dict[str, list[Row]]  # rows by name of table
FOLDER = "tables"  # in the folder of a month
COMPARED = {  # {table: which of its rows}
    "metric_verdicts": "where domain = 'all'",
    "queues": "where domain = 'all'",
    "domain_scorecard": "",
    "north_star_target": "",
}
LISTED = {
    "north_star_monthly": "",
    "metric_definitions": "",
    "metric_verdicts": "where domain = 'all'",
    "time_to_value": "where domain = 'all' and cohort = 'all' and estimator = 'incidence'",
}


@dataclass(frozen=True)
class Comparison:
    """The tables of COMPARED as the page of an earlier month showed them, and as they are now."""

    month_starting: date  # of the earlier page
    before: Tables
    now: Tables


def compare(db: duckdb.DuckDBPyConnection, archive: Path | None, month_starting: date | None) -> Comparison | None:
    """Today's tables and those of the latest month kept before `month_starting`; None where no month has tables."""
    if archive is None or month_starting is None:
        return None
    months = [name for name in kept_months(archive) if name < f"{month_starting:%Y-%m}"]
    with_tables = [name for name in months if (archive / name / FOLDER).is_dir()]
    if not with_tables:
        return None
    name = with_tables[-1]
    before, now = read_kept(archive / name, COMPARED), _read(db, COMPARED, {t: f"authoritative.{t}" for t in COMPARED})
    return Comparison(date.fromisoformat(f"{name}-01"), before, now)


def kept_months(archive: Path) -> list[str]:
    """The names of the months that are kept ("2025-12"), in order."""
    return sorted(path.name for path in archive.glob("[0-9][0-9][0-9][0-9]-[01][0-9]") if path.is_dir())


def read_kept(month: Path, wanted: dict[str, str]) -> Tables:
    """The rows of `wanted`, {table: which rows}, that were kept in the folder of a month."""
    folder = str(month / FOLDER).replace("'", "''")
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        return _read(db, wanted, {table: f"read_parquet('{folder}/{table}.parquet')" for table in wanted})


def _read(db: duckdb.DuckDBPyConnection, wanted: dict[str, str], sources: dict[str, str]) -> Tables:
    tables: Tables = {}
    for table, where in wanted.items():
        try:
            tables[table] = select(db, f"from {sources[table]} {where} order by all")
        except (duckdb.IOException, duckdb.BinderException, duckdb.CatalogException, duckdb.InvalidInputException):
            tables[table] = []  # not kept, or damaged, or without a column that chooses its rows
    return tables
