"""The sentences about lasting value: adoptions still in use after three, six and twelve months.

Belongs here: words about rows of `adoption_survival`, in order of day. Does not belong here: the table of them.
"""

from dashboard.rows import Row
from dashboard.words import codes, numbers
from dashboard.words.phrases import counted

SEND = {  # reason: what to send
    "no_adoption_events": "Not measured. Send adopted events, one for each use or one a month.",
    "no_repeat_use_events": (
        "Not measured: no adoption was seen again 28 days or more after the first use. Send an adopted event for each "
        "later use, or one a month."
    ),
}


def known(rows: list[Row]) -> list[Row]:
    """The lengths of time with a share."""
    return [row for row in rows if row["share_in_use"] is not None]


def heading(rows: list[Row]) -> str:
    """The share of adoptions that is still in use after the longest time that is known."""
    if not known(rows):
        return "Lasting value: not measured yet"
    row = known(rows)[-1]
    return f"Lasting value: {share(row)} of adoptions are still in use after {row['day']:,} days{_between(row)}"


def share(row: Row) -> str:
    """The share in use."""
    return numbers.share(row["share_in_use"])


def interval(row: Row) -> str:
    """ "67% to 76%", the 95 % interval; a dash where there is none."""
    return f"{numbers.share(row['lower'])} to {numbers.share(row['upper'])}" if row["lower"] is not None else "–"


def _between(row: Row) -> str:
    return f" (95% interval {interval(row)})" if row["lower"] is not None else ""


def scope(rows: list[Row]) -> str:
    """How the shares are estimated and of how many adoptions."""
    if not known(rows):
        return ""
    of = counted(rows[0]["adoption_count"] or 0, "adoption")
    return f"Kaplan–Meier estimate of {of} of all time. An adoption ends 90 days after its last use."


def missing(rows: list[Row]) -> str:
    """What is not measured and why; empty where every length of time has a share."""
    unknown = [row for row in rows if row["share_in_use"] is None]
    if not unknown:
        return "" if rows else SEND["no_adoption_events"]
    reason = unknown[0]["reason"]
    if reason in SEND:
        return SEND[reason]
    days = ", ".join(f"{row['day']:,}" for row in unknown)
    return f"Not known yet after {days} days: {codes.reason(reason)}."
