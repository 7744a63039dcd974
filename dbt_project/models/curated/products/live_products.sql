{{ config(materialized='ephemeral') }}

-- the instant at which the data product went live, and the one at which it was closed
select
    data_product_id,
    domain,
    deployed_at,
    case when deployed_at <= coalesce(adopted_at, deployed_at) then deployed_at else adopted_at end as live_from,
    case when stage = 'closed' then closed_at end as live_until
from {{ ref('data_products') }}
where deployed_at is not null or adopted_at is not null
