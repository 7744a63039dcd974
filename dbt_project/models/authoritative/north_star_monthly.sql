{% set north_star = var('north_star') %}

with events as (

    select
        event_type,
        occurred_at
    from {{ ref('lifecycle_events') }}
    where occurred_at <= {{ as_of() }}

),

span as (

    select
        {{ month_starting('min(occurred_at)') }} as first_month,
        {{ month_starting(as_of()) }} as last_month,
        {{ month_starting("min(case when event_type = 'adopted' then occurred_at end)") }} as first_adopted_month
    from events

),

months as (

    {{ month_spine('span', 'first_month', 'last_month') }}

),

adoptions as (

    select
        {{ month_starting('first_adopted_at') }} as month_starting,
        sum(case when is_first_adoption then 1 else 0 end) as first_adoptions_count,
        sum(case when is_first_adoption then 0 else 1 end) as expansion_adoptions_count,
        count(distinct consumer_domain) as adopting_domains_count
    from {{ ref('adoptions') }}
    group by 1

),

counted as (

    select
        months.month_starting,
        -- before the first adopted event of any kind nobody can tell "none" from "not sent"
        coalesce(months.month_starting >= span.first_adopted_month, false) as is_known,
        coalesce(adoptions.first_adoptions_count, 0) as first_adoptions_count,
        coalesce(adoptions.expansion_adoptions_count, 0) as expansion_adoptions_count,
        coalesce(adoptions.adopting_domains_count, 0) as adopting_domains_count
    from months
    cross join span
    left join adoptions on months.month_starting = adoptions.month_starting

)

select
    month_starting,
    cast('{{ north_star.metric }}' as varchar) as metric_id,
    cast(case when is_known then first_adoptions_count + expansion_adoptions_count end as double) as value,
    cast(case when is_known then first_adoptions_count end as bigint) as first_adoptions_count,
    cast(case when is_known then expansion_adoptions_count end as bigint) as expansion_adoptions_count,
    cast(case when is_known then adopting_domains_count end as bigint) as adopting_domains_count,
    cast({{ north_star.target if north_star.target is not none else 'null' }} as double) as target,
    {{ is_complete_month('month_starting') }} as is_complete,
    cast(case when not is_known then 'no_adoption_events' end as varchar) as reason
from counted
