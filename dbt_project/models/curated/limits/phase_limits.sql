{{ config(materialized='ephemeral') }}

{# Limits by process phase, from its latest points, and those of the last phase before it that has any. #}
{% set quarterly = "('adopted_90d', 'retained_adoption', 'adopted_within_days')" %}
{% set fewest_months, fewest_quarters, fewest_for_firm_limits = 6, 8, 10 %}

with ranges as (

    select
        *,
        abs(point_value - lag(point_value) over (
            partition by metric_id, domain, is_north_star, process_phase order by point_starting
        )) as moving_range
    from {{ ref('limit_points') }}

),

phases as (

    select
        metric_id,
        ranges.domain,
        ranges.is_north_star,
        ranges.process_phase,
        any_value(metrics.unit) = 'share' as is_share,
        count(*) as limits_count,
        min(ranges.point_starting) as limits_starting,
        limits_count >= case when metric_id in {{ quarterly }} then {{ fewest_quarters }} else {{ fewest_months }} end
            as has_enough,
        cast({{ exact_sum('ranges.point_value') }} as double) / count(*) as average,
        case when has_enough then average end as center,
        case when has_enough then {{ limit_distance('ranges.moving_range') }} end as distance,
        case when has_enough then greatest(distance / 3, stddev_samp(ranges.point_value)) end as deviation
    from ranges
    left join {{ ref('metrics') }} as metrics using (metric_id)
    group by metric_id, ranges.domain, ranges.is_north_star, ranges.process_phase

),

limits as (

    select
        * exclude (has_enough),
        case when has_enough then limits_count < {{ fewest_for_firm_limits }} end as is_provisional,
        case when has_enough then {{ floored('center - distance', 'metric_id') }} end as lower_limit,
        case when has_enough then {{ capped('center + distance', 'is_share') }} end as upper_limit
    from phases

)

select
    {% for limit in ['center', 'distance', 'lower_limit', 'upper_limit', 'deviation'] %}
    last_value({{ limit }} ignore nulls) over before as previous_{{ limit }},
    {% endfor %}
    last_value(case when center is not null then limits_count end ignore nulls) over before as previous_limits_count,
    {{ side_of_change('average', 'limits_count') }} as change_side,
    *
from limits
window before as (
    partition by metric_id, domain, is_north_star order by process_phase
    rows between unbounded preceding and 1 preceding
)
