{{ config(materialized='ephemeral') }}

with months as (

    select * from {{ ref('reporting_periods') }}
    where period = 'month'

)

select
    period_number as window_number,
    ends_at
from months

union all

select
    {{ window_as_of() }} as window_number,
    {{ as_of() }} as ends_at

union all

select
    {{ window_baseline() }} as window_number,
    max(ends_at) as ends_at
from months
where process_phase = 1 and is_complete
