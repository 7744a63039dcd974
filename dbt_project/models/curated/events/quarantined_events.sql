select
    batch_id,
    row_number,
    file_name,
    line_number,
    column_number,
    source,
    event_id,
    event_type,
    table_name,
    reasons,
    message,
    original_text,
    state,
    note,
    landed_at
from {{ ref('rows_refused') }}
