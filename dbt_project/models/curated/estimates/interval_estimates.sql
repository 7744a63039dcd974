{% set curves = [
    {'estimator': 'incidence', 'survival': '(1 - share_observed)', 'variance': 'share_observed_variance',
        'at_risk': 'at_risk_count', 'observed': 'series.observed_count - series.observed_after_closing_count'},
    {'estimator': 'kaplan_meier', 'survival': 'km_survival', 'variance': 'km_variance',
        'at_risk': 'km_at_risk_count', 'observed': 'series.observed_count'},
] %}

with series as (

    select * from {{ ref('survival_series') }}

),

steps as (

    select * from {{ ref('survival_steps') }}

),

pace as (

    select * from {{ ref('current_pace') }}
    where window_number = {{ window_as_of() }}

),

estimates as (

    {% for curve in curves %}
    select
        series.series_id,
        '{{ curve.estimator }}' as estimator,
        max(series.product_count) as product_count,
        max(series.open_count) as open_count,
        max({{ curve.observed }}) as observed_count,
        {{ first_time_at_most(0.5, curve.survival, 'elapsed_days') }} as median_days,
        max(case when {{ curve.survival }} <= {{ 0.5 + 1e-9 }} then {{ curve.at_risk }} end) as median_at_risk_count,
        {% for side in ['lower', 'upper'] %}
        {{ first_time_at_most(0.5, log_log_limit(curve.survival, curve.variance, side), 'elapsed_days') }}
            as median_{{ side }}_days,
        {% endfor %}
        {% for day in share_days() %}
        {{ share_by_day(day, curve.survival, 'elapsed_days') }} as share_by_day_{{ day }},
        {% endfor %}
        {{ first_time_at_most(0.15, curve.survival, 'elapsed_days') }} as p85_days
    from series
    left join steps on series.series_id = steps.series_id
    group by series.series_id

    union all

    {% endfor %}
    select
        series_id,
        'completed_only' as estimator,
        product_count,
        open_count,
        observed_count,
        completed_median_days as median_days,
        null as median_at_risk_count, -- among finished ones nobody is at risk, and there is no band
        null as median_lower_days,
        null as median_upper_days,
        {% for day in share_days() %}
        observed_by_day_{{ day }}_count / cast(nullif(observed_count, 0) as double) as share_by_day_{{ day }},
        {% endfor %}
        completed_p85_days as p85_days
    from series

    union all

    select
        series.series_id,
        'current_pace' as estimator,
        coalesce(pace.product_count, 0) as product_count,
        series.open_count, -- everything open now is open in the window
        coalesce(pace.observed_count, 0) as observed_count,
        pace.median_days,
        pace.median_at_risk_count,
        pace.median_lower_days,
        pace.median_upper_days,
        {% for day in share_days() %}
        pace.share_by_day_{{ day }},
        {% endfor %}
        pace.p85_days
    from series
    left join pace on series.interval_id = pace.interval_id and series.domain = pace.domain
    where series.cohort = 'all'

)

{% set is_enough = is_enough_for_a_median('estimates') %}
{# With delayed entry few are at risk at young ages, and one adoption among them takes the whole curve to 0. #}
{% set is_steady = "estimates.estimator <> 'current_pace' or (" ~ is_enough ~ ")" %}

select
    series.interval_id,
    series.domain,
    series.cohort,
    estimates.estimator,
    estimates.product_count,
    case when series.unknown_reason is null then estimates.observed_count end as observed_count,
    estimates.open_count,
    case
        when series.unknown_reason is null
            then estimates.product_count - estimates.observed_count - estimates.open_count
    end as closed_count,
    {% for left_out in ['negative', 'no_start', 'closed_before_start'] %}
    series.left_out_{{ left_out }}_count,
    {% endfor %}
    {% for figure in ['median_days', 'median_lower_days', 'median_upper_days'] %}
    case when {{ is_enough }} then estimates.{{ figure }} end as {{ figure }},
    {% endfor %}
    case when estimates.observed_count >= 10 and ({{ is_steady }}) then estimates.p85_days end as p85_days,
    {% for day in share_days() %}
    case
        when estimates.product_count > 0 and series.unknown_reason is null and ({{ is_steady }})
            then {{ as_share('estimates.share_by_day_' ~ day) }}
    end as share_by_day_{{ day }},
    {% endfor %}
    case
        when estimates.product_count = 0 then 'no_products'
        when series.unknown_reason is not null then series.unknown_reason
        when not ({{ is_enough }}) then 'not_enough_data'
        when estimates.median_days is null then 'not_reached'
        when estimates.p85_days is null then 'p85_not_reached'
    end as reason
from estimates
inner join series on estimates.series_id = series.series_id
