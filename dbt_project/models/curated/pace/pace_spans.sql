{# Read by pace_exposures alone: as a table it would only be written and read again. #}
{{ config(materialized='view') }}

with product_intervals as (

    select
        *,
        case when outcome = 'observed' then ended_at when outcome = 'closed' then closed_at else {{ as_of() }} end
            as left_at
    from {{ ref('product_intervals') }}
    where eligibility = 'in'

),

series as (

    select * from {{ ref('survival_series') }}
    where cohort = 'all'

),

span as (

    select
        min(month_starting) as first_month,
        max(period_number) as last_month_number
    from {{ ref('reporting_periods') }}
    where period = 'month'

)

select
    product_intervals.interval_id,
    owners.series_id,
    organisation.series_id as all_series_id,
    product_intervals.outcome,
    product_intervals.started_at,
    product_intervals.left_at,
    {{ elapsed_microseconds('product_intervals.started_at', 'product_intervals.left_at') }} as elapsed_microseconds,
    -- period_number of the months in which it starts and leaves, and in which the trailing window has passed them;
    -- only where the pace is followed by month: finding a month in a timezone costs more than all else here
    {% for name, instant in [
        ('start_month', 'started_at'),
        ('leave_month', 'left_at'),
        ('start_passed_month', days_after('started_at', pace_days())),
        ('leave_passed_month', days_after('left_at', pace_days()) ~ " - interval '1 microsecond'"),
    ] %}
    case
        when {{ is_followed('product_intervals.interval_id') }}
            then {{ months_since('span.first_month', instant) }}
    end as {{ name }},
    {% endfor %}
    span.last_month_number
from product_intervals
cross join span
inner join series as organisation
    on product_intervals.interval_id = organisation.interval_id and organisation.domain = 'all'
left join series as owners
    on product_intervals.interval_id = owners.interval_id and product_intervals.domain = owners.domain
