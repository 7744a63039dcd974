{#
  Time-to-event statistics: Kaplan–Meier, incidence (Aalen–Johansen), their variances, bands and percentiles.

  Each macro renders one SQL expression over *steps*: one row per series and distinct elapsed time t, with
    at_risk   products under observation just before t; one that leaves at t still counts
    events    how many of them had the event at t
  both DOUBLE: exact below 2^53, and DuckDB sums them over a window in half the time that BIGINT takes.
  "Sum so far" is a window sum over a total order (`so_far`): the same in every run, where a plain sum of DOUBLE is not.
  Delayed entry (period estimates) needs nothing more: only `at_risk` is counted differently.

  References: Kaplan & Meier (1958); Aalen & Johansen (1978); Kalbfleisch & Prentice (1980), ch. 1, for the band;
  Marubini & Valsecchi (1995), "Analysing Survival Data from Clinical Trials and Observational Studies", ch. 10;
  Mantel & Haenszel (1959) and Mantel (1966) for the log-rank test.
  Oracle: statsmodels' SurvfuncRight and CumIncidenceRight, in tests/oracles/survival.py; scipy's and statsmodels'
  log-rank and Holm, in tests/oracles/logrank.py.
#}

{# The intervals of METRICS.md, section 2: the columns of data_products that start and end each, and the reason for
   every NULL where no event of the ending kind was ever received; `metric_id` is the leading metric that follows its
   pace by month. #}
{% macro time_to_value_intervals() %}
    {{ return([
        {'id': 'idea_to_deployed', 'start': 'idea_logged_at', 'end': 'deployed_at', 'unknown': 'no_deployment_events',
            'metric_id': 'build_time'},
        {'id': 'deployed_to_adopted', 'start': 'deployed_at', 'end': 'adopted_at', 'unknown': 'no_adoption_events',
            'metric_id': 'adoption_lag'},
        {'id': 'idea_to_adopted', 'start': 'idea_logged_at', 'end': 'adopted_at', 'unknown': 'no_adoption_events',
            'metric_id': 'time_to_value'},
        {'id': 'idea_to_started', 'start': 'idea_logged_at', 'end': 'work_started_at',
            'unknown': 'no_work_started_events'},
        {'id': 'started_to_deployed', 'start': 'work_started_at', 'end': 'deployed_at',
            'unknown': 'no_deployment_events'},
    ]) }}
{% endmacro %}

{# The days by which time_to_value gives shares. #}
{% macro share_days() %}{{ return([30, 90, 180, 365, 730]) }}{% endmacro %}

{# Elapsed microseconds, BIGINT: compare and group by these, and turn them into days last. #}
{% macro elapsed_microseconds(started_at, ended_at) -%}
    {{ return(adapter.dispatch('elapsed_microseconds')(started_at, ended_at)) }}
{%- endmacro %}

{% macro default__elapsed_microseconds(started_at, ended_at) -%}
    (unix_micros({{ ended_at }}) - unix_micros({{ started_at }}))
{%- endmacro %}

{% macro duckdb__elapsed_microseconds(started_at, ended_at) -%}
    (epoch_us({{ ended_at }}) - epoch_us({{ started_at }}))
{%- endmacro %}

{# Elapsed microseconds, to the microsecond in an ordinary organisation; above 100,000 data products rounded to whole units
   ('hour' or 'day'), as sorting every distinct time would cost more than all else together: with 1,200,000 there are
   9,000,000 of them over all cohorts and 1,000,000 hours. By cohort, and window by window, there are many more series, and
   days do. #}
{% macro at_resolution(microseconds, unit, rounded='ceil') -%}
    {%- set size = {'hour': 3600000000, 'day': 86400000000}[unit] -%}
    case
        when (select count(*) from {{ ref('data_products') }}) > 100000
            then cast({{ rounded }}(({{ microseconds }}) / cast({{ size }} as double)) as bigint) * {{ size }}
        else {{ microseconds }}
    end
{%- endmacro %}

{# Microseconds as DOUBLE days; the same number as elapsed_days. Whole days are exact, so `<= 30` and ceil() are. #}
{% macro as_days(microseconds) -%}
    ({{ microseconds }} / cast(86400000000 as double))
{%- endmacro %}

{# The window of a sum so far; of a sum before t with `until` = '1 preceding', NULL at a series' first step. #}
{% macro so_far(until='current row') -%}
    (partition by series_id order by elapsed_microseconds rows between unbounded preceding and {{ until }})
{%- endmacro %}

{# ln(1 - d/n), one factor of Kaplan–Meier's product: S(t) = exp(sum so far). Where all have the event it is -1000, as
   ln(0) is an error and exp(-1000) is 0; S stays 0 from there. #}
{% macro log_survival_step(events, at_risk) -%}
    case
        when {{ events }} < {{ at_risk }} then ln(1 - ({{ events }}) / {{ at_risk }})
        when {{ events }} > 0 then -1000
        else 0
    end
{%- endmacro %}

{# S(t) from S(t-). #}
{% macro survival_after(before, events, at_risk) -%}
    {{ before }} * (1 - coalesce(({{ events }}) / nullif({{ at_risk }}, 0), 0))
{%- endmacro %}

{# Greenwood's d/(n(n-d)): the variance of ln S(t) is its sum so far. Where all have the event it is 0 instead of
   infinite, because S is 0 from there and so is its variance. #}
{% macro greenwood_step(events, at_risk) -%}
    case
        when {{ events }} < {{ at_risk }} then ({{ events }}) / ({{ at_risk }} * ({{ at_risk }} - ({{ events }})))
        else 0
    end
{%- endmacro %}

{# S(t-) d/n: Aalen–Johansen's incidence F(t) of one kind of event is its sum so far. `unresolved_before` is S(t-), the
   survival of every kind of event. NULL, which sums skip, once nobody is at risk. #}
{% macro incidence_step(unresolved_before, events, at_risk) -%}
    {{ unresolved_before }} * {{ events }} / nullif({{ at_risk }}, 0)
{%- endmacro %}

{# Variance of the incidence F(t) by the delta method (Marubini & Valsecchi): with d all events, d1 those of this kind,
   the sum over u <= t of (F(t)-F(u))² d/(n(n-d)) + S(u-)² d1(n-d1)/n³ - 2 (F(t)-F(u)) S(u-) d1/n².
   Sorted by powers of F(t) it needs three sums so far: of greenwood_step and of the two below. With one kind of event
   it equals Greenwood's variance of S. #}
{% macro incidence_variance(incidence, greenwood, linear, constant) -%}
    greatest({{ incidence }} * {{ incidence }} * {{ greenwood }} - 2 * {{ incidence }} * {{ linear }} + {{ constant }}, 0)
{%- endmacro %}

{% macro incidence_variance_linear(incidence, unresolved_before, events, all_events, at_risk) -%}
    {{ incidence }} * {{ greenwood_step(all_events, at_risk) }}
        + {{ unresolved_before }} * {{ events }} / nullif({{ at_risk }} * {{ at_risk }}, 0)
{%- endmacro %}

{% macro incidence_variance_constant(incidence, unresolved_before, events, all_events, at_risk) -%}
    {{ incidence }} * {{ incidence }} * {{ greenwood_step(all_events, at_risk) }}
        + {{ unresolved_before }} * {{ events }} / nullif({{ at_risk }} * {{ at_risk }}, 0)
            * (2 * {{ incidence }} + {{ unresolved_before }} * ({{ at_risk }} - {{ events }}) / {{ at_risk }})
{%- endmacro %}

{# 95 % log–log limit ('lower' or 'upper') of a survival S with its variance: S ** exp(-+ z sd / (S ln S)). For an
   incidence F pass 1 - F; its lower limit is 1 - the upper one. NULL where S is 1 or 0 and the band is undefined, as R's
   survfit has it; 1e-9 because 1 - F is rounded. #}
{% macro log_log_limit(survival, variance, side) -%}
    case
        when {{ survival }} > 1e-9 and {{ survival }} < 1 - 1e-9
            then power({{ survival }}, exp({{ '-' if side == 'lower' }}1.959963984540054 * sqrt({{ variance }}) / ({{ survival }} * ln({{ survival }}))))
    end
{%- endmacro %}

{# A sum that is the same in every run, to 12 decimals; a sum of DOUBLE depends on the order of its terms. #}
{% macro exact_sum(expression) -%}
    sum(cast({{ expression }} as decimal(38, 12)))
{%- endmacro %}

{# A sum of counts that people send, BIGINT; what is too large to be a count stops at 10^18 instead of the build. #}
{% macro count_sum(count) -%}
    cast(least(sum(cast({{ count }} as decimal(38, 0))), 1000000000000000000) as bigint)
{%- endmacro %}

{# A share as published, without the digits that depend on the machine: DuckDB adds up a window in an order that changes
   with its memory, and sums of a million terms then differ in the 15th decimal. #}
{% macro as_share(share) -%}
    round({{ share }}, 10)
{%- endmacro %}

{# The first t at which a falling curve is at most `level`: the median is at 0.5, P85 at 0.15. An aggregate over a
   series' steps; NULL when not reached. 1e-9 so that 0.5000000000000001, from rounding, counts as 0.5. #}
{% macro first_time_at_most(level, curve, time) -%}
    min(case when {{ curve }} <= {{ level + 1e-9 }} then {{ time }} end)
{%- endmacro %}

{# How many data products must have been observed before a figure of them is shown: below, chance decides it. #}
{% macro fewest_observed() %}{{ return(10) }}{% endmacro %}

{# SQL condition: domains are compared in the interval, from idea to adoption and in its three stages. #}
{% macro is_compared(interval_id) -%}
    {{ interval_id }} in ('idea_to_adopted', 'idea_to_started', 'started_to_deployed', 'deployed_to_adopted')
{%- endmacro %}

{# The chance, for a whole table of domains, that one of them is said to differ when none does. #}
{% macro significant_below() %}{{ return(0.05) }}{% endmacro %}

{# How many must still be at risk at a time for a curve to be read there. #}
{% macro fewest_at_risk() %}{{ return(5) }}{% endmacro %}

{# SQL condition on a row of estimates: a median needs enough observed, and enough still at risk where it is. Among finished
   ones only, nobody is at risk. #}
{% macro is_enough_for_a_median(estimates) -%}
    {{ estimates }}.observed_count >= {{ fewest_observed() }}
    and coalesce({{ estimates }}.median_at_risk_count, {{ fewest_at_risk() }}) >= {{ fewest_at_risk() }}
{%- endmacro %}

{# 1 - S at a day: of all steps up to it the last one, which is the lowest. An aggregate; 0 before the first step, and
   beyond the last observation the last value is carried on. #}
{% macro share_by_day(day, survival, days) -%}
    1 - coalesce(min(case when {{ days }} <= {{ day }} then {{ survival }} end), 1)
{%- endmacro %}

{# 97.5 % point of Student's t by its expansion in 1 / degrees of freedom (Abramowitz & Stegun 26.7.5): within 0.0001 from 7
   degrees on. #}
{% macro student_t_975(df) -%}
    {%- set z = 1.959963984540054 -%}
    ({{ z }} + {{ (z ** 3 + z) / 4 }} / ({{ df }}) + {{ (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96 }} / pow({{ df }}, 2)
        + {{ (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384 }} / pow({{ df }}, 3)
        + {{ (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160 }} / pow({{ df }}, 4))
{%- endmacro %}

{# d(n-d) / (n^power (n-1)): with power 2, times n1(n-n1), the hypergeometric variance of a domain's d1 at one time, n1 of
   the n at risk being its own (Mantel 1966). Sorted by powers of n1 it needs two sums so far: powers 1 and 2. 0 where one
   is at risk. #}
{% macro logrank_variance_step(events, at_risk, power) -%}
    coalesce({{ events }} * ({{ at_risk }} - {{ events }}) / nullif(pow({{ at_risk }}, {{ power }}) * ({{ at_risk }} - 1), 0), 0)
{%- endmacro %}

{# (|O - E| - 1/2)² / V, the log-rank statistic with the correction of Mantel & Haenszel (1959). 0 where nothing was left
   to chance. #}
{% macro logrank_chi_squared(observed, expected, variance) -%}
    coalesce(pow(greatest(abs({{ observed }} - {{ expected }}) - 0.5, 0), 2) / nullif({{ variance }}, 0), 0)
{%- endmacro %}

{# P(X > x) of chi-squared with 1 degree of freedom, erfc(t) with t = sqrt(x / 2), within 1e-13: the trapezoidal sum of
   Chiarella & Reichel (1968) with steps of 1/2, which leaves out e^-39; near 0 its series. DuckDB has no erfc, and a model in Python only for
   it would cost each run more than the test itself. #}
{% macro chi_squared_tail(x) -%}
    case
        when {{ x }} < 1e-4 then 1 - 1.1283791670955126 * sqrt({{ x }} / 2) * (1 - {{ x }} / 6 + {{ x }} * {{ x }} / 40)
        else
            exp(-{{ x }} / 2) * sqrt({{ x }} / 2) / pi() * (
                1 / {{ x }}
                {%- for k in range(1, 13) %}
                + exp({{ -k * k / 4 }}) / ({{ x }} / 2 + {{ k * k / 4 }})
                {%- endfor %}
            )
            - case when {{ x }} < 72 then 2 / (exp(4 * pi() * sqrt({{ x }} / 2)) - 1) else 0 end
    end
{%- endmacro %}
