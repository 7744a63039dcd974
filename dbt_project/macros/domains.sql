{# Every row twice: for its domain, if that is known, and for 'all', which means everyone. #}
{% macro with_everyone(relation, columns, domain='domain') -%}
    select
        {{ columns | join(',\n        ') }},
        {{ domain }} as domain
    from {{ relation }}
    where {{ domain }} is not null

    union all

    select
        {{ columns | join(',\n        ') }},
        'all' as domain
    from {{ relation }}
{%- endmacro %}
