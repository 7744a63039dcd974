"""Keeps the warehouse what landing says it is.

Belongs here: noticing a damaged, foreign or outdated warehouse before dbt writes to it. Does not belong here: repairing
one in place. Everything in it can be rebuilt from landing, so what can't be trusted is deleted.
"""

import hashlib
import time
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.home import CHECKOUT, Home
from orchestration.landing import receipts

WAIT_SECONDS = 60  # for a dbt process that outlives the run that was killed above it
DBT_PROJECT = CHECKOUT / "dbt_project"
MERGED_BY = ["models/raw/*.sql", "models/curated/event_versions.sql", "macros/*.sql"]


def prepare_warehouse(home: Home, as_of: datetime, known_at: datetime | None = None) -> str | None:
    """Delete the warehouse unless it agrees with the landing receipts; returns why it was deleted, or None.

    Then write down in it what its history is merged by, so that another SQL or knowledge date starts anew, and the
    dates of this build, so that what is published says what was built.
    """
    stamp = _stamp(known_at)
    fault = _fault(home, stamp) if home.warehouse.exists() else None
    if fault:
        home.warehouse.unlink()
    if not home.warehouse.exists():
        home.warehouse.with_name(home.warehouse.name + ".wal").unlink(missing_ok=True)
    with connect_when_free(home.warehouse) as db:
        db.execute(
            "create or replace table main.build as "
            "select $1 as merged_by, cast($2 as timestamptz) as as_of, cast($3 as timestamptz) as known_at, "
            "false as is_checked",
            [stamp, as_of, known_at],
        )
    return fault


def approve_build(home: Home) -> None:
    """Write down that every check of this build has passed: only then may it be published."""
    with connect_when_free(home.warehouse) as db:
        db.execute("update main.build set is_checked = true")


def connect_when_free(path: Path, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a warehouse, waiting for a process that still has it open; raises duckdb.IOException after a minute.

    Read-only, it is attached to a database in memory, so that other files can be written beside it.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            if not read_only:
                return duckdb.connect(str(path))
            db = duckdb.connect()
            db.execute("attach '{}' as warehouse (read_only)".format(str(path).replace("'", "''")))
            db.execute("use warehouse")
            return db
        except duckdb.IOException as error:
            if "lock" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _stamp(known_at: datetime | None) -> str:
    digest = hashlib.sha256(str(known_at).encode())
    for pattern in MERGED_BY:
        for path in sorted(DBT_PROJECT.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _fault(home: Home, stamp: str) -> str | None:
    """Why the warehouse can't be trusted; None when it can. Batches it lacks are no fault: dbt merges them next."""
    try:
        with connect_when_free(home.warehouse) as db:
            if db.execute("select merged_by from main.build").fetchall() != [(stamp,)]:
                return "its history was merged by other SQL or for another knowledge date"
            tables = db.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            # every column of every table is read: a damaged block must show now and not in the middle of a build
            for schema, table in tables:
                db.execute(f'select bit_xor(hash(t)) from "{schema}"."{table}" as t').fetchall()
            if ("curated", "event_versions") not in tables:
                return None
            merged = db.execute("select batch_id, count(*) from curated.event_versions group by batch_id").fetchall()
    except duckdb.Error as error:
        return f"it can't be read: {str(error).splitlines()[0]}"
    landed = {r["batch_id"]: r["rows_landed"] for r in receipts(home)}
    wrong = [batch for batch, count in merged if landed.get(batch) != count]
    return f"it holds other rows than landing does for {len(wrong)} batches, first {wrong[0]}" if wrong else None
