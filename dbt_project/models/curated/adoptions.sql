with adopted as (

    select * from {{ ref('lifecycle_events') }}
    where event_type = 'adopted' and occurred_at <= {{ as_of() }}

),

ownerships as (

    select * from {{ ref('domain_ownerships') }}

),

-- the owner is the product's owner when it was adopted; an unknown owner can't be told from the consumer
crossing as (

    select
        adopted.data_product_id,
        adopted.consumer_domain,
        ownerships.domain as owner_domain,
        adopted.occurred_at
    from adopted
    inner join ownerships on adopted.data_product_id = ownerships.data_product_id
    where
        adopted.consumer_domain <> ownerships.domain
        and (ownerships.owned_from is null or adopted.occurred_at >= ownerships.owned_from)
        and (ownerships.owned_until is null or adopted.occurred_at < ownerships.owned_until)

),

pairs as (

    select
        data_product_id,
        consumer_domain,
        min(occurred_at) as first_adopted_at,
        max(occurred_at) as last_adopted_at,
        min_by(owner_domain, occurred_at) as owner_domain,
        count(*) as adopted_event_count
    from crossing
    group by data_product_id, consumer_domain

)

select
    data_product_id,
    consumer_domain,
    owner_domain,
    first_adopted_at,
    last_adopted_at,
    adopted_event_count,
    row_number() over (partition by data_product_id order by first_adopted_at, consumer_domain) = 1 as is_first_adoption
from pairs
