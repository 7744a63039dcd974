with year as (

    select * from {{ ref('last_year') }}

),

{% for flow, column in [('gave', 'owner_domain'), ('took', 'consumer_domain')] %}
{{ flow }} as (

    select
        {{ column }} as domain,
        sum(adoption_count) as {{ flow }}_count
    from {{ ref('adoption_flows') }}
    group by {{ column }}

),

{% endfor %}
paces as (

    select * from {{ ref('preferred_estimates') }}
    where domain <> 'all'

),

slowest as (

    select * from {{ ref('domain_differences') }}
    where interval_id <> 'idea_to_adopted' and difference = 'slower'
    qualify row_number() over (partition by domain order by observed_count / expected_count, interval_id) = 1

)

select
    cast(domains.domain as varchar) as domain,
    cast(year.month_count as integer) as month_count,
    cast(case when known.first_adopted_at is not null then coalesce(gave.gave_count, 0) end as bigint) as gave_count,
    cast(case when known.first_adopted_at is not null then coalesce(took.took_count, 0) end as bigint) as took_count,
    {% for figure in ['median_days', 'median_lower_days', 'median_upper_days', 'estimator', 'observed_count',
        'all_median_days'] %}
    paces.{{ figure }},
    {% endfor %}
    coalesce(paces.product_count, 0) as product_count,
    coalesce(paces.observed_count >= {{ fewest_observed() }}, false) as is_rankable,
    differences.difference,
    coalesce(differences.reason, case when differences.domain is null then 'no_products' end) as difference_reason,
    differences.logrank_p_value,
    differences.holm_p_value,
    cast(slowest.interval_id as varchar) as slow_stage,
    cast(stages.estimator as varchar) as slow_stage_estimator,
    stages.median_days as slow_stage_median_days,
    stages.all_median_days as slow_stage_all_median_days,
    case when paces.median_days is null then coalesce(paces.reason, 'no_products') end as reason
from {{ ref('domains') }} as domains
cross join year
cross join {{ ref('first_events') }} as known
left join gave using (domain)
left join took using (domain)
left join paces on domains.domain = paces.domain and paces.interval_id = 'idea_to_adopted'
left join {{ ref('domain_differences') }} as differences
    on domains.domain = differences.domain and differences.interval_id = 'idea_to_adopted'
left join slowest on domains.domain = slowest.domain
left join paces as stages on slowest.domain = stages.domain and slowest.interval_id = stages.interval_id
