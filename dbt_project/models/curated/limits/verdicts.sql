{{ config(materialized='ephemeral') }}

{# A point is judged by the limits of its own process phase, and by those of the phase before: did the change have an
   effect? #}
{% set prefixes = {'own': '', 'previous': 'previous_'} %}
{% set in_order = 'partition by metric_id, domain, is_north_star, process_phase order by point_starting' %}

with points as (

    select distinct
        points.point_starting,
        points.point_value,
        limits.*
    from {{ ref('process_points') }} as points
    inner join {{ ref('phase_limits') }} as limits using (metric_id, domain, is_north_star, process_phase)
    where points.is_point_complete and points.point_value is not null

),

sides as (

    select
        {% for id, prefix in prefixes.items() %}
        {{ side_outside('point_value', prefix ~ 'lower_limit', prefix ~ 'upper_limit') }} as {{ id }}_outside,
        {{ side_near_limit('point_value', prefix ~ 'center', prefix ~ 'distance') }} as {{ id }}_near,
        {{ side_of('point_value', prefix ~ 'center') }} as {{ id }}_side,
        {% endfor %}
        *
    from points

),

runs as (

    select
        {% for id in prefixes %}
        abs(sum({{ id }}_side) over last_8) = 8 as {{ id }}_is_run,
        case {{ id }}_near
            when 1 then count(case when {{ id }}_near = 1 then 1 end) over last_4
            when -1 then count(case when {{ id }}_near = -1 then 1 end) over last_4
        end >= 3 as {{ id }}_is_near_run,
        {% endfor %}
        *
    from sides
    window
        last_8 as ({{ in_order }} rows between 7 preceding and current row),
        last_4 as ({{ in_order }} rows between 3 preceding and current row)

),

ruled as (

    select
        {% for id, prefix in prefixes.items() %}
        case
            when {{ id }}_outside <> 0 then '{{ prefix }}outside_limits'
            when {{ id }}_is_run then '{{ prefix }}eight_on_one_side'
            when {{ id }}_is_near_run then '{{ prefix }}three_of_four_near_limit'
        end as {{ id }}_rule,
        {% endfor %}
        *
    from runs

)

select
    metric_id,
    domain,
    is_north_star,
    point_starting,
    own_rule,
    coalesce(own_rule, previous_rule) as rule,
    center is not null or previous_center is not null as is_judged,
    -- every rule has its side: outside implies the same side of the centre, and so does nearness
    case when own_rule is not null then own_side when previous_rule is not null then previous_side else 0 end
        as direction
from ruled
