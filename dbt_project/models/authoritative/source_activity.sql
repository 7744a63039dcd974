-- By hour, because sorting 5,000,000 single events takes 2 s: only a longest gap under an hour is not seen.
with hours as (

    select
        source,
        cast(floor({{ elapsed_days('occurred_at', as_of()) }} * 24) as bigint) as hours_ago,
        count(*) as event_count,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at
    from {{ ref('lifecycle_events') }}
    where occurred_at <= {{ as_of() }}
    group by source, hours_ago

),

gaps as (

    select
        *,
        lag(last_at) over (partition by source order by hours_ago desc) as previous_at,
        max(last_at) over (partition by source) as source_last_at
    from hours

),

sources as (

    select
        source,
        sum(event_count) as event_count,
        min(first_at) as first_event_at,
        max(last_at) as last_event_at,
        max(
            case
                when {{ elapsed_days('first_at', 'source_last_at') }} <= 365
                    then {{ elapsed_days('previous_at', 'first_at') }}
            end
        ) as longest_gap_days,
        {{ elapsed_days('max(last_at)', as_of()) }} as days_silent
    from gaps
    group by source

)

select
    cast(source as varchar) as source,
    cast(event_count as bigint) as event_count,
    first_event_at,
    last_event_at,
    days_silent,
    longest_gap_days,
    case
        when event_count >= {{ fewest_observed() }}
            then days_silent > 30 and days_silent > coalesce(longest_gap_days, 0)
    end as is_silent,
    cast(case when event_count < {{ fewest_observed() }} then 'too_few_events' end as varchar) as silent_reason
from sources
