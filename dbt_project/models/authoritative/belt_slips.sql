-- Without any initiative, declared or named by an event, nobody can say what serves none.
with belt as (

    select * from {{ ref('belt_initiatives') }}

),

without_initiative as (

    select
        *,
        coalesce(idea_logged_at, first_event_at) as begun_at
    from {{ ref('data_products') }}
    where
        data_product_id not in (select served.data_product_id from {{ ref('product_initiatives') }} as served)
        and (select count(*) from belt) > 1

),

slips as (

    select
        'open_idea_without_initiative' as kind,
        data_product_id as id,
        title,
        domain,
        begun_at as slipped_at
    from without_initiative
    where stage in ('idea', 'started', 'deployed')

    union all

    select
        'adopted_without_initiative' as kind,
        data_product_id as id,
        title,
        domain,
        adopted_at as slipped_at
    from without_initiative
    where stage = 'adopted'

    union all

    select
        'initiative_without_use' as kind,
        initiative_id as id,
        title,
        null as domain,
        coalesce({{ start_of_day('started_on') }}, first_begun_at) as slipped_at
    from belt
    where
        initiative_id <> 'none'
        and in_use_count = 0
        and (started_on is null or {{ start_of_day('started_on') }} <= {{ as_of() }})

)

select
    cast(kind as varchar) as kind,
    cast(id as varchar) as id,
    cast(title as varchar) as title,
    cast(domain as varchar) as domain,
    {{ elapsed_days('slipped_at', as_of()) }} as age_days,
    cast(case when slipped_at is null then 'not_declared' end as varchar) as age_reason
from slips
