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

{% set counts = [
    ('km_exits', 'km_outcome'),
    ('km_observed', "case when km_outcome = 'observed' then 1 end"),
    ('exits', 'outcome'),
    ('observed', "case when outcome = 'observed' then 1 end"),
    ('closed', "case when outcome = 'closed' then 1 end"),
] %}

-- alike ones are counted first: everyone's are the sum of the owners'
owners as (

    {% for cohort, unit in [("'all'", 'hour'), ('cohort', 'day')] %}
    select
        {% for name, counted in counts %}
        cast(count({{ counted }}) as double) as {{ name }},
        {% endfor %}
        interval_id,
        domain,
        {{ cohort }} as cohort,
        {{ at_resolution('elapsed_microseconds', unit) }} as elapsed_microseconds
    from exits
    where {{ cohort }} is not null
    group by all
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- an unknown owner has no series
counted as (

    {% for domain in ["'all'", 'owners.domain'] %}
    select
        {% for name, _ in counts %}
        sum(owners.{{ name }}) as {{ name }},
        {% endfor %}
        series.series_id,
        owners.elapsed_microseconds
    from owners
    inner join series
        on owners.interval_id = series.interval_id and {{ domain }} = series.domain and owners.cohort = series.cohort
    group by series.series_id, owners.elapsed_microseconds
    {{ 'union all' if not loop.last }}
    {% endfor %}

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
