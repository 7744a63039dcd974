{{ config(materialized='ephemeral') }}

{# (rule, where to look, what breaks it, when, detail) #}
{% set rules = [
    ('missing_idea', 'without_idea', 'delivery_count > 0', 'first_at',
        "'first event ' || first_at || ' (events: ' || delivery_count || '), no idea_logged'"),
    ('contract_without_delivery', 'without_idea', 'delivery_count = 0', 'first_at',
        "'contract events only, the first ' || first_at"),
    ('adopted_without_deployment', 'data_products', 'adopted_at is not null and deployed_at is null', 'adopted_at',
        "'adopted by another domain ' || adopted_at || ', never deployed'"),
    ('missing_owner', 'data_products', 'domain is null',
        'cast(null as timestamp with time zone)', "'no event names its domain; it counts as ' || stage"),
    ('checked_without_contract', 'contract_states', 'activated_at is null', 'last_checked_at',
        "'last checked ' || last_checked_at || ', never activated'"),
] %}

with data_products as (

    select * from {{ ref('data_products') }}

),

contract_states as (

    select * from {{ ref('contract_states') }}
    where evolution_date = 'now'

),

without_idea as (

    select
        events.data_product_id,
        count(case when {{ is_delivery('events.event_type') }} or {{ is_closing('events.event_type') }} then 1 end)
            as delivery_count,
        min(events.occurred_at) as first_at
    from {{ ref('lifecycle_events') }} as events
    inner join data_products on events.data_product_id = data_products.data_product_id
    where
        data_products.idea_logged_at is null
        and not ({{ makes_no_product('events.event_type') }})
        and events.occurred_at <= {{ as_of() }}
    group by events.data_product_id

)

{% for rule_id, relation, is_broken, at, detail in rules %}
select
    '{{ rule_id }}' as rule_id,
    data_product_id,
    {{ at }} as occurred_at,
    {{ detail }} as detail
from {{ relation }}
where {{ is_broken }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
