{{ config(materialized='ephemeral') }}

with checks as (

    select
        'contract_checks_passed' as metric_id,
        {{ month_starting('events.occurred_at') }} as month_starting,
        {{ domain_or_all('products.domain') }} as domain,
        {{ count_sum('events.passed_count') }} as numerator,
        {{ count_sum('events.passed_count') }} + {{ count_sum('events.failed_count') }} as denominator
    from {{ ref('lifecycle_events') }} as events
    inner join {{ ref('data_products') }} as products using (data_product_id)
    where events.event_type = 'contract_checked' and events.occurred_at <= {{ as_of() }}
    group by {{ month_starting('events.occurred_at') }}, rollup(products.domain)
    having {{ is_domain_or_all('products.domain') }}

    union all

    select
        'contract_pass_rate' as metric_id,
        -- what lands later than as_of, as history does at first, is counted as landed then
        {{ month_starting('least(landed_at, ' ~ as_of() ~ ')') }} as month_starting,
        'all' as domain,
        {{ count_sum('landed_count') }} as numerator,
        {{ count_sum('read_count') }} as denominator
    from {{ ref('batch_accounting') }}
    where {{ is_known('landed_at') }}
    group by {{ month_starting('least(landed_at, ' ~ as_of() ~ ')') }}

),

-- that of the whole organisation begins with the first month, whatever was checked
series as (

    select
        metric_id,
        domain,
        min(month_starting) as first_month
    from checks
    where domain <> 'all'
    group by metric_id, domain

    union all

    select
        unnest(['contract_checks_passed', 'contract_pass_rate']) as metric_id,
        'all' as domain,
        (select min(month_starting) from {{ ref('reporting_periods') }}) as first_month

)

select
    series.metric_id,
    months.period,
    months.month_starting,
    series.domain,
    months.is_complete,
    months.process_phase,
    checks.numerator,
    checks.denominator,
    checks.numerator / cast(nullif(checks.denominator, 0) as double) as value,
    case
        when checks.denominator > 0 then null
        when series.metric_id = 'contract_pass_rate' then 'nothing_landed'
        when min(checks.month_starting) over (partition by series.metric_id) is null then 'no_contract_events'
        else 'nothing_checked'
    end as reason
from series
inner join {{ ref('reporting_periods') }} as months on series.first_month <= months.month_starting
left join checks using (metric_id, domain, month_starting)
where months.period = 'month'
