{# Whether a row had been recorded by `known_at`, the knowledge date; always, when none is given. #}
{% macro is_known(recorded_at) -%}
    {%- set known_at = var('known_at', env_var('FLYWHEEL_KNOWN_AT', '')) -%}
    {%- if known_at -%} ({{ recorded_at }} <= cast('{{ known_at }}' as {{ type_instant() }})) {%- else -%} true {%- endif -%}
{%- endmacro %}

{# A number for an event, the same for its every version. Two events can share one: it only finds what to look at. #}
{% macro event_number(source, event_id) -%}
    {{ return(adapter.dispatch('event_number')(source, event_id)) }}
{%- endmacro %}

{% macro default__event_number(source, event_id) -%}
    xxhash64({{ source }}, {{ event_id }})
{%- endmacro %}

{% macro duckdb__event_number(source, event_id) -%}
    hash({{ source }}, {{ event_id }})
{%- endmacro %}

{# The event_number of every event that has landed more than once, and of few others. A number, as grouping by text is
   slow. DuckDB groups them in four parts: of 50,000,000 at once it wants 512 MiB in one piece, and 3 GB has none left. #}
{% macro events_seen_again() -%}
    {{ return(adapter.dispatch('events_seen_again')()) }}
{%- endmacro %}

{% macro default__events_seen_again() -%}
select event_number
from ({{ event_numbers() }}) as numbered
group by event_number
having count(*) > 1
{%- endmacro %}

{% macro duckdb__events_seen_again() -%}
with numbered as ({{ event_numbers() }})

{% for part in range(4) -%}
select event_number
from numbered
where event_number % 4 = {{ part }}
group by event_number
having count(*) > 1
{{ 'union all' if not loop.last }}
{% endfor %}
{%- endmacro %}

{% macro event_numbers() -%}
{% for table in event_tables() -%}
select {{ event_number('source', 'event_id') }} as event_number from {{ ref(table) }}
{{ 'union all' if not loop.last }}
{% endfor %}
{%- endmacro %}

{# The same to be read many times: on another engine a table. #}
{% macro repeated_events() -%}
    {{ return(adapter.dispatch('repeated_events')()) }}
{%- endmacro %}

{% macro default__repeated_events() -%} select event_number from {{ ref('repeated_events') }} {%- endmacro %}

{% macro duckdb__repeated_events() -%} {{ events_seen_again() }} {%- endmacro %}

{#
  Of rows of repeated events: whether no other row of the event's revision that was known by then was recorded later, as
  far as the source sent `recorded_at` with both. The latest one sent stands for all that were: a rule on the whole set,
  because decided pair by pair, three versions could beat one another in a circle.
#}
{% macro is_latest_recorded() -%}
    (not is_recorded_at_sent or recorded_at = max(case when is_recorded_at_sent then recorded_at end) over (
        partition by source, event_id, revision, {{ is_known('recorded_at') }}
    ))
{%- endmacro %}

{# The order of an event's rows: what was known, the revision, what was recorded last, the content; then of copies any. #}
{% macro winner_first() -%}
    is_known desc, revision desc, is_latest_recorded desc, content_hash desc, is_recorded_at_sent desc, batch_id, line_number
{%- endmacro %}
