with joined as (

    select
        initiatives.*,
        known.has_ideas,
        known.has_repeats,
        known.first_deployed_at is not null as has_deployments,
        known.first_adopted_at is not null as has_adoptions,
        counts.first_begun_at,
        {% for count in ['product', 'ideas', 'deployed', 'adopted', 'in_use', 'consuming_domains'] %}
        counts.{{ count }}_count,
        {% endfor %}
        {% for figure in ['timed_count', 'observed_count', 'median_days', 'median_lower_days', 'median_upper_days'] %}
        times.{{ figure }},
        {% endfor %}
        coalesce({{ is_enough_for_a_median('times') }}, false) as is_enough
    from {{ ref('all_initiatives') }} as initiatives
    cross join {{ ref('known_events') }} as known
    left join {{ ref('initiative_counts') }} as counts on initiatives.initiative_id = counts.initiative_id
    left join {{ ref('initiative_times') }} as times on initiatives.initiative_id = times.initiative_id

)

select
    cast(initiative_id as varchar) as initiative_id,
    is_declared,
    {% for text in ['title', 'sponsor', 'unit', 'kpi', 'kpi_unit'] %}
    cast({{ text }} as varchar) as {{ text }},
    {% endfor %}
    started_on,
    ended_on,
    cast(case when initiative_id = 'none' and not has_initiatives then 'no_initiatives' end as varchar) as reason,
    cast(coalesce(product_count, 0) as bigint) as product_count,
    cast(further_product_count as bigint) as further_product_count,
    {% for kind, column in [('idea', 'ideas'), ('deployment', 'deployed')] %}
    cast(case when has_{{ kind }}s then coalesce({{ column }}_count, 0) end as bigint) as {{ column }}_count,
    cast(case when not has_{{ kind }}s then 'no_{{ kind }}_events' end as varchar) as {{ column }}_reason,
    {% endfor %}
    {% for count in ['adopted', 'in_use', 'consuming_domains', 'observed'] %}
    cast(case when has_adoptions then coalesce({{ count }}_count, 0) end as bigint) as {{ count }}_count,
    {% endfor %}
    cast(case when has_repeats then 'last_90_days' when has_adoptions then 'ever' end as varchar) as use_basis,
    cast(case when not has_adoptions then 'no_adoption_events' end as varchar) as use_reason,
    {% for figure in ['median_days', 'median_lower_days', 'median_upper_days'] %}
    cast(case when is_enough then {{ figure }} end as double) as {{ figure }},
    {% endfor %}
    cast(
        case
            when not has_adoptions then 'no_adoption_events'
            when not has_ideas then 'no_idea_events'
            when timed_count is null then 'no_products'
            when not is_enough then 'not_enough_data'
            when median_days is null then 'not_reached'
        end as varchar
    ) as median_reason,
    first_begun_at,
    kpi_target,
    kpi_value,
    kpi_measured_on,
    cast(
        case when kpi is null then 'not_declared' when kpi_value is null then 'not_measured_yet' end as varchar
    ) as kpi_reason
from joined
