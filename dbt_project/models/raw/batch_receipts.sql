select * from {{ source('build', 'batches') }}
