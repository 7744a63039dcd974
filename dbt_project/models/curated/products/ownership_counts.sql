{{ config(materialized='ephemeral') }}

with ownerships as (

    select * from {{ ref('domain_ownerships') }}

),

quarters as (

    select month_starting from {{ ref('reporting_periods') }}
    where period = 'quarter'

),

-- how long each data product was live with each of its owners; without an owner from beginning to end
spells as (

    select
        ownerships.domain,
        {{ month_starting('greatest(live.live_from, coalesce(ownerships.owned_from, live.live_from))', 'quarter') }}
            as first_quarter,
        {{ month_starting('least(live.live_until, ownerships.owned_until)', 'quarter') }} as end_quarter
    from {{ ref('live_products') }} as live
    left join ownerships on live.data_product_id = ownerships.data_product_id

),

spell_counts as (

    select
        domain,
        first_quarter,
        end_quarter,
        count(*) as owned_count
    from spells
    where end_quarter is null or first_quarter < end_quarter
    group by domain, first_quarter, end_quarter

)

select
    quarters.month_starting,
    'products' as measure,
    spell_counts.domain,
    sum(spell_counts.owned_count) as owned_count
from quarters
inner join spell_counts
    on
        quarters.month_starting >= spell_counts.first_quarter
        and (spell_counts.end_quarter is null or quarters.month_starting < spell_counts.end_quarter)
group by quarters.month_starting, spell_counts.domain

union all

select
    {{ month_starting('deployed.deployed_at', 'quarter') }} as month_starting,
    'deployments' as measure,
    ownerships.domain,
    count(*) as owned_count
from {{ ref('data_products') }} as deployed
left join ownerships
    on deployed.data_product_id = ownerships.data_product_id and {{ is_owned_at('ownerships', 'deployed.deployed_at') }}
where deployed.deployed_at is not null
group by {{ month_starting('deployed.deployed_at', 'quarter') }}, ownerships.domain

union all

select
    {{ month_starting('first_adopted_at', 'quarter') }} as month_starting,
    'adoptions' as measure,
    owner_domain as domain,
    count(*) as owned_count
from {{ ref('adoptions') }}
group by {{ month_starting('first_adopted_at', 'quarter') }}, owner_domain
