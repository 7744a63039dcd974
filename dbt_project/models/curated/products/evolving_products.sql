{{ config(materialized='ephemeral') }}

with dates as (

    select * from {{ ref('evolution_dates') }}

),

-- what was reopened is live since then: whether it was before its last closing, nobody looks
live as (

    select
        data_products.*,
        coalesce(reopenings.reopened_at, least(data_products.deployed_at, data_products.adopted_at)) as live_since
    from {{ ref('data_products') }} as data_products
    left join {{ ref('reopenings') }} as reopenings on data_products.data_product_id = reopenings.data_product_id
    where data_products.stage in ('deployed', 'adopted')

),

-- a consumer that became the owner since is no longer another domain
consumers as (

    select
        {% for date in evolution_dates() %}
        count(case when {{ is_used_at(date, 'dates.ubiquity_basis') }} then 1 end) as {{ date }}_count,
        {% endfor %}
        adoptions.data_product_id
    from {{ ref('adoptions') }} as adoptions
    inner join live on adoptions.data_product_id = live.data_product_id
    inner join dates on dates.evolution_date = 'now'
    where adoptions.consumer_domain <> live.domain
    group by adoptions.data_product_id

)

select
    live.data_product_id,
    live.title,
    live.domain,
    dates.evolution_date,
    dates.ubiquity_basis,
    dates.has_adoption_events,
    dates.has_contract_events,
    case
        when not dates.has_adoption_events or live.domain is null then null
        when dates.evolution_date = 'now' then coalesce(consumers.now_count, 0)
        else coalesce(consumers.before_count, 0)
    end as consuming_domains_count,
    case when live.domain is not null then dates.domain_count - 1 end as other_domains_count,
    contract_states.activated_at,
    coalesce(contract_states.checks_passed_28d_count, 0) as checks_passed_28d_count,
    coalesce(contract_states.checks_failed_28d_count, 0) as checks_failed_28d_count,
    coalesce(contract_states.checked_spans_count, 0) as checked_spans_count,
    coalesce({{ elapsed_days('contract_states.activated_at', 'dates.judged_at') }} < 90, true) as is_activated_lately,
    coalesce({{ elapsed_days('contract_states.last_failed_at', 'dates.judged_at') }} < 90, false) as is_broken_lately
from live
inner join dates on live.live_since <= dates.judged_at
left join {{ ref('contract_states') }} as contract_states
    on live.data_product_id = contract_states.data_product_id and dates.evolution_date = contract_states.evolution_date
left join consumers on live.data_product_id = consumers.data_product_id
