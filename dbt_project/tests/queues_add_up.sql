{{ config(meta={
    'dagster': {'ref': {'name': 'queues'}},
    'description': 'Every open data product is in open_ideas once, and the queues count them all, for the whole '
        ~ 'organisation and for each domain.',
}) }}

with open_products as (

    select
        {{ domain_or_all() }} as domain,
        count(*) as product_count
    from {{ ref('data_products') }}
    where stage in ('idea', 'started', 'deployed')
    group by rollup(domain)
    having {{ is_domain_or_all() }}

),

listed as (

    select
        {{ domain_or_all() }} as domain,
        count(distinct data_product_id) as product_count
    from {{ ref('open_ideas') }}
    group by rollup(domain)
    having {{ is_domain_or_all() }}

),

queued as (

    select
        domain,
        sum(open_count) as product_count
    from {{ ref('queues') }}
    group by domain

)

select
    'data products that are open, in open_ideas and in queues are not as many' as problem,
    queued.domain,
    open_products.product_count,
    listed.product_count as listed_count,
    queued.product_count as queued_count
from queued
full join open_products using (domain)
full join listed using (domain)
where
    coalesce(open_products.product_count, 0) <> coalesce(listed.product_count, 0)
    or coalesce(open_products.product_count, 0) <> coalesce(queued.product_count, 0)
