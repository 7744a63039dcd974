{# The value of the last row by (occurred_at, source, event_id): a total order, so ties can't flip between runs.
   An aggregate; rows where the value is NULL do not count. #}
{% macro latest(value) -%}
    {{ return(adapter.dispatch('latest')(value)) }}
{%- endmacro %}

{% macro default__latest(value) -%}
    max_by({{ value }}, struct(occurred_at, source, event_id)) filter (where {{ value }} is not null)
{%- endmacro %}

{% macro duckdb__latest(value) -%}
    max_by({{ value }}, row(occurred_at, source, event_id)) filter (where {{ value }} is not null)
{%- endmacro %}
