{# SQL condition: the event ends a data product's life. #}
{% macro is_closing(event_type) -%}
    {{ event_type }} in ('withdrawn', 'abandoned', 'rejected', 'retired')
{%- endmacro %}

{# SQL condition: the event moves a data product along from idea to adoption. #}
{% macro is_delivery(event_type) -%}
    {{ event_type }} in ('idea_logged', 'work_started', 'deployed', 'adopted')
{%- endmacro %}
