with known as (

    select
        interval_id,
        domain,
        product_count
    from {{ ref('time_to_value') }}
    where estimator = 'incidence' and cohort = 'all' and share_by_day_30 is not null

),

steps as (

    select
        interval_id,
        domain,
        elapsed_days,
        share_observed,
        share_observed_variance,
        share_closed,
        at_risk_count
    from {{ ref('survival_steps') }}
    where cohort = 'all' and observed_count + closed_count > 0

    union all

    -- before time 0 nothing has happened: the curve starts at day 0 even if no step does
    select
        interval_id,
        domain,
        -1 as elapsed_days,
        0 as share_observed,
        0 as share_observed_variance,
        0 as share_closed,
        product_count as at_risk_count
    from known

),

days as (

    select
        interval_id,
        domain,
        greatest(ceil(elapsed_days), 0) as day,
        max(share_observed) as share_adopted,
        max_by(share_observed_variance, elapsed_days) as variance, -- at the day's end
        max(share_closed) as share_closed,
        max(at_risk_count) as at_risk_count
    from steps
    group by interval_id, domain, greatest(ceil(elapsed_days), 0)

)

{% set unadopted = '(1 - days.share_adopted)' %}

select
    cast(days.interval_id as varchar) as interval_id,
    cast(days.domain as varchar) as domain,
    cast(days.day as integer) as day,
    cast({{ as_share('days.share_adopted') }} as double) as share_adopted,
    cast({{ as_share('1 - ' ~ log_log_limit(unadopted, 'days.variance', 'upper')) }} as double) as lower,
    cast({{ as_share('1 - ' ~ log_log_limit(unadopted, 'days.variance', 'lower')) }} as double) as upper,
    cast({{ as_share('days.share_closed') }} as double) as share_closed,
    cast(days.at_risk_count as bigint) as at_risk_count
from days
inner join known on days.interval_id = known.interval_id and days.domain = known.domain
