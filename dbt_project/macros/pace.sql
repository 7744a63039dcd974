{#
  Pace: how fast things go now, where all-time figures show how fast they ever went.

  A window (w0, w1) takes in every product that is in its interval at some time between: it enters at age
  max(start, w0) - start and leaves at age min(end, closing, w1) - start. One that starts in the window is at risk from
  age 0, one carried into it only after the age it enters with (delayed entry, left truncation).

  References: Klein & Moeschberger (2003), Survival Analysis, ch. 4.6 (left-truncated Kaplan–Meier) and 7.2 (one-sample
  log-rank: observed over expected); Keiding (1990), Phil. Trans. R. Soc. A 332, for the Lexis diagram behind both.
  Oracle: a numpy computation over the single products, in tests/oracles/pace.py.
#}

{# The trailing days of a window. #}
{% macro pace_days() %}{{ return(180) }}{% endmacro %}

{# The intervals whose pace is followed by month, each with its metric_id. #}
{% macro paced_intervals() %}
    {{ return(time_to_value_intervals() | selectattr('metric_id', 'defined') | list) }}
{% endmacro %}

{# SQL condition: the pace of the interval is followed by month. #}
{% macro is_followed(interval_id) -%}
    {{ interval_id }} in ('{{ paced_intervals() | map(attribute='id') | join("', '") }}')
{%- endmacro %}

{# SQL condition: the metric is a pace, judged by its pace index. #}
{% macro is_paced(metric_id) -%}
    {{ metric_id }} in ('{{ paced_intervals() | map(attribute='metric_id') | join("', '") }}')
{%- endmacro %}

{# One number for a series of survival_series and a window, and the two parts of it: sorting by several columns takes
   twice as long. #}
{% macro pace_id(series_id, window_number) -%}
    cast({{ series_id }} as bigint) * 10000 + {{ window_number }} + 2
{%- endmacro %}

{% macro series_of_pace_id(pace_id) -%}
    cast(floor({{ pace_id }} / 10000) as integer)
{%- endmacro %}

{% macro window_of_pace_id(pace_id) -%}
    cast({{ pace_id }} % 10000 - 2 as integer)
{%- endmacro %}

{# The numbers of the two windows that are no month's; those of the months are 0 and up. #}
{% macro window_as_of() %}{{ return(-1) }}{% endmacro %}
{% macro window_baseline() %}{{ return(-2) }}{% endmacro %}
