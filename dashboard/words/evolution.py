"""The sentences about data products on the S-curve: contract coverage, movement, who uses them and since when."""

from dashboard.tables import Row
from dashboard.words import codes
from dashboard.words.phrases import counted, has_or_have, joined

HAS_CONTRACT = ("contract_not_kept", "curated", "authoritative")  # certainties with an active contract


def certainty_counts(cells: list[Row]) -> dict[str, int]:
    """{certainty: data products} of those there are, in the order of codes.CERTAINTIES."""
    counts = {
        name: sum(row["product_count"] for row in cells if row["certainty"] == name) for name in codes.CERTAINTIES
    }
    return {name: count for name, count in counts.items() if count}


def coverage(cells: list[Row]) -> str:
    """How many live data products have an active contract, and how many of these are at which certainty."""
    counts = certainty_counts(cells)
    total = sum(counts.values())
    with_contract = {name: counts[name] for name in HAS_CONTRACT if name in counts}
    covered = sum(with_contract.values())
    parts = [f"{count:,} {codes.CERTAINTIES[name].lower()}" for name, count in with_contract.items()]
    return f"{covered:,} of {counted(total, 'live data product')} {has_or_have(covered)} an active contract" + (
        f": {joined(parts)}" if parts else ""
    )


def demand_in_words(basis: str | None) -> str:
    """What the axis of demand shows."""
    if basis == "last_90_days":
        return "the share of other domains with use in the last 90 days"
    return "the share of other domains that ever used it; repeated use is not sent"


def movement(moved_count: int, drawn_count: int) -> str:
    """How many data products moved in the last 182 days, and how many of them the trails show."""
    if not moved_count:
        return "No data product has moved in the last 182 days."
    trails = (
        "Trails, thin where they began, show them"
        if drawn_count == moved_count
        else (f"Trails, thin where they began, show the {drawn_count:,} of the most common moves")
    )
    return f"{counted(moved_count, 'data product')} {has_or_have(moved_count)} moved in the last 182 days. {trails}."


def used_by(row: Row) -> str:
    """Who uses a data product in the last 90 days, or ever used it."""
    count = row["consuming_domains_count"]
    if row["ubiquity_basis"] == "last_90_days":
        return f"used by {counted(count, 'other domain') if count else 'no other domain'} in the last 90 days"
    return f"ever used by {counted(count, 'other domain')}" if count else "never used by another domain"


def reason_without_positions(cells: list[Row]) -> str:
    """Why no data product has a position: the code of a reason."""
    if not cells:
        return "no_products"
    return "no_adoption_events" if any(row["certainty"] != "not_measured" for row in cells) else "no_contract_events"
