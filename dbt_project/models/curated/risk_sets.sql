{# Read once, by survival_steps: as a table it would only be written and read again. #}
{{ config(materialized='view') }}

with product_intervals as (

    select * from {{ ref('product_intervals') }}
    where eligibility = 'in'

),

series as (

    select * from {{ ref('survival_series') }}

),

-- Kaplan–Meier (km) and incidence differ only for products adopted after their closing; these leave twice
exits as (

    select
        interval_id,
        domain,
        coalesce(microseconds_to_observed, microseconds_to_closed, microseconds_to_as_of) as elapsed_microseconds,
        1 as km_exits,
        case when microseconds_to_observed is not null then 1 else 0 end as km_observed,
        case when is_observed_after_closing then 0 else 1 end as exits,
        case when outcome = 'observed' then 1 else 0 end as observed,
        case when outcome = 'closed' and not is_observed_after_closing then 1 else 0 end as closed
    from product_intervals

    union all

    select interval_id, domain, microseconds_to_closed, 0, 0, 1, 0, 1
    from product_intervals
    where is_observed_after_closing

),

counted as (

    select
        coalesce(own.series_id, everyone.series_id) as series_id,
        exits.elapsed_microseconds,
        {% for count in ['km_exits', 'km_observed', 'exits', 'observed', 'closed'] %}
        cast(sum(exits.{{ count }}) as double) as {{ count }}{{ ',' if not loop.last }}
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
    counted.series_id,
    counted.elapsed_microseconds,
    series.product_count - sum(counted.km_exits) over so_far + counted.km_exits as km_at_risk,
    counted.km_observed,
    series.product_count - sum(counted.exits) over so_far + counted.exits as at_risk,
    counted.observed,
    counted.closed
from counted
inner join series on counted.series_id = series.series_id -- not so an unknown owner's: these count in 'all' only
window so_far as (partition by counted.series_id order by counted.elapsed_microseconds rows between unbounded preceding and current row)
