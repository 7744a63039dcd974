{{ config(materialized='ephemeral') }}

{# What a contract can't refuse, because it depends on events or on as_of: (rule, relation, data product, what breaks
   it, detail) #}
{% set rules = [
    ('cost_of_unknown_product', 'costs', 'data_product_id',
        'data_product_id not in (select products.data_product_id from ' ~ ref('data_products') ~ ' as products)',
        "'declared for ' || month || ', and no event is about it'"),
    ('cost_in_the_future', 'costs cross join months', 'data_product_id', 'month_starting > last_month',
        "'declared for ' || month"),
    ('cost_before_the_first_month', 'costs cross join months', 'data_product_id', 'month_starting < first_month',
        "'declared for ' || month || ', and the first event is in ' || first_month"),
    ('cost_without_currency', 'costs', 'data_product_id', 'cost is not null and currency is null',
        "'a cost of ' || cost || ' in ' || month"),
    ('cost_without_figure', 'costs', 'data_product_id', 'cost is null and kwh is null and co2_kg is null',
        "'nothing but a row for ' || month"),
    ('costs_in_several_currencies', 'currencies', none, 'currency_count > 1', "'costs in ' || names"),
    ('domain_not_declared', 'domains', none, 'is_named and kind is null',
        "domain || ' (events: ' || event_count || ') is not in domains.csv'"),
    ('declared_domain_unknown', 'domains', none, 'not is_named', "domain || ' is in no event'"),
    ('domain_ends_in_the_future', 'domains', none, is_to_come('ended_on'), "domain || ' ends on ' || ended_on"),
    ('capability_reviewed_in_the_future', source('declared', 'capabilities'), none, is_to_come('reviewed_on'),
        "capability || ' was reviewed on ' || reviewed_on"),
    ('assessment_in_the_future', source('declared', 'tenet_assessments'), none, is_to_come('assessed_on'),
        "tenet_id || ' was assessed on ' || assessed_on"),
    ('pulse_in_the_future', 'surveys', none, is_to_come('asked_on'), "'answers of ' || asked_on"),
] %}

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

surveys as (

    select distinct asked_on from {{ source('declared', 'pulse_figures') }}

)

{{ declared_issue_rows(rules) }}
