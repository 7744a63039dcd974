"""The sentences about who owns: the share outside the central team, concentration, the declared model, hand-overs.

Belongs here: words about rows of `ownership_shares` and `ownership_changes`. Does not belong here: their chart.
"""

from dashboard.rows import Row, grouped, last_complete
from dashboard.tables import PageData
from dashboard.words import codes, numbers
from dashboard.words.phrases import Clause, Sentence, counted, joined

DECLARATIONS = {  # reason: what to declare
    "no_domains_declared": "which domains are central (kind in declared/domains.csv)",
    "owner_kinds_unknown": "the kind of the domains that own most (declared/domains.csv)",
    "no_units_declared": "their units (unit in declared/domains.csv)",
    "no_model_declared": "the governance model (governance.model in flywheel.yml)",
}
CHANGED_WHEN = {"handed_over": "When", "owner_ended": "Ended on", "owner_gone": "Last named on"}
ABANDONED = ("owner_ended", "owner_gone")  # kinds of change that leave a data product without an owner


def latest(rows: list[Row]) -> dict[str, Row]:
    """{measure: its latest complete quarter, else the latest one}, in the order of codes.OWNED."""
    by_measure = grouped(rows, "measure")
    return {m: last_complete(by_measure[m]) or by_measure[m][-1] for m in codes.OWNED if by_measure.get(m)}


def heading(rows: list[Row]) -> str:
    """The share of live data products outside the central team and whether the model asks for it; else the largest."""
    row = latest(rows).get("products")
    if row is None or row["total_count"] is None:
        return "Who owns: not measured"
    if row["outside_share"] is not None:
        known = f"{numbers.share(row['outside_share'])} of live data products are owned outside the central team"
        return f"Who owns: {known}{_against_the_model(row)}"
    if row["largest_domain_share"] is not None:
        return f"Who owns: the largest owner has {numbers.share(row['largest_domain_share'])} of live data products"
    return f"Who owns: not known, {codes.reason(row['concentration_reason'])}"


def _against_the_model(row: Row) -> str:
    agrees = {True: ", which agrees with the declared model", False: ", which the declared model does not agree with"}
    return agrees.get(row["agrees_with_model"], "")


def period(row: Row) -> str:
    """The quarter of a row, with a note while it goes on."""
    return numbers.period(row["month_starting"], "quarter") + ("" if row["is_complete"] else " (so far)")


def concentration(row: Row | None) -> list[Sentence]:
    """How concentrated the ownership of live data products is, the largest domain and the largest unit."""
    if row is None or row["herfindahl_index"] is None:
        return []
    chance, index = numbers.share(row["herfindahl_index"]), f"{row['herfindahl_index']:.2f}"
    pick = f"Take two live data products at random: the chance that one domain owns both is {chance}"
    found: list[Sentence] = [[(f"{pick} (Herfindahl index {index}; 1 is a single owner).", False)]]
    largest = numbers.share(row["largest_domain_share"])
    found.append([("The largest domain is ", False), (row["largest_domain"], True), (f" with {largest}", False)])
    if row["largest_unit"] is not None:
        unit = numbers.share(row["largest_unit_share"])
        found[-1] += [("; the largest unit is ", False), (row["largest_unit"], True), (f" with {unit}", False)]
    found[-1].append((f", in {period(row)}.", False))
    return found


def model(rows: list[Row]) -> str:
    """The declared governance model, its rule, and what agrees with it; empty where none is declared."""
    of = latest(rows)
    declared = next((row["governance_model"] for row in of.values() if row["governance_model"]), None)
    if declared is None:
        return ""
    name, rule = codes.GOVERNANCE_MODELS[declared]
    judged = [
        f"{codes.OWNED[measure]} {'agree' if row['agrees_with_model'] else 'do not agree'}"
        for measure, row in of.items()
        if row["agrees_with_model"] is not None
    ]
    verdict = f"{joined(judged)}." if judged else "whether what is owned agrees is not known."
    return f"The declared model is {name.lower()}: {rule}. By that rule {verdict}"


