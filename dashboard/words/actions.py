"""The last of the five lines: what calls for action.

Belongs here: which rows call for action, and each in a clause. Does not belong here: how many of them fit
(`answer.py`).
"""

from dashboard.tables import EVERYONE, PageData, Row
from dashboard.words import codes, domains
from dashboard.words.phrases import Clause, Line, counted

MANY = 3  # words of a domain's name: a longer one is not named in the line
LONG = 40  # characters, likewise


def act_on(data: PageData) -> Line:
    """What calls for action: missing events, metrics that worsen, slow domains, the longest queue."""
    clauses = [*_missing(data), *_worsening(data), *_slow(data), *_queue(data)]
    return Line("Act on", tuple(clauses or [_nothing(data)]))


def _missing(data: PageData) -> list[Clause]:
    row = data.north_star_verdict
    if row and row["reason"] == "no_adoption_events":
        return [Clause("missing adopted events (value is not known)", "#north-star")]
    return []


def _worsening(data: PageData) -> list[Clause]:
    found = [
        data.definitions[metric]["name"].lower()
        for (domain, metric), row in data.verdicts.items()
        if domain == EVERYONE and (EVERYONE, metric) in data.leading and row["verdict"] == "worsening"
    ]
    if not found:
        return []
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [Clause(f"{found[0]}{more} (worsening)", "#drivers")]


def _slow(data: PageData) -> list[Clause]:
    """The slow domain that gives most, and the stage in which it is slow; how many others are slow."""
    rows = [row for row in data.domains if domains.is_slow(row)]
    if not rows:
        return []
    stage = f"slow {domains.from_to(rows[0]['slow_stage'])}" if rows[0]["slow_stage"] else "slower than the others"
    name, others = rows[0]["domain"], len(rows) - 1
    is_named = len(name) <= LONG and len(name.split()) <= MANY
    first = Clause(f" ({stage})", "#domains", name) if is_named else Clause(f"one domain ({stage})", "#domains")
    return [first, *([Clause(counted(others, "more slow domain"), "#domains")] if others else [])]


def _queue(data: PageData) -> list[Clause]:
    """The queue in which most wait longer than usual; where none do, the unused products if they are the longest."""
    rows = [row for row in data.queues if row["domain"] == EVERYONE and row["open_count"]]
    late = [row for row in rows if row["older_count"]]
    order = [*codes.QUEUES_IN_WORDS]
    if late:
        row = max(late, key=lambda row: (row["older_count"], order.index(row["queue"])))
        return [_things(row), Clause(f"{row['older_count']:,} of them longer than usual", "#queues")]
    longest = max(rows, key=lambda row: row["open_count"], default=None)
    if longest is None or longest["queue"] != "deployed_unused" or not _has_adoptions(data):
        return []
    return [_things(longest)]


def _things(row: Row) -> Clause:
    return Clause(counted(row["open_count"], *codes.QUEUES_IN_WORDS[row["queue"]]), "#queues")


def _has_adoptions(data: PageData) -> bool:
    return any(row["value"] is not None for row in data.north_star)


def _nothing(data: PageData) -> Clause:
    judged = [row for row in data.verdicts.values() if row["verdict"] != "not_enough_data"]
    return Clause("nothing: all variation is routine" if judged else "nothing yet: too little is known", "#drivers")
