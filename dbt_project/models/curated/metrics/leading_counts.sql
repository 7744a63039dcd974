{{ config(materialized='ephemeral') }}

{# Every month of every domain, from the one it is first seen in: a month without events is a row too. #}
with months as (

    select * from {{ ref('reporting_periods') }}
    where period = 'month'

),

counts as (

    select * from {{ ref('monthly_counts') }}

),

domains as (

    select
        domain,
        min(month_starting) as first_month
    from counts
    where domain <> 'all'
    group by domain

    union all

    select
        'all' as domain,
        min(month_starting) as first_month
    from months

),

-- the month from which on each kind of event is known to be sent at all
received as (

    select
        {{ month_starting("min(case when has_named_consumer is not null then occurred_at end)") }} as named_month,
        {{ month_starting("min(case when event_type = 'deployed' then occurred_at end)") }} as deployed_month,
        {{ month_starting("min(case when event_type = 'adopted' then occurred_at end)") }} as adopted_month,
        {{ month_starting("min(case when event_type = 'adopted' or " ~ is_closing('event_type')
            ~ " then occurred_at end)") }} as finished_month
    from {{ ref('lifecycle_events') }}
    where occurred_at <= {{ as_of() }}

),

filled as (

    select
        {% for kind in ['named', 'deployed', 'adopted', 'finished'] %}
        coalesce(months.month_starting >= received.{{ kind }}_month, false) as is_{{ kind }}_known,
        {% endfor %}
        {% for count in ['ideas', 'named_ideas', 'started', 'finished', 'deployed', 'adoptions', 'expansions',
            'adopting_domains'] %}
        coalesce(counts.{{ count }}_count, 0) as {{ count }}_count,
        {% endfor %}
        months.period,
        months.month_starting,
        domains.domain,
        months.is_complete,
        months.phase
    from domains
    cross join received
    inner join months on domains.first_month <= months.month_starting
    left join counts on months.month_starting = counts.month_starting and domains.domain = counts.domain

)

select
    *,
    adoptions_count - expansions_count as first_adoptions_count,
    cast(
        sum(started_count - finished_count) over (partition by domain order by month_starting) as bigint
    ) as open_count
from filled
