{{ config(materialized='ephemeral') }}

with named as (

    select
        *,
        unnest(named_consumer_domains) as named_domain
    from {{ ref('lifecycle_events') }}
    where event_type = 'idea_logged' and len(named_consumer_domains) > 0 and occurred_at <= {{ as_of() }}

),

judged as (

    select
        *,
        case
            when named_domain = domain then 'named_consumer_is_owner'
            -- nothing to read in it, kept for the whole organisation, or no name a domain can have
            when
                named_domain is null
                or regexp_matches(named_domain, '^[\s\p{Z}\p{C}]*$')
                or named_domain = 'all'
                or regexp_matches(named_domain, '[\x00-\x1f\x7f]')
                or length(named_domain) > 200
                then 'named_consumer_unusable'
        end as rule_id
    from named

)

-- a domain named twice is one issue
select distinct
    rule_id,
    data_product_id,
    source,
    event_id,
    occurred_at,
    'names ' || coalesce(cast(to_json(left(named_domain, 200)) as varchar), 'nobody') as detail
from judged
where rule_id is not null

union all

select
    case when owners.domain is null then 'adoption_without_known_owner' else 'own_domain_adoption' end as rule_id,
    adopted.data_product_id,
    adopted.source,
    adopted.event_id,
    adopted.occurred_at,
    'adopted by ' || adopted.consumer_domain
    || case when owners.domain is null then ', and no event names its owner' else ', its owner at the time' end
        as detail
from {{ ref('lifecycle_events') }} as adopted
-- a data product whose owner is known has one at every moment
left join {{ ref('domain_ownerships') }} as owners
    on adopted.data_product_id = owners.data_product_id and {{ is_owned_at('owners', 'adopted.occurred_at') }}
where
    adopted.event_type = 'adopted'
    and adopted.occurred_at <= {{ as_of() }}
    and coalesce(owners.domain = adopted.consumer_domain, true)
