{{ config(materialized='ephemeral') }}

{# One row per series: its latest complete period, with the prefix period_, and its latest complete point. #}
{% set series = 'metric_id, domain, is_north_star' %}

with followed as (

    select
        *,
        min(month_starting) over (partition by {{ series }}, process_phase) as process_phase_starting
    from {{ ref('process_limits') }}

),

periods as (

    select * from followed
    where is_complete
    qualify row_number() over (partition by {{ series }} order by month_starting desc) = 1

),

points as (

    select
        *,
        -- the first of the latest three months, or two quarters
        case
            when limits_period = 'quarter' then {{ dbt.dateadd('month', -3, 'point_starting') }}
            else {{ dbt.dateadd('month', -2, 'point_starting') }}
        end as lately_starting
    from followed
    where is_point_complete
    qualify row_number() over (partition by {{ series }} order by month_starting desc) = 1

)

select
    {{ series }},
    followed.period,
    followed.limits_period,
    periods.month_starting as period_starting,
    case when periods.reason is null then periods.value end as period_value,
    case when periods.month_starting is null then 'no_complete_month' else periods.reason end as period_reason,
    case
        when periods.month_starting is null then 'no_complete_month'
        when points.point_starting is null then 'incomplete'
        else points.signal_reason
    end as unjudged_reason,
    points.lately_starting,
    points.point_starting,
    points.point_value,
    points.signal,
    points.good_direction,
    points.process_phase,
    points.process_phase_starting,
    points.center,
    points.lower_limit,
    points.upper_limit,
    points.limits_starting,
    points.limits_count,
    points.is_provisional,
    points.previous_center,
    points.previous_lower_limit,
    points.previous_upper_limit
from followed
left join periods using ({{ series }})
left join points using ({{ series }})
qualify row_number() over (partition by {{ series }} order by followed.month_starting) = 1
