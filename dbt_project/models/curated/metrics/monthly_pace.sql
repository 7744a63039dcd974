{{ config(materialized='ephemeral') }}

with intervals (metric_id, interval_id, unknown_reason) as (

    values
    {% for interval in paced_intervals() %}
    ('{{ interval.metric_id }}', '{{ interval.id }}', '{{ interval.unknown }}'){{ ',' if not loop.last }}
    {% endfor %}

)

{% set is_known = "case when intervals.unknown_reason = 'no_deployment_events' then counts.is_deployed_known"
    ~ " else counts.is_adopted_known end" %}

select
    intervals.metric_id,
    counts.period,
    counts.month_starting,
    counts.domain,
    counts.is_complete,
    counts.process_phase,
    case when {{ is_known }} then indexes.observed_count end as observed_in_month_count,
    case when {{ is_known }} then indexes.expected_count end as expected_count,
    coalesce(pace.observed_count, 0) as numerator,
    coalesce(pace.product_count, 0) as denominator,
    case when {{ is_enough_for_a_median('pace') }} then pace.median_days end as value,
    case
        when not {{ is_known }} then intervals.unknown_reason
        when coalesce(pace.product_count, 0) = 0 then 'no_products'
        when not ({{ is_enough_for_a_median('pace') }}) then 'not_enough_data'
        when pace.median_days is null then 'not_reached'
    end as reason
from {{ ref('leading_counts') }} as counts
cross join intervals
inner join {{ ref('reporting_periods') }} as months
    on counts.month_starting = months.month_starting and months.period = 'month'
left join {{ ref('current_pace') }} as pace
    on
        intervals.interval_id = pace.interval_id
        and counts.domain = pace.domain
        and months.period_number = pace.window_number
left join {{ ref('pace_indexes') }} as indexes
    on
        intervals.interval_id = indexes.interval_id
        and counts.domain = indexes.domain
        and counts.month_starting = indexes.month_starting
