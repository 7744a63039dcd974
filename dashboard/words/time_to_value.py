"""The sentences about time to value: one headline figure, and every other figure with its scope.

Belongs here: words about rows of `time_to_value`. Does not belong here: the curve, the stages (`views/parts.py`).
"""

from dashboard.tables import ADOPTION_LAG, EVERYONE, WHOLE_WAY, PageData, Row
from dashboard.words import codes, numbers
from dashboard.words.phrases import counted


def time_to_value_answer(data: PageData) -> str:
    """The headline figure of the whole organisation as a sentence, for the terminal."""
    whole = data.headline()
    if whole is None or whole["reason"] in ("no_products", "no_adoption_events"):
        return f"Time to value is not known: {codes.reason(whole['reason'] if whole else None)}."
    words = headline(whole)
    if is_from_deployment(whole):
        return f"Time to value is known from deployment on only: {words}."
    return f"{words[0].upper()}{words[1:]}."


def is_from_deployment(row: Row | None) -> bool:
    """Whether a headline is timed from deployment, because no idea was logged."""
    return row is not None and row.get("interval_id") == ADOPTION_LAG


def noun(row: Row | None) -> str:
    """What a headline counts."""
    return "data product" if is_from_deployment(row) else "idea"


def is_half_known(row: Row) -> bool:
    """Whether the headline is the median: both ends of its interval are known, so no single adoption decides it."""
    return all(row[name] is not None for name in ("median_days", "median_lower_days", "median_upper_days"))


def headline(row: Row, whose: str = "all") -> str:
    """The one figure of time to value: the days within which half are adopted, else the share within 180 days.

    Of few ideas it says how many have been adopted, and no share. Without ideas it is about data products.
    """
    is_few, since = row["product_count"] < numbers.SMALL_DENOMINATOR, " of deployment" * is_from_deployment(row)
    whose = counted(row["product_count"], noun(row)) if is_few else f"{whose} {noun(row)}s"
    if is_half_known(row):
        return f"half of {whose} are adopted by another domain within {numbers.days(row['median_days'])} days{since}"
    if row["share_by_day_180"] is None:
        return codes.reason(row["reason"])
    if is_few:
        count = row["observed_count"] or 0
        return f"{count:,} of {whose} {'has' if count == 1 else 'have'} been adopted by another domain"
    return f"{numbers.share(row['share_by_day_180'])} of {whose} are adopted by another domain within 180 days{since}"


def scope(row: Row) -> str:
    """What the headline is about: how many, of when, what of those that are open or dropped, its interval."""
    words = (
        f"{counted(row['product_count'], noun(row))} of all time: open ones count as not adopted yet, dropped as never."
    )
    if is_half_known(row):
        words += f" 95% interval {numbers.interval(row['median_lower_days'], row['median_upper_days'])} days."
    return words


def finished_only(data: PageData, domain: str = EVERYONE) -> str:
    """The median of finished ideas only, for comparison; empty where there is none, or it reads the same."""
    whole = data.headline(domain)
    interval = ADOPTION_LAG if is_from_deployment(whole) else WHOLE_WAY
    finished = data.time_to_value.get((domain, interval, EVERYONE, "completed_only"))
    if not finished or finished["median_days"] is None:
        return ""
    shown = numbers.days(finished["median_days"])
    if whole and is_half_known(whole) and numbers.days(whole["median_days"]) == shown:
        return ""
    kind = "adopted data products" if is_from_deployment(whole) else "finished ideas"
    return f"Of {kind} only, half took {shown} days or less; that leaves out the open and the dropped ones."
