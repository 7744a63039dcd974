{% set star = settings() %}

with joined as (

    select
        points.*,
        metrics.kind,
        -- a pace index rises when the days fall
        case
            when metrics.good_direction = 'up' or {{ is_paced('points.metric_id') }} then 1
            else -1
        end as good_direction,
        limits.limits_starting,
        limits.limits_count,
        {% for limit in ['center', 'lower_limit', 'upper_limit', 'is_provisional'] %}
        case when points.point_starting >= limits.limits_starting then limits.{{ limit }} end as {{ limit }},
        {% endfor %}
        limits.previous_center,
        limits.previous_lower_limit,
        limits.previous_upper_limit,
        limits.change_side,
        cast(case when points.is_north_star then {{ star.target if star.target is not none else 'null' }} end as double)
            as target,
        signals.own_rule,
        signals.own_side,
        signals.previous_rule,
        signals.previous_side,
        coalesce(signals.is_judged, false) as is_judged
    from {{ ref('process_points') }} as points
    inner join {{ ref('metrics') }} as metrics using (metric_id)
    left join {{ ref('phase_limits') }} as limits using (metric_id, domain, is_north_star, process_phase)
    left join {{ ref('signals') }} as signals using (metric_id, domain, is_north_star, point_starting)

)

select
    * exclude (point_numerator, point_denominator, is_judged),
    case when is_judged then coalesce(own_rule, previous_rule) end as rule,
    case
        when not is_judged then null
        when own_rule is not null then case when own_side = good_direction then 'better' else 'worse' end
        when previous_rule is not null then case when previous_side = good_direction then 'better' else 'worse' end
        else 'none'
    end as signal,
    case
        when not has_limits then '{{ star.no_limits_reason }}'
        when not is_point_complete then 'incomplete'
        when point_value is null and reason is not null then reason
        when point_value is null and metric_id = 'net_flow' then 'nothing_started_or_finished'
        when point_value is null then 'too_few_expected'
        when point_starting < limits_starting then 'before_the_limits'
        when not is_judged then 'too_few_points'
    end as signal_reason
from joined
