{# Where a query groups by `rollup (domain)`: the domain of a row, or 'all' for that of the whole organisation. #}
{% macro domain_or_all(domain='domain') -%}
    case when grouping({{ domain }}) = 1 then 'all' else {{ domain }} end
{%- endmacro %}

{# SQL condition, for `having`: the row is not the one that `rollup` makes for an unknown domain. #}
{% macro is_domain_or_all(domain='domain') -%}
    grouping({{ domain }}) = 1 or {{ domain }} is not null
{%- endmacro %}

{# SQL condition: a row of domain_ownerships covers the instant. #}
{% macro is_owned_at(ownerships, instant) -%}
    ({{ ownerships }}.owned_from is null or {{ instant }} >= {{ ownerships }}.owned_from)
    and ({{ ownerships }}.owned_until is null or {{ instant }} < {{ ownerships }}.owned_until)
{%- endmacro %}
