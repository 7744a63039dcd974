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

-- the first idea of an initiative, whichever domain owns it
first_aligned as (

    select min(month_starting) as month_starting
    from counts
    where aligned_ideas_count > 0

),

filled as (

    select
        -- from the month on in which the first event of a kind occurred, that kind of event is known to be sent at all
        {% for kind in ['named_consumers', 'deployed', 'adopted', 'finished'] %}
        coalesce(months.month_starting >= {{ month_starting('first_events.first_' ~ kind ~ '_at') }}, false)
            as is_{{ kind }}_known,
        {% endfor %}
        coalesce(months.month_starting >= first_aligned.month_starting, false) as is_initiatives_known,
        {% for count in ['ideas', 'named_ideas', 'aligned_ideas', 'started', 'finished', 'deployed', 'followed',
            'adopted_90d', 'adoptions', 'expansions', 'adopting_domains', 'retained'] %}
        coalesce(counts.{{ count }}_count, 0) as {{ count }}_count,
        {% endfor %}
        months.period,
        months.month_starting,
        domains.domain,
        months.is_complete,
        months.process_phase
    from domains
    cross join {{ ref('first_events') }} as first_events
    cross join first_aligned
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
