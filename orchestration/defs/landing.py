"""The landing assets: one step lands the inbox, and its checks show what was refused and why."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import duckdb

from orchestration.build import builds
from orchestration.build.builds import one_row
from orchestration.build.dbt import PREVIEW_ROWS, as_markdown
from orchestration.contracts.contract import Contract
from orchestration.contracts.odcs import load_layer
from orchestration.defs.inputs import INBOX
from orchestration.defs.resources import AnalysisDates
from orchestration.home import Home
from orchestration.landing import batch, quarantine
from orchestration.landing.inbox import settled_files
from orchestration.landing.land import land_inbox, release_memory
from orchestration.progress import report

SHOWN_ROWS = 20
SMALL_SHARE_ROWS = 20  # under so many rows a share means nothing

CONTRACTS = load_layer("landing")


def _specs() -> Iterator[dg.AssetSpec]:
    for contract in CONTRACTS.values():
        yield dg.AssetSpec(
            ["landing", contract.name],
            deps=[INBOX],
            group_name="landing",
            description=f"{contract.purpose} {contract.description}",
            owners=[f"team:{contract.owner}"],
            kinds={"parquet", "greatexpectations"},
            metadata={"dagster/column_schema": _column_schema(contract), "contract_version": contract.version},
        )
    yield dg.AssetSpec(
        ["landing", "quarantined_events"],
        deps=[INBOX],
        group_name="landing",
        description="One row per refused row: reasons, file, line, original text. `flywheel replay` tries again.",
        owners=["team:data-engineering"],
        kinds={"parquet"},
    )
    yield dg.AssetSpec(
        ["landing", "batches"],
        deps=[INBOX],
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
        yield dg.AssetCheckSpec("contract", asset=key, description="Every row sent since keeps the contract.")
        yield dg.AssetCheckSpec(
            "quarantine_share",
            asset=key,
            blocking=True,
            description="The latest batch was not refused beyond the contract's share.",
        )
        yield dg.AssetCheckSpec(
            "freshness", asset=key, description="Events still arrive as often as the contract promises."
        )
    batches = dg.AssetKey(["landing", "batches"])
    yield dg.AssetCheckSpec("files_readable", asset=batches, description="Every file of the run could be read.")
    yield dg.AssetCheckSpec("rows_routed", asset=batches, description="Every row names a known event type.")
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
    refuse_other_events(home)
    new = land_inbox(home)
    if new:
        release_memory()
    try:
        builds.begin(home, context.run_id, dates.dates)
    except ValueError as error:  # what people set or declared wrongly
        raise dg.Failure(str(error)) from error
    receipts = batch.receipts(home)
    refused = quarantine.quarantined(home).to_pylist()
    for receipt in new:
        context.log.info(
            f"{receipt['file_name']}: {receipt['rows_landed']} landed, {receipt['rows_quarantined']} quarantined"
        )
    report("landing", _summary(new), is_end=True)
    for contract in CONTRACTS.values():
        yield from _table_results(home, contract, receipts, new, refused, dates.dates.as_of)
    yield dg.MaterializeResult(
        asset_key=["landing", "quarantined_events"],
        metadata={
            "dagster/row_count": len(refused),
            "rows": _rows_table(refused),
            "reasons": _reasons_table(refused),
        },
    )
    yield dg.MaterializeResult(
        asset_key=["landing", "batches"],
        metadata={"dagster/row_count": len(receipts), "new_batches": len(new), "preview": _receipts_table(new)},
    )
    yield from _batch_checks(new, receipts, refused)


def _table_results(
    home: Home,
    contract: Contract,
    receipts: list[dict[str, Any]],
    new: list[dict[str, Any]],
    refused: list[dict[str, Any]],
    as_of: datetime,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """A landing table's materialization and its three checks."""
    name = contract.name
    preview, latest = _preview(home, name)
    rows = sum(json.loads(receipt["landed_by_table"]).get(name, 0) for receipt in receipts)
    yield dg.MaterializeResult(asset_key=["landing", name], metadata={"dagster/row_count": rows, "preview": preview})
    waiting = [row for row in refused if row["table_name"] == name]
    yield _contract_check(name, [row for row in waiting if _is_of(row, new)], new)
    yield _share_check(contract, receipts, waiting)
    yield _freshness_check(contract, latest, as_of)


