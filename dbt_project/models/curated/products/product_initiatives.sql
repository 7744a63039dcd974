-- What people declare of a data product counts; only where they declare nothing, what its events name.
with data_products as (

    select
        data_product_id,
        initiative
    from {{ ref('data_products') }}

),

known as (

    select initiative_id from {{ source('declared', 'initiatives') }}
    union distinct
    select initiative as initiative_id from data_products
    where initiative is not null

),

declared as (

    select
        links.data_product_id,
        links.initiative_id,
        row_number() over (
            partition by links.data_product_id
            order by
                case when links.initiative_id = data_products.initiative then 1 else 2 end,
                initiatives.started_on nulls last,
                links.initiative_id
        ) = 1 as is_main
    from {{ source('declared', 'initiative_products') }} as links
    inner join data_products on links.data_product_id = data_products.data_product_id
    inner join known on links.initiative_id = known.initiative_id
    left join {{ source('declared', 'initiatives') }} as initiatives on links.initiative_id = initiatives.initiative_id

)

select
    data_product_id,
    initiative_id,
    is_main,
    true as is_declared
from declared

union all

select
    data_product_id,
    initiative as initiative_id,
    true as is_main,
    false as is_declared
from data_products
where initiative is not null and data_product_id not in (select declared.data_product_id from declared)
