{% set star = north_star() %}

with signals as (

    select * from {{ ref('signals') }}

),

limits as (

    select * from {{ ref('phase_limits') }}

),

verdicts as (

    select * from {{ ref('verdicts') }}

),

joined as (

    select
        signals.*,
        metrics.kind,
        -- a pace index rises when the days fall
        case
            when metrics.good_direction = 'up' then 1
            when {{ is_paced('signals.metric_id') }} then 1
            else -1
        end as good_direction,
        limits.center,
        limits.lower_limit,
        limits.upper_limit,
        limits.is_provisional as is_young,
        verdicts.own_rule,
        verdicts.rule,
        verdicts.direction,
        coalesce(verdicts.is_judged, false) as is_judged
    from signals
    inner join {{ ref('metrics') }} as metrics on signals.metric_id = metrics.metric_id
    left join limits
        on
            signals.metric_id = limits.metric_id
            and signals.domain = limits.domain
            and signals.is_north_star = limits.is_north_star
            and signals.phase = limits.phase
    left join verdicts
        on
            signals.metric_id = verdicts.metric_id
            and signals.domain = verdicts.domain
            and signals.is_north_star = verdicts.is_north_star
            and signals.point_starting = verdicts.point_starting

)

select
    * exclude (good_direction, direction, is_judged, is_young),
    case when center is not null then is_young end as is_provisional,
    cast(case when is_north_star then {{ star.target if star.target is not none else 'null' }} end as double) as target,
    case
        when not has_limits or not is_point_complete or point_value is null then null
        when not is_judged then 'not_enough_data'
        when direction = 0 then 'no_change'
        when direction = good_direction then 'improving'
        else 'worsening'
    end as verdict,
    case
        when not has_limits then '{{ star.no_limits_reason }}'
        when not is_point_complete then 'incomplete'
        when point_value is null and reason is not null then reason
        when point_value is null then 'too_few_expected'
        when not is_judged then 'too_few_points'
    end as verdict_reason
from joined
