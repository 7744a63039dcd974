{{ config(materialized='ephemeral') }}

{# A domain beside the whole organisation, by the same estimator: trailing 180 days where the domain has 10 events. #}
with usual as (

    {{ usual_pace() }}

),

everyone as (

    select
        interval_id,
        estimator,
        median_days
    from {{ ref('interval_estimates') }}
    where domain = 'all' and cohort = 'all'

)

select
    usual.interval_id,
    usual.domain,
    usual.basis,
    usual.product_count,
    usual.observed_count,
    usual.median_days,
    usual.median_lower_days,
    usual.median_upper_days,
    usual.reason,
    everyone.median_days as all_median_days,
    case
        when usual.median_lower_days > everyone.median_days then 'slower' -- also where the median is not reached
        when usual.median_upper_days < everyone.median_days then 'faster'
        when usual.median_lower_days is not null and everyone.median_days is not null then 'within_chance'
    end as difference
from usual
inner join everyone on usual.interval_id = everyone.interval_id and usual.estimator = everyone.estimator
where usual.domain <> 'all'
