{{ config(materialized='ephemeral') }}

with data_products as (

    select data_product_id from {{ ref('data_products') }}

),

owners as (

    select
        data_product_id,
        max(owned_from) as changed_at,
        count(owned_from) as change_count,
        {{ dbt.listagg("domain || coalesce(' from ' || owned_from, '')", "', '",
            "order by owned_from nulls first, owned_until nulls last, domain", 20) }} as owner_names
    from {{ ref('domain_ownerships') }}
    where
        (owned_from is not null or owned_until is not null)
        and data_product_id in (select data_products.data_product_id from data_products)
    group by data_product_id

),

repeated_ids as (

    select lower(data_product_id) as lower_id
    from data_products
    group by lower(data_product_id)
    having count(*) > 1

),

-- against the first of its spellings, not against each: thousands of them would make millions of pairs
spellings as (

    select
        data_products.data_product_id,
        min(data_products.data_product_id) over (partition by repeated_ids.lower_id) as first_spelling
    from data_products
    inner join repeated_ids on lower(data_products.data_product_id) = repeated_ids.lower_id

)

select
    'owner_changed' as rule_id,
    data_product_id,
    changed_at as occurred_at,
    'owned by ' || owner_names || ' (changes: ' || change_count || ')' as detail
from owners

union all

select
    'product_ids_differ_only_in_case' as rule_id,
    data_product_id,
    cast(null as timestamp with time zone) as occurred_at,
    'also written ' || first_spelling as detail
from spellings
where data_product_id <> first_spelling
