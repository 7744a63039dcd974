{{ config(materialized='ephemeral') }}

{# The points that each phase's limits rest on: of its latest 24 complete months those that are known. Of quarters the
   latest 8 that are known, of 12: limits of some metrics need 8, and would end with one unknown quarter. #}
{% set months, of_months, quarters, of_quarters = 24, 24, 8, 12 %}
{% set phase = 'partition by metric_id, domain, is_north_star, process_phase' %}

with points as (

    select distinct
        metric_id,
        domain,
        is_north_star,
        process_phase,
        limits_period,
        point_starting,
        point_value
    from {{ ref('process_points') }}
    where is_point_complete
    -- a quarter of months has a row for each of them
    qualify
        dense_rank() over ({{ phase }} order by point_starting desc)
        <= case limits_period when 'quarter' then {{ of_quarters }} else {{ of_months }} end

)

select * from points
where point_value is not null
qualify
    row_number() over ({{ phase }} order by point_starting desc)
    <= case limits_period when 'quarter' then {{ quarters }} else {{ months }} end
