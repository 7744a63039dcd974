with limits as (

    select * from {{ ref('process_limits') }}
    where not is_north_star

)

select
    cast(metric_id as varchar) as metric_id,
    month_starting,
    cast(domain as varchar) as domain,
    cast(period as varchar) as period,
    cast(case when reason is null then value end as double) as value,
    cast(case when reason is null or numerator > 0 then numerator end as bigint) as numerator,
    cast(case when reason is null or denominator > 0 then denominator end as bigint) as denominator,
    cast(case when reason is null or observation_count > 0 then observation_count end as bigint) as observation_count,
    is_complete,
    cast(case when {{ is_paced('metric_id') }} then process_value end as double) as pace_index,
    process_phase,
    center,
    lower_limit,
    upper_limit,
    cast(limits_period as varchar) as limits_period,
    is_provisional,
    cast(rule as varchar) as rule,
    cast(signal as varchar) as signal,
    cast(signal_reason as varchar) as signal_reason,
    cast(reason as varchar) as reason
from limits
