{# Whether a row had been recorded by `known_at`, the knowledge date; always, when none is given. #}
{% macro is_known(recorded_at) -%}
    {%- set known_at = var('known_at', env_var('FLYWHEEL_KNOWN_AT', '')) -%}
    {%- if known_at -%} ({{ recorded_at }} <= cast('{{ known_at }}' as timestamptz)) {%- else -%} true {%- endif -%}
{%- endmacro %}

{# A number for an event, the same for its every version. Two events can share one: it only finds what to look at. #}
{% macro event_number(source, event_id) -%}
    {{ return(adapter.dispatch('event_number')(source, event_id)) }}
{%- endmacro %}

{% macro default__event_number(source, event_id) -%}
    xxhash64({{ source }}, {{ event_id }})
{%- endmacro %}

{% macro duckdb__event_number(source, event_id) -%}
    hash({{ source }}, {{ event_id }})
{%- endmacro %}
