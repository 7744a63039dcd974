{# A data product changes hands where a later owner differs; owners of one instant but the last owned it for no time. #}
with spells as (

    select
        data_product_id,
        domain,
        owned_from,
        lag(domain) over (partition by data_product_id order by owned_from nulls first) as from_domain
    from {{ ref('domain_ownerships') }}
    where
        (owned_from is not null or owned_until is not null)
        and (owned_from is null or owned_until is null or owned_from < owned_until)

),

handed_over as (

    select
        spells.data_product_id,
        'handed_over' as kind,
        spells.owned_from as changed_at,
        spells.from_domain,
        spells.domain as to_domain,
        case when bool_or(events.event_type = 'owner_changed') then 'owner_changed' else 'other_event' end as evidence,
        'measured' as evidence_class,
        min_by(events.source, row(events.event_type <> 'owner_changed', events.source, events.event_id)) as source,
        min_by(events.event_id, row(events.event_type <> 'owner_changed', events.source, events.event_id)) as event_id
    from spells
    inner join {{ ref('data_products') }} as data_products on spells.data_product_id = data_products.data_product_id
    inner join {{ ref('lifecycle_events') }} as events
        on
            spells.data_product_id = events.data_product_id
            and spells.owned_from = events.occurred_at
            and spells.domain = events.domain
    where spells.from_domain <> spells.domain
    group by all

),

without_owner as (

    select
        data_products.data_product_id,
        data_products.domain,
        case when declared.domain is null then domains.last_seen_at else {{ start_of_day('declared.ended_on') }} end
            as changed_at,
        declared.domain is not null as is_declared
    from {{ ref('data_products') }} as data_products
    inner join {{ ref('domains') }} as domains on data_products.domain = domains.domain
    left join {{ source('declared', 'domains') }} as declared on data_products.domain = declared.domain
    where data_products.stage <> 'closed'

)

select * from handed_over

union all

select
    data_product_id,
    case when is_declared then 'owner_ended' else 'owner_gone' end as kind,
    changed_at,
    domain as from_domain,
    cast(null as varchar) as to_domain,
    case when is_declared then 'declared' else 'no_event' end as evidence,
    case when is_declared then 'declared' else 'measured' end as evidence_class,
    cast(null as varchar) as source,
    cast(null as varchar) as event_id
from without_owner
where
    (is_declared and changed_at <= {{ as_of() }})
    or (not is_declared and {{ elapsed_days('changed_at', as_of()) }} >= 365)
