"""The landing assets: one step lands the inbox, and its checks show what was refused and why."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import duckdb

from orchestration.build import builds
from orchestration.build.builds import one_row
from orchestration.build.dbt import PREVIEW_ROWS, as_markdown
from orchestration.contracts.contract import Contract
from orchestration.contracts.odcs import load_layer
from orchestration.defs.inputs import INBOX, SOURCES
from orchestration.defs.resources import AnalysisDates
from orchestration.home import Home
from orchestration.landing import locks, quarantine, refusals
from orchestration.landing.land import land_inbox, release_memory
from orchestration.landing.receipts import EPOCH, receipts, visible_rows
from orchestration.landing.storage import StorageError
from orchestration.progress import report
from orchestration.sample.home import other_files

SHOWN_ROWS = 20
SHOWN_FILES = 5
TEXT_SHOWN = 300  # characters of a refused row
FEW_REFUSED = f"Of no file of the latest landing more than {refusals.MOST_REFUSED:.0%} of all rows are refused."
NOT_PUBLISHED = (
    "Nothing is published until the source sends the rows again, or a better file of {rows} rows or more; or a "
    "contract is changed and `flywheel replay` lands the rows; or `flywheel quarantine --dismiss FILE --note WHY` "
    "dismisses them."
)

CONTRACTS = load_layer("landing")


def _specs() -> Iterator[dg.AssetSpec]:
    for contract in CONTRACTS.values():
        yield dg.AssetSpec(
            ["landing", contract.name],
            deps=[INBOX, *SOURCES.values()],
            group_name="landing",
            description=f"{contract.purpose} {contract.description}",
            owners=[f"team:{contract.owner}"],
            kinds={"parquet", "greatexpectations"},
            metadata={"dagster/column_schema": _column_schema(contract), "contract_version": contract.version},
        )
    yield dg.AssetSpec(
        ["landing", "quarantined_events"],
        deps=[INBOX, *SOURCES.values()],
        group_name="landing",
        description=(
            "One row per refused row: reasons, file, line, original text. `flywheel quarantine` lists those that wait."
        ),
        owners=["team:data-engineering"],
        kinds={"parquet"},
    )
    yield dg.AssetSpec(
        ["landing", "batches"],
        deps=[INBOX, *SOURCES.values()],
        group_name="landing",
        description="One row per landed batch: its receipt, written last.",
        owners=["team:data-engineering"],
        kinds={"parquet"},
    )


def _column_schema(contract: Contract) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                p.name, p.logical_type, p.description, constraints=dg.TableColumnConstraints(nullable=not p.required)
            )
            for p in contract.properties
        ]
    )


def _check_specs() -> Iterator[dg.AssetCheckSpec]:
    for name in CONTRACTS:
        key = dg.AssetKey(["landing", name])
        yield dg.AssetCheckSpec("contract", asset=key, description="No row of this table waits in quarantine.")
        yield dg.AssetCheckSpec(
            "quarantine_share",
            asset=key,
            blocking=True,
            description="Of the latest batch, no more rows wait in quarantine than the contract's share.",
        )
        yield dg.AssetCheckSpec(
            "freshness", asset=key, description="Events still arrive as often as the contract promises."
        )
    batches = dg.AssetKey(["landing", "batches"])
    yield dg.AssetCheckSpec("files_readable", asset=batches, description="No unreadable file waits in quarantine.")
    yield dg.AssetCheckSpec(
        "rows_routed", asset=batches, description="No row without a known event type waits in quarantine."
    )
    yield dg.AssetCheckSpec(
        "quarantine_share",
        asset=batches,
        blocking=True,
        description=FEW_REFUSED,
    )
    yield dg.AssetCheckSpec(
        "accounting",
        asset=batches,
        blocking=True,
        description="Rows read = rows landed + rows quarantined, every batch.",
    )


@dg.multi_asset(specs=list(_specs()), check_specs=list(_check_specs()), pool="home", name="landing")
def land(context: dg.AssetExecutionContext, dates: AnalysisDates) -> Iterator:
    """Land the inbox: check each new file against the contracts, quarantine what breaks them, write receipts."""
    home = dates.home
    report("landing", "reading the inbox")
    if others := other_files(home):
        raise dg.Failure(others)
    try:
        new = land_inbox(home)
        if new:
            release_memory()
        landed = receipts(home)
        builds.begin(home, context.run_id, dates.dates, landed)
    except (ValueError, StorageError) as error:  # what people set or declared wrongly; S3
        raise dg.Failure(str(error)) from error
    refused = quarantine.refused_rows(home, TEXT_SHOWN, landed).drop_columns("landed_at").to_pylist()
    log_landed(context, new)
    report("landing", _summary(new), is_end=True)
    waiting = [row for row in refused if row["state"] == "waiting"]
    for contract in CONTRACTS.values():
        yield from _table_results(home, contract, dates.dates.as_of, landed, new, waiting)
    yield dg.MaterializeResult(
        asset_key=["landing", "quarantined_events"],
        metadata={
            "dagster/row_count": len(refused),
            "states": _counts_table("state", Counter(row["state"] for row in refused)),
            "reasons": _reasons_table(waiting),
            "rows": _rows_table(waiting),
        },
    )
    yield from _batch_results(new, landed, waiting)


def _table_results(
    home: Home, contract: Contract, as_of: datetime, landed: list[dict], new: list[dict], waiting: list[dict]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """One landing table and its checks; `waiting` are the rows that wait in quarantine, of every table."""
    preview, latest = _preview(home, contract.name, landed)
    rows = sum(json.loads(receipt["landed_by_table"]).get(contract.name, 0) for receipt in landed)
    yield dg.MaterializeResult(
        asset_key=["landing", contract.name], metadata={"dagster/row_count": rows, "preview": preview}
    )
    mine = [row for row in waiting if row["table_name"] == contract.name]
    yield _waiting_check(
        ["landing", contract.name],
        "contract",
        mine,
        new,
        "No row of this table waits in quarantine.",
        warnings=_warnings(contract.name, new),
    )
    yield _share_check(contract, landed, mine)
    yield _freshness_check(contract, latest, as_of)


def log_landed(context: dg.AssetExecutionContext | dg.OpExecutionContext, new: list[dict]) -> None:
    """A line in the run's log for each file that landed."""
    for receipt in new:
        context.log.info(
            f"{receipt['file_name']}: {receipt['rows_landed']} landed, {receipt['rows_quarantined']} quarantined"
        )


