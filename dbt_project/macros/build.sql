{# Stop unless the warehouse was prepared for the dates that this dbt was started with. A dbt whose run was killed lives on;
   once the next run has prepared the warehouse, it must not write its own dates' tables into it. #}
{% macro refuse_another_build() -%}
    {%- set prepared = adapter.get_relation(target.database, 'main', 'build') if execute -%}
    {%- set known_at = var('known_at', env_var('FLYWHEEL_KNOWN_AT', '')) if prepared -%}
    {%- set same = run_query(
        "select count(*) from " ~ prepared ~ " where as_of = " ~ as_of() ~ " and known_at is not distinct from "
        ~ "cast(nullif('" ~ known_at ~ "', '') as timestamptz)"
    ).columns[0].values()[0] if prepared -%}
    {%- if prepared and not same -%}
        {{ exceptions.raise_compiler_error(
            "The warehouse is prepared for other dates than these. Another run has taken it over, or dbt was started by "
            ~ "hand: use `flywheel run --as-of DATE`.") }}
    {%- endif -%}
{%- endmacro %}
