{% set epoch = "cast('1970-01-01T00:00:00+00:00' as timestamptz)" %}
{% set to_end = elapsed_microseconds(epoch, 'windows.ends_at') ~ ' - moves.since' %}
{% set counts = {
    'entered': "move in ('starts', 'is_carried_in')",
    'left': "move in ('leaves', 'stays_open')",
    'observed': 'is_observed',
    'left_in_month': "move = 'leaves' and first_window = window_number",
    'open_at_end': "move = 'stays_open'",
} %}

-- equal moves are counted before they are spread over the windows
with moves as (

    select
        *,
        {{ numbers_between('first_window', 'until_window') }} as window_number
    from {{ ref('pace_moves') }}

),

aged as (

    select
        moves.*,
        case
            when moves.move = 'starts' then -1 -- at risk from age 0 on
            when moves.move = 'leaves' then moves.since
            when moves.move = 'stays_open' then {{ at_resolution(to_end, 'day') }}
            else {{ at_resolution(to_end ~ ' - ' ~ pace_days() * 86400000000, 'day', 'floor') }}
        end as elapsed_microseconds
    from moves
    inner join {{ ref('pace_windows') }} as windows using (window_number)

),

counted as (

    select
        {% for name, is_it in counts.items() %}
        sum(case when {{ is_it }} then product_count else cast(0 as double) end) as {{ name }}_count,
        {% endfor %}
        series_id,
        all_series_id,
        window_number,
        elapsed_microseconds
    from aged
    group by all

)

select
    {% for name in counts %}
    {{ name }}_count,
    {% endfor %}
    {{ pace_id('series_id', 'window_number') }} as series_id,
    elapsed_microseconds
from counted
where series_id is not null

union all

select
    {% for name in counts %}
    sum({{ name }}_count) as {{ name }}_count,
    {% endfor %}
    {{ pace_id('all_series_id', 'window_number') }} as series_id,
    elapsed_microseconds
from counted
group by all_series_id, window_number, elapsed_microseconds
