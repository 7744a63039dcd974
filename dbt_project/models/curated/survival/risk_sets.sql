{# Read once, by survival_steps: as a table it would only be written and read again. #}
{{ config(materialized='view') }}

-- Kaplan–Meier (km) and incidence part ways only over a product observed after its closing; that one leaves twice
with exits as (

    select
        *,
        coalesce(microseconds_to_observed, microseconds_to_closed, microseconds_to_as_of) as elapsed_microseconds,
        case when microseconds_to_observed is not null then 'observed' else 'censored' end as km_outcome,
        case when not is_observed_after_closing then outcome end as incidence_outcome
    from {{ ref('product_intervals') }}
    where eligibility = 'in'

    union all

    select
        *,
        microseconds_to_closed as elapsed_microseconds,
        null as km_outcome,
        outcome as incidence_outcome
    from {{ ref('product_intervals') }}
    where is_observed_after_closing

),

-- by owner first, and those with the same elapsed time as one: the series of all are sums of the owners'
owners as (

    {% for cohort, unit in [("'all'", 'hour'), ('cohort', 'day')] %}
    select
        interval_id,
        domain,
        {{ cohort }} as cohort,
        {{ at_resolution('elapsed_microseconds', unit) }} as elapsed_microseconds,
        cast(count(km_outcome) as double) as km_exits,
        cast(count(case when km_outcome = 'observed' then 1 end) as double) as km_observed,
        cast(count(incidence_outcome) as double) as exits,
        cast(count(case when incidence_outcome = 'observed' then 1 end) as double) as observed,
        cast(count(case when incidence_outcome = 'closed' then 1 end) as double) as closed
    from exits
    group by all
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

counted as (

    select
        {% for count in ['km_exits', 'km_observed', 'exits', 'observed', 'closed'] %}
        sum({{ count }}) as {{ count }},
        {% endfor %}
        interval_id,
        {{ domain_or_all() }} as domain,
        cohort,
        elapsed_microseconds
    from owners
    group by interval_id, cohort, elapsed_microseconds, rollup(domain)
    having {{ is_domain_or_all() }}

)

select
    series.series_id,
    counted.elapsed_microseconds,
    series.product_count - sum(counted.km_exits) over so_far + counted.km_exits as km_at_risk,
    counted.km_observed,
    series.product_count - sum(counted.exits) over so_far + counted.exits as at_risk,
    counted.observed,
    counted.closed
from counted
inner join {{ ref('survival_series') }} as series using (interval_id, domain, cohort)
window so_far as (partition by series.series_id order by counted.elapsed_microseconds rows unbounded preceding)
