{{ config(materialized='ephemeral') }}

with costs as (

    select
        *,
        cast(month || '-01' as date) as month_starting
    from {{ source('declared', 'product_costs') }}

),

months as (

    select
        min(month_starting) as first_month,
        max(month_starting) as last_month
    from {{ ref('reporting_periods') }}
    where period = 'month'

),

currencies as (

    select
        count(distinct currency) as currency_count,
        {{ dbt.listagg('distinct currency', "', '", 'order by currency') }} as names
    from costs
    where cost is not null

),

domains as (

    select
        coalesce(named.domain, declared.domain) as domain,
        named.domain is not null as is_named,
        named.event_count,
        declared.kind,
        declared.ended_on
    from {{ ref('domains') }} as named
    full outer join {{ source('declared', 'domains') }} as declared on named.domain = declared.domain
    where (select count(*) from {{ source('declared', 'domains') }}) > 0

),

{# (rule, where to look, the data product, what breaks it, detail) #}
{% set today = 'cast(' ~ local_time(as_of()) ~ ' as date)' %}
{% set rules = [
    ('cost_of_unknown_product', 'costs', 'data_product_id',
        'data_product_id not in (select data_products.data_product_id from data_products)',
        "'declared for ' || month || ', and no event is about it'"),
    ('cost_in_the_future', 'costs cross join months', 'data_product_id', 'month_starting > last_month',
        "'declared for ' || month"),
    ('cost_before_the_first_month', 'costs cross join months', 'data_product_id', 'month_starting < first_month',
        "'declared for ' || month || ', and the first event is in ' || first_month"),
    ('cost_without_currency', 'costs', 'data_product_id', 'cost is not null and currency is null',
        "'a cost of ' || cost || ' in ' || month"),
    ('cost_without_figure', 'costs', 'data_product_id', 'cost is null and kwh is null and co2_kg is null',
        "'nothing but a row for ' || month"),
    ('costs_in_several_currencies', 'currencies', 'cast(null as varchar)', 'currency_count > 1',
        "'costs in ' || names"),
    ('domain_not_declared', 'domains', 'cast(null as varchar)', 'is_named and kind is null',
        "domain || ' (events: ' || event_count || ') is not in domains.csv'"),
    ('declared_domain_unknown', 'domains', 'cast(null as varchar)', 'not is_named', "domain || ' is in no event'"),
    ('domain_ends_in_the_future', 'domains', 'cast(null as varchar)', 'ended_on > ' ~ today,
        "domain || ' ends on ' || ended_on"),
    ('capability_reviewed_in_the_future', 'capabilities', 'cast(null as varchar)', 'reviewed_on > ' ~ today,
        "capability || ' was reviewed on ' || reviewed_on"),
    ('assessment_in_the_future', source('declared', 'tenet_assessments'), 'cast(null as varchar)',
        'assessed_on > ' ~ today, "tenet_id || ' was assessed on ' || assessed_on"),
    ('pulse_in_the_future', '(select distinct asked_on from ' ~ source('declared', 'pulse_figures') ~ ') as surveys',
        'cast(null as varchar)', 'asked_on > ' ~ today, "'answers of ' || asked_on"),
] %}
data_products as (

    select data_product_id from {{ ref('data_products') }}

),

capabilities as (

    select * from {{ source('declared', 'capabilities') }}

)

{% for rule_id, relation, data_product_id, is_broken, detail in rules %}
select
    '{{ rule_id }}' as rule_id,
    {{ data_product_id }} as data_product_id,
    cast(null as timestamp with time zone) as occurred_at,
    {{ detail }} as detail
from {{ relation }}
where {{ is_broken }}
{{ 'union all' if not loop.last }}
{% endfor %}
