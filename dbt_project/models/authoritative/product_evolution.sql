with stages as (

    select * from {{ ref('evolution_stages') }}

)

select
    today.data_product_id,
    cast(today.title as varchar) as title,
    today.domain,
    cast(today.consuming_domains_count as bigint) as consuming_domains_count,
    cast(today.other_domains_count as bigint) as other_domains_count,
    today.ubiquity_share,
    cast(today.ubiquity_basis as varchar) as ubiquity_basis,
    cast(today.ubiquity_reason as varchar) as ubiquity_reason,
    today.activated_at as contract_activated_at,
    cast(today.checks_passed_28d_count as double)
    / nullif(cast(today.checks_passed_28d_count + today.checks_failed_28d_count as double), 0) as checks_passed_share,
    case when today.has_contract_events then not today.is_broken_lately and not today.is_activated_lately end
        as is_contract_unbroken,
    cast(today.certainty as varchar) as certainty,
    cast(
        case
            when today.certainty = 'not_measured' or today.consuming_domains_count is null then null
            when today.certainty in ('raw', 'contract_not_kept') and today.consuming_domains_count >= 2
                then 'used_beyond_its_certainty'
            when today.certainty = 'authoritative' and today.consuming_domains_count < 2 then 'certain_but_under_used'
            else 'on_curve'
        end as varchar
    ) as position,
    cast(today.reason as varchar) as reason,
    cast(earlier.certainty as varchar) as before_certainty,
    earlier.ubiquity_share as before_ubiquity_share,
    cast(earlier.consuming_domains_count as bigint) as before_consuming_domains_count,
    cast(case when earlier.evolution_date is null then 'not_live_yet' else earlier.ubiquity_reason end as varchar)
        as before_reason
from stages as today
left join stages as earlier
    on today.data_product_id = earlier.data_product_id and earlier.evolution_date = 'before'
where today.evolution_date = 'now'
