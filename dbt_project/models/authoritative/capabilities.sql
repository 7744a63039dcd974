with declared as (

    select
        *,
        reviewed_on > cast({{ local_time(as_of()) }} as date) as is_reviewed_later,
        {{ elapsed_days(start_of_day('reviewed_on'), as_of()) }} as days_since_review
    from {{ source('declared', 'capabilities') }}

)

select
    capability,
    need,
    sourcing,
    evolution,
    owner,
    gap,
    reviewed_on,
    case when sourcing is not null and evolution is not null then sourcing = 'build' and evolution = 'commodity' end
        as is_building_a_commodity,
    case when sourcing is null or evolution is null then 'not_declared' end as building_reason,
    case when not is_reviewed_later then days_since_review end as days_since_review,
    case when reviewed_on is null then true when not is_reviewed_later then days_since_review >= 365 end
        as is_review_due,
    case when reviewed_on is null then 'never_reviewed' when is_reviewed_later then 'reviewed_in_the_future' end
        as review_reason
from declared
