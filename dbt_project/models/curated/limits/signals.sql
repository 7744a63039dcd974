{# What limits judge: a month of its own, or its whole quarter where months are too small. #}
{% set star = north_star() %}

with metric_values as (

    select
        *,
        false as is_north_star,
        reason is null or {{ is_paced('metric_id') }} as has_signal,
        true as has_limits
    from {{ ref('leading_values') }}

    union all

    select
        '{{ star.metric }}' as metric_id,
        period,
        month_starting,
        'all' as domain,
        is_complete,
        phase,
        numerator as signal_numerator,
        {{ 'denominator' if star.kind == 'rate' else 1 }} as signal_denominator,
        numerator as counted,
        numerator,
        denominator,
        numerator as observation_count,
        value,
        reason,
        true as is_north_star,
        reason is null as has_signal,
        {{ 'true' if star.has_limits else 'false' }} as has_limits
    from {{ ref('north_star_values') }}

),

series as (

    select
        metric_id,
        domain,
        is_north_star,
        coalesce(
            period = 'month' and avg(case when is_complete and has_signal then counted end) < 2, false
        ) as is_by_quarter
    from metric_values
    group by metric_id, domain, is_north_star, period

),

placed as (

    select
        metric_values.*,
        case when series.is_by_quarter then 'quarter' else metric_values.period end as limits_period,
        case
            when series.is_by_quarter then cast({{ dbt.date_trunc('quarter', 'metric_values.month_starting') }} as date)
            else metric_values.month_starting
        end as point_starting
    from metric_values
    inner join series
        on
            metric_values.metric_id = series.metric_id
            and metric_values.domain = series.domain
            and metric_values.is_north_star = series.is_north_star

),

summed as (

    select
        *,
        sum(case when has_signal then signal_numerator end) over point as point_numerator,
        sum(case when has_signal then cast(signal_denominator as decimal(38, 12)) end) over point as point_denominator,
        bool_and(is_complete) over point as is_point_complete
    from placed
    window point as (partition by metric_id, domain, is_north_star, limits_period, point_starting)

)

select
    summed.metric_id,
    summed.is_north_star,
    summed.domain,
    summed.period,
    summed.month_starting,
    summed.value,
    summed.numerator,
    summed.denominator,
    summed.observation_count,
    summed.is_complete,
    summed.reason,
    summed.has_limits,
    -- less than one expected, or nothing to divide by, is noise and not a signal
    case
        when summed.has_signal and summed.signal_denominator >= 1
            then summed.signal_numerator / cast(summed.signal_denominator as double)
    end as signal_value,
    summed.limits_period,
    summed.point_starting,
    summed.is_point_complete,
    coalesce(quarters.phase, summed.phase) as phase,
    case
        when summed.has_limits and summed.point_denominator >= 1
            then summed.point_numerator / cast(summed.point_denominator as double)
    end as point_value
from summed
left join {{ ref('reporting_periods') }} as quarters
    on
        summed.limits_period = 'quarter'
        and quarters.period = 'quarter'
        and summed.point_starting = quarters.month_starting
