with estimates as (

    select * from {{ ref('estimator_figures') }}

    union all

    select
        series.series_id,
        'current_pace' as estimator,
        coalesce(pace.product_count, 0) as product_count,
        series.open_count, -- everything open now is open in the window
        coalesce(pace.observed_count, 0) as observed_count,
        {% for figure in ['median_days', 'median_at_risk_count', 'median_lower_days', 'median_upper_days'] %}
        pace.{{ figure }},
        {% endfor %}
        {% for day in share_days() %}
        pace.share_by_day_{{ day }},
        {% endfor %}
        pace.p85_days
    from {{ ref('survival_series') }} as series
    left join {{ ref('current_pace') }} as pace
        on
            series.interval_id = pace.interval_id and series.domain = pace.domain
            and pace.window_number = {{ window_as_of() }}
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
    case when estimates.observed_count >= {{ fewest_observed() }} and ({{ is_steady }}) then estimates.p85_days end
        as p85_days,
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
inner join {{ ref('survival_series') }} as series using (series_id)
