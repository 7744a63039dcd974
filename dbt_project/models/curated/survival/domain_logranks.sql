{% set elapsed %}
case outcome
    when 'observed' then microseconds_to_observed
    when 'closed' then microseconds_to_closed
    else microseconds_to_as_of
end
{% endset %}

-- a data product without a known owner may be any domain's, so it is in no comparison
with domains as (

    select
        interval_id,
        domain,
        {{ at_resolution(elapsed, 'day') }} as elapsed_microseconds,
        cast(count(*) as double) as exits,
        cast(count(case when outcome = 'observed' then 1 end) as double) as observed
    from {{ ref('product_intervals') }}
    where eligibility = 'in' and domain is not null and {{ is_compared('interval_id') }}
    group by all

),

pooled as (

    select
        interval_id,
        elapsed_microseconds,
        sum(observed) as observed,
        sum(sum(exits)) over (partition by interval_id order by elapsed_microseconds desc) as at_risk
    from domains
    group by interval_id, elapsed_microseconds

),

sums as (

    select
        interval_id,
        elapsed_microseconds,
        sum(observed / at_risk) over so_far as hazard,
        sum({{ logrank_variance_step('observed', 'at_risk', 1) }}) over so_far as linear,
        sum({{ logrank_variance_step('observed', 'at_risk', 2) }}) over so_far as square
    from pooled
    window so_far as (partition by interval_id order by elapsed_microseconds)

),

-- a domain's number at risk is constant between two of its exits: of the sums so far it needs the growth between them
steps as (

    select
        domains.*,
        {% for so_far in ['hazard', 'linear', 'square'] %}
        sums.{{ so_far }} - coalesce(lag(sums.{{ so_far }}) over by_time, 0) as {{ so_far }},
        {% endfor %}
        sum(domains.exits) over (
            partition by domains.interval_id, domains.domain order by domains.elapsed_microseconds desc
        ) as at_risk
    from domains
    inner join sums using (interval_id, elapsed_microseconds)
    window by_time as (partition by domains.interval_id, domains.domain order by domains.elapsed_microseconds)

)

select
    interval_id,
    domain,
    sum(observed) as observed_count,
    cast({{ exact_sum('at_risk * hazard') }} as double) as expected_count,
    cast({{ exact_sum('at_risk * (linear - at_risk * square)') }} as double) as variance,
    sum(sum(observed)) over (partition by interval_id) as pooled_count
from steps
group by interval_id, domain
