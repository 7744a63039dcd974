with lives as (

    select * from {{ ref('adoption_lives') }}

),

judged as (

    select
        lives.*,
        case
            when known.first_adopted_at is null then 'no_adoption_events'
            when not known.has_repeats then 'no_repeat_use_events'
            when lives.adoption_count < {{ fewest_observed() }} then 'not_enough_data'
            when lives.followed_count < {{ fewest_observed() }} then 'too_recent'
        end as reason
    from lives
    cross join {{ ref('known_events') }} as known

)

select
    cast(day as integer) as day,
    cast(case when coalesce(reason, '') <> 'no_adoption_events' then adoption_count end as bigint) as adoption_count,
    cast(case when coalesce(reason, '') <> 'no_adoption_events' then followed_count end as bigint) as followed_count,
    cast(case when reason is null or reason in ('not_enough_data', 'too_recent') then ended_count end as bigint)
        as ended_count,
    cast(case when reason is null then {{ as_share('survival') }} end as double) as share_in_use,
    {% for side in ['lower', 'upper'] %}
    cast(case when reason is null then {{ as_share(log_log_limit('survival', 'variance', side)) }} end as double)
        as {{ side }},
    {% endfor %}
    cast(reason as varchar) as reason
from judged
