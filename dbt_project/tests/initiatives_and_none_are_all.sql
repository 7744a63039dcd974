{{ config(meta={
    'dagster': {'ref': {'name': 'belt_initiatives'}},
    'description': 'The data products of all initiatives, and of none, are all data products; so are their ideas, deployments '
        ~ 'and adoptions.',
}) }}

with belt as (

    select
        sum(product_count) as product_count,
        sum(ideas_count) as ideas_count,
        sum(deployed_count) as deployed_count,
        sum(adopted_count) as adopted_count
    from {{ ref('belt_initiatives') }}

),

products as (

    select
        count(*) as product_count,
        count(idea_logged_at) as ideas_count,
        count(deployed_at) as deployed_count,
        count(adopted_at) as adopted_count
    from {{ ref('data_products') }}

)

select
    belt.*,
    products.product_count as all_count
from belt
cross join products
where
    belt.product_count <> products.product_count
    or belt.ideas_count <> products.ideas_count
    or belt.deployed_count <> products.deployed_count
    or belt.adopted_count <> products.adopted_count
