with retirements as (

    select closed_at from {{ ref('data_products') }}
    where close_reason = 'retired'

),

known as (

    select
        first_events.*,
        (select count(adoptions.sustained_at) from {{ ref('adoptions') }} as adoptions) > 0 as has_repeats,
        (select min(retirements.closed_at) from retirements) as first_retired_at
    from {{ ref('first_events') }} as first_events

),

quarters as (

    select
        quarters.month_starting,
        quarters.is_complete,
        quarters.ends_at > known.first_deployed_at as has_deployments,
        quarters.ends_at > known.first_adopted_at as has_uses,
        quarters.ends_at > known.first_retired_at as has_retirements,
        known.has_repeats
    from {{ ref('reporting_periods') }} as quarters
    cross join known
    where quarters.period = 'quarter'

),

live as (

    select
        cast({{ dbt.date_trunc('quarter', 'month_starting') }} as date) as month_starting,
        max_by(live_count, month_starting) as live_count
    from {{ ref('live_counts') }}
    group by cast({{ dbt.date_trunc('quarter', 'month_starting') }} as date)

),

unused as (

    select
        quarters.month_starting,
        sum(spells.unused_count) as unused_count
    from quarters
    inner join {{ ref('unused_spells') }} as spells
        on
            quarters.month_starting >= spells.first_quarter
            and (spells.end_quarter is null or quarters.month_starting < spells.end_quarter)
    group by quarters.month_starting

),

retired as (

    select
        {{ month_starting('closed_at', 'quarter') }} as month_starting,
        count(*) as retired_count
    from retirements
    group by {{ month_starting('closed_at', 'quarter') }}

),

counted as (

    select
        quarters.*,
        live.live_count,
        coalesce(quarters.has_deployments and quarters.has_uses, false) as is_known,
        coalesce(unused.unused_count, 0) as unused_count,
        coalesce(retired.retired_count, 0) as retired_count
    from quarters
    inner join live using (month_starting)
    left join unused using (month_starting)
    left join retired using (month_starting)

)

select
    month_starting,
    is_complete,
    cast(case when has_deployments or live_count > 0 then live_count end as bigint) as live_count,
    cast(case when is_known then unused_count end as bigint) as unused_count,
    case when is_known then cast(unused_count as double) / nullif(live_count, 0) end as unused_share,
    case when has_uses then case when has_repeats then 'last_365_days' else 'ever' end end as use_basis,
    case
        when not coalesce(has_deployments, false) then 'no_deployment_events'
        when not coalesce(has_uses, false) then 'no_adoption_events'
        when live_count = 0 then 'no_products'
    end as unused_reason,
    cast(case when has_retirements then retired_count end as bigint) as retired_count,
    case when not coalesce(has_retirements, false) then 'no_retirement_events' end as retired_reason
from counted
