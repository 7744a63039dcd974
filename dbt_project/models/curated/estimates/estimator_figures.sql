{{ config(materialized='ephemeral') }}

{% set curves = [
    {'estimator': 'incidence', 'survival': '(1 - share_observed)', 'variance': 'share_observed_variance',
        'at_risk': 'at_risk_count', 'observed': 'series.observed_count - series.observed_after_closing_count'},
    {'estimator': 'kaplan_meier', 'survival': 'km_survival', 'variance': 'km_variance',
        'at_risk': 'km_at_risk_count', 'observed': 'series.observed_count'},
] %}

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
    {{ first_time_at_most(0.15, curve.survival, 'elapsed_days') }} as p85_days,
    {% for day in share_days() %}
    {{ share_by_day(day, curve.survival, 'elapsed_days') }} as share_by_day_{{ day }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('survival_series') }} as series
left join {{ ref('survival_steps') }} as steps on series.series_id = steps.series_id
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
    completed_p85_days as p85_days,
    {% for day in share_days() %}
    observed_by_day_{{ day }}_count / cast(nullif(observed_count, 0) as double) as share_by_day_{{ day }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('survival_series') }}
