{{ config(materialized='ephemeral') }}

{% set stages = factory_stage_names() %}
{# What stands for a stage that nobody reported of a data product #}
{% set stands_for = {'governed': 'contract_states.activated_at', 'exposed': 'data_products.deployed_at'} %}

with reported as (

    select
        {% for stage in stages %}
        min(case when stage = '{{ stage }}' then occurred_at end) as {{ stage }}_at,
        {% endfor %}
        data_product_id
    from {{ ref('lifecycle_events') }}
    where event_type = 'stage_reached' and occurred_at <= {{ as_of() }}
    group by data_product_id

)

select
    {% for stage in stages %}
    reported.{{ stage }}_at as {{ stage }}_reported_at,
    coalesce(reported.{{ stage }}_at, {{ stands_for.get(stage, 'null') }}) as {{ stage }}_at,
    {% endfor %}
    data_products.stage = 'closed' as is_closed
from {{ ref('data_products') }} as data_products
left join reported on data_products.data_product_id = reported.data_product_id
left join {{ ref('contract_states') }} as contract_states
    on data_products.data_product_id = contract_states.data_product_id and contract_states.evolution_date = 'now'
