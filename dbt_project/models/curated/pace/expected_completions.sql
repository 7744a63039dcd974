{{ config(materialized='ephemeral') }}

-- what the baseline would have brought about by the age at which each data product leaves, or is still open
with exposures as (

    select
        series.interval_id,
        series.domain,
        series.window_number,
        exposures.elapsed_microseconds,
        exposures.left_in_month_count,
        exposures.open_at_end_count
    from {{ ref('pace_exposures') }} as exposures
    inner join {{ ref('pace_series') }} as series using (series_id)
    where series.window_number >= 0 and exposures.left_in_month_count + exposures.open_at_end_count > 0

),

hazards as (

    select
        series.interval_id,
        steps.elapsed_microseconds,
        steps.cumulative_hazard
    from {{ ref('pace_steps') }} as steps
    inner join {{ ref('pace_series') }} as series using (series_id)
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

)

select
    exposures.interval_id,
    exposures.domain,
    exposures.window_number as period_number,
    {{ exact_sum('exposures.left_in_month_count * hazards.cumulative_hazard') }} as hazard_of_left,
    {{ exact_sum('exposures.open_at_end_count * hazards.cumulative_hazard') }} as hazard_of_open
from exposures
inner join hazards_by_age as hazards using (interval_id, elapsed_microseconds)
group by exposures.interval_id, exposures.domain, exposures.window_number
