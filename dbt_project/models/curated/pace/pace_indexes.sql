with series as (

    select * from {{ ref('pace_series') }}

),

months as (

    select * from {{ ref('reporting_periods') }}
    where period = 'month'

),

exposures as (

    select
        series.interval_id,
        series.domain,
        series.window_number,
        exposures.elapsed_microseconds,
        exposures.left_in_month_count,
        exposures.open_at_end_count
    from {{ ref('pace_exposures') }} as exposures
    inner join series on exposures.series_id = series.series_id
    where series.window_number >= 0 and exposures.left_in_month_count + exposures.open_at_end_count > 0

),

hazards as (

    select
        series.interval_id,
        steps.elapsed_microseconds,
        steps.cumulative_hazard
    from {{ ref('pace_steps') }} as steps
    inner join series on steps.series_id = series.series_id
    where series.window_number = {{ window_baseline() }} and series.domain = 'all'

),

-- looked up once an age: a large organisation has many more exposures than ages
ages as (

    select distinct
        interval_id,
        elapsed_microseconds
    from exposures

),

hazards_by_age as (

    select
        ages.interval_id,
        ages.elapsed_microseconds,
        coalesce(hazards.cumulative_hazard, 0) as cumulative_hazard
    from ages
    asof left join hazards
        on ages.interval_id = hazards.interval_id and ages.elapsed_microseconds >= hazards.elapsed_microseconds

),

-- what the baseline would have brought about by the age at which each product leaves, or is still open
expected as (

    select
        exposures.interval_id,
        exposures.domain,
        exposures.window_number,
        {{ exact_sum('exposures.left_in_month_count * hazards.cumulative_hazard') }} as hazard_of_left,
        {{ exact_sum('exposures.open_at_end_count * hazards.cumulative_hazard') }} as hazard_of_open
    from exposures
    inner join hazards_by_age as hazards
        on
            exposures.interval_id = hazards.interval_id
            and exposures.elapsed_microseconds = hazards.elapsed_microseconds
    group by exposures.interval_id, exposures.domain, exposures.window_number

),

completions as (

    select
        interval_id,
        domain,
        {{ month_starting('ended_at') }} as month_starting
    from {{ ref('product_intervals') }}
    where outcome = 'observed'

),

members as (

    {{ with_everyone('completions', ['interval_id', 'month_starting']) }}

),

observed as (

    select
        interval_id,
        domain,
        month_starting,
        count(*) as observed_count
    from members
    group by interval_id, domain, month_starting

),

first_windows as (

    select
        interval_id,
        domain,
        min(window_number) as first_window_number
    from expected
    group by interval_id, domain

),

monthly as (

    select
        first_windows.interval_id,
        first_windows.domain,
        months.month_starting,
        months.period_number,
        coalesce(observed.observed_count, 0) as observed_count,
        coalesce(expected.hazard_of_left, 0) as hazard_of_left,
        coalesce(expected.hazard_of_open, 0) as hazard_of_open
    from first_windows
    inner join months on first_windows.first_window_number <= months.period_number
    left join expected
        on
            first_windows.interval_id = expected.interval_id
            and first_windows.domain = expected.domain
            and months.period_number = expected.window_number
    left join observed
        on
            first_windows.interval_id = observed.interval_id
            and first_windows.domain = observed.domain
            and months.month_starting = observed.month_starting

)

select
    interval_id,
    domain,
    month_starting,
    period_number,
    cast(observed_count as bigint) as observed_count,
    -- a month's share of it: what those still open at its start had behind them belongs to the months before
    cast(
        hazard_of_left + hazard_of_open
        - coalesce(lag(hazard_of_open) over (partition by interval_id, domain order by period_number), 0)
        as double
    ) as expected_count
from monthly
