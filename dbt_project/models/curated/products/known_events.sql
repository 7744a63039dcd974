{{ config(materialized='ephemeral') }}

{# What was ever received, so that a count of 0 and an unknown one differ. #}
select
    first_events.first_deployed_at,
    first_events.first_adopted_at,
    (select count(products.idea_logged_at) from {{ ref('data_products') }} as products) > 0 as has_ideas,
    (select count(adoptions.sustained_at) from {{ ref('adoptions') }} as adoptions) > 0 as has_repeats
from {{ ref('first_events') }} as first_events
