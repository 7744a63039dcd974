{{ config(materialized='ephemeral') }}

with data_products as (

    select * from {{ ref('data_products') }}
    where stage in ('deployed', 'adopted')

),

contract_states as (

    select * from {{ ref('contract_states') }}

),

adoptions as (

    select * from {{ ref('adoptions') }}

),

known as (

    select
        (select count(*) from {{ ref('domains') }}) as domain_count,
        (select first_adopted_at from {{ ref('first_events') }}) is not null as has_adoption_events,
        (select count(*) from contract_states) > 0 as has_contract_events

),

-- a consumer that became the owner since is no longer another domain
consumers as (

    select
        adoptions.data_product_id,
        count(*) as consumer_count
    from adoptions
    inner join data_products on adoptions.data_product_id = data_products.data_product_id
    where adoptions.consumer_domain <> data_products.domain
    group by adoptions.data_product_id

)

select
    data_products.data_product_id,
    data_products.title,
    data_products.domain,
    case
        when known.has_adoption_events and data_products.domain is not null
            then coalesce(consumers.consumer_count, 0)
    end as consuming_domains_count,
    case when data_products.domain is not null then known.domain_count - 1 end as other_domains_count,
    known.has_adoption_events,
    known.has_contract_events,
    contract_states.activated_at,
    coalesce(contract_states.checks_passed_28d_count, 0) as checks_passed_28d_count,
    coalesce(contract_states.checks_failed_28d_count, 0) as checks_failed_28d_count,
    coalesce({{ elapsed_days('contract_states.activated_at', as_of()) }} < 90, true) as is_activated_lately,
    coalesce({{ elapsed_days('contract_states.last_failed_at', as_of()) }} < 90, false) as is_broken_lately
from data_products
cross join known
left join contract_states on data_products.data_product_id = contract_states.data_product_id
left join consumers on data_products.data_product_id = consumers.data_product_id
