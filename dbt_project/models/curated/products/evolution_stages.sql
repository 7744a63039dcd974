{{ config(materialized='ephemeral') }}

-- the first gate that is not passed; in this order, because certainty is read from it below
with gates as (

    select
        *,
        case
            when not has_contract_events then 'no_contract_events'
            when activated_at is null then 'no_active_contract'
            when checks_passed_28d_count + checks_failed_28d_count = 0 then 'not_checked_lately'
            when checks_failed_28d_count * 19 > checks_passed_28d_count then 'checks_failing' -- under 95 %, exactly
            when domain is null then 'owner_unknown'
            when is_broken_lately then 'broken_within_90_days'
            when is_activated_lately then 'activated_within_90_days'
            when checked_spans_count < 3 then 'not_checked_each_month'
        end as reason,
        case
            when domain is null then 'owner_unknown'
            when not has_adoption_events then 'no_adoption_events'
            when other_domains_count = 0 then 'no_other_domain'
        end as ubiquity_reason,
        cast(consuming_domains_count as double) / nullif(other_domains_count, 0) as ubiquity_share
    from {{ ref('evolving_products') }}

),

staged as (

    select
        *,
        case
            when reason = 'no_contract_events' then 'not_measured'
            when reason = 'no_active_contract' then 'raw'
            when reason in ('not_checked_lately', 'checks_failing', 'owner_unknown') then 'contract_not_kept'
            when reason is not null then 'curated'
            else 'authoritative'
        end as certainty
    from gates

)

select * from staged
