"""The words about the rows behind a metric's number.

Belongs here: what is listed, what other numbers are computed from. Does not belong here: the rows (`../counted.py`).
"""

from dashboard.rows import Row
from dashboard.words.phrases import counted

PACED = (
    "A median of the last 180 days counts no rows: it comes from the days of every data product that was under way in "
    "them. The data of every period has how many of them completed it (numerator), of how many (denominator)."
)
COMPUTED = {
    "time_to_value": PACED,
    "time_to_value_median": PACED,
    "build_time": PACED,
    "adoption_lag": PACED,
    "contract_pass_rate": "It counts rows of delivered files: those landed, of those read. The table event_accounting "
    "has them for each batch, quarantined_events the rows that were refused.",
}
COLUMNS = {"contract_checks_passed": ("Passed", "Failed"), "adopting_domains": ("Adoptions",)}  # of amounts
WHEN = {  # what the date of a row is; of an adoption else the first use
    "sustained_adoptions": "Used again",
    "active_cross_domain_pairs": "Latest use",
    "adopting_domains": "Latest adoption",
    "contract_checks_passed": "Latest check",
    "adopted_within_days": "Idea logged",
    "named_consumer_share": "Idea logged",
    "initiative_share": "Idea logged",
    "first_deployments": "Deployed",
    "adopted_90d": "Deployed",
}
ADOPTION, PRODUCT = "adoption", "data product"
THINGS = {  # what is counted; of a share, what else is in the denominator
    "cross_domain_adoptions": (ADOPTION, ""),
    "sustained_adoptions": (ADOPTION, ""),
    "products_reaching_k_domains": (PRODUCT, ""),
    "adopted_within_days": ("idea adopted in time", "idea not adopted in time"),
    "active_cross_domain_pairs": ("pair", ""),
    "first_adoptions": ("first adoption", ""),
    "expansion_adoptions": ("expansion adoption", ""),
    "expansion_share": ("expansion adoption", "first adoption"),
    "retained_adoption": ("adoption seen again", "adoption not seen again"),
    "adopting_domains": ("domain", ""),
    "named_consumer_share": ("idea with a named consumer", "idea without one"),
    "initiative_share": ("idea of an initiative", "idea of no initiative"),
    "first_deployments": (PRODUCT, ""),
    "adopted_90d": ("data product adopted in time", "data product not adopted in time"),
    "net_flow": ("idea started", "idea finished"),
    "contract_checks_passed": (PRODUCT, ""),
}


def when(metric: str, is_counted: bool) -> str:
    """What the date of a row is."""
    if metric == "net_flow":
        return "Idea logged" if is_counted else "Adopted or closed"
    return WHEN.get(metric, "First use")


def heading(metric: str, is_counted: bool, count: int, row: Row) -> str:
    """What a list holds, and how many: "12 ideas with a named consumer"; `row`, any of its rows."""
    if metric == "contract_checks_passed":
        return f"{row['counted_amount']:,} checks passed and {row['other_sum']:,} failed, of {counted(count, PRODUCT)}"
    one = THINGS[metric][0 if is_counted else 1]
    return counted(count, one, plural(one))


def plural(one: str) -> str:
    """ "ideas with a named consumer"."""
    noun, space, rest = one.partition(" ")
    if noun in ("data", "expansion", "first"):
        second, space, rest = rest.partition(" ")
        noun = f"{noun} {second}"
    return f"{noun}s{space}{rest}"