def refuse_other_events(home: Home) -> None:
    """A home with sample events takes no others: mixed numbers would describe no organisation."""
    sample = home.sample()
    others = [p.name for p in settled_files(home.inbox) if sample and p.name not in sample["files"]]
    if others:
        raise dg.Failure(
            f"{home.root} holds the sample organisation's events, and now {', '.join(others[:3])} in its inbox. "
            "Move them to a home of their own: flywheel run --home NEW --events FILE."
        )


def _is_of(row: dict[str, Any], receipts: list[dict[str, Any]]) -> bool:
    return row["batch_id"] in {receipt["batch_id"] for receipt in receipts}


def _summary(new: list[dict[str, Any]]) -> str:
    if not new:
        return "nothing new in the inbox"
    landed, refused = sum(r["rows_landed"] for r in new), sum(r["rows_quarantined"] for r in new)
    return f"{len(new):,} files, {landed:,} rows landed, {refused:,} quarantined"


def _preview(home: Home, table: str) -> tuple[dg.MarkdownMetadataValue, datetime | None]:
    """(the latest few rows of the visible batches as a table, when the latest happened)."""
    columns = "event_id, source, data_product_id, occurred_at, domain, title"
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        batch.visible_rows(db, home, table).create_view("landed")
        latest = one_row(db.execute("select max(epoch_us(occurred_at)) from landed"))[0]
        preview = as_markdown(db, f"select {columns} from landed order by occurred_at desc, event_id", PREVIEW_ROWS)
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=latest) if latest is not None else None
    return dg.MetadataValue.md(preview), when


def _contract_check(name: str, broken: list[dict[str, Any]], new: list[dict[str, Any]]) -> dg.AssetCheckResult:
    warnings: Counter[str] = Counter()
    for receipt in new:
        if name in json.loads(receipt["landed_by_table"]):
            warnings.update(json.loads(receipt["warnings"]))
    return dg.AssetCheckResult(
        passed=not broken,
        check_name="contract",
        asset_key=["landing", name],
        severity=dg.AssetCheckSeverity.WARN,
        description=_what_to_do(broken) if broken else "Every row of this run keeps the contract.",
        metadata={
            "quarantined_rows": len(broken),
            "reasons": _reasons_table(broken),
            "rows": _rows_table(broken),
            "warnings": dict(warnings),
        },
    )


def _what_to_do(broken: list[dict[str, Any]]) -> str:
    first = broken[0]
    return (
        f"{len(broken)} rows quarantined, first {first['file_name']} line {first['line_number']}: {first['message']}. "
        "Correct them at the source and send them again with the same event_id; or, if the contract is wrong, change "
        "it and run `flywheel replay`."
    )


def _share_check(
    contract: Contract, receipts: list[dict[str, Any]], waiting: list[dict[str, Any]]
) -> dg.AssetCheckResult:
    """The latest batch with enough rows for this table; rows that a replay has landed since count as landed."""
    limit = contract.custom.get("quarantineShareLimit", 1.0)
    batch, share = None, 0.0
    for receipt in receipts:
        landed = json.loads(receipt["landed_by_table"]).get(contract.name, 0)
        refused = json.loads(receipt["quarantined_by_table"]).get(contract.name, 0)
        if landed + refused >= SMALL_SHARE_ROWS:
            still = sum(row["batch_id"] == receipt["batch_id"] for row in waiting)
            batch, share = receipt, still / (landed + refused)
    passed = share <= limit
    words = f"{batch['file_name']}: {share:.0%} of its rows refused" if batch else "no batch with enough rows yet"
    if not passed:
        words += (
            f", the contract allows {limit:.0%}. Nothing is published until the source sends a better batch, or the "
            "contract is changed and `flywheel replay` lands the rows."
        )
    return dg.AssetCheckResult(
        passed=passed,
        check_name="quarantine_share",
        asset_key=["landing", contract.name],
        description=words,
        metadata={"share": share, "limit": limit},
    )


