with named as (

    select
        domain,
        occurred_at
    from {{ ref('lifecycle_events') }}
    where domain is not null and occurred_at <= {{ as_of() }}

    union all

    select
        consumer_domain as domain,
        occurred_at
    from {{ ref('lifecycle_events') }}
    where consumer_domain is not null and occurred_at <= {{ as_of() }}

)

select
    domain,
    min(occurred_at) as first_seen_at
from named
group by domain
