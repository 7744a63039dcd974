{{ config(materialized='ephemeral') }}

{# signal: what limits judge. Kept as two sums, because months that are too small are judged by the quarter. #}
with months as (

    select * from {{ ref('reporting_periods') }}
    where period = 'month'

),

checks as (

    select * from {{ ref('monthly_checks') }}

),

checked_series as (

    select
        metric_id,
        domain,
        min(month_starting) as first_month
    from checks
    where domain <> 'all'
    group by metric_id, domain

    union all

    select
        metrics.metric_id,
        'all' as domain,
        min(months.month_starting) as first_month
    from months
    cross join (
        select 'contract_checks_passed' as metric_id
        union all
        select 'contract_pass_rate' as metric_id
    ) as metrics
    group by metrics.metric_id

)

{% for metric in monthly_metrics() %}
{% set value = metric.numerator ~ (' - ' ~ metric.minus if metric.minus else '') %}
select
    '{{ metric.id }}' as metric_id,
    period,
    month_starting,
    domain,
    is_complete,
    phase,
    {{ value }} as signal_numerator,
    {{ metric.denominator or 1 }} as signal_denominator,
    {{ metric.counted or 'null' }} as counted,
    {{ metric.numerator }} as numerator,
    {{ metric.denominator or metric.minus or 'null' }} as denominator,
    {{ metric.beside or metric.counted }} as observation_count,
    {{ value }}{{ ' / cast(nullif(' ~ metric.denominator ~ ', 0) as double)' if metric.denominator }} as value,
    case
        when not is_{{ metric.received }}_known then '{{ metric.unreceived }}'
        {% if metric.denominator %}
        when {{ metric.denominator }} = 0 then '{{ metric.none }}'
        {% endif %}
    end as reason
from {{ ref('leading_counts') }}

union all

{% endfor %}
select
    checked_series.metric_id,
    months.period,
    months.month_starting,
    checked_series.domain,
    months.is_complete,
    months.phase,
    checks.numerator as signal_numerator,
    checks.denominator as signal_denominator,
    checks.denominator as counted,
    checks.numerator,
    checks.denominator,
    checks.denominator as observation_count,
    checks.numerator / cast(nullif(checks.denominator, 0) as double) as value,
    case
        when checks.denominator is not null and checks.denominator > 0 then null
        when checked_series.metric_id = 'contract_pass_rate' then 'nothing_landed'
        when min(checks.month_starting) over (partition by checked_series.metric_id) is null then 'no_contract_events'
        else 'nothing_checked'
    end as reason
from checked_series
inner join months on checked_series.first_month <= months.month_starting
left join checks
    on
        checked_series.metric_id = checks.metric_id
        and checked_series.domain = checks.domain
        and months.month_starting = checks.month_starting

union all

select
    metric_id,
    period,
    month_starting,
    domain,
    is_complete,
    phase,
    numerator as signal_numerator,
    denominator as signal_denominator,
    denominator as counted,
    numerator,
    denominator,
    denominator as observation_count,
    numerator / cast(nullif(denominator, 0) as double) as value,
    reason
from {{ ref('quarterly_shares') }}

union all

select
    metric_id,
    period,
    month_starting,
    domain,
    is_complete,
    phase,
    observed_in_month_count as signal_numerator,
    expected_count as signal_denominator,
    observed_in_month_count as counted,
    observed_count as numerator,
    product_count as denominator,
    observed_count as observation_count,
    median_days as value,
    reason
from {{ ref('monthly_pace') }}
