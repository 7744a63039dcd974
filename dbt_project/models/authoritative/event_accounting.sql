select
    batch_id,
    file_name,
    landed_at,
    cast(read_count as bigint) as read_count,
    cast(landed_count as bigint) as landed_count,
    cast(quarantined_count as bigint) as quarantined_count,
    cast(current_count as bigint) as current_count,
    cast(superseded_count as bigint) as superseded_count,
    cast(duplicate_count as bigint) as duplicate_count,
    cast(retracted_count as bigint) as retracted_count,
    cast(not_yet_known_count as bigint) as not_yet_known_count,
    (
        read_count = landed_count + quarantined_count
        and landed_count = current_count + superseded_count + duplicate_count + retracted_count + not_yet_known_count
    ) as is_balanced
from {{ ref('batch_accounting') }}
