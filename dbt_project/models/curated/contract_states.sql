with contract_events as (

    select * from {{ ref('contract_events') }}

),

current_events as (

    select
        source,
        event_id,
        batch_id,
        content_hash
    from {{ ref('event_versions') }}
    where
        version_status = 'current'
        and event_type in ('contract_activated', 'contract_checked')
        and occurred_at <= {{ as_of() }}

),

-- one line of a file can hold an event twice: its content says which row is the current one, and copies count once
received as (

    select distinct
        contract_events.source,
        contract_events.event_id,
        contract_events.event_type,
        contract_events.data_product_id,
        contract_events.contract_version,
        contract_events.occurred_at,
        contract_events.passed_count,
        contract_events.failed_count,
        contract_events.event_type = 'contract_checked' as is_check,
        {{ elapsed_days('contract_events.occurred_at', as_of()) }} < 28 as is_lately
    from contract_events
    inner join current_events
        on
            contract_events.source = current_events.source
            and contract_events.event_id = current_events.event_id
            and contract_events.batch_id = current_events.batch_id
            and contract_events.content_hash = current_events.content_hash

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
