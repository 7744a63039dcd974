select
    min(case when has_named_consumer is not null then occurred_at end) as first_named_consumers_at,
    min(case when event_type = 'work_started' then occurred_at end) as first_work_started_at,
    min(case when event_type = 'deployed' then occurred_at end) as first_deployed_at,
    min(case when event_type = 'adopted' then occurred_at end) as first_adopted_at,
    min(case when event_type in ('contract_activated', 'contract_checked') then occurred_at end)
        as first_contract_event_at,
    min(case when event_type = 'adopted' or {{ is_closing('event_type') }} then occurred_at end) as first_finished_at
from {{ ref('lifecycle_events') }}
where occurred_at <= {{ as_of() }}
