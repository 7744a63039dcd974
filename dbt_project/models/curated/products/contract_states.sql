with received as (

    select
        *,
        event_type = 'contract_checked' as is_check,
        {{ elapsed_days('occurred_at', as_of()) }} < 28 as is_lately
    from {{ ref('lifecycle_events') }}
    where event_type in ('contract_activated', 'contract_checked') and occurred_at <= {{ as_of() }}

)

select
    data_product_id,
    {{ latest('contract_version') }} as contract_version,
    min(case when not is_check then occurred_at end) as activated_at,
    max(case when is_check then occurred_at end) as last_checked_at,
    max(case when is_check and failed_count > 0 then occurred_at end) as last_failed_at,
    -- two counts of a contract can be larger together than a BIGINT
    coalesce(sum(case when is_check and is_lately then cast(passed_count as decimal(38, 0)) end), 0)
        as checks_passed_28d_count,
    coalesce(sum(case when is_check and is_lately then cast(failed_count as decimal(38, 0)) end), 0)
        as checks_failed_28d_count
from received
group by data_product_id
