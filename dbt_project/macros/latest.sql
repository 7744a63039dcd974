{# The value of the last row by (occurred_at, source, event_id), or another total order: ties can't flip between runs.
   An aggregate; rows where the value is NULL do not count. #}
{% macro latest(value, order='occurred_at, source, event_id') -%}
    max_by({{ value }}, {{ row_of(order) }}) filter (where {{ value }} is not null)
{%- endmacro %}
