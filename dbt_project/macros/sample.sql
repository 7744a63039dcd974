{# Whether these are the made-up sample organisation's events, which have declarations of their own. #}
{% macro is_sample() -%}
    {{ return(env_var('FLYWHEEL_IS_SAMPLE', '') == 'true') }}
{%- endmacro %}