def _freshness_check(contract: Contract, latest: datetime | None, as_of: datetime) -> dg.AssetCheckResult:
    days = contract.sla.get("frequency")
    age = None if latest is None else (as_of - latest).total_seconds() / 86400
    passed = age is None or days is None or age <= days
    if latest is None or age is None:
        words = "no such event has ever been received"
    else:
        words = f"latest {latest:%Y-%m-%d %H:%M} UTC, {max(age, 0):.1f} days before as_of; expected within {days} days"
    return dg.AssetCheckResult(
        passed=passed,
        check_name="freshness",
        asset_key=["landing", contract.name],
        severity=dg.AssetCheckSeverity.WARN,
        description=words if passed else words + ". Ask the source whether it still sends.",
        metadata={"latest_occurred_at": str(latest), "as_of": str(as_of)},
    )


def _batch_checks(
    new: list[dict[str, Any]], receipts: list[dict[str, Any]], refused: list[dict[str, Any]]
) -> Iterator[dg.AssetCheckResult]:
    """The checks of the batches: files_readable and rows_routed warn of this run's, accounting blocks on any."""
    mine = [row for row in refused if _is_of(row, new)]
    unreadable = [row["message"] for row in mine if row["reasons"] == ["unreadable_file"]]
    unrouted = [row for row in mine if row["table_name"] is None and row["reasons"] != ["unreadable_file"]]
    off = [r["file_name"] for r in receipts if r["rows_read"] != r["rows_landed"] + r["rows_quarantined"]]
    key, warn = ["landing", "batches"], dg.AssetCheckSeverity.WARN
    yield dg.AssetCheckResult(
        passed=not unreadable,
        check_name="files_readable",
        asset_key=key,
        severity=warn,
        description=" ".join(unreadable) or "Every file of this run could be read.",
    )
    routed = "Every row of this run was read and names a known event type."
    reasons, rows = _reasons_table(unrouted), _rows_table(unrouted)
    yield dg.AssetCheckResult(
        passed=not unrouted,
        check_name="rows_routed",
        asset_key=key,
        severity=warn,
        description=_what_to_do(unrouted) if unrouted else routed,
        metadata={"quarantined_rows": len(unrouted), "reasons": reasons, "rows": rows},
    )
    added_up = "Rows read = landed + quarantined in every batch."
    yield dg.AssetCheckResult(
        passed=not off,
        check_name="accounting",
        asset_key=key,
        description=f"rows don't add up in {', '.join(off)}" if off else added_up,
        metadata={"batches": len(receipts)},
    )


def _reasons_table(rows: list[dict[str, Any]]) -> dg.TableMetadataValue:
    counts = Counter(reason for row in rows for reason in row["reasons"])
    return dg.MetadataValue.table(
        [dg.TableRecord({"reason": reason, "rows": count}) for reason, count in counts.most_common()],
        dg.TableSchema([dg.TableColumn("reason", "string"), dg.TableColumn("rows", "int")]),
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
                    "message": row["message"][:300],
                    "original_text": row["original_text"][:300],
                }
            )
            for row in rows[:SHOWN_ROWS]
        ],
        dg.TableSchema([dg.TableColumn(name, "int" if name == "line" else "string") for name in names]),
    )


def _receipts_table(receipts: list[dict[str, Any]]) -> dg.TableMetadataValue:
    names = ["file_name", "rows_read", "rows_landed", "rows_quarantined", "assumed_utc_count", "extra_columns"]
    return dg.MetadataValue.table(
        [dg.TableRecord({name: receipt[name] for name in names}) for receipt in receipts[:SHOWN_ROWS]],
        dg.TableSchema(
            [dg.TableColumn(name, "string" if name in ("file_name", "extra_columns") else "int") for name in names]
        ),
    )
