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
        coalesce(microseconds_to_observed, microseconds_to_closed, microseconds_to_as_of) as elapsed_microseconds,
        1 as km_exits,
        case when microseconds_to_observed is not null then 1 end as km_observed,
        case when not is_observed_after_closing then 1 end as exits,
        case when outcome = 'observed' then 1 end as observed,
        case when outcome = 'closed' and not is_observed_after_closing then 1 end as closed
    from product_intervals

    union all

    select interval_id, domain, microseconds_to_closed, null, null, 1, null, 1
    from product_intervals
    where is_observed_after_closing

),

counted as (

    select
        coalesce(own.series_id, everyone.series_id) as series_id,
        exits.elapsed_microseconds,
        {% for kind in ['km_exits', 'km_observed', 'exits', 'observed', 'closed'] %}
        cast(count(exits.{{ kind }}) as double) as {{ kind }}{{ ',' if not loop.last }}
        {% endfor %}
    from exits
    inner join series as everyone on exits.interval_id = everyone.interval_id and everyone.domain = 'all'
    left join series as own on exits.interval_id = own.interval_id and exits.domain = own.domain
    group by grouping sets (
        (own.series_id, exits.elapsed_microseconds),
        (everyone.series_id, exits.elapsed_microseconds)
    )

)

select
    series_id,
    counted.elapsed_microseconds,
    series.product_count - sum(counted.km_exits) over so_far + counted.km_exits as km_at_risk,
    counted.km_observed,
    series.product_count - sum(counted.exits) over so_far + counted.exits as at_risk,
    counted.observed,
    counted.closed
from counted
-- an unknown owner has no series of its own: it counts in 'all' only
inner join series using (series_id)
window so_far as {{ so_far() }}
