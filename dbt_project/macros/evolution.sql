{# The two dates at which the place of a data product on the S-curve is judged, {name: TIMESTAMPTZ}. #}
{% macro evolution_dates() %}
    {{ return({'now': as_of(), 'before': days_after(as_of(), -182)}) }}
{% endmacro %}

{# CTE body: one row a date, `evolution_date` ('now', 'before') and `judged_at`. #}
{% macro evolution_date_rows() -%}
    {% for name, instant in evolution_dates().items() %}
    select
        '{{ name }}' as evolution_date,
        {{ instant }} as judged_at
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
{%- endmacro %}

{# SQL condition on a row of adoptions: at the date the domain uses the data product, by the basis of ubiquity: in the 90
   days before it, or ever. #}
{% macro is_used_at(date, basis) -%}
    {%- set used_at = {'now': 'last_adopted_at', 'before': 'before_last_adopted_at'}[date] -%}
    {{ used_at }} is not null and ({{ basis }} = 'ever' or {{ elapsed_days(used_at, evolution_dates()[date]) }} < 90)
{%- endmacro %}
