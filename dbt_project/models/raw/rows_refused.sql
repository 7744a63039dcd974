select * from {{ source('quarantine', 'quarantined_events') }}
