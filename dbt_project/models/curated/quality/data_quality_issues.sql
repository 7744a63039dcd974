with rules as (

    select * from {{ ref('data_quality_rules') }}

),

issues as (

    {% for model, is_of_event in [
        ('event_issues', true), ('consumer_issues', true), ('owner_issues', true), ('stage_issues', true),
        ('order_issues', false), ('product_issues', false), ('identity_issues', false), ('domain_issues', false),
        ('initiative_issues', false), ('declared_issues', false),
    ] %}
    select
        rule_id,
        data_product_id,
        {{ 'source' if is_of_event else 'cast(null as varchar)' }} as source,
        {{ 'event_id' if is_of_event else 'cast(null as varchar)' }} as event_id,
        occurred_at,
        detail
    from {{ ref(model) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select
    issues.rule_id,
    rules.severity,
    issues.data_product_id,
    issues.source,
    issues.event_id,
    issues.occurred_at,
    issues.detail,
    rules.description,
    rules.what_to_do
from issues
left join rules on issues.rule_id = rules.rule_id
