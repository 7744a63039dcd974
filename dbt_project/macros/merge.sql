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

{# The event_number that a CTE has more than once. DuckDB groups it in four parts: of 50,000,000 numbers at once it wants 512
   MiB in one piece, which it does not get within 3 GB. #}
{% macro seen_again(numbered) -%}
    {{ return(adapter.dispatch('seen_again')(numbered)) }}
{%- endmacro %}

{% macro default__seen_again(numbered) -%}
select event_number
from {{ numbered }}
group by event_number
having count(*) > 1
{%- endmacro %}

{% macro duckdb__seen_again(numbered) -%}
{% for part in range(4) -%}
select event_number
from {{ numbered }}
where event_number % 4 = {{ part }}
group by event_number
having count(*) > 1
{{ 'union all' if not loop.last }}
{% endfor %}
{%- endmacro %}

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
