{# What limits judge: a month of its own, or its whole quarter where months are too small. #}
{% set star = settings() %}

with metric_values as (

    select
        *,
        {{ 'true' if star.has_limits else 'not is_north_star' }} as has_limits,
        reason is null or (not is_north_star and {{ is_paced('metric_id') }}) as has_process_value
    from {{ ref('metric_values') }}

),

placed as (

    select
        *,
        case
            when period = 'month' and avg(case when is_complete and has_process_value then counted end) over series < 2
                then 'quarter'
            else period
        end as limits_period,
        case
            when limits_period = 'quarter' then cast({{ dbt.date_trunc('quarter', 'month_starting') }} as date)
            else month_starting
        end as point_starting
    from metric_values
    window series as (partition by metric_id, domain, is_north_star)

),

summed as (

    select
        *,
        sum(case when has_process_value then process_numerator end) over point as point_numerator,
        sum(case when has_process_value then cast(process_denominator as decimal(38, 12)) end) over point
            as point_denominator,
        bool_and(is_complete) over point as is_point_complete
    from placed
    window point as (partition by metric_id, domain, is_north_star, limits_period, point_starting)

),

phased as (

    select
        summed.*,
        quarters.process_phase as quarter_phase
    from summed
    left join {{ ref('reporting_periods') }} as quarters
        on
            summed.limits_period = 'quarter'
            and quarters.period = 'quarter'
            and summed.point_starting = quarters.month_starting

)

select
    * exclude (
        counted, process_numerator, process_denominator, has_process_value, process_phase, quarter_phase
    ),
    coalesce(quarter_phase, process_phase) as process_phase,
    -- less than one expected, or nothing to divide by, is noise
    case
        when has_process_value and process_denominator >= 1
            then process_numerator / cast(process_denominator as double)
    end as process_value,
    case
        when has_limits and point_denominator >= 1 then point_numerator / cast(point_denominator as double)
    end as point_value
from phased
