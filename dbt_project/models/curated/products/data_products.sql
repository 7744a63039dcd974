with milestones as (

    select
        data_product_id,
        {% for column in ['title', 'domain', 'initiative'] %}
        max(case when {{ column }} is not null then occurred_at end) as last_{{ column }}_at,
        {% endfor %}
        min(case when not ({{ makes_no_product('event_type') }}) then occurred_at end) as first_event_at,
        min(case when event_type = 'idea_logged' then occurred_at end) as idea_logged_at,
        min(case when event_type = 'work_started' then occurred_at end) as work_started_at,
        min(case when event_type = 'deployed' then occurred_at end) as deployed_at,
        min(case when {{ is_closing('event_type') }} then occurred_at end) as closed_at,
        max(case when {{ is_closing('event_type') }} then occurred_at end) as last_closed_at,
        max(case when {{ is_delivery('event_type') }} then occurred_at end) as last_delivery_at
    from {{ ref('lifecycle_events') }}
    where occurred_at <= {{ as_of() }}
    group by data_product_id
    having count(case when not ({{ makes_no_product('event_type') }}) then 1 end) > 0

),

-- comparing instants is fast, comparing rows is not: only rows of these instants are worth it
named as (

    select
        events.data_product_id,
        {{ latest('title') }} as title,
        {{ latest('domain', naming_order()) }} as domain,
        {{ latest('initiative') }} as initiative,
        min_by(coalesce(events.has_named_consumer, false), {{ row_of('occurred_at, source, event_id') }})
        filter (where events.event_type = 'idea_logged') as has_named_consumer,
        min(events.event_type) filter (
            where {{ is_closing('events.event_type') }} and events.occurred_at = milestones.closed_at
        ) as close_reason
    from milestones
    inner join {{ ref('lifecycle_events') }} as events on milestones.data_product_id = events.data_product_id
    where
        events.occurred_at in (milestones.last_title_at, milestones.last_domain_at, milestones.last_initiative_at)
        or events.occurred_at in (milestones.idea_logged_at, milestones.closed_at)
    group by events.data_product_id

)

select
    milestones.data_product_id,
    named.title,
    named.domain,
    named.initiative,
    milestones.first_event_at,
    milestones.idea_logged_at,
    coalesce(named.has_named_consumer, false) as has_named_consumer,
    milestones.work_started_at,
    milestones.deployed_at,
    first_adoptions.first_adopted_at as adopted_at,
    milestones.closed_at,
    named.close_reason,
    case
        -- work that goes on after a closing revives the product
        when milestones.last_closed_at >= coalesce(milestones.last_delivery_at, milestones.last_closed_at) then 'closed'
        when first_adoptions.first_adopted_at is not null then 'adopted'
        when milestones.deployed_at is not null then 'deployed'
        when milestones.work_started_at is not null then 'started'
        else 'idea'
    end as stage
from milestones
left join {{ ref('adoptions') }} as first_adoptions
    on milestones.data_product_id = first_adoptions.data_product_id and first_adoptions.is_first_adoption
left join named on milestones.data_product_id = named.data_product_id
