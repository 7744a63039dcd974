"""The sentences about code as a liability: data products that nobody has used for a year, and those retired.

Belongs here: words about rows of `liability_quarterly`. Does not belong here: their chart.
"""

from dashboard.rows import Row, last_complete
from dashboard.tables import PageData
from dashboard.words import codes, numbers
from dashboard.words.phrases import Clause, counted, joined

TITLE = "Code is a liability"


def latest(rows: list[Row]) -> Row | None:
    """The latest complete quarter, else the latest one."""
    return last_complete(rows) or (rows[-1] if rows else None)


def heading(rows: list[Row]) -> str:
    """How many live data products nobody has used for a year."""
    row = latest(rows)
    if row is None or row["unused_count"] is None:
        return f"{TITLE}: unused data products are not measured"
    if not row["live_count"]:
        return f"{TITLE}: no data product is live"
    share = f" ({numbers.share(row['unused_share'])})" if row["live_count"] >= numbers.SMALL_DENOMINATOR else ""
    of = f"{row['unused_count']:,} of {counted(row['live_count'], 'live data product')}{share}"
    return f"{TITLE}: {of} deployed and unused for a year"


def period(row: Row) -> str:
    """The quarter of a row, with a note while it goes on."""
    return numbers.period(row["month_starting"], "quarter") + ("" if row["is_complete"] else " (so far)")


def about(rows: list[Row]) -> str:
    """When that was, what counts as use, and how many were retired then."""
    row = latest(rows)
    if row is None or row["live_count"] is None:
        return ""
    parts = [f"At the end of {period(row)}." if row["is_complete"] else f"In {period(row)}."]
    if row["use_basis"] == "ever":
        parts.append("Use is one adoption ever, by anyone, because nobody sends repeated use.")
    elif row["use_basis"]:
        parts.append("Use is any adopted event, by the owner too.")
    if row["retired_count"] is not None:
        parts.append(f"Retired in the quarter: {row['retired_count']:,}.")
    return " ".join(parts)


def missing(rows: list[Row]) -> str:
    """What is not measured, and what to send; empty where all is."""
    row = latest(rows)
    reasons = [row["unused_reason"], row["retired_reason"]] if row else ["no_deployment_events", "no_retirement_events"]
    sends = {
        "no_deployment_events": "unused data products (send deployed events)",
        "no_adoption_events": "unused data products (send adopted events)",
        "no_retirement_events": "retired data products (send retired events)",
    }
    found = [sends[code] for code in reasons if code in sends]
    return f"Not measured: {joined(found)}." if found else ""


def unused(row: Row) -> str:
    """Unused data products and their share, or why that is not known."""
    if row["unused_count"] is None:
        return f"not known: {codes.reason(row['unused_reason'])}"
    return f"{row['unused_count']:,}" + (f" ({numbers.share(row['unused_share'])})" if row["live_count"] else "")


def to_act_on(data: PageData) -> list[Clause]:
    """Data products to retire or to find users for."""
    row = latest(data.liability)
    if row is None or not row["unused_count"]:
        return []
    of = counted(row["unused_count"], "data product")
    return [Clause(f"Retire {of}, or find users for them: deployed and unused for a year.", "#liability")]
