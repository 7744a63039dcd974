{{ config(materialized='ephemeral') }}

{# Each name is compared with the first that is spelled like it, not with each other one: thousands of spellings of a
   name would make millions of pairs. #}
with names as (

    select
        domain,
        event_count,
        lower(domain) as lower_name,
        regexp_replace(lower(domain), '[\s\p{Z}_.-]+', '', 'g') as bare_name
    from {{ ref('domains') }}

),

spellings as (

    select
        *,
        first_value(domain) over (partition by bare_name, lower_name order by domain) as first_in_case,
        first_value(domain) over (partition by bare_name order by domain) as first_spelling
    from names

)

select
    case when domain <> first_in_case then 'domains_differ_only_in_case' else 'domains_look_alike' end as rule_id,
    cast(null as varchar) as data_product_id,
    cast(null as timestamp with time zone) as occurred_at,
    domain || ' (events: ' || event_count || '), also written '
    || case when domain <> first_in_case then first_in_case else first_spelling end as detail
from spellings
where domain <> first_spelling

union all

select
    'domain_name_blank' as rule_id,
    cast(null as varchar) as data_product_id,
    cast(null as timestamp with time zone) as occurred_at,
    cast(to_json(domain) as varchar) || ' (events: ' || event_count || ')' as detail
from spellings
where regexp_matches(domain, '^[\s\p{Z}\p{C}]*$')

union all

select
    'adopted_by_look_alike_owner' as rule_id,
    adoptions.data_product_id,
    adoptions.first_adopted_at as occurred_at,
    'owned by ' || adoptions.owner_domain || ', adopted by ' || adoptions.consumer_domain as detail
from {{ ref('adoptions') }} as adoptions
inner join spellings as owners on adoptions.owner_domain = owners.domain
inner join spellings as consumers on adoptions.consumer_domain = consumers.domain
where owners.bare_name = consumers.bare_name
