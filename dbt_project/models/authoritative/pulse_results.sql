select
    asked_on,
    respondent_group,
    question,
    answer_count,
    mean_level,
    low_share,
    is_shown,
    reason
from {{ source('declared', 'pulse_figures') }}
where asked_on <= cast({{ local_time(as_of()) }} as date)
