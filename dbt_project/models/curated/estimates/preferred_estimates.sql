{{ config(materialized='ephemeral') }}

with preferred as (

    select
        *,
        case when estimator = 'current_pace' then 'trailing_180_days' else 'all_time' end as basis
    from {{ ref('interval_estimates') }}
    where cohort = 'all' and estimator in ('current_pace', 'kaplan_meier')
    qualify row_number() over (
        partition by interval_id, domain
        order by
            case
                when estimator = 'kaplan_meier' then 2
                when observed_count >= {{ fewest_observed() }} and coalesce(reason, '') <> 'not_enough_data' then 1
                else 3
            end
    ) = 1

)

select
    preferred.interval_id,
    preferred.domain,
    preferred.basis,
    preferred.product_count,
    preferred.observed_count,
    preferred.median_days,
    preferred.median_lower_days,
    preferred.median_upper_days,
    preferred.p85_days,
    preferred.reason,
    organisation.median_days as all_median_days,
    case
        -- also where the median is not reached
        when preferred.median_lower_days > organisation.median_days then 'slower'
        when preferred.median_upper_days < organisation.median_days then 'faster'
        when preferred.median_lower_days is not null and organisation.median_days is not null then 'within_chance'
    end as difference
from preferred
inner join {{ ref('interval_estimates') }} as organisation
    on
        preferred.interval_id = organisation.interval_id
        and preferred.estimator = organisation.estimator
        and organisation.domain = 'all'
        and organisation.cohort = 'all'
