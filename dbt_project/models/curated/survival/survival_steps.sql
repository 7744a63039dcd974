{% set resolved = 'observed + closed' %}

with series as (

    select * from {{ ref('survival_series') }}

),

-- a window can't look into another one: the incidence needs the survival before it, its variance the incidence
survivals as (

    select
        *,
        exp(coalesce(sum({{ log_survival_step(resolved, 'at_risk') }}) over before, 0)) as unresolved_before
    from {{ ref('risk_sets') }}
    where km_observed + observed + closed > 0
    window before as {{ so_far('1 preceding') }}

),

incidences as (

    select
        *,
        sum({{ incidence_step('unresolved_before', 'observed', 'at_risk') }}) over so_far as incidence
    from survivals
    window so_far as {{ so_far() }}

),

sums as (

    select
        *,
        sum({{ greenwood_step(resolved, 'at_risk') }}) over so_far as greenwood,
        sum({{ incidence_variance_linear('incidence', 'unresolved_before', 'observed', resolved, 'at_risk') }})
            over so_far as linear,
        sum({{ incidence_variance_constant('incidence', 'unresolved_before', 'observed', resolved, 'at_risk') }})
            over so_far as constant,
        sum({{ log_survival_step('km_observed', 'km_at_risk') }}) over so_far as km_log_survival,
        sum({{ greenwood_step('km_observed', 'km_at_risk') }}) over so_far as km_greenwood
    from incidences
    window so_far as {{ so_far() }}

)

select
    series.series_id,
    series.interval_id,
    series.domain,
    series.cohort,
    {{ as_days('sums.elapsed_microseconds') }} as elapsed_days,
    -- Kaplan–Meier: a closing censors
    cast(sums.km_at_risk as bigint) as km_at_risk_count,
    cast(sums.km_observed as bigint) as km_observed_count,
    exp(sums.km_log_survival) as km_survival,
    exp(2 * sums.km_log_survival) * sums.km_greenwood as km_variance,
    -- incidence: a closing competes
    cast(sums.at_risk as bigint) as at_risk_count,
    cast(sums.observed as bigint) as observed_count,
    cast(sums.closed as bigint) as closed_count,
    least(sums.incidence, 1) as share_observed,
    {{ incidence_variance('sums.incidence', 'sums.greenwood', 'sums.linear', 'sums.constant') }}
        as share_observed_variance,
    greatest(1 - sums.incidence - {{ survival_after('unresolved_before', resolved, 'at_risk') }}, 0) as share_closed
from sums
inner join series on sums.series_id = series.series_id
