{# The North Star against its target: by its limits, over the year so far, and in the months ahead. #}
{% set star = settings() %}

with verdict as (

    select
        verdicts.*,
        cast({{ dbt.date_trunc('year', 'verdicts.month_starting') }} as date) as year_starting,
        -- the limit on the good side of the average, the one on its other side, and the target, where more is better
        case when metrics.good_direction = 'up' then verdicts.upper_limit else -verdicts.lower_limit end as best_limit,
        case when metrics.good_direction = 'up' then verdicts.lower_limit else -verdicts.upper_limit end as worst_limit,
        case when metrics.good_direction = 'up' then 1 else -1 end * declared.target as aim
    from {{ ref('series_verdicts') }} as verdicts
    inner join {{ ref('metrics') }} as metrics using (metric_id)
    cross join (select {{ star.target if star.target is not none else 'null' }} as target) as declared
    where verdicts.is_north_star

),

this_year as (

    select
        count(*) as period_count,
        sum(case when '{{ star.kind }}' = 'flow' then limits.value end) as value
    from {{ ref('process_limits') }} as limits
    inner join verdict
        on limits.month_starting between verdict.year_starting and verdict.month_starting
    where limits.is_north_star and limits.reason is null

)

select
    '{{ star.metric }}' as metric_id,
    verdict.month_starting,
    cast(declared.target as double) as target,
    cast(verdict.center as double) as center,
    cast(verdict.lower_limit as double) as lower_limit,
    cast(verdict.upper_limit as double) as upper_limit,
    case
        when verdict.worst_limit >= verdict.aim - 1e-9 then 'meets_reliably'
        when verdict.best_limit < verdict.aim - 1e-9 then 'misses_reliably'
        when verdict.best_limit >= verdict.aim - 1e-9 then 'hit_or_miss'
    end as capability,
    case
        when declared.target is null then 'no_target'
        when verdict.month_starting is null then 'no_complete_month'
        when verdict.center is null then coalesce(verdict.verdict_reason, 'too_few_points')
    end as capability_reason,
    verdict.year_starting,
    this_year.period_count as year_period_count,
    cast(this_year.value as double) as year_value,
    cast(case when this_year.value is not null then declared.target * this_year.period_count end as double)
        as year_target,
    case
        when verdict.month_starting is null then 'no_complete_month'
        when '{{ star.kind }}' <> 'flow' then 'not_a_count'
        when this_year.value is null then verdict.reason
        when declared.target is null then 'no_target'
    end as year_reason,
    ahead.total_chance_of_target,
    case
        when ahead.horizon_months is not null then ahead.reason
        when declared.target is null then 'no_target'
        else 'no_complete_month'
    end as chance_reason
from (select {{ star.target if star.target is not none else 'null' }} as target) as declared
left join verdict on true
left join this_year on true
left join {{ ref('north_star_forecasts') }} as ahead on ahead.horizon_months = 6
