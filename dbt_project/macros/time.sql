{# Everything that touches the clock, so that nothing else does. #}

{# The analysis date, TIMESTAMPTZ: later events are ignored, open work is censored there.
   An environment variable rather than a var, because a changed var makes dbt parse the whole project again. #}
{% macro as_of() -%}
    {%- set value = var('as_of', env_var('FLYWHEEL_AS_OF', '')) -%}
    {%- if execute and not value -%}
        {{ exceptions.raise_compiler_error(
            "as_of is not set. Run `flywheel run --as-of DATE`, or set FLYWHEEL_AS_OF to an RFC 3339 time.") }}
    {%- endif -%}
    cast('{{ value }}' as {{ type_instant() }})
{%- endmacro %}

{# Exact elapsed days, DOUBLE: (end - start) in seconds / 86,400. date_diff('day') would count midnights. #}
{% macro elapsed_days(started_at, ended_at) -%}
    {{ return(adapter.dispatch('elapsed_days')(started_at, ended_at)) }}
{%- endmacro %}

{% macro default__elapsed_days(started_at, ended_at) -%}
    ((unix_micros({{ ended_at }}) - unix_micros({{ started_at }})) / cast(86400000000 as double))
{%- endmacro %}

{% macro duckdb__elapsed_days(started_at, ended_at) -%}
    ((epoch_us({{ ended_at }}) - epoch_us({{ started_at }})) / 86400000000.0)
{%- endmacro %}

{# First day (DATE) of the calendar month, or quarter, in the reporting timezone that the instant falls in. #}
{% macro month_starting(instant, period='month') -%}
    cast({{ dbt.date_trunc(period, local_time(instant)) }} as date)
{%- endmacro %}

{# The calendar quarter in the reporting timezone that the instant falls in, as '2025-Q3'; NULL for no instant. #}
{% macro quarter_label(instant) -%}
    {%- set local = local_time(instant) -%}
    cast(extract(year from {{ local }}) as {{ dbt.type_string() }}) || '-Q'
        || cast(extract(quarter from {{ local }}) as {{ dbt.type_string() }})
{%- endmacro %}

{# The instant (TIMESTAMPTZ) at which a day (DATE) starts in the reporting timezone. #}
{% macro start_of_day(day) -%}
    {{ return(adapter.dispatch('start_of_day')(day)) }}
{%- endmacro %}

{% macro default__start_of_day(day) -%}
    to_utc_timestamp(cast({{ day }} as timestamp), '{{ settings().timezone }}')
{%- endmacro %}

{% macro duckdb__start_of_day(day) -%}
    timezone('{{ settings().timezone }}', cast({{ day }} as timestamp))
{%- endmacro %}

{# How many calendar months of the reporting timezone lie between a month's first day and an instant, INTEGER. #}
{% macro months_since(month, instant) -%}
    {{ return(adapter.dispatch('months_since')(month, instant)) }}
{%- endmacro %}

{% macro default__months_since(month, instant) -%}
    {% set local = local_time(instant) %}
    ((year({{ local }}) - year({{ month }})) * 12 + month({{ local }}) - month({{ month }}))
{%- endmacro %}

{% macro duckdb__months_since(month, instant) -%}
    cast(date_diff('month', {{ month }}, cast({{ local_time(instant) }} as date)) as integer)
{%- endmacro %}

{# Wall-clock time (TIMESTAMP) in the reporting timezone. #}
{% macro local_time(instant) -%}
    {{ return(adapter.dispatch('local_time')(instant)) }}
{%- endmacro %}

{% macro default__local_time(instant) -%}
    from_utc_timestamp({{ instant }}, '{{ settings().timezone }}')
{%- endmacro %}

{% macro duckdb__local_time(instant) -%}
    timezone('{{ settings().timezone }}', {{ instant }})
{%- endmacro %}

{# A day (DATE) so many days or months later. A macro of ours, because dbt's for Spark goes through to_timestamp(seconds),
   which Sail reads as microseconds. #}
{% macro day_later(day, unit, count) -%}
    {{ return(adapter.dispatch('day_later')(day, unit, count)) }}
{%- endmacro %}

{% macro default__day_later(day, unit, count) -%}
    {{ {'day': 'date_add', 'month': 'add_months'}[unit] }}({{ day }}, {{ count }})
{%- endmacro %}

{% macro duckdb__day_later(day, unit, count) -%}
    cast({{ dbt.dateadd(unit, count, day) }} as date)
{%- endmacro %}

{# SQL condition: the day after the period, plus the lateness allowance, is before as_of, so it may enter a verdict. #}
{% macro is_complete_before(next_starting) -%}
    ({{ day_later(next_starting, 'day', settings().lateness_days) }} < {{ local_time(as_of()) }})
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

{# The whole numbers from `first` until before `last`, one row each; a set-returning column. #}
{% macro numbers_between(first, last) -%}
    {{ return(adapter.dispatch('numbers_between')(first, last)) }}
{%- endmacro %}

{% macro default__numbers_between(first, last) -%}
    explode(filter(sequence({{ first }}, greatest({{ first }}, {{ last }} - 1)), n -> n < {{ last }}))
{%- endmacro %}

{% macro duckdb__numbers_between(first, last) -%}
    unnest(range({{ first }}, {{ last }}))
{%- endmacro %}

{# An instant some days later (or earlier, if negative), in exact elapsed time. #}
{% macro days_after(instant, days) -%}
    ({{ instant }} + interval '{{ days * 24 }} hours')
{%- endmacro %}
