{{ config(materialized='ephemeral') }}

with dates as (

    {{ evolution_date_rows() }}

)

select
    dates.evolution_date,
    dates.judged_at,
    coalesce(first_events.first_adopted_at <= dates.judged_at, false) as has_adoption_events,
    coalesce(first_events.first_contract_event_at <= dates.judged_at, false) as has_contract_events,
    case
        when (select count(adoptions.sustained_at) from {{ ref('adoptions') }} as adoptions) > 0 then 'last_90_days'
        else 'ever'
    end as ubiquity_basis,
    (select count(*) from {{ ref('domains') }}) as domain_count
from dates
cross join {{ ref('first_events') }} as first_events
