with moves as (

    select * from {{ ref('queue_moves') }}

),

domains as (

    select distinct domain from {{ ref('data_products') }}
    where domain is not null

    union all

    select 'all' as domain

),

waiting as (

    select
        queue,
        {{ domain_or_all() }} as domain,
        count(*) as open_count,
        percentile_cont(0.5) within group (order by days_in_queue) as median_age_days,
        max(days_in_queue) as oldest_age_days,
        count(case when is_older then 1 end) as older_count
    from {{ ref('open_ideas') }}
    group by queue, rollup(domain)
    having {{ is_domain_or_all() }}

)

select
    cast(moves.queue as varchar) as queue,
    cast(domains.domain as varchar) as domain,
    cast(coalesce(waiting.open_count, 0) as bigint) as open_count,
    cast(waiting.median_age_days as double) as median_age_days,
    cast(waiting.oldest_age_days as double) as oldest_age_days,
    cast(case when moves.moved_on_p85_days is not null then coalesce(waiting.older_count, 0) end as bigint)
        as older_count,
    cast(moves.moved_on_count as bigint) as moved_on_count,
    cast(moves.moved_on_p85_days as double) as moved_on_p85_days,
    cast(moves.reason as varchar) as reason
from moves
cross join domains
left join waiting on moves.queue = waiting.queue and domains.domain = waiting.domain
