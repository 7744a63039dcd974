"""What changed since the page of an earlier month: verdicts, queues, slow domains, the target.

Belongs here: comparing rows of two pages, in words. A column that only one of them has is not compared, nor is a code
that has no words any more. Does not belong here: reading them (`dashboard/kept.py`).
"""

from collections.abc import Mapping

from dashboard.kept import Comparison
from dashboard.tables import Row
from dashboard.words import codes

Change = tuple[str, str]  # what changed, and how


def verdicts(earlier: Comparison, names: Mapping[str, str]) -> list[Change]:
    """Metrics with another verdict than before; `names`, {metric_id: name} in the order to list them."""
    pairs = {metric: (was, now) for metric, was, now in _pairs(earlier, "metric_verdicts", "metric_id", "verdict")}
    changes = [(name, _from_to(*pairs[metric], codes.VERDICTS)) for metric, name in names.items() if metric in pairs]
    return [(name, change) for name, change in changes if change]


def queues(earlier: Comparison) -> list[Change]:
    """Queues that grew or shrank."""
    counts = {queue: (was, now) for queue, was, now in _pairs(earlier, "queues", "queue", "open_count") if was != now}
    return [
        (words, f"{counts[queue][0]:,} → {counts[queue][1]:,}")
        for queue, words in codes.QUEUES.items()
        if queue in counts
    ]


def domains(earlier: Comparison) -> list[Change]:
    """Domains that are slower than all others, or slower in a stage, and were not; and those that no longer are."""
    changes = []
    rows = _by_key(earlier.before, "domain_scorecard", "domain"), _by_key(earlier.now, "domain_scorecard", "domain")
    before, now = ({domain: _slow(row) for domain, row in side.items()} for side in rows)
    if not before or None in before.values() or None in now.values():
        return []
    for domain, slow in now.items():
        was = before.get(domain, "")
        if slow and slow != was:
            changes.append((domain, f"newly slower than all others{_in_stage(slow)}"))
        elif was and not slow:
            changes.append((domain, f"no longer slower than all others{_in_stage(was)}"))
    return changes


def target(earlier: Comparison) -> list[Change]:
    """Whether the North Star meets its target, where that changed."""
    return [
        ("North Star", change)
        for _, was, now in _pairs(earlier, "north_star_target", "metric_id", "capability")
        if (change := _from_to(was, now, codes.CAPABILITIES))
    ]


def is_comparable(earlier: Comparison) -> bool:
    """Whether any table was kept that can be compared with today's."""
    return any(rows and earlier.now[table] for table, rows in earlier.before.items())


def _pairs(earlier: Comparison, table: str, key: str, column: str) -> list[tuple[str, object, object]]:
    """(key, value before, value now) of the rows that both pages have, in the order of today's."""
    before, now = _by_key(earlier.before, table, key), _by_key(earlier.now, table, key)
    both = [name for name in now if name in before]
    return [(n, before[n][column], now[n][column]) for n in both if column in before[n] and column in now[n]]


def _by_key(tables: dict[str, list[Row]], table: str, key: str) -> dict[str, Row]:
    return {row[key]: row for row in tables[table] if row.get(key) is not None}


def _from_to(was: object, now: object, words: Mapping[str, str]) -> str:
    """ "no change → improving"; empty where both are the same, or either has no words."""
    if was == now or was not in words or now not in words:
        return ""
    return f"{words[str(was)].lower()} → {words[str(now)].lower()}"


def _slow(row: Row) -> str | None:
    """Where a domain is slower than all others: "everywhere", a stage, "" for nowhere; None without these columns."""
    if "difference" not in row or "slow_stage" not in row:
        return None
    return "everywhere" if row["difference"] == "slower" else row["slow_stage"] or ""


def _in_stage(where: str) -> str:
    if where not in codes.INTERVALS:
        return ""
    return f" from {codes.INTERVALS[where].lower().replace('→', 'to')}"
