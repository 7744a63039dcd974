-- Where the North Star has parts it is first + expansion adoptions, exactly; and where it is the adoptions, over all
-- months it is the number of adopting pairs.
select month_starting
from {{ ref('north_star_monthly') }}
where value <> first_adoptions_count + expansion_adoptions_count

{% if north_star().metric == 'cross_domain_adoptions' %}
union all

select cast(null as date) as month_starting
where
    (select coalesce(sum(value), 0) from {{ ref('north_star_monthly') }})
    <> (select count(*) from {{ ref('adoptions') }})
{% endif %}