def _summary(new: list[dict]) -> str:
    if not new:
        return "nothing new in the inbox"
    landed, refused = sum(r["rows_landed"] for r in new), sum(r["rows_quarantined"] for r in new)
    return f"{len(new):,} files, {landed:,} rows landed, {refused:,} quarantined"


def _preview(home: Home, table: str, landed: list[dict]) -> tuple[dg.MarkdownMetadataValue, datetime | None]:
    """(the latest few rows of these batches as a table, when the latest happened)."""
    columns = "event_id, source, data_product_id, occurred_at, domain, title"
    with locks.shared(home), duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        visible_rows(db, home, table, landed).create_view("landed")
        latest = one_row(db.execute("select max(epoch_us(occurred_at)) from landed"))[0]
        preview = as_markdown(db, f"select {columns} from landed order by occurred_at desc, event_id", PREVIEW_ROWS)
    when = EPOCH + timedelta(microseconds=latest) if latest is not None else None
    return dg.MetadataValue.md(preview), when


def _warnings(table: str, new: list[dict]) -> dict[str, int]:
    """How many landed rows of this run broke a rule that only warns, by reason."""
    warnings: Counter[str] = Counter()
    for receipt in new:
        if table in json.loads(receipt["landed_by_table"]):
            warnings.update(json.loads(receipt["warnings"]))
    return dict(warnings)


