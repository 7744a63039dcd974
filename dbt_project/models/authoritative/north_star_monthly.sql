with north_star_values as (

    select * from {{ ref('north_star_values') }}

),

limits as (

    select * from {{ ref('process_limits') }}
    where is_north_star

)

select
    north_star_values.month_starting,
    cast(north_star_values.metric_id as varchar) as metric_id,
    cast(north_star_values.period as varchar) as period,
    cast(north_star_values.value as double) as value,
    cast(north_star_values.first_adoptions_count as bigint) as first_adoptions_count,
    cast(north_star_values.expansion_adoptions_count as bigint) as expansion_adoptions_count,
    cast(north_star_values.adopting_domains_count as bigint) as adopting_domains_count,
    limits.target,
    north_star_values.is_complete,
    north_star_values.process_phase,
    cast(north_star_values.process_phase_note as varchar) as process_phase_note,
    limits.center,
    limits.lower_limit,
    limits.upper_limit,
    cast(limits.limits_period as varchar) as limits_period,
    limits.is_provisional,
    cast(limits.rule as varchar) as rule,
    cast(limits.signal as varchar) as signal,
    cast(limits.signal_reason as varchar) as signal_reason,
    cast(north_star_values.reason as varchar) as reason
from north_star_values
inner join limits on north_star_values.month_starting = limits.month_starting