def agreement(row: Row) -> str:
    """Whether a row agrees with the declared model, or why that is not known."""
    if row["agrees_with_model"] is None:
        return f"not known: {codes.reason(row['agreement_reason'])}"
    return "agrees" if row["agrees_with_model"] else "does not agree"


def missing(rows: list[Row]) -> str:
    """What to declare, and what to send, to know more; empty where all is known."""
    of = latest(rows).values()
    reasons = {row[name] for row in of for name in ("reason", "unit_reason", "agreement_reason")}
    to_declare = [words for code, words in DECLARATIONS.items() if code in reasons]
    parts = [f"To know more, declare {joined(to_declare)}."] if to_declare else []
    for code, event in (("no_deployment_events", "deployed"), ("no_adoption_events", "adopted")):
        if code in reasons or not rows:
            parts.append(f"Send {event} events to measure more.")
    return " ".join(parts)


def classes(rows: list[Row]) -> list[str]:
    """What the figures are: counted from events, and by declared kinds where there are any."""
    of = latest(rows).values()
    if all(row["total_count"] is None for row in of):
        return ["not_measured"]
    is_declared = any(row["outside_share"] is not None or row["largest_unit"] for row in of)
    return ["measured", "declared"] if is_declared else ["measured"]


def hand_overs_heading(rows: list[Row]) -> str:
    """How many data products nobody may look after, and how many were handed over."""
    counts = {kind: group[0]["change_count"] for kind, group in grouped(rows, "kind").items()}
    lost = [
        f"{counted(counts[kind], 'data product')} of {what}"
        for kind, what in (("owner_ended", "a domain that ended"), ("owner_gone", "a domain that is gone"))
        if kind in counts
    ]
    handed = counts.get("handed_over", 0)
    return f"Hand-overs: {f'{handed:,}' if handed else 'none'}" + (f", and {joined(lost)}" if lost else "")


def hand_overs_about(changes: list[Row], shares: list[Row]) -> str:
    """What is known where nothing, or not all of it, can be known."""
    is_declared = shares and all(row["reason"] != "no_domains_declared" for row in latest(shares).values())
    if not is_declared:
        return "Which domain ended is not declared: give its ended_on in declared/domains.csv."
    return "" if changes else "Every open or live data product has an owner that is declared or still named by events."


def list_title(rows: list[Row]) -> str:
    """The title of the changes of a kind; `rows`, those that are listed."""
    row = rows[0]
    count = row["change_count"]
    title = {
        "handed_over": f"Handed over to another domain: {count:,}",
        "owner_ended": f"The owner was declared as ended: {count:,}",
        "owner_gone": f"The owner is not declared, and no event has named it for a year: {count:,}",
    }[row["kind"]]
    return title + (f"; the {len(rows):,} latest are listed" if count > len(rows) else "")


def evidence(row: Row) -> str:
    """What says so."""
    return codes.OWNERSHIP_EVIDENCE[row["evidence"]]


def to_act_on(data: PageData) -> list[Clause]:
    """Data products that nobody may look after; ownership that the declared model does not agree with."""
    found = []
    for kind, group in grouped(data.ownership_changes, "kind").items():
        if kind in ABANDONED:
            count = group[0]["change_count"]
            why = "ended" if kind == "owner_ended" else "has not been named for a year"
            found.append(Clause(f"Find owners for {counted(count, 'data product')}: the domain {why}.", "#hand-overs"))
    row = latest(data.ownership).get("products")
    if row and row["agrees_with_model"] is False:
        name = codes.GOVERNANCE_MODELS[row["governance_model"]][0].lower()
        share = f"{numbers.share(row['outside_share'])} of live data products are owned outside the central team"
        found.append(Clause(f"Settle who owns: the declared model is {name}, and {share}.", "#ownership"))
    return found
