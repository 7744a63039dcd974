"""The rows behind a metric's latest number: the data products, adoptions, ideas or checks that it counts.

Belongs here: one SELECT for each metric that counts rows, on served curated tables; what the others are computed from.
Does not belong here: computing the number. A test compares the rows with the served numerator of each metric.
"""

from collections.abc import Callable

from dashboard.rows import Row, last_complete

LISTED_BEHIND = 200  # rows of each list; the counts are of all
DAY = 86_400_000_000  # microseconds

ADOPTIONS = """
    select data_product_id, consumer_domain, owner_domain as domain, {at} as happened_at, {is_counted} as is_counted,
        1 as amount, null as other_amount
    from curated.adoptions where {at} >= $starts and {at} < $ends and {which}
"""
PRODUCTS = """
    select data_product_id, null as consumer_domain, domain, {at} as happened_at, {is_counted} as is_counted,
        1 as amount, null as other_amount
    from curated.data_products where {at} >= $starts and {at} < $ends and {which}
"""
ADOPTING_DOMAINS = """
    select null as data_product_id, consumer_domain, null as domain, max(first_adopted_at) as happened_at,
        true as is_counted, 1 as amount, count(*) as other_amount
    from curated.adoptions where first_adopted_at >= $starts and first_adopted_at < $ends group by consumer_domain
"""
CHECKS = """
    select data_product_id, null as consumer_domain, null as domain, max(occurred_at) as happened_at,
        true as is_counted, sum(passed_count) as amount, sum(failed_count) as other_amount
    from curated.lifecycle_events
    where event_type = 'contract_checked' and occurred_at >= $starts and occurred_at < $ends group by data_product_id
"""
ACTIVE_PAIRS = """
    select data_product_id, used.consumer_domain, any_value(owner_domain) as domain, max(occurred_at) as happened_at,
        true as is_counted, 1 as amount, null as other_amount
    from curated.lifecycle_events as used join curated.adoptions as pairs using (data_product_id, consumer_domain)
    where event_type = 'adopted' and occurred_at >= first_adopted_at and occurred_at < $ends
        and occurred_at > $ends - interval '2160 hours'
    group by all
"""


def _adoptions(at: str = "first_adopted_at", which: str = "true", is_counted: str = "true") -> str:
    return ADOPTIONS.format(at=at, which=which, is_counted=is_counted)


def _products(at: str, which: str = "true", is_counted: str = "true") -> str:
    return PRODUCTS.format(at=at, which=which, is_counted=is_counted)


def _within(start: str, days: str) -> str:
    """Data products that began at `start`, counted where another domain adopted them in time, before any closing."""
    not_left_out = f"coalesce(adopted_at >= {start}, true) and coalesce(closed_at >= {start}, true)"
    in_time = f"coalesce(epoch_us(adopted_at) - epoch_us({start}) <= {days} * {DAY}, false)"
    return _products(start, not_left_out, f"{in_time} and coalesce(closed_at >= adopted_at, true)")


def _net_flow() -> str:
    """Ideas logged, then those adopted or closed, whichever came first; without what `idea_to_adopted` leaves out."""
    in_interval = "coalesce(adopted_at >= idea_logged_at, true) and coalesce(closed_at >= idea_logged_at, true)"
    left_at = "least(adopted_at, closed_at)"
    finished = _products(left_at, f"idea_logged_at is not null and {in_interval}", "false")
    return f"{_products('idea_logged_at', in_interval)} union all {finished}"


COUNTED = {
    "cross_domain_adoptions": _adoptions(),
    "sustained_adoptions": _adoptions("sustained_at"),
    "products_reaching_k_domains": _adoptions(which="adoption_number = $k"),
    "adopted_within_days": _within("idea_logged_at", "$days"),
    "active_cross_domain_pairs": ACTIVE_PAIRS,
    "first_adoptions": _adoptions(which="is_first_adoption"),
    "expansion_adoptions": _adoptions(which="not is_first_adoption"),
    "expansion_share": _adoptions(is_counted="not is_first_adoption"),
    "retained_adoption": _adoptions(is_counted="is_retained"),
    "adopting_domains": ADOPTING_DOMAINS,
    "named_consumer_share": _products("idea_logged_at", is_counted="has_named_consumer"),
    "initiative_share": _products(
        "idea_logged_at", is_counted="data_product_id in (select data_product_id from curated.product_initiatives)"
    ),
    "first_deployments": _products("deployed_at"),
    "adopted_90d": _within("deployed_at", "90"),
    "net_flow": _net_flow(),
    "contract_checks_passed": CHECKS,
}

LIST = """
    with behind as ({behind}),
    listed as (
        select *, sum(amount) filter (is_counted) over () as counted_amount,
            sum(other_amount) over () as other_sum,
            count(*) filter (is_counted) over () as counted_count, count(*) over () as row_count
        from behind
        qualify row_number() over (partition by is_counted order by other_amount desc nulls last, happened_at desc,
            data_product_id, consumer_domain) <= {limit}
    )
    select listed.* exclude (domain), coalesce(listed.domain, products.domain) as domain, products.title,
        coalesce(data_product_id in (select data_product_id from paged), false) as has_page
    from listed left join curated.data_products as products using (data_product_id)
    order by not is_counted, other_amount desc nulls last, happened_at desc, data_product_id, consumer_domain
"""
BOUNDS = """
    select timezone($zone, cast($starting as timestamp)) as starts,
        timezone($zone, cast($starting as timestamp) + case $period when 'month' then interval 1 month
            else interval 3 months end) as ends
"""


def rows_behind(
    select: Callable[..., list[Row]], series: dict[str, list[Row]], about: Row, limit: int = LISTED_BEHIND
) -> dict[str, list[Row]]:
    """{metric_id: the rows that its latest complete period counts}, those counted first.

    Each row has the totals of all of them, listed or not. A metric without a value, or that counts no rows, has none.

    Parameters: `select`, which runs SQL with parameters on the serving file, where `paged` holds the data products
    that have a page; `series`, the rows of each metric of the whole organisation in order of month_starting; `about`,
    the row of `publication`.
    """
    found = {}
    for metric, rows in series.items():
        row = last_complete(rows)
        if metric in COUNTED and row and row["value"] is not None:
            period = {"starting": row["month_starting"], "period": row["period"]}
            [bounds] = select(BOUNDS, {"zone": about["timezone"]} | period)
            settings = {"k": about["k"], "days": about["days"]}
            found[metric] = select(LIST.format(behind=COUNTED[metric], limit=limit), bounds | settings)
    return found
