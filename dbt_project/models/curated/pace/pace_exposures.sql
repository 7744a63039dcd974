{% set epoch = "cast('1970-01-01T00:00:00+00:00' as timestamptz)" %}
{% set started = elapsed_microseconds(epoch, 'started_at') %}
{% set window_starts_at = days_after(as_of(), -pace_days()) %}
{% set baseline_ends_at = "(select max(ends_at) from months where phase = 1 and is_complete)" %}
{# Who comes into and goes out of a window, in the months from `first` until before `until`, at an age that follows from
   `since`: when it started, or how old it was when it left. Alike ones are counted before they are spread over months.
   Rounded so that nobody enters later, or leaves earlier, than they do. #}
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

with spans as (

    select * from {{ ref('pace_spans') }}

),

months as (

    select * from {{ ref('reporting_periods') }}
    where period = 'month'

),

windows as (

    select
        period_number as window_number,
        {{ elapsed_microseconds(epoch, 'ends_at') }} as ends_at
    from months

    union all

    select
        {{ window_as_of() }} as window_number,
        {{ elapsed_microseconds(epoch, as_of()) }} as ends_at

    union all

    select
        {{ window_baseline() }} as window_number,
        {{ elapsed_microseconds(epoch, baseline_ends_at) }} as ends_at

),

alike as (

    {% for move in moves %}
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
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

moves as (

    select
        *,
        {{ numbers_between('first_window', 'until_window') }} as window_number
    from alike

),

aged as (

    select
        moves.*,
        case
            when moves.move = 'starts' then -1 -- at risk from age 0 on
            when moves.move = 'leaves' then moves.since
            when moves.move = 'stays_open' then {{ at_resolution('windows.ends_at - moves.since', 'day') }}
            else
                {{ at_resolution('windows.ends_at - ' ~ pace_days() * 86400000000 ~ ' - moves.since', 'day', 'floor') }}
        end as elapsed_microseconds
    from moves
    inner join windows on moves.window_number = windows.window_number

),

{% set counts = [
    ('entered', "move in ('starts', 'is_carried_in')"),
    ('left', "move in ('leaves', 'stays_open')"),
    ('observed', 'is_observed'),
    ('left_in_month', "move = 'leaves' and first_window = window_number"),
    ('open_at_end', "move = 'stays_open'"),
] %}

counted as (

    select
        {% for name, is_it in counts %}
        sum(case when {{ is_it }} then product_count else cast(0 as double) end) as {{ name }}_count,
        {% endfor %}
        series_id,
        all_series_id,
        window_number,
        elapsed_microseconds
    from aged
    group by series_id, all_series_id, window_number, elapsed_microseconds

)

select
    {% for name, _ in counts %}
    {{ name }}_count,
    {% endfor %}
    {{ pace_id('series_id', 'window_number') }} as series_id,
    elapsed_microseconds
from counted
where series_id is not null

union all

select
    {% for name, _ in counts %}
    sum({{ name }}_count) as {{ name }}_count,
    {% endfor %}
    {{ pace_id('all_series_id', 'window_number') }} as series_id,
    elapsed_microseconds
from counted
group by all_series_id, window_number, elapsed_microseconds
