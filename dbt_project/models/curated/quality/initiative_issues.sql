{{ config(materialized='ephemeral') }}

{# What a contract can't refuse, because it depends on events or on as_of: (rule, relation, data product, what breaks
   it, detail) #}
{% set is_undeclared = 'initiative_id not in (select declared.initiative_id from declared)' %}
{% set is_unnamed = 'initiative_id not in (select named.initiative_id from named)' %}
{% set rules = [
    ('initiative_of_unknown_product', 'links', none,
        'data_product_id not in (select products.data_product_id from products)',
        "'initiative_products: ' || data_product_id || ', of ' || initiative_id"),
    ('initiative_not_declared', 'links', none, is_undeclared ~ ' and ' ~ is_unnamed,
        "'initiative_products: ' || initiative_id || ', of ' || data_product_id"),
    ('initiative_not_declared', 'kpis', none, is_undeclared,
        "'initiative_kpis: ' || initiative_id || ' on ' || measured_on"),
    ('initiative_date_to_come', 'kpis', none, is_to_come('measured_on'),
        "'initiative_kpis: ' || initiative_id || ' on ' || measured_on"),
    ('initiative_date_to_come', 'declared', none, is_to_come('started_on'),
        "'initiatives: ' || initiative_id || ' starts on ' || started_on"),
    ('initiative_only_in_events', 'named', none, is_undeclared ~ ' and exists (select 1 from declared)',
        "initiative_id || ' (data products: ' || product_count || ')'"),
    ('initiatives_differ_only_in_case', 'spellings', none, 'initiative_id <> first_spelling',
        "initiative_id || ', also written ' || first_spelling"),
] %}

with declared as (

    select * from {{ source('declared', 'initiatives') }}

),

links as (

    select * from {{ source('declared', 'initiative_products') }}

),

kpis as (

    select * from {{ source('declared', 'initiative_kpis') }}

),

products as (

    select
        data_product_id,
        initiative
    from {{ ref('data_products') }}

),

named as (

    select
        initiative as initiative_id,
        count(*) as product_count
    from products
    where initiative is not null
    group by initiative

),

spellings as (

    select
        initiative_id,
        first_value(initiative_id) over (partition by lower(initiative_id) order by initiative_id) as first_spelling
    from (
        select initiative_id from declared
        union distinct
        select initiative_id from named
    ) as names

)

{{ declared_issue_rows(rules) }}
