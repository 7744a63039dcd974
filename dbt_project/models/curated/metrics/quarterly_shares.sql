{{ config(materialized='ephemeral') }}

{# Cohorts of a quarter, published once every member could be followed to the end: then incidence is a plain share. #}
{% set metrics = [
    {'id': 'adopted_90d', 'days': 90, 'in': 'adopted_90d_count', 'of': 'followed_count', 'none': 'no_deployments'},
    {'id': 'retained_adoption', 'days': 180, 'in': 'retained_count', 'of': 'adoptions_count', 'none': 'no_adoptions'},
] %}

with cohorts as (

    {% for metric in metrics %}
    select
        '{{ metric.id }}' as metric_id,
        {{ metric.days }} as follow_up_days,
        '{{ metric.none }}' as reason_for_none,
        domain,
        cast({{ dbt.date_trunc('quarter', 'month_starting') }} as date) as month_starting,
        cast(sum({{ metric.in }}) as bigint) as numerator,
        cast(sum({{ metric.of }}) as bigint) as denominator
    from {{ ref('leading_counts') }}
    group by all
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

followed as (

    select
        cohorts.*,
        quarters.period,
        quarters.process_phase,
        quarters.next_starting + to_days(cohorts.follow_up_days) as followed_until_day,
        quarters.ends_at + to_days(cohorts.follow_up_days) as followed_until
    from cohorts
    inner join {{ ref('reporting_periods') }} as quarters
        on cohorts.month_starting = quarters.month_starting and quarters.period = 'quarter'

)

select
    followed.metric_id,
    followed.period,
    followed.month_starting,
    followed.domain,
    {{ is_complete_before('followed.followed_until_day') }} as is_complete,
    followed.process_phase,
    followed.numerator,
    followed.denominator,
    followed.numerator / cast(nullif(followed.denominator, 0) as double) as value,
    case
        -- what was first sent after the follow-up does not show whether there was none or it was not sent
        when coalesce(first_events.first_adopted_at > followed.followed_until, true) then 'no_adoption_events'
        when
            followed.metric_id = 'retained_adoption'
            and coalesce(repeated.first_sustained_at > followed.followed_until, true)
            then 'no_repeat_use_events'
        when followed.followed_until > {{ as_of() }} then 'too_recent'
        when followed.denominator = 0 then followed.reason_for_none
    end as reason
from followed
cross join {{ ref('first_events') }} as first_events
cross join (select min(sustained_at) as first_sustained_at from {{ ref('adoptions') }}) as repeated
