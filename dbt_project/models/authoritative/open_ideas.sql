with stages as (

    select
        *,
        case
            when stage = 'deployed' then 'deployed_to_adopted'
            when stage = 'started' then 'started_to_deployed'
            when max(work_started_at) over () is null then 'idea_to_deployed' -- nobody sends work_started
            else 'idea_to_started'
        end as interval_id,
        case stage when 'deployed' then deployed_at when 'started' then work_started_at else idea_logged_at end
            as stage_started_at
    from {{ ref('data_products') }}
    where stage in ('started', 'deployed') or (stage = 'idea' and idea_logged_at is not null)

),

final as (

    select
        stages.data_product_id,
        stages.title,
        stages.domain,
        stages.stage,
        stages.interval_id,
        stages.idea_logged_at,
        stages.stage_started_at,
        {{ elapsed_days('stages.stage_started_at', as_of()) }} as days_in_stage,
        estimates.p85_days as stage_p85_days,
        estimates.basis as stage_p85_basis,
        chances.chance_of_adoption_90d,
        case
            when estimates.p85_days is not null then null
            when estimates.observed_count >= {{ fewest_observed() }} then 'p85_not_reached'
            else 'not_enough_data'
        end as overdue_reason,
        chances.reason as chance_reason
    from stages
    left join {{ ref('preferred_estimates') }} as estimates
        on stages.interval_id = estimates.interval_id and estimates.domain = 'all'
    left join {{ ref('adoption_chances') }} as chances on stages.data_product_id = chances.data_product_id

)

select
    cast(data_product_id as varchar) as data_product_id,
    cast(title as varchar) as title,
    cast(domain as varchar) as domain,
    cast(stage as varchar) as stage,
    cast(interval_id as varchar) as interval_id,
    idea_logged_at,
    stage_started_at,
    days_in_stage,
    cast(stage_p85_days as double) as stage_p85_days,
    cast(case when stage_p85_days is not null then stage_p85_basis end as varchar) as stage_p85_basis,
    days_in_stage - stage_p85_days as days_over,
    days_in_stage > stage_p85_days as is_overdue,
    cast(row_number() over (
        order by days_in_stage - stage_p85_days desc nulls last, days_in_stage desc nulls last, data_product_id asc
    ) as bigint) as overdue_rank,
    cast({{ as_share('chance_of_adoption_90d') }} as double) as chance_of_adoption_90d,
    cast(overdue_reason as varchar) as overdue_reason,
    cast(chance_reason as varchar) as chance_reason
from final
