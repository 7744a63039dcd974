with events as (

    select * from {{ ref('lifecycle_events') }}
    where occurred_at <= {{ as_of() }}

),

last_closings as (

    select
        data_product_id,
        max(occurred_at) as last_closed_at
    from events
    where {{ is_closing('event_type') }}
    group by data_product_id

)

select
    events.data_product_id,
    min(events.occurred_at) as reopened_at
from last_closings
inner join events on last_closings.data_product_id = events.data_product_id
where {{ is_delivery('events.event_type') }} and events.occurred_at > last_closings.last_closed_at
group by events.data_product_id
