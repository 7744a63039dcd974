{{ config(materialized='ephemeral') }}

-- who went live and who was closed in the same two periods counts together: a few thousand rows, however many products
with lives as (

    select
        {{ month_starting('live_from') }} as first_month,
        {{ month_starting('live_until') }} as end_month,
        count(*) as live_count
    from {{ ref('live_products') }}
    group by {{ month_starting('live_from') }}, {{ month_starting('live_until') }}

)

select
    months.month_starting,
    coalesce(sum(lives.live_count), 0) as live_count
from {{ ref('reporting_periods') }} as months
left join lives
    on
        months.month_starting >= lives.first_month
        and (lives.end_month is null or months.month_starting < lives.end_month)
where months.period = 'month'
group by months.month_starting
