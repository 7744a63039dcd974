"""A data product's page: its state, its events as a timeline, and who uses it."""

from dashboard.links import outside, slug
from dashboard.products import Products
from dashboard.rows import Row
from dashboard.views.parts import View
from dashboard.words import codes, numbers, products

MONTHS = {"contract_checked": "Contract checks by month", "used_again": "Repeated uses by month"}
NO_ADOPTION = "no adoption: use by its owner, or its owner was not known"


def product_page(about: View, listed: Products, row: Row) -> View:
    """What `product.html` prints; parameters: `about`, the publication as `parts.publication` has it."""
    product = row["data_product_id"]
    entries, uses = listed.entries.get(product, []), listed.uses.get(product, [])
    single = [entry for entry in entries if entry["repeated"] is None]
    return {
        "publication": about,
        "title": products.title_of(row),
        "id": product,
        "owner": row["domain"] or "",
        "owner_slug": slug(row["domain"]) if row["domain"] else "",
        "facts": [(label, words) for label, words in _facts(row) if words],
        "entries": [_entry(entry, uses) for entry in single],
        "entry_count": single[0]["entry_count"] if single else 0,
        "by_month": [_months(entries, kind) for kind in MONTHS if any(e["repeated"] == kind for e in entries)],
        "uses": [_use(use) for use in uses],
        "use_count": uses[0]["use_count"] if uses else 0,
        "has_other_owner": any(use["owner_domain"] != row["domain"] for use in uses),
        "has_repeats": bool(uses) and uses[0]["has_repeats"],
    }


def _facts(row: Row) -> list[tuple[str, str]]:
    stage = products.place_in_words(row)
    if row["stage"] == "closed":
        stage = f"{stage}: {codes.EVENTS[row['close_reason']].lower()} on {numbers.day(row['closed_at'])}"
    queue = products.queue_of_product(row)
    facts = [("Stage", stage), ("Initiative", row["initiative"] or ""), ("There for", queue)]
    if queue:
        facts.append(("Compared with others", products.against_others(row)))
        facts.append(("Chance of adoption in 90 days", _chance(row)))
    if row["certainty"] is None:
        return facts
    activated, passed = row["contract_activated_at"], row["checks_passed_share"]
    facts.append(("Contract", f"active since {numbers.day(activated)}" if activated else "none is active"))
    facts.append(("Checks passed, last 28 days", numbers.figure_or_dash(passed, "share") if activated else ""))
    facts.append(("Certainty", products.certainty_in_words(row)))
    facts.append(("Used by", products.use_in_words(row)))
    return facts


def _chance(row: Row) -> str:
    if row["chance_of_adoption_90d"] is not None:
        return numbers.chance(row["chance_of_adoption_90d"])
    return f"not known: {codes.reason(row['chance_reason'])}"


def _entry(entry: Row, uses: list[Row]) -> View:
    address = entry["source_ref"] or ""
    return {
        "when": numbers.instant(entry["latest_at"]),
        "kind": entry["kind"],
        "what": products.entry_in_words(entry),
        "note": "" if _counts(entry, uses) else NO_ADOPTION,
        "who": products.people_of_entry(entry),
        "source": entry["source"],
        "ref": address,
        "link": outside(address),
    }


def _months(entries: list[Row], kind: str) -> View:
    """The checks, or the repeated uses, of each month."""
    rows = [entry for entry in entries if entry["repeated"] == kind]
    return {
        "title": MONTHS[kind],
        "column": "Checks" if kind == "contract_checked" else "Uses",
        "more": rows[0]["entry_count"] - len(rows),
        "rows": [{"month": f"{r['month_starting']:%B %Y}", "what": products.month_in_words(r)} for r in rows],
    }


def _counts(entry: Row, uses: list[Row]) -> bool:
    """Whether an event is no first use, or one that is an adoption."""
    if entry["kind"] != "adopted" or (uses and uses[0]["use_count"] > len(uses)):
        return True
    pair = (entry["consumer_domain"], entry["latest_at"])
    return any((use["consumer_domain"], use["first_adopted_at"]) == pair for use in uses)


def _use(use: Row) -> View:
    return {
        "domain": use["consumer_domain"],
        "slug": slug(use["consumer_domain"]),
        "first": numbers.day(use["first_adopted_at"]),
        "last": numbers.day(use["last_adopted_at"]),
        "times": f"{use['adopted_event_count']:,}",
        "from": use["owner_domain"],
    }
