{# What flywheel.yml declares, as one row. #}
{% set star = settings() %}

with declared as (

    select
        {{ setting_text(star.statement) }} as statement,
        {{ setting_text(star.owner) }} as owner,
        {{ setting_text(star.metric) }} as metric_id,
        {{ setting_text(star.outcome) }} as outcome,
        cast({{ star.target if star.target is not none else 'null' }} as double) as target,
        cast({{ setting_text(star.target_by) }} as date) as target_by

)

select
    statement,
    cast(case when statement is null then 'not_declared' end as varchar) as statement_reason,
    owner,
    metric_id,
    outcome,
    cast(case when outcome is null then 'not_declared' end as varchar) as outcome_reason,
    target,
    target_by
from declared
