with adoption_events as (

    select * from {{ ref('adoption_events') }}

),

pairs as (

    select
        data_product_id,
        consumer_domain,
        min(occurred_at) as first_adopted_at,
        max(occurred_at) as last_adopted_at,
        max(case when occurred_at <= {{ evolution_dates().before }} then occurred_at end) as before_last_adopted_at,
        min_by(owner_domain, occurred_at) as owner_domain,
        count(*) as adopted_event_count
    from adoption_events
    group by data_product_id, consumer_domain

),

-- most pairs are seen once: only the others are worth a second look
repeats as (

    select
        pairs.data_product_id,
        pairs.consumer_domain,
        adoption_events.occurred_at,
        {{ elapsed_days('pairs.first_adopted_at', 'adoption_events.occurred_at') }} as days_later
    from pairs
    inner join adoption_events
        on
            pairs.data_product_id = adoption_events.data_product_id
            and pairs.consumer_domain = adoption_events.consumer_domain
    where pairs.adopted_event_count > 1

),

seen_again as (

    select
        data_product_id,
        consumer_domain,
        min(case when days_later >= 28 then occurred_at end) as sustained_at,
        count(case when days_later between 90 and 180 then 1 end) > 0 as is_retained
    from repeats
    group by data_product_id, consumer_domain

)

select
    pairs.data_product_id,
    pairs.consumer_domain,
    pairs.owner_domain,
    pairs.first_adopted_at,
    pairs.last_adopted_at,
    pairs.before_last_adopted_at,
    pairs.adopted_event_count,
    row_number() over in_order as adoption_number,
    row_number() over in_order = 1 as is_first_adoption,
    seen_again.sustained_at,
    coalesce(seen_again.is_retained, false) as is_retained
from pairs
left join seen_again
    on pairs.data_product_id = seen_again.data_product_id and pairs.consumer_domain = seen_again.consumer_domain
window in_order as (partition by pairs.data_product_id order by pairs.first_adopted_at, pairs.consumer_domain)
