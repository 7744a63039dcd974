{{ config(materialized='view') }}

{# Each name is held against the first that looks like it, not against each other one: thousands of spellings of a name
   would make millions of pairs. #}

with events as (

    select
        domain,
        consumer_domain
    from {{ ref('lifecycle_events') }}
    where occurred_at <= {{ as_of() }}

),

mentions as (

    {% for column in ['domain', 'consumer_domain'] %}
    select
        {{ column }} as domain,
        count(*) as event_count
    from events
    where {{ column }} is not null
    group by {{ column }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

names as (

    select
        domain,
        lower(domain) as lower_name,
        regexp_replace(lower(domain), '[\s\p{Z}_.-]+', '', 'g') as bare_name,
        sum(event_count) as event_count
    from mentions
    group by domain

)

select
    domain,
    bare_name,
    event_count,
    first_value(domain) over (partition by bare_name, lower_name order by domain) as first_in_case,
    first_value(domain) over (partition by bare_name order by domain) as first_alike
from names
