with evolving_products as (

    select * from {{ ref('evolving_products') }}

),

-- the first gate that is not passed; in this order, because certainty is read from it below
gates as (

    select
        *,
        checks_passed_28d_count + checks_failed_28d_count as checks_28d_count,
        case
            when not has_contract_events then 'no_contract_events'
            when activated_at is null then 'no_active_contract'
            when checks_passed_28d_count + checks_failed_28d_count = 0 then 'not_checked_lately'
            when checks_failed_28d_count * 19 > checks_passed_28d_count then 'checks_failing' -- under 95 %, exactly
            when domain is null then 'owner_unknown'
            when is_broken_lately then 'broken_within_90_days'
            when is_activated_lately then 'activated_within_90_days'
            when not has_adoption_events then 'no_adoption_events'
            when consuming_domains_count < 2 then 'too_few_consumers'
        end as reason
    from evolving_products

),

judged as (

    select
        *,
        case
            when reason = 'no_contract_events' then 'not_measured'
            when reason in ('no_active_contract', 'not_checked_lately', 'checks_failing', 'owner_unknown') then 'raw'
            when reason is not null then 'curated'
            else 'authoritative'
        end as certainty
    from gates

)

select
    data_product_id,
    title,
    domain,
    cast(consuming_domains_count as bigint) as consuming_domains_count,
    cast(other_domains_count as bigint) as other_domains_count,
    cast(consuming_domains_count as double) / nullif(other_domains_count, 0) as ubiquity_share,
    cast(
        case
            when domain is null then 'owner_unknown'
            when not has_adoption_events then 'no_adoption_events'
            when other_domains_count = 0 then 'no_other_domain'
        end as varchar
    ) as ubiquity_reason,
    activated_at as contract_activated_at,
    cast(checks_passed_28d_count as double) / nullif(cast(checks_28d_count as double), 0) as checks_passed_share,
    case when has_contract_events then not is_broken_lately and not is_activated_lately end as is_contract_unbroken,
    cast(certainty as varchar) as certainty,
    cast(
        case
            when certainty = 'not_measured' or consuming_domains_count is null then null
            when certainty = 'raw' and consuming_domains_count >= 2 then 'used_beyond_its_certainty'
            when reason = 'too_few_consumers' then 'certain_but_under_used'
            else 'on_curve'
        end as varchar
    ) as position,
    cast(reason as varchar) as reason
from judged
