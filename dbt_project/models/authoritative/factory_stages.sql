{% set stages = factory_stage_names() %}

with counted as (

    {% for stage in stages %}
    {% set before, is_furthest = stages[loop.index0 - 1] ~ '_at', [stage ~ '_at is not null'] %}
    {% for later in stages[loop.index:] %}{% do is_furthest.append(later ~ '_at is null') %}{% endfor %}
    {% set in_order = (stage ~ '_at >= ' ~ before) if not loop.first else 'false' %}
    select
        '{{ stage }}' as stage,
        {{ loop.index }} as stage_number,
        count({{ stage }}_at) as product_count,
        count({{ stage }}_reported_at) as reported_count,
        count(case when {{ is_furthest | join(' and ') }} and not is_closed then 1 end) as open_count,
        count(case when {{ is_furthest | join(' and ') }} and is_closed then 1 end) as lost_count,
        count(case when {{ in_order }} then 1 end) as wait_count,
        count(case when not ({{ in_order }}) then 1 end) as out_of_order_count,
        percentile_cont(0.5) within group (
            order by case when {{ in_order }} then {{ elapsed_days(before, stage ~ '_at') }} end
        ) as median_days
    from {{ ref('stage_times') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

judged as (

    select
        *,
        lag(product_count) over (order by stage_number) as before_count,
        case when wait_count >= {{ fewest_observed() }} then median_days end as known_median_days
    from counted

),

compared as (

    select
        *,
        case
            when stage_number = 1 then 'first_stage'
            when product_count = 0 or before_count = 0 then 'no_stage_events'
            when known_median_days is null then 'not_enough_data'
        end as reason,
        count(known_median_days) over () as median_count,
        max(known_median_days) over () as largest_days,
        count(*) over (partition by known_median_days) as same_count
    from judged

)

select
    stage,
    cast(stage_number as integer) as stage_number,
    {% for count in ['product_count', 'reported_count', 'open_count', 'lost_count'] %}
    cast(case when product_count > 0 then {{ count }} end as bigint) as {{ count }},
    {% endfor %}
    case when product_count = 0 then 'no_stage_events' end as count_reason,
    {% for count in ['wait_count', 'out_of_order_count'] %}
    cast(case when reason is null or reason = 'not_enough_data' then {{ count }} end as bigint) as {{ count }},
    {% endfor %}
    known_median_days as median_days,
    case
        when known_median_days is not null and median_count > 1
            then known_median_days = largest_days and same_count = 1
    end as is_bottleneck,
    reason,
    coalesce(reason, case when median_count < 2 then 'nothing_to_compare' end) as bottleneck_reason
from compared
