{# Where a query groups by `rollup (domain)`: the domain of a row, or 'all' for that of the whole organisation. #}
{% macro domain_or_all(domain='domain') -%}
    case when grouping({{ domain }}) = 1 then 'all' else {{ domain }} end
{%- endmacro %}

{# SQL condition, for `having`: the row is not the one that `rollup` makes for an unknown domain. #}
{% macro is_domain_or_all(domain='domain') -%}
    grouping({{ domain }}) = 1 or {{ domain }} is not null
{%- endmacro %}

{# The order in which events name the owner of a data product. Of one instant an owner_changed comes last: it says who owns
   the data product from then on. #}
{% macro naming_order() -%}
    occurred_at, event_type = 'owner_changed', source, event_id
{%- endmacro %}

{# SQL condition: a row of domain_ownerships covers the instant. #}
{% macro is_owned_at(ownerships, instant) -%}
    ({{ ownerships }}.owned_from is null or {{ instant }} >= {{ ownerships }}.owned_from)
    and ({{ ownerships }}.owned_until is null or {{ instant }} < {{ ownerships }}.owned_until)
{%- endmacro %}
