with series as (

    select * from {{ ref('pace_series') }}
    where window_number <> {{ window_baseline() }}

),

steps as (

    select * from {{ ref('pace_steps') }}

)

select
    series.interval_id,
    series.domain,
    series.window_number,
    max(series.product_count) as product_count,
    max(series.observed_count) as observed_count,
    {{ first_time_at_most(0.5, 'steps.survival', 'steps.elapsed_days') }} as median_days,
    -- with delayed entry the numbers at risk rise and fall: it is the one at the median that counts
    min_by(steps.at_risk_count, steps.elapsed_days) filter (where steps.survival <= {{ 0.5 + 1e-9 }})
        as median_at_risk_count,
    {% for side in ['lower', 'upper'] %}
    {{ first_time_at_most(0.5, log_log_limit('steps.survival', 'steps.variance', side), 'steps.elapsed_days') }}
        as median_{{ side }}_days,
    {% endfor %}
    {% for day in share_days() %}
    {{ share_by_day(day, 'steps.survival', 'steps.elapsed_days') }} as share_by_day_{{ day }},
    {% endfor %}
    {{ first_time_at_most(0.15, 'steps.survival', 'steps.elapsed_days') }} as p85_days
from series
left join steps on series.series_id = steps.series_id
group by series.interval_id, series.domain, series.window_number
