select
    cast(adoptions.owner_domain as varchar) as owner_domain,
    cast(adoptions.consumer_domain as varchar) as consumer_domain,
    cast(count(
        case
            when {{ month_starting('adoptions.first_adopted_at') }} between year.first_month and year.last_month then 1
        end
    ) as bigint) as adoption_count,
    cast(count(*) as bigint) as total_adoption_count
from {{ ref('adoptions') }} as adoptions
cross join {{ ref('last_year') }} as year
group by adoptions.owner_domain, adoptions.consumer_domain
