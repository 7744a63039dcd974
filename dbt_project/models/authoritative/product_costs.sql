{# (figure, what it is divided by, the reason where that is 0) #}
{% set shared_by = [
    ('amount_per_product_in_use', 'in_use_count', 'in_use_reason', 'no_products_in_use'),
    ('amount_per_adoption', 'adoption_count', 'adoption_reason', 'no_adoptions'),
] %}

with amounts as (

    select
        figures.month_starting,
        figures.measure,
        figures.unit,
        figures.is_complete,
        known.has_repeats,
        coalesce({{ month_starting('known.first_adopted_at') }} <= figures.month_starting, false) as has_adoptions,
        sum(case when figures.is_known then figures.amount end) as amount,
        count(case when figures.is_known then 1 end) as product_count,
        count(case when not figures.is_known then 1 end) as left_out_count,
        count(
            case
                when figures.is_live and (figures.days_unused < 90 or not known.has_repeats) then figures.days_unused
            end
        ) as in_use_count,
        sum(case when figures.is_known then figures.adoption_count end) as adoption_count
    from {{ ref('product_figures') }} as figures
    cross join {{ ref('known_events') }} as known
    group by all

),

covered as (

    select
        month_starting,
        measure,
        count(distinct case when is_live then data_product_id end) as covered_count
    from {{ ref('product_figures') }}
    group by month_starting, measure

)

select
    amounts.month_starting,
    amounts.measure,
    amounts.unit,
    amounts.is_complete,
    cast(amounts.amount as double) as amount,
    amounts.product_count,
    amounts.left_out_count,
    cast(live.live_count as bigint) as live_count,
    cast(covered.covered_count as double) / nullif(live.live_count, 0) as coverage_share,
    {% for figure, count, reason, nothing in shared_by %}
    cast(case when amounts.has_adoptions then coalesce(amounts.{{ count }}, 0) end as bigint) as {{ count }},
    case when amounts.has_adoptions then cast(amounts.amount as double) / nullif(amounts.{{ count }}, 0) end
        as {{ figure }},
    case
        when amounts.amount is null then 'no_known_products'
        when not amounts.has_adoptions then 'no_adoption_events'
        when amounts.{{ count }} = 0 then '{{ nothing }}'
    end as {{ reason }},
    {% endfor %}
    case when amounts.has_adoptions then case when amounts.has_repeats then 'last_90_days' else 'ever' end end
        as use_basis,
    case when amounts.amount is null then 'no_known_products' when live.live_count = 0 then 'no_products' end as reason
from amounts
inner join covered using (month_starting, measure)
inner join {{ ref('live_counts') }} as live using (month_starting)
