{{ config(materialized='ephemeral') }}

{# Each data product counts once, in its main initiative or in 'none'. #}
with products as (

    select
        coalesce(initiatives.initiative_id, 'none') as initiative_id,
        data_products.*
    from {{ ref('data_products') }} as data_products
    left join {{ ref('product_initiatives') }} as initiatives
        on data_products.data_product_id = initiatives.data_product_id and initiatives.is_main

),

-- a consumer that became the owner since is no longer another domain
uses as (

    select
        products.initiative_id,
        products.data_product_id,
        adoptions.consumer_domain,
        adoptions.last_adopted_at
    from products
    inner join {{ ref('adoptions') }} as adoptions on products.data_product_id = adoptions.data_product_id
    where adoptions.consumer_domain <> products.domain

),

consumers as (

    select
        initiative_id,
        count(distinct consumer_domain) as consuming_domains_count
    from uses
    group by initiative_id

),

last_uses as (

    select
        data_product_id,
        max(last_adopted_at) as last_used_at
    from uses
    group by data_product_id

),

counted as (

    select
        products.initiative_id,
        count(*) as product_count,
        count(products.idea_logged_at) as ideas_count,
        count(products.deployed_at) as deployed_count,
        count(products.adopted_at) as adopted_count,
        min(coalesce(products.idea_logged_at, products.first_event_at)) as first_begun_at,
        count(
            case
                when products.stage = 'closed' then null
                when not known.has_repeats then last_uses.last_used_at
                when {{ elapsed_days('last_uses.last_used_at', as_of()) }} < 90 then last_uses.last_used_at
            end
        ) as in_use_count
    from products
    cross join {{ ref('known_events') }} as known
    left join last_uses on products.data_product_id = last_uses.data_product_id
    group by products.initiative_id

)

select
    counted.*,
    coalesce(consumers.consuming_domains_count, 0) as consuming_domains_count
from counted
left join consumers on counted.initiative_id = consumers.initiative_id
