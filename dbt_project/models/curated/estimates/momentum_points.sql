{{ config(materialized='ephemeral') }}

with monthly as (

    select
        *,
        sum(observed_count) over (
            order by period_number rows between unbounded preceding and 1 preceding
        ) as adopted_before
    from {{ ref('pace_indexes') }}
    where interval_id = 'idea_to_adopted' and domain = 'all'

),

finished as (

    select
        days_to_observed,
        row_number() over (order by ended_at, data_product_id) as adopted_number
    from {{ ref('product_intervals') }}
    where interval_id = 'idea_to_adopted' and outcome = 'observed'

),

adopted as (

    select count(*) as adopted_count from finished

)

select
    'momentum' as metric_id,
    ln(monthly.adopted_before) as x,
    -ln(monthly.observed_count / monthly.expected_count) as y,
    monthly.observed_count as weight,
    adopted.adopted_count
from monthly
cross join adopted
inner join {{ ref('reporting_periods') }} as months
    on monthly.month_starting = months.month_starting and months.period = 'month' and months.is_complete
where monthly.adopted_before >= 1 and monthly.observed_count > 0 and monthly.expected_count >= 1

union all

select
    'momentum_completed_only' as metric_id,
    ln(finished.adopted_number) as x,
    ln(finished.days_to_observed) as y,
    1 as weight,
    adopted.adopted_count
from finished
cross join adopted
where finished.days_to_observed > 0
