{{ config(materialized='ephemeral') }}

{# Each metric's process value, which limits judge, as two sums: months that are too small are judged by the quarter. #}
{% set star = settings() %}
{% set others = [
    {'from': 'monthly_checks', 'process': ('numerator', 'denominator'), 'counted': 'denominator'},
    {'from': 'quarterly_shares', 'process': ('numerator', 'denominator'), 'counted': 'denominator'},
    {'from': 'monthly_pace', 'process': ('observed_in_month_count', 'expected_count'),
        'counted': 'observed_in_month_count', 'observations': 'numerator'},
    {'from': 'north_star_values', 'process': ('numerator', 'denominator' if star.kind == 'rate' else 1),
        'counted': 'numerator'},
] %}
{% set key = ['metric_id', 'period', 'month_starting', 'domain', 'is_complete', 'process_phase'] | join(',\n    ') %}

{% for metric in monthly_metrics() %}
{% set value = metric.numerator ~ (' - ' ~ metric.minus if metric.minus else '') %}
select
    false as is_north_star,
    '{{ metric.id }}' as {{ key }},
    {{ value }} as process_numerator,
    {{ 'least(' ~ metric.judged ~ ', 1)' if metric.judged else metric.denominator or 1 }} as process_denominator,
    {{ metric.counted or 'null' }} as counted,
    {{ metric.numerator }} as numerator,
    {{ metric.denominator or metric.minus or 'null' }} as denominator,
    {{ metric.observations or metric.counted }} as observation_count,
    {{ value }}{{ ' / cast(nullif(' ~ metric.denominator ~ ', 0) as double)' if metric.denominator }} as value,
    case
        when not is_{{ metric.received }}_known then '{{ metric.unreceived }}'
        {% if metric.denominator %}
        when {{ metric.denominator }} = 0 then '{{ metric.none }}'
        {% endif %}
    end as reason
from {{ ref('leading_counts') }}

union all

{% endfor %}
{% for other in others %}
select
    {{ 'true' if other.from == 'north_star_values' else 'false' }} as is_north_star,
    {{ key }},
    {{ other.process[0] }} as process_numerator,
    {{ other.process[1] }} as process_denominator,
    {{ other.counted }} as counted,
    numerator,
    denominator,
    {{ other.observations or other.counted }} as observation_count,
    value,
    reason
from {{ ref(other.from) }}
{{ 'union all' if not loop.last }}
{% endfor %}
