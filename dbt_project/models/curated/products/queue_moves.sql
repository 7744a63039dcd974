with known as (

    select
        *,
        (
            select count(case when products.stage = 'idea' or products.idea_logged_at is not null then 1 end)
            from {{ ref('data_products') }} as products
        ) > 0 as has_ideas
    from {{ ref('first_events') }}

),

-- what was closed before its next step left the queue by closing
moves as (

    {% for queue in queues() %}
    select
        '{{ queue.id }}' as queue,
        {{ elapsed_days(queue.from, queue.to) }} as age_days
    from {{ ref('data_products') }}
    where
        {{ queue.to }} >= {{ queue.from }}
        and {{ elapsed_days(queue.to, as_of()) }} < 365
        and (closed_at is null or closed_at >= {{ queue.to }})
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

measured as (

    select
        queue,
        count(*) as moved_on_count,
        {{ percentile(0.85, 'age_days') }} as p85_days
    from moves
    group by queue

),

-- a queue can exist where events that lead into it are sent
existing as (

    {% for queue in queues() %}
    select
        '{{ queue.id }}' as queue,
        '{{ queue.stage }}' as stage,
        case when {{ queue.next }} is null then '{{ queue.unknown }}' end as unknown_reason
    from known
    where {{ queue.exists }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select
    existing.queue,
    existing.stage,
    case when existing.unknown_reason is null then coalesce(measured.moved_on_count, 0) end as moved_on_count,
    case when measured.moved_on_count >= {{ fewest_observed() }} then measured.p85_days end as moved_on_p85_days,
    case
        when existing.unknown_reason is not null then existing.unknown_reason
        when coalesce(measured.moved_on_count, 0) < {{ fewest_observed() }} then 'not_enough_data'
    end as reason
from existing
left join measured on existing.queue = measured.queue
