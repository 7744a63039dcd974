{{ config(materialized='ephemeral') }}

{# Cohorts of a quarter, told once every member could be followed to the end: then incidence is a plain share. #}
with cohorts as (

    select
        'adopted_90d' as metric_id,
        {{ month_starting('started_at', 'quarter') }} as month_starting,
        domain,
        case when outcome = 'observed' and days_to_observed <= 90 then 1 else 0 end as is_in
    from {{ ref('product_intervals') }}
    where interval_id = 'deployed_to_adopted' and eligibility = 'in'

    union all

    select
        'retained_adoption' as metric_id,
        {{ month_starting('first_adopted_at', 'quarter') }} as month_starting,
        owner_domain as domain,
        case when is_retained then 1 else 0 end as is_in
    from {{ ref('adoptions') }}

),

members as (

    {{ with_everyone('cohorts', ['metric_id', 'month_starting', 'is_in']) }}

),

counted as (

    select
        metric_id,
        month_starting,
        domain,
        sum(is_in) as numerator,
        count(*) as denominator
    from members
    group by metric_id, month_starting, domain

),

received as (

    select
        (
            select min(occurred_at) from {{ ref('lifecycle_events') }}
            where event_type = 'adopted' and occurred_at <= {{ as_of() }}
        ) as first_adopted_at,
        (select min(sustained_at) from {{ ref('adoptions') }}) as first_repeated_at

),

series as (

    select
        metrics.metric_id,
        metrics.follow_up_days,
        months.domain,
        min(months.month_starting) as first_month
    from {{ ref('leading_counts') }} as months
    cross join (
        select
            'adopted_90d' as metric_id,
            90 as follow_up_days
        union all
        select
            'retained_adoption' as metric_id,
            180 as follow_up_days
    ) as metrics
    group by metrics.metric_id, metrics.follow_up_days, months.domain

),

followed as (

    select
        series.metric_id,
        series.domain,
        quarters.period,
        quarters.month_starting,
        quarters.phase,
        quarters.next_starting + to_days(cast(series.follow_up_days as integer)) as followed_until_day,
        quarters.ends_at + to_days(cast(series.follow_up_days as integer)) as followed_until
    from series
    inner join {{ ref('reporting_periods') }} as quarters
        on quarters.period = 'quarter' and series.first_month < quarters.next_starting

)

select
    followed.metric_id,
    followed.domain,
    followed.period,
    followed.month_starting,
    followed.phase,
    {{ is_complete_before('followed.followed_until_day') }} as is_complete,
    coalesce(counted.numerator, 0) as numerator,
    coalesce(counted.denominator, 0) as denominator,
    case
        -- what was first sent after the follow-up can't tell "none" from "not sent"
        when coalesce(received.first_adopted_at > followed.followed_until, true) then 'no_adoption_events'
        when
            followed.metric_id = 'retained_adoption'
            and coalesce(received.first_repeated_at > followed.followed_until, true)
            then 'no_repeat_use_events'
        when followed.followed_until > {{ as_of() }} then 'too_recent'
        when counted.denominator is null and followed.metric_id = 'adopted_90d' then 'no_deployments'
        when counted.denominator is null then 'no_adoptions'
    end as reason
from followed
cross join received
left join counted
    on
        followed.metric_id = counted.metric_id
        and followed.domain = counted.domain
        and followed.month_starting = counted.month_starting
