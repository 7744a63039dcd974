{{ config(materialized='ephemeral') }}

{# A point is judged by the limits of its own process phase, where it is one of their points, and by those of the phase
   before: did the change have an effect? A rule looks back over the phase, or over the points in its limits. #}
{% set bases = {'own': '', 'previous': 'previous_'} %}
{% set series = 'metric_id, domain, is_north_star' %}
{% set phase = 'partition by ' ~ series ~ ', process_phase' %}
{% set latest = 'order by point_starting rows between %d preceding and current row' %}

with points as (

    select distinct
        points.point_starting,
        points.point_value,
        points.point_numerator,
        points.point_denominator,
        points.point_starting >= limits.limits_starting as is_in_limits,
        {% for limit in ['center', 'distance', 'lower_limit', 'upper_limit'] %}
        case when is_in_limits then limits.{{ limit }} end as own_{{ limit }},
        {% endfor %}
        limits.*
    from {{ ref('process_points') }} as points
    inner join {{ ref('phase_limits') }} as limits using ({{ series }}, process_phase)
    where points.is_point_complete and points.point_value is not null

),

sides as (

    select
        {% for id in bases %}
        {{ side_outside('point_value', id ~ '_lower_limit', id ~ '_upper_limit') }} as {{ id }}_outside,
        {{ side_near_limit('point_value', id ~ '_center', id ~ '_distance') }} as {{ id }}_near,
        {{ side_of('point_value', id ~ '_center') }} as {{ id }}_side,
        {% endfor %}
        *
    from points

),

runs as (

    select
        {% for id in bases %}
        sum({{ id }}_side) over {{ id }}_8 as {{ id }}_run,
        count(case when {{ id }}_near = 1 then 1 end) over {{ id }}_4 as {{ id }}_high_count,
        count(case when {{ id }}_near = -1 then 1 end) over {{ id }}_4 as {{ id }}_low_count,
        {% for size in [1, 4, 8] %}
        cast(sum(point_numerator) over {{ id }}_{{ size }} as double)
        - {{ id }}_center * cast(sum(point_denominator) over {{ id }}_{{ size }} as double)
            as {{ id }}_excess_{{ size }},
        avg(point_value) over {{ id }}_{{ size }} - {{ id }}_center as {{ id }}_distance_{{ size }},
        {% endfor %}
        {% endfor %}
        *
    from sides
    window
    {% for size in [1, 4, 8] %}
        own_{{ size }} as ({{ phase }}, is_in_limits {{ latest | format(size - 1) }}),
        previous_{{ size }} as ({{ phase }} {{ latest | format(size - 1) }}){% if not loop.last %},{% endif %}
    {% endfor %}

)

select
    {% for id, prefix in bases.items() %}
    {{ first_rule(id, prefix) }} as {{ id }}_rule,
    {{ id }}_side,
    {% endfor %}
    {{ series }},
    point_starting,
    is_in_limits and (center is not null or previous_center is not null) as is_judged
from runs
