{# Everything that touches the clock, so that nothing else does. #}

{# The analysis date, TIMESTAMPTZ: later events are ignored, open work is censored there.
   An environment variable rather than a var, because a changed var makes dbt parse the whole project again. #}
{% macro as_of() -%}
    {%- set value = var('as_of', env_var('FLYWHEEL_AS_OF', '')) -%}
    {%- if execute and not value -%}
        {{ exceptions.raise_compiler_error(
            "as_of is not set. Run `flywheel run --as-of DATE`, or set FLYWHEEL_AS_OF to an RFC 3339 time.") }}
    {%- endif -%}
    cast('{{ value }}' as timestamptz)
{%- endmacro %}

{# Exact elapsed days, DOUBLE: (end - start) in seconds / 86,400. date_diff('day') would count midnights. #}
{% macro elapsed_days(started_at, ended_at) -%}
    {{ return(adapter.dispatch('elapsed_days')(started_at, ended_at)) }}
{%- endmacro %}

{% macro default__elapsed_days(started_at, ended_at) -%}
    ((unix_micros({{ ended_at }}) - unix_micros({{ started_at }})) / 86400000000.0)
{%- endmacro %}

{% macro duckdb__elapsed_days(started_at, ended_at) -%}
    ((epoch_us({{ ended_at }}) - epoch_us({{ started_at }})) / 86400000000.0)
{%- endmacro %}

{# First day (DATE) of the calendar month in the reporting timezone that the instant falls in. #}
{% macro month_starting(instant) -%}
    cast({{ dbt.date_trunc('month', local_time(instant)) }} as date)
{%- endmacro %}

{# Wall-clock time (TIMESTAMP) in the reporting timezone. #}
{% macro local_time(instant) -%}
    {{ return(adapter.dispatch('local_time')(instant)) }}
{%- endmacro %}

{% macro default__local_time(instant) -%}
    from_utc_timestamp({{ instant }}, '{{ var("north_star").timezone }}')
{%- endmacro %}

{% macro duckdb__local_time(instant) -%}
    timezone('{{ var("north_star").timezone }}', {{ instant }})
{%- endmacro %}

{# SQL condition: the month's end plus the lateness allowance is before as_of, so it may enter a verdict. #}
{% macro is_complete_month(month) -%}
    ({{ dbt.dateadd('day', var('north_star').lateness_days, dbt.dateadd('month', 1, month)) }} < {{ local_time(as_of()) }})
{%- endmacro %}

{# One row per calendar month, `month_starting` DATE, from `first` to `last` of the one-row relation `span`. #}
{% macro month_spine(span, first, last) -%}
    {{ return(adapter.dispatch('month_spine')(span, first, last)) }}
{%- endmacro %}

{% macro default__month_spine(span, first, last) -%}
    select explode(sequence({{ first }}, {{ last }}, interval 1 month)) as month_starting from {{ span }}
{%- endmacro %}

{% macro duckdb__month_spine(span, first, last) -%}
    select cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 month)) as date) as month_starting from {{ span }}
{%- endmacro %}
