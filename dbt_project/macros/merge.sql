{# SQL condition for raw rows whose batch `this` (curated.event_versions) does not hold yet. The batches are looked up
   first and written out, so that DuckDB skips the landed files of all the others by their statistics. #}
{% macro is_in_unmerged_batch(batches) %}
    {%- set unmerged = run_query(
        "select batch_id from " ~ batches ~ " where rows_landed > 0"
        ~ " and batch_id not in (select distinct batch_id from " ~ this ~ ")"
    ).columns[0].values() if execute else [] -%}
    {%- if unmerged -%} batch_id in ('{{ unmerged | join("', '") }}') {%- else -%} 1 = 0 {%- endif -%}
{% endmacro %}

{# Whether a row had been recorded by `known_at`, the knowledge date; always, when none is given. #}
{% macro is_known(recorded_at) -%}
    {%- set known_at = var('known_at', env_var('FLYWHEEL_KNOWN_AT', '')) -%}
    {%- if known_at -%} ({{ recorded_at }} <= cast('{{ known_at }}' as timestamptz)) {%- else -%} true {%- endif -%}
{%- endmacro %}
