{{ config(materialized='ephemeral') }}

{% set target = north_star().target %}

with latest as (

    select
        metric_id,
        month_starting,
        case when reason is null then value end as value,
        -- of a quarter that still goes on its complete months have no verdict yet: the last one that has counts
        last_value(verdict ignore nulls) over (partition by metric_id order by month_starting asc) as verdict,
        coalesce(reason, verdict_reason) as reason
    from {{ ref('process_limits') }}
    where domain = 'all' and is_complete
    qualify row_number() over (partition by metric_id order by month_starting desc) = 1

)

select
    metric_id,
    latest.month_starting,
    latest.value,
    cast(null as double) as lower,
    cast(null as double) as upper,
    coalesce(latest.verdict, 'not_enough_data') as verdict,
    case
        when latest.metric_id is null then 'no_complete_month'
        when latest.value is null or latest.verdict is null then latest.reason
    end as reason
from (select distinct metric_id from {{ ref('process_limits') }}) as followed
left join latest using (metric_id)

union all

select
    metric_id,
    null as month_starting,
    momentum.value,
    momentum.lower,
    momentum.upper,
    case
        when momentum.value is null or metric_id = 'momentum_completed_only' then 'not_enough_data'
        when momentum.upper < 0 then 'improving'
        when momentum.lower > 0 then 'worsening'
        else 'no_change'
    end as verdict,
    case
        when momentum.value is null then 'not_enough_data'
        when metric_id = 'momentum_completed_only' then 'finished_ideas_only'
    end as reason
from {{ ref('metrics') }}
left join {{ ref('momentum') }} as momentum using (metric_id)
where metric_id in ('momentum', 'momentum_completed_only')

union all

select
    'north_star_target' as metric_id,
    null as month_starting,
    {{ target if target is not none else 'null' }} as value,
    null as lower,
    null as upper,
    'not_enough_data' as verdict,
    '{{ 'declared' if target is not none else 'no_target' }}' as reason
