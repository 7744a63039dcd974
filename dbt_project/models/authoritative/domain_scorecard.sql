with year as (

    select
        min(month_starting) as first_month,
        max(next_starting) as until_month,
        count(*) as month_count
    from (
        select * from {{ ref('reporting_periods') }}
        where period = 'month' and is_complete
        order by month_starting desc
        limit 12
    ) as months

),

adoptions as (

    select adoptions.*
    from {{ ref('adoptions') }} as adoptions
    inner join year
        on
            {{ month_starting('adoptions.first_adopted_at') }} >= year.first_month
            and {{ month_starting('adoptions.first_adopted_at') }} < year.until_month

),

gave as (

    select
        owner_domain as domain,
        count(*) as gave_count
    from adoptions
    group by owner_domain

),

took as (

    select
        consumer_domain as domain,
        count(*) as took_count
    from adoptions
    group by consumer_domain

),

received as (

    select count(*) > 0 as has_adoptions
    from {{ ref('lifecycle_events') }}
    where event_type = 'adopted' and occurred_at <= {{ as_of() }}

),

paces as (

    select * from {{ ref('domain_paces') }}

),

slowest as (

    select * from paces
    where interval_id in ('idea_to_started', 'started_to_deployed', 'deployed_to_adopted') and difference = 'slower'
    qualify row_number() over (
        partition by domain order by median_days / nullif(all_median_days, 0) desc nulls first, interval_id
    ) = 1

)

select
    cast(domains.domain as varchar) as domain,
    cast(year.month_count as integer) as month_count,
    cast(case when received.has_adoptions then coalesce(gave.gave_count, 0) end as bigint) as gave_count,
    cast(case when received.has_adoptions then coalesce(took.took_count, 0) end as bigint) as took_count,
    paces.median_days,
    paces.median_lower_days,
    paces.median_upper_days,
    paces.basis,
    coalesce(paces.product_count, 0) as product_count,
    paces.observed_count,
    coalesce(paces.observed_count >= 10, false) as is_rankable,
    paces.all_median_days,
    paces.difference,
    cast(slowest.interval_id as varchar) as slow_stage,
    slowest.median_days as slow_stage_median_days,
    slowest.all_median_days as slow_stage_all_median_days,
    coalesce(paces.reason, case when paces.domain is null then 'no_products' end) as reason
from {{ ref('domains') }} as domains
cross join year
cross join received
left join gave on domains.domain = gave.domain
left join took on domains.domain = took.domain
left join paces on domains.domain = paces.domain and paces.interval_id = 'idea_to_adopted'
left join slowest on domains.domain = slowest.domain
