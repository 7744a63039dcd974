{{ config(materialized='ephemeral') }}

with facts as (

    {% for column, fact in [('idea_logged_at', 'idea'), ('deployed_at', 'deployed')] %}
    select
        {{ column }} as happened_at,
        domain,
        '{{ fact }}' as fact,
        case when has_named_consumer then 1 else 0 end as amount,
        null as consumer_domain
    from {{ ref('data_products') }}
    where {{ column }} is not null

    union all

    {% endfor %}
    {% for at, fact, outcomes in [
        ('started_at', 'started', "('observed', 'closed', 'open')"),
        ("case when outcome = 'observed' then ended_at else closed_at end", 'finished', "('observed', 'closed')"),
    ] %}
    select
        {{ at }} as happened_at,
        domain,
        '{{ fact }}' as fact,
        1 as amount,
        null as consumer_domain
    from {{ ref('product_intervals') }}
    where interval_id = 'idea_to_adopted' and outcome in {{ outcomes }}

    union all

    {% endfor %}
    select
        first_adopted_at as happened_at,
        owner_domain as domain,
        'adoption' as fact,
        case when is_first_adoption then 0 else 1 end as amount,
        consumer_domain
    from {{ ref('adoptions') }}

    union all

    select
        first_seen_at as happened_at,
        domain,
        'seen' as fact,
        1 as amount,
        null as consumer_domain
    from {{ ref('domains') }}

),

dated as (

    select
        *,
        {{ month_starting('happened_at') }} as month_starting
    from facts

),

members as (

    {{ with_everyone('dated', ['month_starting', 'fact', 'amount', 'consumer_domain']) }}

)

select
    month_starting,
    domain,
    {% for count, fact in [('ideas', 'idea'), ('started', 'started'), ('finished', 'finished'),
        ('deployed', 'deployed'), ('adoptions', 'adoption')] %}
    count(case when fact = '{{ fact }}' then 1 end) as {{ count }}_count,
    {% endfor %}
    sum(case when fact = 'idea' then amount else 0 end) as named_ideas_count,
    sum(case when fact = 'adoption' then amount else 0 end) as expansions_count,
    count(distinct case when fact = 'adoption' then consumer_domain end) as adopting_domains_count
from members
group by month_starting, domain
