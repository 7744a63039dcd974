{# Folder = schema: `curated`, not dbt's default `<target>_curated`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
