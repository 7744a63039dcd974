{{ config(materialized='ephemeral') }}

{# (rule, what came first, in words, what it should have come after, in words) #}
{% set orders = [
    ('started_before_idea', 'work_started_at', 'work started', 'idea_logged_at', 'idea logged'),
    ('deployed_before_idea', 'deployed_at', 'deployed', 'idea_logged_at', 'idea logged'),
    ('adopted_before_idea', 'adopted_at', 'adopted by another domain', 'idea_logged_at', 'idea logged'),
    ('closed_before_idea', 'closed_at', 'closed', 'idea_logged_at', 'idea logged'),
    ('started_after_deployment', 'deployed_at', 'deployed', 'work_started_at', 'work started'),
    ('adopted_before_deployment', 'adopted_at', 'adopted by another domain', 'deployed_at', 'deployed'),
] %}

with data_products as (

    select * from {{ ref('data_products') }}

),

deliveries as (

    select * from {{ ref('lifecycle_events') }}
    where {{ is_delivery('event_type') }} and occurred_at <= {{ as_of() }}

),

after_closing as (

    select
        deliveries.data_product_id,
        deliveries.event_type = 'adopted' as is_adoption,
        min(data_products.closed_at) as closed_at,
        min(data_products.stage) as stage,
        min(deliveries.occurred_at) as first_at,
        count(*) as delivery_count
    from deliveries
    inner join data_products
        on
            deliveries.data_product_id = data_products.data_product_id
            and deliveries.occurred_at > data_products.closed_at
    where coalesce(data_products.closed_at >= data_products.idea_logged_at, true) -- else closed_before_idea has it
    group by deliveries.data_product_id, deliveries.event_type = 'adopted'

)

{% for rule_id, early_at, early, late_at, late in orders %}
select
    '{{ rule_id }}' as rule_id,
    data_product_id,
    {{ early_at }} as occurred_at,
    '{{ early }} ' || {{ early_at }} || ', {{ late }} ' || {{ late_at }} as detail
from data_products
where {{ early_at }} < {{ late_at }}

union all

{% endfor %}
select
    case when is_adoption then 'adopted_after_closing' else 'worked_on_after_closing' end as rule_id,
    data_product_id,
    first_at as occurred_at,
    'closed ' || closed_at || ', ' || case when is_adoption then 'adopted' else 'worked on' end || ' ' || first_at
    || ' (events: ' || delivery_count || '); it counts as ' || stage as detail
from after_closing
