{{ config(materialized='ephemeral') }}

{# First adoptions by quarter: soon after the idea, of data products that serve an initiative, and still used later. #}
{% set quick, lasting = 90, 180 %}

with adopted as (

    select
        intervals.data_product_id,
        intervals.ended_at,
        intervals.days_to_observed <= {{ quick }} as is_quick,
        intervals.days_to_observed <= {{ quick }} and initiatives.data_product_id is not null as is_aligned
    from {{ ref('product_intervals') }} as intervals
    left join {{ ref('product_initiatives') }} as initiatives
        on intervals.data_product_id = initiatives.data_product_id and initiatives.is_main
    where intervals.interval_id = 'idea_to_adopted' and intervals.days_to_observed is not null

),

still_used as (

    select distinct adopted.data_product_id
    from adopted
    inner join {{ ref('adoption_events') }} as uses on adopted.data_product_id = uses.data_product_id
    where
        adopted.is_aligned
        and {{ elapsed_days('adopted.ended_at', 'uses.occurred_at') }} between {{ quick }} and {{ lasting }}

),

counted as (

    select
        {{ month_starting('adopted.ended_at', 'quarter') }} as month_starting,
        count(*) as adopted_count,
        count(case when adopted.is_quick then 1 end) as quick_count,
        count(case when adopted.is_aligned then 1 end) as aligned_count,
        count(still_used.data_product_id) as quick_wins_count
    from adopted
    left join still_used on adopted.data_product_id = still_used.data_product_id
    group by all

)

select
    {% for count in ['adopted', 'quick', 'aligned', 'quick_wins'] %}
    coalesce(counted.{{ count }}_count, 0) as {{ count }}_count,
    {% endfor %}
    quarters.month_starting,
    quarters.ends_at,
    quarters.ends_at + to_days({{ lasting }}) as followed_until,
    {{ is_complete_before('quarters.next_starting + to_days(' ~ lasting ~ ')') }} as is_complete
from {{ ref('reporting_periods') }} as quarters
left join counted on quarters.month_starting = counted.month_starting
where quarters.period = 'quarter'
