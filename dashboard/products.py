"""Reads what the pages list one by one: the data products that have a page, their events, who uses them.

Belongs here: which data products have a page, SELECTs on served curated tables, bounded so that pages stay small.
Does not belong here: figures of the organisation (`tables.py`), the rows behind a metric (`counted.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from dashboard.rows import Row, grouped

PAGES = 2_000  # data products that have a page
IN_QUEUE = 1_000  # of a queue on the page of all open data products
ENTRIES = 200  # events on a page, and months of checks and of repeated use: the latest
USES = 200  # consumers on a page: the latest
TAKEN = 50  # adoptions on the page of the domain that took them: the latest

# the longest in each queue first, then those with the latest event; 5,000,000 events take 0.8 CPU-s
PAGED = f"""
    create temp table paged as
    select data_product_id, row_number() over (order by queue_rank nulls last, latest_at desc, data_product_id) as place
    from (
        select data_product_id, queue_rank, latest_at
        from curated.data_products
        left join authoritative.open_ideas using (data_product_id)
        left join (
            select data_product_id, max(occurred_at) as latest_at from curated.lifecycle_events group by data_product_id
        ) using (data_product_id)
        where data_products.domain is not null or queue_rank <= {IN_QUEUE} -- else no page leads to it
        order by queue_rank nulls last, latest_at desc, data_product_id
        limit {PAGES}
    )
"""
NO_PAGES = "create temp table paged (data_product_id varchar, place bigint)"
PRODUCTS = """
    select products.data_product_id, products.title, products.domain, products.initiative, products.stage,
        products.closed_at, products.close_reason, open_ideas.* exclude (data_product_id, title, domain, initiative),
        evolution.* exclude (data_product_id, title, domain)
    from paged
    join curated.data_products as products using (data_product_id)
    left join authoritative.open_ideas as open_ideas using (data_product_id)
    left join authoritative.product_evolution as evolution using (data_product_id)
    order by paged.place
"""
# a check, and a use that repeats an earlier one, is part of its month; everything else stands for itself
ENTRY_LIST = f"""
    with events as (
        select *,
            case
                when event_type = 'contract_checked' then event_type
                when event_type = 'adopted' and row_number() over (
                    partition by data_product_id, event_type, consumer_domain order by occurred_at, source, event_id
                ) > 1 then 'used_again'
            end as repeated,
            case when repeated is null then source || chr(0) || event_id end as single,
            case when repeated is not null then date_trunc('month', timezone($zone, occurred_at)) end as month
        from curated.lifecycle_events
        where data_product_id in (select data_product_id from paged)
    ),
    entries as (
        select data_product_id, repeated, coalesce(repeated, any_value(event_type)) as kind,
            max(occurred_at) as latest_at, cast(month as date) as month_starting, count(*) as event_count,
            sum(passed_count) as passed_count, sum(failed_count) as failed_count,
            count(distinct consumer_domain) as consumer_count, any_value(consumer_domain) as consumer_domain,
            case when repeated is null then any_value(domain) end as domain,
            case when repeated is null then any_value(contract_version) end as contract_version,
            case when repeated is null then any_value(stage) end as stage,
            case when repeated is null then any_value(named_consumer_domains) end as named_consumer_domains,
            case when repeated is null then any_value(source_ref) end as source_ref,
            min(source) as source, min(event_id) as event_id
        from events
        group by data_product_id, repeated, single, month
    )
    select *, count(*) over (partition by data_product_id, repeated) as entry_count
    from entries
    qualify row_number() over (
        partition by data_product_id, repeated order by latest_at desc, kind, source, event_id
    ) <= {ENTRIES}
    order by data_product_id, latest_at, kind, source, event_id
"""
USE_LIST = f"""
    select data_product_id, consumer_domain, owner_domain, first_adopted_at, last_adopted_at, adopted_event_count,
        count(*) over (partition by data_product_id) as use_count,
        (select coalesce(max(adopted_event_count), 0) > 1 from curated.adoptions) as has_repeats
    from curated.adoptions
    where data_product_id in (select data_product_id from paged)
    qualify row_number() over (partition by data_product_id order by first_adopted_at desc, consumer_domain) <= {USES}
    order by data_product_id, first_adopted_at, consumer_domain
"""
TAKEN_LIST = f"""
    with taken as (
        select consumer_domain, owner_domain, data_product_id, first_adopted_at, last_adopted_at,
            count(*) over (partition by consumer_domain) as taken_count
        from curated.adoptions
        qualify row_number() over (
            partition by consumer_domain order by first_adopted_at desc, data_product_id
        ) <= {TAKEN}
    )
    select taken.*, title, data_product_id in (select data_product_id from paged) as has_page
    from taken left join curated.data_products using (data_product_id)
    order by consumer_domain, first_adopted_at desc, data_product_id
"""
OWNED = "select domain, count(*) as product_count from curated.data_products where domain is not null group by domain"


@dataclass(frozen=True)
class Products:
    """The data products that have a page, the longest in a queue first, and what is listed of them and of domains."""

    rows: dict[str, Row] = field(default_factory=dict)  # by data_product_id
    entries: dict[str, list[Row]] = field(default_factory=dict)  # by data_product_id, in order of time
    uses: dict[str, list[Row]] = field(default_factory=dict)  # by data_product_id, in order of the first one
    taken: dict[str, list[Row]] = field(default_factory=dict)  # by consumer domain, latest first
    owned: dict[str, int] = field(default_factory=dict)  # by domain: all its data products, with a page or without

    def of_domain(self, domain: str) -> "Products":
        """Those that a domain owns, without their events, and what it took."""
        return Products(
            rows={key: row for key, row in self.rows.items() if row["domain"] == domain},
            taken={domain: self.taken.get(domain, [])},
            owned={domain: self.owned.get(domain, 0)},
        )


def read_products(select: Callable[..., list[Row]], timezone: str) -> Products:
    """What is listed one by one; `select` runs SQL with parameters on the serving file, where `paged` is known.

    Parameters: `timezone`, the reporting timezone of months.
    """
    return Products(
        rows={row["data_product_id"]: row for row in select(PRODUCTS)},
        entries=grouped(select(ENTRY_LIST, {"zone": timezone}), "data_product_id"),
        uses=grouped(select(USE_LIST), "data_product_id"),
        taken=grouped(select(TAKEN_LIST), "consumer_domain"),
        owned={row["domain"]: row["product_count"] for row in select(OWNED)},
    )
