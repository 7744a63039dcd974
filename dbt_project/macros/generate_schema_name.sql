{# Folder = schema: `curated`, not dbt's default `<target>_curated`. On an engine, which may be shared with others, each home
   has schemas of its own. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ env_var('FLYWHEEL_SCHEMAS', '') }}{{ custom_schema_name or target.schema }}
{%- endmacro %}
