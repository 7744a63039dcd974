with counted as (

    select
        series_id,
        cast(sum(entered_count) as bigint) as product_count,
        cast(sum(observed_count) as bigint) as observed_count
    from {{ ref('pace_exposures') }}
    group by series_id

)

select
    counted.series_id,
    series.interval_id,
    series.domain,
    {{ window_of_pace_id('counted.series_id') }} as window_number,
    counted.product_count,
    counted.observed_count
from counted
inner join {{ ref('survival_series') }} as series on {{ series_of_pace_id('counted.series_id') }} = series.series_id
