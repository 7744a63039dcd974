{# Each series is judged once, here: by the signals of its current process phase. #}
{% set series = 'metric_id, domain, is_north_star' %}

with points as (

    select * from {{ ref('latest_points') }}

),

latest_signals as (

    select stretches.*
    from {{ ref('verdict_stretches') }} as stretches
    inner join points using ({{ series }})
    where
        points.signal is not null
        -- the average of a phase is that of its latest points too: any signal of the phase will do
        and (stretches.basis_order = 2 or stretches.signal_starting >= points.lately_starting)
    qualify
        row_number() over (
            partition by {{ series }} order by stretches.basis_order asc, stretches.signal_starting desc
        ) = 1

)

select
    {{ series }},
    points.period,
    points.period_starting as month_starting,
    points.period_value as value,
    points.period_reason as reason,
    points.limits_period,
    points.point_starting as judged_starting,
    points.point_value as judged_value,
    points.center,
    points.lower_limit,
    points.upper_limit,
    case when points.center is not null then points.limits_starting end as limits_starting,
    case when points.center is not null then points.limits_count end as limits_count,
    points.is_provisional,
    points.process_phase,
    points.process_phase_starting,
    points.previous_center,
    points.previous_lower_limit,
    points.previous_upper_limit,
    case
        when points.signal is null then 'not_enough_data'
        when signals.rule is null then 'no_change'
        when signals.first_signal_starting >= points.lately_starting and signals.side = points.good_direction
            then 'improving'
        when signals.first_signal_starting >= points.lately_starting then 'worsening'
        when signals.side = points.good_direction then 'improved'
        else 'worsened'
    end as verdict,
    -- by the limits before a declared change, the change is where it began
    case when signals.basis_order = 2 then points.process_phase_starting else signals.stretch_starting end
        as verdict_since,
    signals.rule,
    signals.signal_starting,
    signals.signal_value,
    points.unjudged_reason as verdict_reason
from points
left join latest_signals as signals using ({{ series }})
