{{ config(materialized='ephemeral') }}

{# A point is judged by its phase's own limits, and by those of the phase before: did the change have an effect? #}
{% set prefixes = {'own': '', 'previous': 'previous_'} %}

with points as (

    select distinct
        {% for limit in ['center', 'distance', 'lower_limit', 'upper_limit'] %}
        limits.{{ limit }},
        limits.previous_{{ limit }},
        {% endfor %}
        signals.metric_id,
        signals.domain,
        signals.is_north_star,
        signals.point_starting,
        signals.point_value,
        limits.phase
    from {{ ref('signals') }} as signals
    inner join {{ ref('phase_limits') }} as limits
        on
            signals.metric_id = limits.metric_id
            and signals.domain = limits.domain
            and signals.is_north_star = limits.is_north_star
            and signals.phase = limits.phase
    where signals.is_point_complete and signals.point_value is not null

),

sides as (

    select
        {% for id, prefix in prefixes.items() %}
        {% set center, distance = prefix ~ 'center', prefix ~ 'distance' %}
        {{ side_outside('point_value', prefix ~ 'lower_limit', prefix ~ 'upper_limit') }} as {{ id }}_outside,
        {{ side_near_limit('point_value', center, distance) }} as {{ id }}_near,
        {{ side_of('point_value', center) }} as {{ id }}_side,
        {% endfor %}
        *
    from points

),

runs as (

    select
        {% for id in prefixes %}
        abs(sum({{ id }}_side) over last_8) = 8 as {{ id }}_is_run,
        count(case when {{ id }}_near = 1 then 1 end) over last_4 as {{ id }}_near_upper_count,
        count(case when {{ id }}_near = -1 then 1 end) over last_4 as {{ id }}_near_lower_count,
        {% endfor %}
        *
    from sides
    window
        last_8 as (
            partition by metric_id, domain, is_north_star, phase
            order by point_starting rows between 7 preceding and current row
        ),
        last_4 as (
            partition by metric_id, domain, is_north_star, phase
            order by point_starting rows between 3 preceding and current row
        )

),

ruled as (

    select
        {% for id, prefix in prefixes.items() %}
        case
            when {{ prefix }}center is null then null
            when {{ id }}_outside <> 0 then '{{ prefix }}outside_limits'
            when {{ id }}_is_run then '{{ prefix }}eight_on_one_side'
            when
                ({{ id }}_near = 1 and {{ id }}_near_upper_count >= 3)
                or ({{ id }}_near = -1 and {{ id }}_near_lower_count >= 3)
                then '{{ prefix }}three_of_four_near_limit'
        end as {{ id }}_rule,
        {% endfor %}
        center is not null or previous_center is not null as is_judged,
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
    is_judged,
    -- every rule has its side: outside implies the same side of the centre, and so does nearness
    case when own_rule is not null then own_side when previous_rule is not null then previous_side else 0 end
        as direction
from ruled
