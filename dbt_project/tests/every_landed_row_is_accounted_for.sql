{{ config(meta={
    'dagster': {'ref': {'name': 'event_accounting'}},
    'description': 'Of every batch, each row read has landed or is quarantined, and each landed row is current, superseded, '
        ~ 'a duplicate, retracted or not yet known, each quarantined one in quarantined_events.',
}) }}

with refused as (

    select
        batch_id,
        count(*) as refused_count
    from {{ ref('quarantined_events') }}
    group by batch_id

)

select
    case
        when accounts.read_count <> accounts.landed_count + accounts.quarantined_count
            then 'rows read are not the rows landed and quarantined'
        when not accounts.is_balanced then 'landed rows are not all accounted for'
        else 'quarantined rows are not all in quarantined_events'
    end as problem,
    accounts.*
from {{ ref('event_accounting') }} as accounts
left join refused on accounts.batch_id = refused.batch_id
where not accounts.is_balanced or accounts.quarantined_count <> coalesce(refused.refused_count, 0)
