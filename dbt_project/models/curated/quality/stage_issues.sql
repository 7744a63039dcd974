{{ config(materialized='ephemeral') }}

with reached as (

    select
        *,
        case stage
            {% for stage in factory_stage_names() %}
            when '{{ stage }}' then {{ loop.index }}
            {% endfor %}
        end as stage_number,
        row_number() over (partition by data_product_id, stage order by occurred_at, source, event_id) as reach_number
    from {{ ref('lifecycle_events') }}
    where event_type = 'stage_reached' and occurred_at <= {{ as_of() }}

)

select
    'stage_without_product' as rule_id,
    reached.data_product_id,
    reached.source,
    reached.event_id,
    reached.occurred_at,
    'reached ' || reached.stage || ' ' || reached.occurred_at || ', and there is no other event of it' as detail
from reached
left join {{ ref('data_products') }} as data_products on reached.data_product_id = data_products.data_product_id
where data_products.data_product_id is null

union all

select
    'stages_out_of_order' as rule_id,
    reached.data_product_id,
    reached.source,
    reached.event_id,
    reached.occurred_at,
    'reached ' || reached.stage || ' ' || reached.occurred_at || ', and ' || earlier.stage || ' only '
    || earlier.occurred_at as detail
from reached
inner join reached as earlier
    on
        reached.data_product_id = earlier.data_product_id
        and reached.stage_number = earlier.stage_number + 1
        and reached.occurred_at < earlier.occurred_at
where reached.reach_number = 1 and earlier.reach_number = 1
