{#
  A table in one statement: dbt-duckdb's own materialization builds under another name, renames and drops, which is half of
  what a table of a few rows costs. No reader sees a build before it is approved; `create or replace` is atomic where one
  table of the scratch is built again. A promised table is checked as dbt checks it, and holds the same constraints.
#}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {% if existing is not none and not existing.is_table %}
        {{ drop_relation_if_exists(existing) }}
    {% endif %}
    {% call statement('main', language=model['language']) -%}
        {{ replaced_python_table(relation) if model['language'] == 'python' else replaced_table(relation) }}
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{% macro replaced_table(relation) -%}
    {%- if things_folder() and is_thing(model) -%}
        {{- taken_over(relation) -}}
    {%- elif config.get('contract').enforced -%}
        {{- get_assert_columns_equivalent(compiled_code) -}}
        create or replace table {{ relation }} {{ get_table_columns_and_constraints() }};
        insert into {{ relation }} {{ get_column_names() }} ({{ get_select_subquery(compiled_code) }})
    {%- else -%}
        create or replace table {{ relation }} as ({{ compiled_code }})
    {%- endif -%}
{%- endmacro %}

{# A thing that an engine has made, with the columns and types that DuckDB's own table would have. #}
{% macro taken_over(relation) -%}
    {%- set files = (things_folder() ~ '/' ~ model.alias ~ '/*.parquet') | replace("'", "''") -%}
    create or replace table {{ relation }} as (select * from ({{ compiled_code }}) as shape limit 0);
    {% if run_query("select count(*) from glob('" ~ files ~ "')").rows[0][0] -%}
        insert into {{ relation }} by name (select * from read_parquet('{{ files }}'))
    {%- endif %}
{%- endmacro %}

{% macro replaced_python_table(relation) -%}
{{ compiled_code }}

def materialize(rows, connection):
    connection.register('rows_of_model', rows)
    connection.execute('create or replace table {{ relation }} as from rows_of_model')
    connection.unregister('rows_of_model')
{%- endmacro %}
