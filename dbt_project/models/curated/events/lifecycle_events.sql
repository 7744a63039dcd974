{{ config(materialized='view') }}

select
    source,
    event_id,
    event_type,
    data_product_id,
    domain,
    consumer_domain,
    named_consumer_domains,
    has_named_consumer,
    initiative,
    contract_version,
    passed_count,
    failed_count,
    stage,
    title,
    occurred_at,
    recorded_at,
    revision,
    is_assumed_utc,
    is_assumed_time,
    source_ref,
    attributes,
    batch_id,
    line_number
from {{ ref('event_versions') }}
where version_status = 'current'
