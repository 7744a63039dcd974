{% set rank = "case certainty when 'authoritative' then 3 when 'curated' then 2 when 'not_measured' then null else 1 end" %}
{% set certainty_rose = rank ~ ' > ' ~ rank | replace('certainty', 'before_certainty') %}
{% set is_comparable = "certainty <> 'not_measured' and before_certainty <> 'not_measured'
    or ubiquity_share is not null and before_ubiquity_share is not null" %}
{# (tenet, its table, the rows: the latest month of these or all, value, unit, why there is no value) #}
{% set figures = [
    ('map_the_market', 'capabilities', none,
        'cast(count(case when not is_review_due then 1 end) as double) / nullif(count(is_review_due), 0)', 'share',
        "case when count(*) = 0 then 'not_declared' else 'reviewed_in_the_future' end"),
    ('map_the_org', 'ownership_shares', "measure = 'products'", 'max(outside_share)', 'share',
        "coalesce(max(reason), 'no_deployment_events')"),
    ('code_is_a_liability', 'liability_quarterly', 'true', 'max(unused_share)', 'share',
        "coalesce(max(unused_reason), 'no_deployment_events')"),
    ('low_carbon_footprint', 'product_costs', "measure = 'carbon' and is_complete", 'max(amount_per_product_in_use)',
        'kg', "coalesce(max(in_use_reason), 'not_declared')"),
    ('map_your_solution', 'product_evolution', none,
        "cast(count(case when certainty <> 'not_measured' then ubiquity_share end) as double) / nullif(count(
            case when certainty <> 'not_measured' and ubiquity_reason is distinct from 'no_adoption_events' then 1 end
        ), 0)", 'share',
        "case when count(*) = 0 then 'no_products' when max(reason) = 'no_contract_events' then 'no_contract_events'
            else 'no_adoption_events' end"),
    ('map_the_emerging_value', 'product_evolution', none,
        'cast(count(case when ' ~ certainty_rose ~ ' or ubiquity_share > before_ubiquity_share then 1 end) as double)
        / nullif(count(case when ' ~ is_comparable ~ ' then 1 end), 0)', 'share',
        "case when count(*) = 0 then 'no_products' when count(before_certainty) = 0 then 'not_live_yet'
            else 'no_adoption_events' end"),
] %}

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
    {% for tenet_id, table, latest, value, unit, reason in figures %}
    union all
    select
        null as figure_metric_id,
        '{{ tenet_id }}' as tenet_id,
        {{ value }} as value,
        '{{ unit }}' as unit,
        {{ 'max(month_starting)' if latest else 'null' }} as month_starting,
        null as verdict,
        {{ reason }} as reason
    from {{ ref(table) }}
    {% if latest %}
    where {{ latest }} and month_starting = (select max(month_starting) from {{ ref(table) }} where {{ latest }})
    {% endif %}
    {% endfor %}

),

assessments as (

    select * from {{ source('declared', 'tenet_assessments') }}
    where assessed_on <= cast({{ local_time(as_of()) }} as date)
    qualify row_number() over (partition by tenet_id order by assessed_on desc) = 1

)

select
    tenets.tenet_id,
    tenets.tenet_number,
    tenets.flywheel_phase,
    tenets.persona,
    tenets.value_flywheel_persona,
    tenets.name,
    tenets.tenet,
    tenets.source,
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