def _waiting_check(
    key: list[str], name: str, waiting: list[dict], new: list[dict], passed: str, **metadata: Any
) -> dg.AssetCheckResult:
    """Fails while rows wait in quarantine, however long ago they were refused; shows those of this run first."""
    new_batches = {receipt["batch_id"] for receipt in new}
    rows = sorted(waiting, key=lambda row: row["batch_id"] not in new_batches)
    new_count = sum(row["batch_id"] in new_batches for row in rows)
    return dg.AssetCheckResult(
        passed=not rows,
        check_name=name,
        asset_key=key,
        severity=dg.AssetCheckSeverity.WARN,
        description=_what_to_do(rows, new_count) if rows else passed,
        metadata={
            "waiting_rows": len(rows),
            "new_rows": new_count,
            "reasons": _reasons_table(rows),
            "rows": _rows_table(rows),
            **metadata,
        },
    )


def _what_to_do(rows: list[dict], new_count: int) -> str:
    count = "1 row waits" if len(rows) == 1 else f"{len(rows):,} rows wait"
    return f"{count} in quarantine, {new_count:,} of them new in this run. {_first(rows)} {quarantine.WHAT_TO_DO}"


def _first(rows: list[dict]) -> str:
    """Where the first row with the most frequent reason stands, what is wrong with it, and what to do about it."""
    reason, _, row = refusals.by_reason(rows)[0]
    return f"First: {refusals.fault(row).removesuffix('.')}. {refusals.advice(reason)}"


def _share_check(contract: Contract, landed: list[dict], waiting: list[dict]) -> dg.AssetCheckResult:
    """The latest batch with enough rows for this table; rows that no longer wait count as landed."""
    limit = contract.custom.get("quarantineShareLimit", 1.0)
    still = Counter(row["batch_id"] for row in waiting)
    batch, share = None, 0.0
    for receipt in landed:
        counts = (receipt[f"{state}_by_table"] for state in ("landed", "quarantined"))
        rows = sum(json.loads(count).get(contract.name, 0) for count in counts)
        if rows >= refusals.FEWEST_ROWS:
            batch, share = receipt, still[receipt["batch_id"]] / rows
    passed = share <= limit
    words = f"{batch['file_name']}: {share:.0%} of its rows refused" if batch else "no batch with enough rows yet"
    if batch and not passed:
        first = _first([row for row in waiting if row["batch_id"] == batch["batch_id"]])
        words += f", the contract allows {limit:.0%}. {first} {NOT_PUBLISHED.format(rows=refusals.FEWEST_ROWS)}"
    return dg.AssetCheckResult(
        passed=passed,
        check_name="quarantine_share",
        asset_key=["landing", contract.name],
        description=words,
        metadata={"share": share, "limit": limit},
    )


def _file_share_check(landed: list[dict], waiting: list[dict]) -> dg.AssetCheckResult:
    """The files of the latest landing, with all their rows: those of no table and unreadable ones too."""
    shares = refusals.latest_shares(landed, waiting)
    refused = [receipt for receipt, share in shares if share > refusals.MOST_REFUSED]
    mine = {r["batch_id"]: [row for row in waiting if row["batch_id"] == r["batch_id"]] for r in refused}
    words = [_refused_file(receipt, mine[receipt["batch_id"]]) for receipt in refused[:SHOWN_FILES]]
    words += [f"So are {len(refused) - SHOWN_FILES} more files."] if len(refused) > SHOWN_FILES else []
    return dg.AssetCheckResult(
        passed=not refused,
        check_name="quarantine_share",
        asset_key=["landing", "batches"],
        description=" ".join([*words, NOT_PUBLISHED.format(rows=refusals.FEWEST_ROWS)]) if refused else FEW_REFUSED,
        metadata={
            "share": max((share for _, share in shares), default=0.0),
            "limit": refusals.MOST_REFUSED,
            "rows": _rows_table([row for rows in mine.values() for row in rows]),
        },
    )


