"""The words about one data product and about a queue of open ones.

Belongs here: what a row of `queues`, `open_ideas`, `product_evolution`, or an event says. Does not belong here: links.
"""

from dashboard.rows import Row
from dashboard.words import codes, numbers
from dashboard.words.phrases import counted, is_or_are

NAMED = 5  # consumers that an idea names, in its line


def title_of(row: Row) -> str:
    """The title of a data product, its id where it has none."""
    return (row["title"] or "").strip() or row["data_product_id"] or ""


def age_in_words(queue: Row) -> str:
    """How long the open data products of a queue have been in it."""
    if queue["median_age_days"] is None:
        return ""
    if queue["open_count"] == 1:
        return f"There for {numbers.days_with_unit(queue['oldest_age_days'])}."
    middle, oldest = numbers.days(queue["median_age_days"]), numbers.days_with_unit(queue["oldest_age_days"])
    return f"Half are there for {middle} days or more, the oldest for {oldest}."


def moving_on_in_words(queue: Row) -> str:
    """The age by which 85 % of those that moved on had done so, or why it is not known."""
    moved = queue["moved_on_count"]
    scope = "moved on in the last 12 months"
    if queue["moved_on_p85_days"] is None:
        if queue["reason"] != "not_enough_data" or moved is None:
            return f"When they usually move on is not known: {codes.reason(queue['reason'])}."
        return f"When they usually move on is not known: {moved:,} {scope}, and it takes 10."
    within = numbers.days_with_unit(queue["moved_on_p85_days"])
    return f"Of the {moved:,} that {scope} in the whole organisation, 85% did within {within}."


def older_in_words(queue: Row) -> str:
    """How many are older than that; empty where it is not known."""
    if queue["older_count"] is None:
        return ""
    count = queue["older_count"]
    return f"{count:,} {is_or_are(count)} older."


def queue_of_product(row: Row) -> str:
    """For how long an open data product is in its queue, and since when; empty where it is in none."""
    if not row["queue"]:
        return ""
    return f"{numbers.days_with_unit(row['days_in_queue'])}, since {numbers.day(row['queued_at'])}"


def place_in_words(row: Row) -> str:
    """The queue that a data product is in, else its stage."""
    return codes.QUEUES[row["queue"]] if row["queue"] else codes.STAGES[row["stage"]]


def against_others(row: Row) -> str:
    """Whether an open data product is in its queue for longer than 85 % of those that moved on."""
    if row["is_older"] is None:
        return ""
    within = numbers.days_with_unit(row["moved_on_p85_days"])
    compared = "longer than" if row["is_older"] else "not longer than"
    return f"{compared} the {within} within which 85% moved on in the last 12 months"


def entry_in_words(entry: Row) -> str:
    """What an event says."""
    name = codes.EVENTS[entry["kind"]]
    if entry["stage"]:
        return f"{name}: {codes.FACTORY_STAGES[entry['stage']].lower()}"
    return f"{name}, version {entry['contract_version']}" if entry["contract_version"] else name


def month_in_words(entry: Row) -> str:
    """What the checks, or the repeated uses, of a month come to."""
    if entry["repeated"] == "used_again":
        return f"{counted(entry['event_count'], 'use')} by {counted(entry['consumer_count'], 'domain')}"
    passed, failed = entry["passed_count"] or 0, entry["failed_count"] or 0
    return f"{passed:,} passed, {failed:,} failed, in {counted(entry['event_count'], 'event')}"


def people_of_entry(entry: Row) -> list[tuple[str, list[str]]]:
    """Which domains an event names, each list with what they are: consumers, the owner, consumers that were named."""
    parts = [("by", [entry["consumer_domain"]])] if entry["consumer_domain"] else []
    if entry["domain"]:
        parts.append(("owner", [entry["domain"]]))
    named = [name for name in entry["named_consumer_domains"] or [] if name and name.strip()]
    if named:
        rest = [f"{len(named) - NAMED:,} more"] if len(named) > NAMED else []
        parts.append(("for", named[:NAMED] + rest))
    return parts


def consumers_of_all(row: Row) -> str:
    """How many other domains use a live data product, of how many; a dash where that is not known."""
    return (
        f"{row['consuming_domains_count']:,} of {row['other_domains_count']:,}"
        if row["ubiquity_share"] is not None
        else "–"
    )


def use_in_words(row: Row) -> str:
    """How many other domains use a live data product, of how many, and what counts as use; why it is not known."""
    if row["ubiquity_share"] is None:
        return f"not known: {codes.reason(row['ubiquity_reason'])}" if row["ubiquity_reason"] else ""
    used, others = row["consuming_domains_count"], row["other_domains_count"]
    basis = "in the last 90 days" if row["ubiquity_basis"] == "last_90_days" else "ever"
    return f"{used:,} of {counted(others, 'other domain')} {basis} ({numbers.share(row['ubiquity_share'])})"


def certainty_in_words(row: Row) -> str:
    """How far a live data product can be relied on, and the first gate that it does not pass."""
    name = codes.CERTAINTIES[row["certainty"]]
    return f"{name}: {codes.reason(row['reason'])}" if row["reason"] else name
