{{ config(materialized='ephemeral') }}

with preferred as (

    select * from {{ ref('interval_estimates') }}
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
    preferred.estimator,
    preferred.product_count,
    preferred.observed_count,
    preferred.median_days,
    preferred.median_lower_days,
    preferred.median_upper_days,
    preferred.reason,
    organisation.median_days as all_median_days
from preferred
inner join {{ ref('interval_estimates') }} as organisation
    on
        preferred.interval_id = organisation.interval_id
        and preferred.estimator = organisation.estimator
        and organisation.domain = 'all'
        and organisation.cohort = 'all'
