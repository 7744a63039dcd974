{% set star = north_star() %}
{% set columns = [
    'value', 'numerator', 'adopting_domains_count', 'first_adoptions_count', 'expansion_adoptions_count',
] %}
{# What is 0, and not unknown, in a period in which nothing happened. #}
{% set counts = ['value', 'numerator', 'adopting_domains_count'] if star.kind in ('flow', 'stock') else [] %}
{% if star.metric in ('cross_domain_adoptions', 'sustained_adoptions') %}
{% set counts = counts + ['first_adoptions_count', 'expansion_adoptions_count'] %}
{% endif %}

with counted as (

    {{ context['north_star_' ~ star.metric]() }}

),

judged as (

    select
        periods.*,
        counted.denominator,
        {% for column in columns %}
        counted.{{ column }},
        {% endfor %}
        case
            -- before the first adopted event of any kind, none sent and none happened look the same
            when first_events.first_adopted_at is null then 'no_adoption_events'
            {% if star.metric == 'adopted_within_days' %}
            when first_events.first_adopted_at > {{ days_after('periods.ends_at', star.days) }} then 'no_adoption_events'
            {% else %}
            when periods.month_starting < {{ month_starting('first_events.first_adopted_at', star.period) }}
                then 'no_adoption_events'
            {% endif %}
            {% if star.metric == 'sustained_adoptions' %}
            when coalesce((select max(adopted_event_count) from {{ ref('adoptions') }}), 0) < 2 then 'no_repeat_use_events'
            {% elif star.metric == 'adopted_within_days' %}
            when {{ days_after('periods.ends_at', star.days) }} > {{ as_of() }} then 'too_recent'
            when counted.value is null then 'no_ideas'
            {% elif star.metric == 'time_to_value_median' %}
            when counted.numerator is null then 'no_products'
            else counted.reason
            {% endif %}
        end as reason
    from {{ ref('reporting_periods') }} as periods
    cross join {{ ref('first_events') }} as first_events
    left join counted on periods.month_starting = counted.month_starting
    where periods.period = '{{ star.period }}'

)

select
    '{{ star.metric }}' as metric_id,
    'all' as domain,
    period,
    month_starting,
    {% if star.metric == 'adopted_within_days' %}
    {{ is_complete_before(dbt.dateadd('day', star.days, 'next_starting')) }} as is_complete,
    {% else %}
    is_complete,
    {% endif %}
    process_phase,
    process_phase_note,
    reason,
    {% for column in columns %}
    case when reason is null then {{ 'coalesce(' ~ column ~ ', 0)' if column in counts else column }} end
        as {{ column }},
    {% endfor %}
    case when reason is null then denominator end as denominator
from judged
