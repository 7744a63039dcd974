{{ config(materialized='ephemeral') }}

with adopted as (

    select * from {{ ref('lifecycle_events') }}
    where event_type = 'adopted' and occurred_at <= {{ as_of() }}

),

ownerships as (

    select * from {{ ref('domain_ownerships') }}

),

ownerless as (

    select data_product_id from {{ ref('data_products') }}
    where domain is null

)

select
    'own_domain_adoption' as rule_id,
    adopted.data_product_id,
    adopted.source,
    adopted.event_id,
    adopted.occurred_at,
    'adopted by ' || adopted.consumer_domain || ', its owner at the time' as detail
from adopted
inner join ownerships
    on adopted.data_product_id = ownerships.data_product_id and adopted.consumer_domain = ownerships.domain
where {{ is_owned_at('ownerships', 'adopted.occurred_at') }}

union all

select
    'adoption_without_known_owner' as rule_id,
    adopted.data_product_id,
    adopted.source,
    adopted.event_id,
    adopted.occurred_at,
    'adopted by ' || adopted.consumer_domain || ', and no event names its owner' as detail
from adopted
inner join ownerless on adopted.data_product_id = ownerless.data_product_id
