{# SQL condition: the event ends a data product's life. #}
{% macro is_closing(event_type) -%}
    {{ event_type }} in ('withdrawn', 'abandoned', 'rejected', 'retired')
{%- endmacro %}

{# SQL condition: the event tells of a data product that other events are about; alone it makes none, and begins no month. #}
{% macro makes_no_product(event_type) -%}
    {{ event_type }} in ('owner_changed', 'stage_reached')
{%- endmacro %}

{# SQL condition: the event moves a data product along from idea to adoption. #}
{% macro is_delivery(event_type) -%}
    {{ event_type }} in ('idea_logged', 'work_started', 'deployed', 'adopted')
{%- endmacro %}

{# SQL condition: a list of domains names one that can be another one than the owner. Blank names and 'all', the whole
   organisation, name nobody. NULL where no list was sent. \p{C} is the same classes only on DuckDB: elsewhere it also has
   the characters that the engine's version of Unicode does not know yet. #}
{% macro names_another_domain(domains, owner) -%}
    {{ return(adapter.dispatch('names_another_domain')(domains, owner)) }}
{%- endmacro %}

{% macro default__names_another_domain(domains, owner) -%}
    exists({{ domains }}, d -> d rlike '[^\\s\\p{Z}\\p{Cc}\\p{Cf}\\p{Co}]' and d <> 'all' and d <> {{ owner }})
{%- endmacro %}

{% macro duckdb__names_another_domain(domains, owner) -%}
    len(list_filter(
        {{ domains }}, lambda d: regexp_matches(d, '[^\s\p{Z}\p{C}]') and d <> 'all' and d <> {{ owner }}
    )) > 0
{%- endmacro %}

{# The stages of the data factory, [name], in their order. #}
{% macro factory_stage_names() %}
    {{ return(['collected', 'curated', 'stored', 'governed', 'exposed']) }}
{% endmacro %}
