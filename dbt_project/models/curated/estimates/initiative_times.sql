{{ config(materialized='ephemeral') }}

{# The incidence of idea_to_adopted by initiative, as survival_steps and estimator_figures have it by domain. #}
{% set elapsed = 'least(microseconds_to_observed, microseconds_to_closed, microseconds_to_as_of)' %}
{% set resolved = 'observed + closed' %}
{% set not_adopted = '(1 - least(incidence, 1))' %}
{% set variance = incidence_variance('incidence', 'greenwood', 'linear', 'constant') %}

with counted as (

    select
        coalesce(initiatives.initiative_id, 'none') as series_id,
        {{ at_resolution(elapsed, 'day') }} as elapsed_microseconds,
        cast(count(*) as double) as exits,
        cast(count(case when intervals.outcome = 'observed' then 1 end) as double) as observed,
        cast(count(case when intervals.outcome = 'closed' then 1 end) as double) as closed
    from {{ ref('product_intervals') }} as intervals
    left join {{ ref('product_initiatives') }} as initiatives
        on intervals.data_product_id = initiatives.data_product_id and initiatives.is_main
    where intervals.interval_id = 'idea_to_adopted' and intervals.eligibility = 'in'
    group by all

),

risk_sets as (

    select
        *,
        sum(exits) over (partition by series_id order by elapsed_microseconds desc) as at_risk
    from counted

),

survivals as (

    select
        *,
        exp(coalesce(sum({{ log_survival_step(resolved, 'at_risk') }}) over before, 0)) as unresolved_before
    from risk_sets
    window before as {{ so_far('1 preceding') }}

),

incidences as (

    select
        *,
        sum({{ incidence_step('unresolved_before', 'observed', 'at_risk') }}) over {{ so_far() }} as incidence
    from survivals

),

sums as (

    select
        *,
        {{ as_days('elapsed_microseconds') }} as elapsed_days,
        sum({{ greenwood_step(resolved, 'at_risk') }}) over so_far as greenwood,
        sum({{ incidence_variance_linear('incidence', 'unresolved_before', 'observed', resolved, 'at_risk') }})
            over so_far as linear,
        sum({{ incidence_variance_constant('incidence', 'unresolved_before', 'observed', resolved, 'at_risk') }})
            over so_far as constant
    from incidences
    window so_far as {{ so_far() }}

)

select
    series_id as initiative_id,
    cast(sum(exits) as bigint) as timed_count,
    cast(sum(observed) as bigint) as observed_count,
    {{ first_time_at_most(0.5, not_adopted, 'elapsed_days') }} as median_days,
    {% for side in ['lower', 'upper'] %}
    {{ first_time_at_most(0.5, log_log_limit(not_adopted, variance, side), 'elapsed_days') }} as median_{{ side }}_days,
    {% endfor %}
    max(case when {{ not_adopted }} <= {{ 0.5 + 1e-9 }} then at_risk end) as median_at_risk_count
from sums
group by series_id
