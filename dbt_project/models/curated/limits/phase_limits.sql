{{ config(materialized='ephemeral') }}

{# Limits by phase, and those of the last phase before it that has any. #}
{% set by_quarter = ['adopted_90d', 'retained_adoption', 'adopted_within_days'] | join("', '") %}

with points as (

    select distinct
        metric_id,
        domain,
        is_north_star,
        limits_period,
        point_starting,
        phase,
        point_value
    from {{ ref('signals') }}
    where is_point_complete and point_value is not null

),

ranges as (

    select
        *,
        abs(point_value - lag(point_value) over (
            partition by metric_id, domain, is_north_star, phase order by point_starting
        )) as moving_range
    from points

),

phases as (

    select
        ranges.metric_id,
        ranges.domain,
        ranges.is_north_star,
        ranges.limits_period,
        ranges.phase,
        metrics.unit = 'share' as is_share,
        count(*) as point_count,
        case
            when metrics.metric_id in ('{{ by_quarter }}') then 8
            else 6
        end as least_count,
        cast({{ exact_sum('ranges.point_value') }} as double) / count(*) as center,
        {{ limit_distance('ranges.moving_range') }} as distance
    from ranges
    left join {{ ref('metrics') }} as metrics on ranges.metric_id = metrics.metric_id
    group by
        ranges.metric_id, ranges.domain, ranges.is_north_star, ranges.limits_period, ranges.phase, metrics.metric_id,
        metrics.unit

),

limits as (

    select
        metric_id,
        domain,
        is_north_star,
        limits_period,
        phase,
        point_count,
        point_count < 10 as is_provisional,
        case when point_count >= least_count then center end as center,
        case when point_count >= least_count then distance end as distance,
        case when point_count >= least_count then {{ floored('center - distance', 'metric_id') }} end as lower_limit,
        case when point_count >= least_count then {{ capped('center + distance', 'is_share') }} end as upper_limit
    from phases

)

{% set carried = ['center', 'distance', 'lower_limit', 'upper_limit'] %}

select
    {% for limit in carried %}
    last_value({{ limit }} ignore nulls) over before as previous_{{ limit }},
    {% endfor %}
    *
from limits
window before as (
    partition by metric_id, domain, is_north_star order by phase rows between unbounded preceding and 1 preceding
)
