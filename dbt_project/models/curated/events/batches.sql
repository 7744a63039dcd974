with receipts as (

    select * from {{ ref('batches_landed') }}

),

versions as (

    select
        batch_id,
        count(*) as merged_count,
        sum(case when version_status = 'current' then 1 else 0 end) as current_count,
        sum(case when version_status = 'superseded' then 1 else 0 end) as superseded_count,
        sum(case when version_status = 'duplicate' then 1 else 0 end) as duplicate_count,
        sum(case when version_status = 'retracted' then 1 else 0 end) as retracted_count,
        sum(case when version_status = 'not_yet_known' then 1 else 0 end) as not_yet_known_count
    from {{ ref('event_versions') }}
    group by batch_id

)

select
    receipts.batch_id,
    receipts.file_name,
    receipts.landed_at,
    receipts.rows_read as read_count,
    receipts.rows_landed as landed_count,
    receipts.rows_quarantined as quarantined_count,
    coalesce(versions.merged_count, 0) as merged_count,
    coalesce(versions.current_count, 0) as current_count,
    coalesce(versions.superseded_count, 0) as superseded_count,
    coalesce(versions.duplicate_count, 0) as duplicate_count,
    coalesce(versions.retracted_count, 0) as retracted_count,
    coalesce(versions.not_yet_known_count, 0) as not_yet_known_count
from receipts
left join versions on receipts.batch_id = versions.batch_id
