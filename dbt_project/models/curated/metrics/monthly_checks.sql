{{ config(materialized='ephemeral') }}

with checks as (

    select
        {{ month_starting('events.occurred_at') }} as month_starting,
        products.domain,
        events.passed_count,
        events.failed_count
    from {{ ref('lifecycle_events') }} as events
    inner join {{ ref('data_products') }} as products on events.data_product_id = products.data_product_id
    where events.event_type = 'contract_checked' and events.occurred_at <= {{ as_of() }}

),

members as (

    {{ with_everyone('checks', ['month_starting', 'passed_count', 'failed_count']) }}

),

batches as (

    select
        -- what lands later than as_of, as history does at first, is counted as landed then
        {{ month_starting('least(landed_at, ' ~ as_of() ~ ')') }} as month_starting,
        read_count,
        landed_count
    from {{ ref('batches') }}

)

select
    'contract_checks_passed' as metric_id,
    month_starting,
    domain,
    {{ count_sum('passed_count') }} as numerator,
    {{ count_sum('passed_count') }} + {{ count_sum('failed_count') }} as denominator
from members
group by month_starting, domain

union all

select
    'contract_pass_rate' as metric_id,
    month_starting,
    'all' as domain,
    {{ count_sum('landed_count') }} as numerator,
    {{ count_sum('read_count') }} as denominator
from batches
group by month_starting
