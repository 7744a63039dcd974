{{ config(materialized='ephemeral') }}

{# Of a series' current process phase: each stretch of points on one side of the average that has a signal. By the
   phase's own limits a stretch is an unbroken run of points, by those of the phase before it is the whole phase, where
   its average differs by more than chance. #}
{% set series = 'metric_id, domain, is_north_star' %}

with points as (

    select distinct
        {{ series }},
        point_starting,
        point_value,
        own_rule,
        own_side,
        previous_rule,
        previous_side,
        change_side,
        process_phase
    from {{ ref('process_limits') }}
    where is_point_complete
    qualify process_phase = max(process_phase) over (partition by {{ series }})

),

sided as (

    select
        {{ series }},
        point_starting,
        point_value,
        1 as basis_order,
        own_rule as rule,
        own_side as side,
        -- the same number for all points of a run, and another one for each run of that side
        row_number() over (partition by {{ series }} order by point_starting)
        - row_number() over (partition by {{ series }}, own_side order by point_starting) as stretch_number
    from points
    where point_value is not null

    union all

    select
        {{ series }},
        point_starting,
        point_value,
        2 as basis_order,
        previous_rule as rule,
        previous_side as side,
        0 as stretch_number
    from points
    where point_value is not null and previous_side = change_side

)

select
    {{ series }},
    basis_order,
    side,
    min(point_starting) as stretch_starting,
    min(case when rule is not null then point_starting end) as first_signal_starting,
    max(case when rule is not null then point_starting end) as signal_starting,
    max_by(rule, case when rule is not null then point_starting end) as rule,
    max_by(point_value, case when rule is not null then point_starting end) as signal_value
from sided
group by {{ series }}, basis_order, side, stretch_number
having count(rule) > 0
