{# Rows of declared_issues and initiative_issues, one select a rule of [(rule_id, relation, SQL of the data product or
   none, SQL condition that a row breaks the rule, SQL of the detail)]. A declaration is no event and has no moment. #}
{% macro declared_issue_rows(rules) -%}
    {% for rule_id, relation, data_product_id, is_broken, detail in rules %}
    select
        '{{ rule_id }}' as rule_id,
        cast({{ data_product_id or 'null' }} as varchar) as data_product_id,
        cast(null as timestamp with time zone) as occurred_at,
        {{ detail }} as detail
    from {{ relation }}
    where {{ is_broken }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
{%- endmacro %}

{# SQL condition: a declared day is after the one of as_of. #}
{% macro is_to_come(day) -%}
    {{ day }} > cast({{ local_time(as_of()) }} as date)
{%- endmacro %}
