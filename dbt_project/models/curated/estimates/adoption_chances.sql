{{ config(materialized='ephemeral') }}

{# For every open data product: what the incidence of idea_to_adopted says of the next 90 days, given its age a:
   (F(a + 90) - F(a)) / (1 - F(a) - G(a)), F the adopted and G the closed share. #}
with ideas as (

    select
        data_product_id,
        {{ elapsed_days('idea_logged_at', as_of()) }} as age_days,
        {{ elapsed_days('idea_logged_at', as_of()) }} + 90 as later_days
    from {{ ref('data_products') }}
    where stage in ('idea', 'started', 'deployed')

),

steps as (

    select * from {{ ref('survival_steps') }}
    where
        interval_id = 'idea_to_adopted'
        and domain = 'all'
        and cohort = 'all'
        and observed_count + closed_count > 0

),

series as (

    select unknown_reason from {{ ref('survival_series') }}
    where interval_id = 'idea_to_adopted' and domain = 'all' and cohort = 'all'

),

followed as (

    select
        ideas.data_product_id,
        ideas.age_days,
        coalesce(now_step.share_observed, 0) as adopted_by_now,
        coalesce(now_step.share_closed, 0) as closed_by_now,
        coalesce(later_step.share_observed, 0) as adopted_later,
        coalesce(next_step.at_risk_count, 0) as at_risk_later_count,
        series.unknown_reason
    from ideas
    cross join series
    asof left join steps as now_step on ideas.age_days >= now_step.elapsed_days
    asof left join steps as later_step on ideas.later_days >= later_step.elapsed_days
    asof left join steps as next_step on ideas.later_days <= next_step.elapsed_days

),

judged as (

    select
        *,
        case
            when age_days is null then 'no_idea'
            when unknown_reason is not null then unknown_reason
            -- too few have ever been followed for so long
            when at_risk_later_count < {{ fewest_at_risk() }} then 'not_enough_data'
            when adopted_by_now + closed_by_now >= 1 - 1e-9 then 'not_enough_data'
        end as reason
    from followed

)

select
    data_product_id,
    age_days,
    case when reason is null then (adopted_later - adopted_by_now) / (1 - adopted_by_now - closed_by_now) end
        as chance_of_adoption_90d,
    reason
from judged
