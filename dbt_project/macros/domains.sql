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

{# SQL condition: a row of domain_ownerships covers the instant. #}
{% macro is_owned_at(ownerships, instant) -%}
    ({{ ownerships }}.owned_from is null or {{ instant }} >= {{ ownerships }}.owned_from)
    and ({{ ownerships }}.owned_until is null or {{ instant }} < {{ ownerships }}.owned_until)
{%- endmacro %}
