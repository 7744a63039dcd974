{{ config(materialized='ephemeral') }}

{# (measure, column of the declared table, unit): currencies are units of their own #}
{% set measures = [('cost', 'cost', 'currency'), ('energy', 'kwh', "'kWh'"), ('carbon', 'co2_kg', "'kg'")] %}

with months as (

    select
        month_starting,
        is_complete,
        ends_at,
        case when ends_at < {{ as_of() }} then ends_at else {{ as_of() }} end as seen_at
    from {{ ref('reporting_periods') }}
    where period = 'month'

),

-- what several rows say of one data product, month and unit is added up
figures as (

    {% for measure, column, unit in measures %}
    select
        data_product_id,
        cast(month || '-01' as date) as month_starting,
        '{{ measure }}' as measure,
        {{ unit }} as unit,
        {{ exact_sum(column) }} as amount
    from {{ source('declared', 'product_costs') }}
    where {{ column }} is not null and {{ unit }} is not null
    group by data_product_id, month, {{ unit }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

uses as (

    select
        costs.data_product_id,
        months.month_starting,
        max(adopted.occurred_at) as last_used_at
    from {{ source('declared', 'product_costs') }} as costs
    inner join months on cast(costs.month || '-01' as date) = months.month_starting
    inner join {{ ref('adoption_events') }} as adopted
        on costs.data_product_id = adopted.data_product_id and months.ends_at > adopted.occurred_at
    group by costs.data_product_id, months.month_starting

),

adopted as (

    select
        data_product_id,
        {{ month_starting('first_adopted_at') }} as month_starting,
        count(*) as adoption_count
    from {{ ref('adoptions') }}
    where data_product_id in (select figures.data_product_id from figures)
    group by data_product_id, {{ month_starting('first_adopted_at') }}

)

select
    figures.*,
    months.is_complete,
    data_products.data_product_id is not null as is_known,
    coalesce(live.live_from < months.ends_at and (live.live_until is null or live.live_until >= months.ends_at), false)
        as is_live,
    {{ elapsed_days('uses.last_used_at', 'months.seen_at') }} as days_unused,
    coalesce(adopted.adoption_count, 0) as adoption_count
from figures
inner join months on figures.month_starting = months.month_starting
left join {{ ref('data_products') }} as data_products on figures.data_product_id = data_products.data_product_id
left join {{ ref('live_products') }} as live on figures.data_product_id = live.data_product_id
left join uses on figures.data_product_id = uses.data_product_id and figures.month_starting = uses.month_starting
left join adopted
    on figures.data_product_id = adopted.data_product_id and figures.month_starting = adopted.month_starting
