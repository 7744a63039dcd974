{{ config(materialized='ephemeral') }}

{# A data product is unused from 365 days after its deployment, or after a use, until the next use or its closing. #}
{% set ended_at = 'coalesce(least(waits.next_at, live.live_until), ' ~ as_of() ~ ')' %}

with live as (

    select * from {{ ref('live_products') }}

),

moments as (

    select
        data_product_id,
        deployed_at as occurred_at,
        true as is_deployment
    from live
    where deployed_at is not null

    union all

    select
        data_product_id,
        occurred_at,
        false as is_deployment
    from {{ ref('lifecycle_events') }}
    where event_type = 'adopted' and occurred_at <= {{ as_of() }}

),

waits as (

    select
        *,
        lead(occurred_at) over moments_of_product as next_at,
        row_number() over moments_of_product = 1 as is_first,
        max(case when is_deployment then occurred_at end) over (partition by data_product_id) as deployed_at
    from moments
    window moments_of_product as (partition by data_product_id order by occurred_at, is_deployment)

),

-- where nobody sends repeated use, a single one says that it is in use since
spells as (

    select
        {{ month_starting(days_after('waits.occurred_at', 365), 'quarter') }} as first_quarter,
        {{ month_starting('least(waits.next_at, live.live_until)', 'quarter') }} as end_quarter,
        count(*) as unused_count
    from waits
    inner join live on waits.data_product_id = live.data_product_id
    cross join {{ ref('known_events') }} as known
    where
        {{ elapsed_days('waits.occurred_at', ended_at) }} >= 365
        and waits.occurred_at >= waits.deployed_at
        and (known.has_repeats or (waits.is_deployment and waits.is_first))
    group by
        {{ month_starting(days_after('waits.occurred_at', 365), 'quarter') }},
        {{ month_starting('least(waits.next_at, live.live_until)', 'quarter') }}

)

select
    quarters.month_starting,
    coalesce(sum(spells.unused_count), 0) as unused_count
from {{ ref('reporting_periods') }} as quarters
left join spells
    on
        quarters.month_starting >= spells.first_quarter
        and (spells.end_quarter is null or quarters.month_starting < spells.end_quarter)
where quarters.period = 'quarter'
group by quarters.month_starting
