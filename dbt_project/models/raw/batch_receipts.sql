select * from {{ source('landing', 'batches') }}
