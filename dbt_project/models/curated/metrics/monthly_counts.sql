{{ config(materialized='ephemeral') }}

{# (fact, when, whose, which of them are marked: they are counted once more, where it stands, which rows are one) #}
{% set left_at = "case when outcome = 'observed' then ended_at else closed_at end" %}
{% set aligned = 'data_product_id in (select data_product_id from ' ~ ref('product_initiatives') ~ ')' %}
{% set facts = [
    ('idea', 'idea_logged_at', 'domain', 'has_named_consumer', 'data_products', 'idea_logged_at is not null'),
    ('aligned', 'idea_logged_at', 'domain', 'false', 'data_products', 'idea_logged_at is not null and ' ~ aligned),
    ('deployed', 'deployed_at', 'domain', 'false', 'data_products', 'deployed_at is not null'),
    ('started', 'started_at', 'domain', 'false', 'product_intervals',
        "interval_id = 'idea_to_adopted' and outcome is not null"),
    ('finished', left_at, 'domain', 'false', 'product_intervals',
        "interval_id = 'idea_to_adopted' and outcome in ('observed', 'closed')"),
    ('followed', 'started_at', 'domain', "outcome = 'observed' and days_to_observed <= 90", 'product_intervals',
        "interval_id = 'deployed_to_adopted' and eligibility = 'in'"),
    ('adoption', 'first_adopted_at', 'owner_domain', 'not is_first_adoption', 'adoptions', 'true'),
    ('retained', 'first_adopted_at', 'owner_domain', 'false', 'adoptions', 'is_retained'),
    ('seen', 'first_seen_at', 'domain', 'false', 'domains', 'true'),
] %}

with facts as (

    {% for fact, happened_at, domain, is_marked, relation, is_one in facts %}
    select
        '{{ fact }}' as fact,
        {{ month_starting(happened_at) }} as month_starting,
        {{ domain }} as domain,
        {{ is_marked }} as is_marked,
        {{ 'consumer_domain' if fact == 'adoption' else 'null' }} as consumer_domain
    from {{ ref(relation) }}
    where {{ is_one }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    {% for count, fact in [('ideas', 'idea'), ('aligned_ideas', 'aligned'), ('started', 'started'),
        ('finished', 'finished'), ('deployed', 'deployed'), ('followed', 'followed'), ('adoptions', 'adoption'), ('retained', 'retained')] %}
    count(case when fact = '{{ fact }}' then 1 end) as {{ count }}_count,
    {% endfor %}
    {% for count, fact in [('named_ideas', 'idea'), ('adopted_90d', 'followed'), ('expansions', 'adoption')] %}
    count(case when fact = '{{ fact }}' and is_marked then 1 end) as {{ count }}_count,
    {% endfor %}
    count(distinct consumer_domain) as adopting_domains_count,
    month_starting,
    {{ domain_or_all() }} as domain
from facts
group by month_starting, rollup(domain)
having {{ is_domain_or_all() }}
