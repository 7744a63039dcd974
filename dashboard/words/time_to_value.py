"""The sentences about time to value."""

from dashboard.tables import ADOPTION_LAG, EVERYONE, WHOLE_WAY, PageData, Row, last_complete
from dashboard.words import codes, numbers
from dashboard.words.phrases import Sentence, counted


def time_to_value_answer(data: PageData) -> Sentence:
    """Whether ideas are adopted faster, and the headline figure."""
    whole = data.headline()
    if whole is None or whole["reason"] in ("no_products", "no_adoption_events"):
        return [("Time to value is not known", True), (f": {codes.reason(whole['reason'] if whole else None)}.", False)]
    if is_from_deployment(whole):
        return [("Time to value is known from deployment on only", True), (f": {half_within(whole)}.", False)]
    row = last_complete(data.leading.get((EVERYONE, "time_to_value"), []))
    heads = {
        "improving": "Ideas are adopted faster than before",
        "worsening": "Ideas are adopted more slowly than before",
        "no_change": "The pace from idea to adoption has not credibly changed",
    }
    verdict = row["verdict"] if row else "not_enough_data"
    return [(heads.get(verdict, "Time to value"), True), (f": {half_within(whole)}.", False)]


def is_from_deployment(row: Row | None) -> bool:
    """Whether a headline is timed from deployment, because no idea was logged."""
    return row is not None and row.get("interval_id") == ADOPTION_LAG


def noun(row: Row | None) -> str:
    """What a headline counts."""
    return "data product" if is_from_deployment(row) else "idea"


def half_within(row: Row, whose: str = "all") -> str:
    """The headline of time to value: half of the ideas within how many days, or which share within a year.

    Of few ideas it says how many there are, and no share within a year. Without ideas it is about data products.
    """
    is_few, since = row["product_count"] < numbers.SMALL_DENOMINATOR, " of deployment" * is_from_deployment(row)
    whose = counted(row["product_count"], noun(row)) if is_few else f"{whose} {noun(row)}s"
    if row["median_days"] is not None:
        within = f"within {numbers.days(row['median_days'])} days{since}"
        band = f"(95% interval {numbers.interval(row['median_lower_days'], row['median_upper_days'])})"
        if row["median_upper_days"] is None:  # a single late adoption can then decide the median
            by_180 = numbers.share(row["share_by_day_180"])
            return f"{by_180} of {whose} are adopted by another domain within 180 days{since}, half {within} {band}"
        return f"half of {whose} are adopted by another domain {within} {band}"
    if row["share_by_day_365"] is not None and is_few:
        count = row["observed_count"]
        return f"{count:,} of {whose} {'has' if count == 1 else 'have'} been adopted by another domain"
    if row["share_by_day_365"] is not None:
        return f"{numbers.share(row['share_by_day_365'])} of {whose} are adopted by another domain within a year{since}"
    return codes.reason(row["reason"])


def finished_only(data: PageData, domain: str = EVERYONE) -> str:
    """The median of finished ideas only, for comparison; empty where there is none, or it reads the same."""
    whole = data.headline(domain)
    interval = ADOPTION_LAG if is_from_deployment(whole) else WHOLE_WAY
    finished = data.time_to_value.get((domain, interval, EVERYONE, "completed_only"))
    if not finished or finished["median_days"] is None:
        return ""
    shown = numbers.days(finished["median_days"])
    kind = "adopted data products" if is_from_deployment(whole) else "finished ideas"
    wrong = f" Counting {kind} only would show {shown} days"
    if whole and whole["median_days"] is not None:
        right = numbers.days(whole["median_days"])
        return f"{wrong} instead of {right}." if shown != right else ""
    return f"{wrong}: it leaves out the {noun(whole)}s that are open or were dropped."
