with open_products as (

    select
        data_products.*,
        reopenings.reopened_at,
        case data_products.stage
            when 'deployed' then data_products.deployed_at
            when 'started' then data_products.work_started_at
            else coalesce(data_products.idea_logged_at, data_products.first_event_at)
        end as stepped_at
    from {{ ref('data_products') }} as data_products
    left join {{ ref('reopenings') }} as reopenings on data_products.data_product_id = reopenings.data_product_id
    where data_products.stage in ('idea', 'started', 'deployed')

),

queued as (

    select
        open_products.*,
        moves.queue,
        moves.moved_on_p85_days,
        greatest(open_products.stepped_at, coalesce(open_products.reopened_at, open_products.stepped_at)) as queued_at
    from open_products
    inner join {{ ref('queue_moves') }} as moves on open_products.stage = moves.stage

),

aged as (

    select
        *,
        {{ elapsed_days('queued_at', as_of()) }} as days_in_queue
    from queued

)

select
    aged.data_product_id,
    cast(aged.title as varchar) as title,
    aged.domain,
    cast(aged.initiative as varchar) as initiative,
    cast(aged.queue as varchar) as queue,
    aged.queued_at,
    aged.days_in_queue,
    cast(aged.moved_on_p85_days as double) as moved_on_p85_days,
    aged.days_in_queue > aged.moved_on_p85_days as is_older,
    cast(row_number() over (
        partition by aged.queue order by aged.days_in_queue desc, aged.data_product_id asc
    ) as bigint) as queue_rank,
    cast({{ as_share('chances.chance_of_adoption_90d') }} as double) as chance_of_adoption_90d,
    cast(chances.reason as varchar) as chance_reason,
    aged.idea_logged_at
from aged
left join {{ ref('adoption_chances') }} as chances on aged.data_product_id = chances.data_product_id
