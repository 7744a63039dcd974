{{ config(meta={'description':
    'Of every batch, each row read has landed or is quarantined, and each landed row is current, superseded, a duplicate, '
    ~ 'retracted or not yet known.'}) }}

select
    case
        when read_count <> landed_count + quarantined_count
            then 'rows read are not the rows landed and quarantined'
        else 'landed rows are not all accounted for'
    end as problem,
    *
from {{ ref('event_accounting') }}
where not is_balanced
