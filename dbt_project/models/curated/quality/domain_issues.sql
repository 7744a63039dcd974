{{ config(materialized='ephemeral') }}

with domain_names as (

    select * from {{ ref('domain_names') }}

),

adoptions as (

    select * from {{ ref('adoptions') }}

),

unlike_the_first as (

    select
        domain,
        event_count,
        case when domain <> first_in_case then first_in_case else first_alike end as first_spelling,
        case
            when domain <> first_in_case then 'domains_differ_only_in_case' else 'domains_look_alike'
        end as rule_id
    from domain_names
    where domain <> first_alike

)

select
    rule_id,
    cast(null as varchar) as data_product_id,
    cast(null as timestamp with time zone) as occurred_at,
    domain || ' (events: ' || event_count || '), also written ' || first_spelling as detail
from unlike_the_first

union all

select
    'domain_name_blank' as rule_id,
    cast(null as varchar) as data_product_id,
    cast(null as timestamp with time zone) as occurred_at,
    cast(to_json(domain) as varchar) || ' (events: ' || event_count || ')' as detail
from domain_names
where regexp_matches(domain, '^[\s\p{Z}\p{C}]*$')

union all

select
    'adopted_by_look_alike_owner' as rule_id,
    adoptions.data_product_id,
    adoptions.first_adopted_at as occurred_at,
    'owned by ' || adoptions.owner_domain || ', adopted by ' || adoptions.consumer_domain as detail
from adoptions
inner join domain_names as owners on adoptions.owner_domain = owners.domain
inner join domain_names as consumers on adoptions.consumer_domain = consumers.domain
where owners.bare_name = consumers.bare_name
