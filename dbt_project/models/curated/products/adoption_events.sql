{{ config(materialized='view') }}

with adopted as (

    select * from {{ ref('lifecycle_events') }}
    where event_type = 'adopted' and occurred_at <= {{ as_of() }}

),

ownerships as (

    select * from {{ ref('domain_ownerships') }}

)

-- the owner is the product's owner when it was adopted; an unknown owner may be the consumer
select
    adopted.data_product_id,
    adopted.consumer_domain,
    ownerships.domain as owner_domain,
    adopted.occurred_at
from ownerships
inner join adopted on ownerships.data_product_id = adopted.data_product_id
where
    adopted.consumer_domain <> ownerships.domain
    and {{ is_owned_at('ownerships', 'adopted.occurred_at') }}
