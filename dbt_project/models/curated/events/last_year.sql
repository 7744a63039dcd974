{{ config(materialized='ephemeral') }}

select
    min(month_starting) as first_month,
    max(month_starting) as last_month,
    count(*) as month_count
from (
    select month_starting from {{ ref('reporting_periods') }}
    where period = 'month' and is_complete
    order by month_starting desc
    limit 12
) as months
