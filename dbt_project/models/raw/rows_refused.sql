select * from {{ source('build', 'quarantined_events') }}
