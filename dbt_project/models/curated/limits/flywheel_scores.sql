{{ config(materialized='ephemeral') }}

{% set target = settings().target %}

select
    metric_id,
    month_starting,
    value,
    cast(null as double) as lower,
    cast(null as double) as upper,
    verdict,
    verdict_since,
    coalesce(reason, verdict_reason) as reason
from {{ ref('series_verdicts') }}
where domain = 'all'

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
    null as verdict_since,
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
    null as verdict_since,
    '{{ 'declared' if target is not none else 'no_target' }}' as reason
