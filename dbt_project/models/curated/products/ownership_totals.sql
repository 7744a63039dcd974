{{ config(materialized='ephemeral') }}

{# (measure, the first event from which on it can be 0) #}
{% set measures = [
    ('products', 'known.first_live_at'),
    ('deployments', 'known.first_deployed_at'),
    ('adoptions', 'known.first_adopted_at'),
] %}

with known as (

    select
        *,
        (select min(live.live_from) from {{ ref('live_products') }} as live) as first_live_at
    from {{ ref('first_events') }}

),

periods as (

    {% for measure, first_at in measures %}
    select
        quarters.month_starting,
        quarters.is_complete,
        '{{ measure }}' as measure,
        coalesce(quarters.ends_at > {{ first_at }}, false) as is_known
    from {{ ref('reporting_periods') }} as quarters
    cross join known
    where quarters.period = 'quarter'
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

owned as (

    select
        counts.*,
        declared.kind,
        declared.unit,
        sum(counts.owned_count) over (partition by counts.month_starting, counts.measure, declared.unit) as unit_count
    from {{ ref('ownership_counts') }} as counts
    left join {{ source('declared', 'domains') }} as declared on counts.domain = declared.domain

)

-- a data product without a known owner has no kind and no unit either
select
    periods.month_starting,
    periods.measure,
    periods.is_complete,
    periods.is_known,
    coalesce(sum(owned.owned_count), 0) as total_count,
    coalesce(sum(case when owned.kind = 'central' then owned.owned_count end), 0) as central_count,
    coalesce(sum(case when owned.kind = 'domain' then owned.owned_count end), 0) as domain_count,
    coalesce(sum(case when owned.domain is not null then owned.owned_count end), 0) as known_owner_count,
    sum(case when owned.domain is not null then owned.owned_count * owned.owned_count end) as square_sum,
    coalesce(max(case when owned.domain is not null then owned.owned_count end), 0) as largest_count,
    min_by(owned.domain, case when owned.domain is not null then {{ row_of('-owned.owned_count, owned.domain') }} end)
        as largest_domain,
    max(case when owned.unit is not null then owned.unit_count end) as largest_unit_count,
    min_by(owned.unit, case when owned.unit is not null then {{ row_of('-owned.unit_count, owned.unit') }} end)
        as largest_unit
from periods
left join owned on periods.month_starting = owned.month_starting and periods.measure = owned.measure
group by periods.month_starting, periods.measure, periods.is_complete, periods.is_known
