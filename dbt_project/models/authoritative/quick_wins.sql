with known as (

    select
        first_adopted_at,
        (select min(adoptions.sustained_at) from {{ ref('adoptions') }} as adoptions) as first_sustained_at,
        (select count(*) from {{ ref('belt_initiatives') }}) > 1 as has_initiatives,
        (select count(products.idea_logged_at) from {{ ref('data_products') }} as products) > 0 as has_ideas
    from {{ ref('first_events') }}

),

-- what was first sent after the period does not show whether there was none or it was not sent
judged as (

    select
        quarters.*,
        known.has_initiatives,
        case
            when coalesce(known.first_adopted_at >= quarters.ends_at, true) then 'no_adoption_events'
            when not known.has_ideas then 'no_idea_events'
        end as adopted_reason,
        case
            when not known.has_initiatives then 'no_initiatives'
            when coalesce(known.first_sustained_at > quarters.followed_until, true) then 'no_repeat_use_events'
            when quarters.followed_until > {{ as_of() }} then 'too_recent'
        end as quick_wins_reason,
        case when quarters.adopted_count = 0 then 'no_adoptions' end as share_reason
    from {{ ref('quick_adoptions') }} as quarters
    cross join known

)

select
    month_starting,
    is_complete,
    cast(case when adopted_reason is null then adopted_count end as bigint) as adopted_count,
    cast(case when adopted_reason is null then quick_count end as bigint) as quick_count,
    cast(case when adopted_reason is null and has_initiatives then aligned_count end as bigint) as aligned_count,
    cast(case when coalesce(adopted_reason, quick_wins_reason) is null then quick_wins_count end as bigint)
        as quick_wins_count,
    case when coalesce(adopted_reason, quick_wins_reason) is null then quick_wins_count end
    / cast(nullif(adopted_count, 0) as double) as quick_wins_share,
    cast(coalesce(adopted_reason, quick_wins_reason, share_reason) as varchar) as reason
from judged
