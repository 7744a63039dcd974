{{ config(materialized='ephemeral') }}

{# Kaplan–Meier of how long adoptions last, read at three days. An adoption ends 90 days after its last use; while that
   day is still to come, it is censored at as_of. #}
{% set unused_days, days = 90, [90, 180, 365] %}
{% set ended_at = days_after('last_adopted_at', unused_days) %}

with lives as (

    select
        case when {{ ended_at }} <= {{ as_of() }} then 1 else 0 end as is_ended,
        {{ elapsed_microseconds('first_adopted_at', 'least(' ~ ended_at ~ ', ' ~ as_of() ~ ')') }} as lasted,
        {{ elapsed_days('first_adopted_at', as_of()) }} as followed_days
    from {{ ref('adoptions') }}

),

counted as (

    select
        1 as series_id,
        {{ at_resolution('lasted', 'day') }} as elapsed_microseconds,
        cast(count(*) as double) as exits,
        cast(sum(is_ended) as double) as ended
    from lives
    group by all

),

risk_sets as (

    select
        *,
        sum(exits) over (order by elapsed_microseconds desc) as at_risk
    from counted

),

curve as (

    select
        {{ as_days('elapsed_microseconds') }} as elapsed_days,
        ended,
        exp(sum({{ log_survival_step('ended', 'at_risk') }}) over so_far) as survival,
        sum({{ greenwood_step('ended', 'at_risk') }}) over so_far as greenwood
    from risk_sets
    window so_far as {{ so_far() }}

),

totals as (

    select
        {% for day in days %}
        count(case when followed_days >= {{ day }} then 1 end) as followed_{{ day }}_count,
        {% endfor %}
        count(*) as adoption_count
    from lives

)

{% for day in days %}
select
    {{ day }} as day,
    max(totals.adoption_count) as adoption_count,
    max(totals.followed_{{ day }}_count) as followed_count,
    coalesce(sum(curve.ended), 0) as ended_count,
    coalesce(min(curve.survival), 1) as survival,
    coalesce(min_by(curve.survival * curve.survival * curve.greenwood, curve.survival), 0) as variance
from totals
left join curve on curve.elapsed_days <= {{ day }}
{{ 'union all' if not loop.last }}
{% endfor %}
