{% set star = north_star() %}

with joined as (

    select
        points.*,
        metrics.kind,
        -- a pace index rises when the days fall
        case
            when metrics.good_direction = 'up' or {{ is_paced('points.metric_id') }} then 1
            else -1
        end as good_direction,
        limits.center,
        limits.lower_limit,
        limits.upper_limit,
        case when limits.center is not null then limits.is_provisional end as is_provisional,
        cast(case when points.is_north_star then {{ star.target if star.target is not none else 'null' }} end as double)
            as target,
        verdicts.own_rule,
        verdicts.rule,
        verdicts.direction,
        coalesce(verdicts.is_judged, false) as is_judged
    from {{ ref('process_points') }} as points
    inner join {{ ref('metrics') }} as metrics using (metric_id)
    left join {{ ref('phase_limits') }} as limits using (metric_id, domain, is_north_star, process_phase)
    left join {{ ref('verdicts') }} as verdicts using (metric_id, domain, is_north_star, point_starting)

)

select
    * exclude (good_direction, direction, is_judged),
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
