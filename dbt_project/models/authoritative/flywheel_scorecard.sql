with scores as (

    select
        metrics.flywheel_phase,
        metrics.persona,
        metrics.kind,
        scores.*
    from {{ ref('flywheel_scores') }} as scores
    inner join {{ ref('metrics') }} as metrics using (metric_id)

),

-- without an adoption in the latest three months no value has reached anyone: nothing is gained
latest_months as (

    select * from {{ ref('process_limits') }}
    where metric_id = 'adopting_domains' and domain = 'all' and is_complete
    qualify row_number() over (order by month_starting desc) <= 3

),

phases as (

    select
        flywheel_phase,
        count(case when verdict = 'improving' then 1 end) as improving_count,
        count(case when verdict = 'worsening' then 1 end) as worsening_count,
        count(case when verdict <> 'not_enough_data' then 1 end) as judged_count,
        coalesce((select max(latest_months.numerator) from latest_months) > 0, false) as is_any_adopted
    from scores
    -- momentum is about all time: the hub of the wheel, and no gain of the latest months
    where metric_id not like 'momentum%'
    group by flywheel_phase

)

select
    cast(scores.flywheel_phase as varchar) as flywheel_phase,
    cast(scores.persona as varchar) as persona,
    cast(scores.metric_id as varchar) as metric_id,
    cast(scores.month_starting as date) as month_starting,
    cast(scores.value as double) as value,
    cast(scores.lower as double) as lower,
    cast(scores.upper as double) as upper,
    cast(scores.verdict as varchar) as verdict,
    cast(scores.verdict_since as date) as verdict_since,
    cast(
        case
            when scores.value is null and scores.verdict = 'not_enough_data' then 'missing'
            when scores.metric_id = 'north_star_target' then 'declared'
            when scores.kind = 'duration' or scores.metric_id like 'momentum%' then 'derived'
            else 'measured'
        end as varchar
    ) as evidence_class,
    cast(
        case
            when phases.judged_count = 0 then 'not_enough_data'
            when phases.improving_count > phases.worsening_count and phases.is_any_adopted then 'gaining'
            when phases.improving_count < phases.worsening_count then 'slowing'
            else 'steady'
        end as varchar
    ) as flywheel_phase_verdict,
    cast(scores.reason as varchar) as reason
from scores
inner join phases using (flywheel_phase)
