-- A product whose events all name one domain has one ownership; only the others are worth sorting.
with named as (

    select
        data_product_id,
        domain,
        event_type,
        occurred_at,
        source,
        event_id
    from {{ ref('lifecycle_events') }}
    where domain is not null and occurred_at <= {{ as_of() }}

),

owners as (

    select
        data_product_id,
        min(domain) as first_by_name,
        max(domain) as last_by_name
    from named
    group by data_product_id

),

claims as (

    select
        named.*,
        lag(named.domain) over (partition by named.data_product_id order by {{ naming_order() }}) as previous_domain
    from owners
    inner join named on owners.data_product_id = named.data_product_id
    where owners.first_by_name <> owners.last_by_name

),

changes as (

    select
        *,
        row_number() over namings as change_number,
        lead(occurred_at) over namings as next_change_at
    from claims
    where previous_domain is null or previous_domain <> domain
    window namings as (partition by data_product_id order by {{ naming_order() }})

)

select
    data_product_id,
    first_by_name as domain,
    cast(null as {{ type_instant() }}) as owned_from,
    cast(null as {{ type_instant() }}) as owned_until
from owners
where first_by_name = last_by_name

union all

-- the first known owner counts as the owner before it was first named
select
    data_product_id,
    domain,
    case when change_number > 1 then occurred_at end as owned_from,
    next_change_at as owned_until
from changes
