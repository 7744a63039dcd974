{# What two engines spell in two ways: types, rows, lists. A function with a subject of its own is in that subject's file.
   `default` is Spark's SQL, which Sail speaks too; the models of raw, events and products use nothing else. #}

{# The type of an instant: microseconds since 1970, UTC. Spark's TIMESTAMP is one, DuckDB's is a wall-clock time. #}
{% macro type_instant() -%}
    {{ return(adapter.dispatch('type_instant')()) }}
{%- endmacro %}

{% macro default__type_instant() -%} timestamp {%- endmacro %}

{% macro duckdb__type_instant() -%} timestamptz {%- endmacro %}

{# The type of a list of texts. #}
{% macro type_texts() -%}
    {{ return(adapter.dispatch('type_texts')()) }}
{%- endmacro %}

{% macro default__type_texts() -%} array<string> {%- endmacro %}

{% macro duckdb__type_texts() -%} varchar[] {%- endmacro %}

{# Columns as one value that is compared column by column, from the first on. #}
{% macro row_of(columns) -%}
    {{ return(adapter.dispatch('row_of')(columns)) }}
{%- endmacro %}

{% macro default__row_of(columns) -%} struct({{ columns }}) {%- endmacro %}

{% macro duckdb__row_of(columns) -%} row({{ columns }}) {%- endmacro %}

{# The texts of a group as one, in the order of `order` and then of the texts themselves; an aggregate. dbt's listagg has no
   order on Spark. #}
{% macro listed(text, delimiter, order) -%}
    {{ return(adapter.dispatch('listed')(text, delimiter, order)) }}
{%- endmacro %}

{% macro default__listed(text, delimiter, order) -%}
    array_join(transform(
        array_sort(collect_list(struct({{ order }} as place, {{ text }} as words))), item -> item.words
    ), '{{ delimiter }}')
{%- endmacro %}

{% macro duckdb__listed(text, delimiter, order) -%}
    listagg({{ text }}, '{{ delimiter }}' order by {{ order }}, {{ text }})
{%- endmacro %}

{# The value that a share of a group's DOUBLE values does not exceed, between two of them by their distance; an aggregate.
   Written out, because each engine's own rounds the last bit in another way, and Sail's estimates. #}
{% macro percentile(share, value) -%}
    {%- set place = '(cast(' ~ share ~ ' as double) * (count(' ~ value ~ ') - 1))' -%}
    {%- set part = '(' ~ place ~ ' - floor(' ~ place ~ '))' -%}
    {{ sorted_value(value, 'floor(' ~ place ~ ')') }} * (1 - {{ part }})
        + {{ sorted_value(value, 'ceil(' ~ place ~ ')') }} * {{ part }}
{%- endmacro %}

{# Of a group's values in ascending order the one at a place, counted from 0; an aggregate. #}
{% macro sorted_value(value, place) -%}
    {{ return(adapter.dispatch('sorted_value')(value, place)) }}
{%- endmacro %}

{% macro default__sorted_value(value, place) -%}
    element_at(array_sort(collect_list({{ value }})), cast({{ place }} as int) + 1)
{%- endmacro %}

{% macro duckdb__sorted_value(value, place) -%}
    list_sort(list({{ value }}) filter (where {{ value }} is not null))[cast({{ place }} as integer) + 1]
{%- endmacro %}

{# Where an engine leaves the things of this build as Parquet, one folder a table; '' where DuckDB makes them itself. An
   environment variable, because only the engine's part of a run and the build that takes its things over have one. #}
{% macro things_folder() -%}
    {{ return(env_var('FLYWHEEL_THINGS', '')) }}
{%- endmacro %}

{# Whether a model is a table that an engine makes; what was refused is in the build already. #}
{% macro is_thing(model) -%}
    {{ return(
        model.fqn[1] == 'curated' and model.fqn[2] in ('events', 'products') and model.name != 'quarantined_events'
    ) }}
{%- endmacro %}

{# A macro of Spark's adapter, in front of the adapter's own: a table is Parquet in the folder of the things. #}
{% macro spark__location_clause() -%}
    using parquet location '{{ things_folder() | replace("\\", "\\\\") | replace("'", "\\'") }}/{{ model.alias }}'
{%- endmacro %}
