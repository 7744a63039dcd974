{# Period Kaplan–Meier and Nelson–Aalen: one row per series and age at which something was observed. #}
with exposures as (

    select
        series_id,
        elapsed_microseconds,
        observed_count as observed,
        entered_count - left_count as change
    from {{ ref('pace_exposures') }}

),

-- at risk just before an age: who came in at a lower age and has not left at a lower one
risk_sets as (

    select
        *,
        sum(change) over before as at_risk
    from exposures
    window before as {{ so_far('1 preceding') }}

),

sums as (

    select
        *,
        sum({{ log_survival_step('observed', 'at_risk') }}) over so_far as log_survival,
        sum({{ greenwood_step('observed', 'at_risk') }}) over so_far as greenwood,
        sum(observed / at_risk) over so_far as cumulative_hazard
    from risk_sets
    where observed > 0
    window so_far as {{ so_far() }}

)

select
    series_id,
    elapsed_microseconds,
    {{ as_days('elapsed_microseconds') }} as elapsed_days,
    cast(at_risk as bigint) as at_risk_count,
    cast(observed as bigint) as observed_count,
    exp(log_survival) as survival,
    exp(2 * log_survival) * greenwood as variance,
    cumulative_hazard
from sums
