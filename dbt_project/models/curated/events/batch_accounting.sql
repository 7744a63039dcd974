{% set statuses = ['current', 'superseded', 'duplicate', 'retracted', 'not_yet_known'] %}

with versions as (

    select
        {% for status in statuses %}
        count(case when version_status = '{{ status }}' then 1 end) as {{ status }}_count,
        {% endfor %}
        batch_id
    from {{ ref('event_versions') }}
    group by batch_id

)

select
    {% for status in statuses %}
    coalesce(versions.{{ status }}_count, 0) as {{ status }}_count,
    {% endfor %}
    receipts.batch_id,
    receipts.file_name,
    receipts.landed_at,
    receipts.rows_read as read_count,
    receipts.rows_landed as landed_count,
    receipts.rows_quarantined as quarantined_count
from {{ ref('batch_receipts') }} as receipts
left join versions on receipts.batch_id = versions.batch_id
