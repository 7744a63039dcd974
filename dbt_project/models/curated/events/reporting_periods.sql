with span as (

    select
        {{ month_starting('min(occurred_at)') }} as first_month,
        {{ month_starting('min(occurred_at)', 'quarter') }} as first_quarter,
        {{ month_starting(as_of()) }} as last_month
    from {{ ref('lifecycle_events') }}
    where not ({{ makes_no_product('event_type') }}) and occurred_at <= {{ as_of() }}

),

months as (

    {{ month_spine('span', 'first_quarter', 'last_month') }}

),

periods as (

    select
        'month' as period,
        months.month_starting,
        {{ day_later('months.month_starting', 'month', 1) }} as next_starting
    from months
    cross join span
    where months.month_starting >= span.first_month

    union all

    select
        'quarter' as period,
        month_starting,
        {{ day_later('month_starting', 'month', 3) }} as next_starting
    from months
    where month_starting = cast({{ dbt.date_trunc('quarter', 'month_starting') }} as date)

),

-- a period in which the change fell is mixed: the first whole one after it begins the phase
changes as (

    select
        changes.note,
        changes.changed_on,
        periods.period,
        min(periods.month_starting) as month_starting
    from {{ source('declared', 'process_changes') }} as changes
    inner join periods on changes.changed_on <= periods.month_starting
    group by changes.note, changes.changed_on, periods.period

),

phase_starts as (

    select
        period,
        month_starting,
        {{ listed('note', '; ', 'changed_on') }} as process_phase_note
    from changes
    where changed_on > (select span.first_month from span)
    group by period, month_starting

)

select
    periods.period,
    cast(periods.month_starting as date) as month_starting,
    cast(periods.next_starting as date) as next_starting,
    {{ start_of_day('periods.next_starting') }} as ends_at,
    {{ is_complete_before('periods.next_starting') }} as is_complete,
    phase_starts.process_phase_note,
    cast(1 + count(phase_starts.process_phase_note) over so_far as integer) as process_phase,
    cast(row_number() over so_far - 1 as integer) as period_number
from periods
left join phase_starts on periods.period = phase_starts.period and periods.month_starting = phase_starts.month_starting
window so_far as (partition by periods.period order by periods.month_starting)
