with comparisons as (

    select
        series.interval_id,
        series.domain,
        logranks.observed_count,
        logranks.expected_count,
        {{ logrank_chi_squared('logranks.observed_count', 'logranks.expected_count', 'logranks.variance') }}
            as chi_squared,
        case
            when series.product_count = 0 then 'no_products'
            when series.unknown_reason is not null then series.unknown_reason
            when
                least(logranks.expected_count, logranks.pooled_count - logranks.expected_count)
                < {{ fewest_observed() }}
                then 'too_few_expected'
        end as reason
    from {{ ref('survival_series') }} as series
    left join {{ ref('domain_logranks') }} as logranks using (interval_id, domain)
    where series.cohort = 'all' and series.domain <> 'all' and {{ is_compared('series.interval_id') }}

),

tests as (

    select
        *,
        case when reason is null then {{ as_share(chi_squared_tail('chi_squared')) }} end as p_value
    from comparisons

),

ranked as (

    select
        *,
        count(p_value) over () + 1 - row_number() over (order by p_value nulls last, interval_id, domain)
            as remaining_count
    from tests

),

-- Holm: the smallest p times all tests, the next one times one fewer, and none below the one before
corrected as (

    select
        *,
        case
            when p_value is not null
                then {{ as_share('least(max(p_value * remaining_count) over (order by p_value), 1)') }}
        end as holm_p_value
    from ranked

)

select
    interval_id,
    domain,
    observed_count,
    expected_count,
    p_value as logrank_p_value,
    holm_p_value,
    case
        when holm_p_value < {{ significant_below() }} and observed_count < expected_count then 'slower'
        when holm_p_value < {{ significant_below() }} then 'faster'
        when holm_p_value is not null then 'within_chance'
    end as difference,
    reason
from corrected
