{% set model = settings().governance_model %}
{# {model: (it agrees, it does not)}, of whatever kind the owners of unknown kind are #}
{% set rules = {
    'centralised': ('most_outside_count * 4 <= total_count', 'domain_count * 4 > total_count'),
    'federated': ('domain_count * 2 >= total_count and central_count > 0',
        'most_outside_count * 2 < total_count or most_outside_count = domain_count and central_count = 0'),
    'distributed': ('domain_count * 4 >= total_count * 3', 'most_outside_count * 4 < total_count * 3'),
    'mesh': ('domain_count * 4 >= total_count * 3
            and (largest_count + total_count - known_owner_count) * 2 <= total_count',
        'most_outside_count * 4 < total_count * 3 or largest_count * 2 > total_count'),
} %}

with judged as (

    select
        *,
        total_count - central_count - domain_count as unknown_kind_count,
        total_count - central_count as most_outside_count,
        case
            when not is_known and measure = 'adoptions' then 'no_adoption_events'
            when not is_known then 'no_deployment_events'
            when total_count = 0 then 'no_' || measure
        end as nothing_reason,
        {{ setting_text(model) }} as governance_model,
        case
            when nothing_reason is not null then nothing_reason
            when (select count(*) from {{ source('declared', 'domains') }}) = 0 then 'no_domains_declared'
            when central_count + domain_count = 0 then 'owner_kinds_unknown'
        end as reason,
        case governance_model
            {% for model, (agrees, differs) in rules.items() %}
            when '{{ model }}' then case when {{ agrees }} then true when {{ differs }} then false end
            {% endfor %}
        end as agreement,
        coalesce(nothing_reason, case when known_owner_count = 0 then 'owner_unknown' end) as concentration_reason
    from {{ ref('ownership_totals') }}

)

select
    month_starting,
    measure,
    is_complete,
    {% for count in ['total_count', 'central_count', 'domain_count', 'unknown_kind_count'] %}
    cast(case when is_known then {{ count }} end as bigint) as {{ count }},
    {% endfor %}
    case when reason is null then cast(domain_count as double) / (central_count + domain_count) end as outside_share,
    reason,
    cast(square_sum as double) / nullif(cast(known_owner_count * known_owner_count as double), 0) as herfindahl_index,
    largest_domain,
    cast(nullif(largest_count, 0) as double) / nullif(known_owner_count, 0) as largest_domain_share,
    concentration_reason,
    largest_unit,
    cast(largest_unit_count as double) / nullif(known_owner_count, 0) as largest_unit_share,
    coalesce(concentration_reason, case when largest_unit is null then 'no_units_declared' end) as unit_reason,
    governance_model,
    case when reason is null then agreement end as agrees_with_model,
    case
        when governance_model is null then 'no_model_declared'
        when reason is not null then reason
        when agreement is null then 'owner_kinds_unknown'
    end as agreement_reason
from judged