def _refused_file(receipt: dict, rows: list[dict]) -> str:
    if not receipt["is_readable"]:
        return f"{receipt['file_name']}: the whole file is refused. {_first(rows)}"
    read = receipt["rows_read"]
    return (
        f"{receipt['file_name']}: {len(rows):,} of its {read:,} rows are refused ({len(rows) / read:.0%}, the limit is "
        f"{refusals.MOST_REFUSED:.0%}). {_first(rows)}"
    )


def _freshness_check(contract: Contract, latest: datetime | None, as_of: datetime) -> dg.AssetCheckResult:
    days = contract.sla.get("frequency")
    age = None if latest is None else (as_of - latest).total_seconds() / 86400
    passed = age is None or days is None or age <= days
    if latest is None or age is None:
        words = "no such event has ever been received"
    else:
        expected = "no frequency is promised" if days is None else f"expected within {days} days"
        words = f"latest {latest:%Y-%m-%d %H:%M} UTC, {max(age, 0):.1f} days before as_of; {expected}"
    return dg.AssetCheckResult(
        passed=passed,
        check_name="freshness",
        asset_key=["landing", contract.name],
        severity=dg.AssetCheckSeverity.WARN,
        description=words if passed else words + ". Ask the source whether it still sends.",
        metadata={"latest_occurred_at": str(latest), "as_of": str(as_of)},
    )


def _batch_results(
    new: list[dict], landed: list[dict], waiting: list[dict]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """The table of receipts and its checks, which are also about the rows that belong to no table."""
    key = ["landing", "batches"]
    yield dg.MaterializeResult(
        asset_key=key,
        metadata={"dagster/row_count": len(landed), "new_batches": len(new), "preview": _receipts_table(new)},
    )
    files = [row for row in waiting if row["row_number"] is None]
    rows = [row for row in waiting if row["row_number"] is not None and row["table_name"] is None]
    yield _waiting_check(key, "files_readable", files, new, "No unreadable file waits in quarantine.")
    yield _waiting_check(key, "rows_routed", rows, new, "No row without a known event type waits in quarantine.")
    yield _file_share_check(landed, waiting)
    off = [r["file_name"] for r in landed if r["rows_read"] != r["rows_landed"] + r["rows_quarantined"]]
    yield dg.AssetCheckResult(
        passed=not off,
        check_name="accounting",
        asset_key=key,
        description=f"rows don't add up in {', '.join(off)}"
        if off
        else "Rows read = landed + quarantined in every batch.",
        metadata={"batches": len(landed)},
    )


def _reasons_table(rows: list[dict]) -> dg.TableMetadataValue:
    return _counts_table("reason", Counter(reason for row in rows for reason in row["reasons"]))


def _counts_table(name: str, counts: Counter) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [dg.TableRecord({name: value, "rows": count}) for value, count in counts.most_common()],
        dg.TableSchema([dg.TableColumn(name, "string"), dg.TableColumn("rows", "int")]),
    )


def _rows_table(rows: list[dict[str, Any]]) -> dg.TableMetadataValue:
    names = ["file", "line", "reasons", "message", "original_text"]
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "file": row["file_name"],
                    "line": row["line_number"] or 0,
                    "reasons": ", ".join(row["reasons"]),
                    "message": row["message"][:TEXT_SHOWN],
                    "original_text": row["original_text"],
                }
            )
            for row in rows[:SHOWN_ROWS]
        ],
        dg.TableSchema([dg.TableColumn(name, "int" if name == "line" else "string") for name in names]),
    )


def _receipts_table(new: list[dict[str, Any]]) -> dg.TableMetadataValue:
    names = ["file_name", "rows_read", "rows_landed", "rows_quarantined", "assumed_utc_count", "extra_columns"]
    return dg.MetadataValue.table(
        [dg.TableRecord({name: receipt[name] for name in names}) for receipt in new[:SHOWN_ROWS]],
        dg.TableSchema(
            [dg.TableColumn(name, "string" if name in ("file_name", "extra_columns") else "int") for name in names]
        ),
    )
