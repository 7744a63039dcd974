{{ config(materialized='ephemeral') }}

{# Each name is held against the first that looks like it, not against each other one: thousands of spellings of a name
   would make millions of pairs. #}

with names as (

    select
        domain,
        lower(domain) as lower_name,
        regexp_replace(lower(domain), '[\s\p{Z}_.-]+', '', 'g') as bare_name,
        event_count
    from {{ ref('domains') }}

)

select
    domain,
    bare_name,
    event_count,
    first_value(domain) over (partition by bare_name, lower_name order by domain) as first_in_case,
    first_value(domain) over (partition by bare_name order by domain) as first_alike
from names
