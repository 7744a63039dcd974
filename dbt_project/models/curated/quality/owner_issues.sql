{{ config(materialized='ephemeral') }}

with named as (

    select * from {{ ref('lifecycle_events') }}
    where domain is not null and occurred_at <= {{ as_of() }}

),

changed as (

    select distinct data_product_id from named
    where event_type = 'owner_changed'

),

with_former_owner as (

    select
        *,
        lag(domain) over (partition by data_product_id order by {{ naming_order() }}) as former_domain
    from named
    where data_product_id in (select changed.data_product_id from changed)

)

select
    case
        when data_products.data_product_id is null then 'owner_change_without_product'
        when changes.former_domain is null then 'owner_change_without_former_owner'
        else 'owner_change_without_effect'
    end as rule_id,
    changes.data_product_id,
    changes.source,
    changes.event_id,
    changes.occurred_at,
    'owned by ' || changes.domain || ' from ' || changes.occurred_at
    || case
        when data_products.data_product_id is null then ', and there is no other event of it'
        when changes.former_domain is null then ', and no event before names an owner'
        else ', which owned it already'
    end as detail
from with_former_owner as changes
left join {{ ref('data_products') }} as data_products on changes.data_product_id = data_products.data_product_id
where
    changes.event_type = 'owner_changed'
    and (data_products.data_product_id is null or coalesce(changes.former_domain = changes.domain, true))
