-- read = landed + quarantined; landed = current + superseded + duplicate + retracted. A break blocks publication.
select *
from {{ ref('event_accounting') }}
where not is_balanced
