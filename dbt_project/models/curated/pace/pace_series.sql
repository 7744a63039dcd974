with counted as (

    select
        series_id,
        cast(sum(entered_count) as bigint) as product_count,
        cast(sum(observed_count) as bigint) as observed_count
    from {{ ref('pace_exposures') }}
    group by series_id

),

series as (

    select * from {{ ref('survival_series') }}
    where cohort = 'all'

),

windows as (

    select period_number as window_number from {{ ref('reporting_periods') }}
    where period = 'month'
    union all
    select {{ window_as_of() }} as window_number
    union all
    select {{ window_baseline() }} as window_number

)

select
    counted.series_id,
    series.interval_id,
    series.domain,
    windows.window_number,
    counted.product_count,
    counted.observed_count
from series
cross join windows
inner join counted on {{ pace_id('series.series_id', 'windows.window_number') }} = counted.series_id
