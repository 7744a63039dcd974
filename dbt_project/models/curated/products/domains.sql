with events as (

    select
        domain,
        consumer_domain,
        occurred_at
    from {{ ref('lifecycle_events') }}
    where occurred_at <= {{ as_of() }}

),

named as (

    {% for column in ['domain', 'consumer_domain'] %}
    select
        {{ column }} as domain,
        occurred_at
    from events
    where {{ column }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    domain,
    min(occurred_at) as first_seen_at,
    count(*) as event_count
from named
group by domain
