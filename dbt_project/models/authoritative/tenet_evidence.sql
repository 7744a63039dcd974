with figures as (

    select
        verdicts.metric_id as figure_metric_id,
        cast(null as varchar) as tenet_id,
        verdicts.value,
        definitions.unit,
        verdicts.month_starting,
        verdicts.verdict,
        verdicts.reason
    from {{ ref('metric_verdicts') }} as verdicts
    inner join {{ ref('metrics') }} as definitions on verdicts.metric_id = definitions.metric_id
    where verdicts.domain = 'all'
    union all
    {{ tenet_figure_rows() }}

),

assessments as (

    select * from {{ source('declared', 'tenet_assessments') }}
    where assessed_on <= cast({{ local_time(as_of()) }} as date)
    qualify row_number() over (partition by tenet_id order by assessed_on desc) = 1

)

select
    {% for column in [
        'tenet_id', 'tenet_number', 'flywheel_phase', 'persona', 'value_flywheel_persona', 'name', 'tenet', 'source'
    ] %}
    tenets.{{ column }},
    {% endfor %}
    case
        when
            tenets.figure_class = 'measured'
            and (figures.value is not null or figures.verdict <> 'not_enough_data') then 'measured'
        when figures.value is not null or assessments.level is not null then 'declared'
        else 'not_measured'
    end as evidence_class,
    tenets.figure,
    tenets.figure_class,
    tenets.figure_table,
    tenets.figure_metric_id,
    figures.value as figure_value,
    figures.unit as figure_unit,
    figures.month_starting as figure_starting,
    figures.verdict as figure_verdict,
    case
        when tenets.figure is null then 'not_inferred_from_events'
        when figures.value is null then coalesce(figures.reason, 'no_complete_month')
    end as figure_reason,
    assessments.level as assessed_level,
    assessments.assessed_on,
    assessments.assessed_by,
    assessments.note as assessment_note,
    assessments.link as assessment_link,
    case when assessments.level is null then 'not_assessed' end as assessment_reason,
    tenets.needed
from {{ ref('tenets') }} as tenets
left join figures on tenets.figure_metric_id = figures.figure_metric_id or tenets.tenet_id = figures.tenet_id
left join assessments on tenets.tenet_id = assessments.tenet_id
