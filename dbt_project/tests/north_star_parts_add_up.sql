{{ config(meta={
    'dagster': {'ref': {'name': 'north_star_monthly'}},
    'description': 'The North Star is first plus expansion adoptions in every month that has these parts, and where it is '
        ~ 'the adoptions, over all months the number of pairs that adopted.',
}) }}

select
    'value is not first_adoptions_count + expansion_adoptions_count' as problem,
    month_starting,
    value,
    first_adoptions_count + expansion_adoptions_count as expected_value
from {{ ref('north_star_monthly') }}
where value <> first_adoptions_count + expansion_adoptions_count

{% if settings().metric == 'cross_domain_adoptions' %}
union all

select
    'values of all months together are not the rows of adoptions' as problem,
    cast(null as date) as month_starting,
    totals.value,
    totals.expected_value
from (
    select
        (select coalesce(sum(value), 0) from {{ ref('north_star_monthly') }}) as value,
        (select count(*) from {{ ref('adoptions') }}) as expected_value
) as totals
where totals.value <> totals.expected_value
{% endif %}
