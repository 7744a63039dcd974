{{ config(materialized='ephemeral') }}

{% set columns = ['title', 'domain', 'initiative'] %}

with events as (

    select * from {{ ref('lifecycle_events') }}
    where occurred_at <= {{ as_of() }}

),

-- comparing instants is fast, comparing rows is not: only rows of the last instants are worth it
last_instants as (

    select
        {% for column in columns %}
        max(case when {{ column }} is not null then occurred_at end) as last_{{ column }}_at,
        {% endfor %}
        data_product_id
    from events
    group by data_product_id

)

select
    events.data_product_id,
    {{ latest('events.title') }} as title,
    {{ latest('events.domain', naming_order()) }} as domain,
    {{ latest('events.initiative') }} as initiative,
    min_by(
        coalesce(events.has_named_consumer, false),
        case when events.event_type = 'idea_logged' then {{ row_of('events.occurred_at, events.source, events.event_id') }} end
    ) as has_named_consumer
from events
inner join last_instants on events.data_product_id = last_instants.data_product_id
where
    events.occurred_at in (
        {%- for column in columns %} last_instants.last_{{ column }}_at{{ ',' if not loop.last }}{% endfor %}
    )
    or events.event_type = 'idea_logged'
group by events.data_product_id
