{# Another engine computes a CTE again wherever it is read, here sixteen times, and can't know that it is the small side of a
   join; a table has its size. DuckDB, which needs none, has no such model. #}
{{ config(enabled=target.type != 'duckdb', materialized='table', tags='helper') }}

{{ events_seen_again() }}
