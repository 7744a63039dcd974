with expected as (

    select * from {{ ref('expected_completions') }}

),

observed as (

    select
        interval_id,
        {{ domain_or_all() }} as domain,
        {{ month_starting('ended_at') }} as month_starting,
        count(*) as observed_count
    from {{ ref('product_intervals') }}
    where outcome = 'observed' and {{ is_followed('interval_id') }}
    group by interval_id, {{ month_starting('ended_at') }}, rollup(domain)
    having {{ is_domain_or_all() }}

),

series as (

    select
        interval_id,
        domain,
        min(period_number) as first_period_number
    from expected
    group by interval_id, domain

)

select
    series.interval_id,
    series.domain,
    months.month_starting,
    months.period_number,
    cast(coalesce(observed.observed_count, 0) as bigint) as observed_count,
    -- a month's share of it: what those still open at its start had behind them belongs to the months before
    cast(
        coalesce(expected.hazard_of_left, 0) + coalesce(expected.hazard_of_open, 0)
        - coalesce(lag(expected.hazard_of_open) over series_so_far, 0)
        as double
    ) as expected_count
from series
inner join {{ ref('reporting_periods') }} as months
    on months.period = 'month' and series.first_period_number <= months.period_number
left join expected
    on
        series.interval_id = expected.interval_id
        and series.domain = expected.domain
        and months.period_number = expected.period_number
left join observed
    on
        series.interval_id = observed.interval_id
        and series.domain = observed.domain
        and months.month_starting = observed.month_starting
window series_so_far as (partition by series.interval_id, series.domain order by months.period_number)
