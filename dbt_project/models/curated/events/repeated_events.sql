{# Another engine computes a CTE again wherever it is read, here sixteen times, and can't know that it is the small side of a
   join: a table has its size. #}
{{ config(materialized='ephemeral' if target.type == 'duckdb' else 'table', tags='helper') }}

-- numbers, as grouping by text is slow
with numbered as (

    {% for table in event_tables() %}
    select {{ event_number('source', 'event_id') }} as event_number from {{ ref(table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

{{ seen_again('numbered') }}
