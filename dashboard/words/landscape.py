"""The sentences about the landscape that people declare: what is built though it is a commodity, what needs a review.

Belongs here: words about rows of `capabilities`. Does not belong here: the map of them.
"""

from dashboard.rows import Row
from dashboard.tables import PageData
from dashboard.words import codes, numbers
from dashboard.words.phrases import Clause, counted, is_or_are, it_or_them, joined, was_or_were

NOT_DECLARED = (
    "Not declared. List capabilities in declared/capabilities.csv, each with the need it serves, its sourcing (build, "
    "buy, commodity), its evolution (genesis, custom, product, commodity), owner, gap and the day of its last review."
)


def in_order(rows: list[Row]) -> list[Row]:
    """Those that build a commodity first, then those due for a review, then the others; each by name."""
    return sorted(rows, key=lambda r: (not r["is_building_a_commodity"], not r["is_review_due"], r["capability"]))


def heading(rows: list[Row]) -> str:
    """How many capabilities are declared, and how many of them call for action."""
    if not rows:
        return "Landscape: not declared"
    built, due = building(rows), due_for_review(rows)
    parts = [f"{built:,} {is_or_are(built)} built though the market has a commodity"] if built else []
    parts += [f"{due:,} {was_or_were(due)} not reviewed for a year"] if due else []
    whole = counted(len(rows), "capability", "capabilities")
    return f"Landscape: of {whole} {joined(parts)}" if parts else f"Landscape: {whole}, none to act on"


def building(rows: list[Row]) -> int:
    """How many capabilities are built though they are a commodity."""
    return sum(bool(row["is_building_a_commodity"]) for row in rows)


def due_for_review(rows: list[Row]) -> int:
    """How many capabilities nobody has reviewed for a year."""
    return sum(bool(row["is_review_due"]) for row in rows)


def unknown(rows: list[Row]) -> str:
    """How many capabilities can't be judged; empty where all can."""
    count = sum(row["is_building_a_commodity"] is None for row in rows)
    if not count:
        return ""
    of = counted(count, "capability", "capabilities")
    return f"Sourcing or evolution of {of} is not declared, so nobody can tell whether a commodity is built."


def sourcing(row: Row) -> str:
    """How a capability is sourced."""
    return codes.SOURCING[row["sourcing"]] if row["sourcing"] else "not declared"


def evolution(row: Row) -> str:
    """How far a capability has evolved."""
    return codes.EVOLUTION[row["evolution"]] if row["evolution"] else "not declared"


def review(row: Row) -> str:
    """The last review and how long ago it was, or why that is not known."""
    if row["days_since_review"] is None:
        return "never" if row["review_reason"] == "never_reviewed" else f"{_day(row)}, a day to come"
    return f"{_day(row)}, {numbers.days_with_unit(row['days_since_review'])} ago"


def _day(row: Row) -> str:
    return f"{row['reviewed_on']:%-d %b %Y}"


def flags(row: Row) -> list[str]:
    """What calls for action in a capability."""
    found = ["builds a commodity"] if row["is_building_a_commodity"] else []
    return found + (["review is due"] if row["is_review_due"] else [])


def to_act_on(data: PageData) -> list[Clause]:
    """Commodities that are built, and reviews that are due."""
    built, due = building(data.capabilities), due_for_review(data.capabilities)
    found = []
    if built:
        of, them = counted(built, "capability", "capabilities"), it_or_them(built)
        found.append(Clause(f"Stop building {of}: the market has {them} as a commodity.", "#landscape"))
    if due:
        of = counted(due, "capability", "capabilities")
        found.append(Clause(f"Review {of}: nobody has done so for a year.", "#landscape"))
    return found
