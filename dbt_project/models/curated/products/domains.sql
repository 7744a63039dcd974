with events as (

    select
        domain,
        consumer_domain,
        occurred_at
    from {{ ref('lifecycle_events') }}
    where not ({{ makes_no_product('event_type') }}) and occurred_at <= {{ as_of() }}

    union all

    -- the owner of what is no data product is no domain
    select
        changes.domain,
        changes.consumer_domain,
        changes.occurred_at
    from {{ ref('data_products') }} as data_products
    inner join {{ ref('lifecycle_events') }} as changes on data_products.data_product_id = changes.data_product_id
    where {{ makes_no_product('changes.event_type') }} and changes.occurred_at <= {{ as_of() }}

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
    max(occurred_at) as last_seen_at,
    count(*) as event_count
from named
group by domain
