with quarters as (

    select
        quarters.month_starting,
        quarters.is_complete,
        known.has_repeats,
        coalesce(quarters.ends_at > known.first_deployed_at, false) as has_deployments,
        coalesce(quarters.ends_at > known.first_adopted_at, false) as has_uses
    from {{ ref('reporting_periods') }} as quarters
    cross join {{ ref('known_events') }} as known
    where quarters.period = 'quarter'

),

live as (

    select
        cast({{ dbt.date_trunc('quarter', 'month_starting') }} as date) as month_starting,
        max_by(live_count, month_starting) as live_count
    from {{ ref('live_counts') }}
    group by all

),

retired as (

    select
        {{ month_starting('closed_at', 'quarter') }} as month_starting,
        count(*) as retired_count
    from {{ ref('data_products') }}
    where close_reason = 'retired'
    group by all

),

counted as (

    select
        quarters.*,
        quarters.has_deployments and quarters.has_uses as is_known,
        live.live_count,
        unused.unused_count,
        coalesce(retired.retired_count, 0) as retired_count,
        count(retired.retired_count) over (order by quarters.month_starting) > 0 as has_retirements
    from quarters
    inner join live using (month_starting)
    inner join {{ ref('unused_counts') }} as unused using (month_starting)
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
        when not has_deployments then 'no_deployment_events'
        when not has_uses then 'no_adoption_events'
        when live_count = 0 then 'no_products'
    end as unused_reason,
    cast(case when has_retirements then retired_count end as bigint) as retired_count,
    case when not has_retirements then 'no_retirement_events' end as retired_reason
from counted
