{{ config(materialized='ephemeral') }}

{% set epoch = "cast('1970-01-01T00:00:00+00:00' as timestamptz)" %}
{% set started = elapsed_microseconds(epoch, 'started_at') %}
{% set window_starts_at = days_after(as_of(), -pace_days()) %}
{% set baseline_ends_at = '(select baseline.ends_at from baseline)' %}
{# Who comes into and goes out of a window, in the months from `first` until before `until`, at an age that follows from
   `since`: when it started, or how old it was when it left. Rounded so that nobody enters later, or leaves earlier, than
   they do. #}
{% set moves = [
    {'id': 'starts', 'since': '0', 'first': 'start_month', 'until': 'start_passed_month',
        'as_of': 'started_at >= ' ~ window_starts_at, 'baseline': 'started_at < ' ~ baseline_ends_at},
    {'id': 'is_carried_in', 'since': at_resolution(started, 'day', 'ceil'), 'first': 'start_passed_month',
        'until': 'leave_passed_month',
        'as_of': 'started_at < ' ~ window_starts_at ~ ' and left_at > ' ~ window_starts_at, 'baseline': 'false'},
    {'id': 'leaves', 'since': at_resolution('elapsed_microseconds', 'day'), 'first': 'leave_month',
        'until': 'greatest(start_passed_month, leave_passed_month)',
        'as_of': '(started_at >= ' ~ window_starts_at ~ ' or left_at > ' ~ window_starts_at ~ ')',
        'baseline': 'left_at < ' ~ baseline_ends_at},
    {'id': 'stays_open', 'since': at_resolution(started, 'day', 'floor'), 'first': 'start_month', 'until': 'leave_month',
        'as_of': 'false',
        'baseline': 'started_at < ' ~ baseline_ends_at ~ ' and left_at >= ' ~ baseline_ends_at},
] %}

-- read twelve times: as a CTE the view is computed once
with spans as (

    select * from {{ ref('pace_spans') }}

),

baseline as (

    select ends_at from {{ ref('pace_windows') }}
    where window_number = {{ window_baseline() }}

)

{% for move in moves %}
{% set last_move = loop.last %}
{% for first, until, is_in in [
    (move.first, 'least(' ~ move.until ~ ', last_month_number + 1)', is_followed('interval_id')),
    (window_as_of(), window_as_of() + 1, move.as_of),
    (window_baseline(), window_baseline() + 1, move.baseline),
] %}
select
    series_id,
    all_series_id,
    '{{ move.id }}' as move,
    {{ "outcome = 'observed'" if move.id == 'leaves' else 'false' }} as is_observed,
    {{ move.since }} as since,
    {{ first }} as first_window,
    {{ until }} as until_window,
    cast(count(*) as double) as product_count
from spans
where {{ is_in }}
group by all
{{ 'union all' if not (loop.last and last_move) }}
{% endfor %}
{% endfor %}
