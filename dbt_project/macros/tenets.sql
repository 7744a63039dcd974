{# The figures of tenets that are no metric, [(tenet, its table, of which rows the latest month counts or none for all rows,
   value, unit, why there is no value)]; value and reason are aggregates. #}
{% macro tenet_figures() %}
{% set rank = "case certainty when 'authoritative' then 3 when 'curated' then 2
    when 'not_measured' then null else 1 end" %}
{% set certainty_rose = rank ~ ' > ' ~ rank | replace('certainty', 'before_certainty') %}
{% set is_comparable = "certainty <> 'not_measured' and before_certainty <> 'not_measured'
    or ubiquity_share is not null and before_ubiquity_share is not null" %}
{{ return([
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
]) }}
{% endmacro %}

{# Rows of tenet_evidence's figures: those of `tenet_figures`, one select a tenet. #}
{% macro tenet_figure_rows() -%}
    {% for tenet_id, table, latest, value, unit, reason in tenet_figures() %}
    select
        null as figure_metric_id,
        '{{ tenet_id }}' as tenet_id,
        {{ value }} as value,
        '{{ unit }}' as unit,
        {{ 'max(month_starting)' if latest else 'null' }} as month_starting,
        null as verdict,
        {{ reason }} as reason
    from {{ ref(table) }} as {{ table }}
    {% if latest %}
    where
        {{ latest }}
        and {{ table }}.month_starting = (
            select max(months.month_starting) from {{ ref(table) }} as months
            where {{ latest }}
        )
    {% endif %}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
{%- endmacro %}
