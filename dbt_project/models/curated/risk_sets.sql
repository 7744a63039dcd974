{# Read once, by survival_steps: as a table it would only be written and read again. #}
{{ config(materialized='view') }}

with product_intervals as (

    select * from {{ ref('product_intervals') }}
    where eligibility = 'in'

),

series as (

    select * from {{ ref('survival_series') }}

),

-- Kaplan–Meier (km) and incidence part ways only over a product observed after its closing; that one leaves twice
exits as (

    select
        interval_id,
        domain,
        cohort,
        coalesce(microseconds_to_observed, microseconds_to_closed, microseconds_to_as_of) as elapsed_microseconds,
        case when microseconds_to_observed is not null then 'observed' else 'censored' end as km_outcome,
        case when not is_observed_after_closing then outcome end as outcome
    from product_intervals

    union all

    select
        interval_id,
        domain,
        cohort,
        microseconds_to_closed as elapsed_microseconds,
        null as km_outcome,
        outcome
    from product_intervals
    where is_observed_after_closing

),

-- everyone's series and the owner's, over all cohorts and in the product's own; an unknown owner has none
series_exits as (

    {% for domain in ["'all'", 'exits.domain'] %}
    {% for cohort in ["'all'", 'exits.cohort'] %}
    select
        series.series_id,
        {{ 'exits.elapsed_microseconds' if cohort == "'all'" else at_resolution('exits.elapsed_microseconds') }}
            as elapsed_microseconds,
        exits.km_outcome,
        exits.outcome
    from exits
    inner join series
        on
            exits.interval_id = series.interval_id
            and {{ domain }} = series.domain
            and {{ cohort }} = series.cohort
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

counted as (

    select
        series_id,
        elapsed_microseconds,
        cast(count(km_outcome) as double) as km_exits,
        cast(count(case when km_outcome = 'observed' then 1 end) as double) as km_observed,
        cast(count(outcome) as double) as exits,
        cast(count(case when outcome = 'observed' then 1 end) as double) as observed,
        cast(count(case when outcome = 'closed' then 1 end) as double) as closed
    from series_exits
    group by series_id, elapsed_microseconds

)

select
    counted.series_id,
    counted.elapsed_microseconds,
    series.product_count - sum(counted.km_exits) over so_far + counted.km_exits as km_at_risk,
    counted.km_observed,
    series.product_count - sum(counted.exits) over so_far + counted.exits as at_risk,
    counted.observed,
    counted.closed
from counted
inner join series on counted.series_id = series.series_id
window so_far as {{ so_far(of='counted.') }}
