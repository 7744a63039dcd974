{{ config(materialized='ephemeral') }}

with declared as (

    select * from {{ source('declared', 'initiatives') }}

),

listed as (

    select initiative_id from declared
    union distinct
    select initiative as initiative_id from {{ ref('data_products') }}
    where initiative is not null
    union distinct
    select 'none' as initiative_id

),

further as (

    select
        initiative_id,
        count(*) as further_product_count
    from {{ ref('product_initiatives') }}
    where not is_main
    group by initiative_id

),

-- the figure of an initiative that nobody declared has no name and no unit
kpis as (

    select
        kpis.initiative_id,
        max_by(kpis.value, kpis.measured_on) as kpi_value,
        max(kpis.measured_on) as kpi_measured_on
    from {{ source('declared', 'initiative_kpis') }} as kpis
    inner join declared on kpis.initiative_id = declared.initiative_id
    where kpis.measured_on <= cast({{ local_time(as_of()) }} as date)
    group by kpis.initiative_id

)

select
    listed.initiative_id,
    declared.initiative_id is not null as is_declared,
    {% for column in ['title', 'sponsor', 'unit', 'started_on', 'ended_on', 'kpi', 'kpi_unit', 'kpi_target'] %}
    declared.{{ column }},
    {% endfor %}
    kpis.kpi_value,
    kpis.kpi_measured_on,
    coalesce(further.further_product_count, 0) as further_product_count,
    count(*) over () > 1 as has_initiatives
from listed
left join declared on listed.initiative_id = declared.initiative_id
left join further on listed.initiative_id = further.initiative_id
left join kpis on listed.initiative_id = kpis.initiative_id
