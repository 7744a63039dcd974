{{ config(materialized='ephemeral') }}

with ideas as (

    select
        source,
        event_id,
        batch_id,
        content_hash,
        data_product_id,
        domain,
        occurred_at,
        unnest(named_consumer_domains) as named_domain
    from {{ ref('ideas_logged') }}
    where len(named_consumer_domains) > 0 and occurred_at <= {{ as_of() }}

),

current_events as (

    select
        source,
        event_id,
        batch_id,
        content_hash
    from {{ ref('event_versions') }}
    where version_status = 'current' and event_type = 'idea_logged'

),

judged as (

    select
        *,
        case
            when named_domain = domain then 'named_consumer_is_owner'
            -- nothing to read in it, kept for the whole organisation, or no name a domain can have
            when
                named_domain is null
                or regexp_matches(named_domain, '^[\s\p{Z}\p{C}]*$')
                or named_domain = 'all'
                or regexp_matches(named_domain, '[\x00-\x1f\x7f]')
                or length(named_domain) > 200
                then 'named_consumer_unusable'
        end as rule_id
    from ideas

)

-- copies of an idea, even on one line of a file, are one issue
select distinct
    judged.rule_id,
    judged.data_product_id,
    judged.source,
    judged.event_id,
    judged.occurred_at,
    'names ' || coalesce(cast(to_json(left(judged.named_domain, 200)) as varchar), 'nobody') as detail
from judged
inner join current_events
    on
        judged.source = current_events.source
        and judged.event_id = current_events.event_id
        and judged.batch_id = current_events.batch_id
        and judged.content_hash = current_events.content_hash
where judged.rule_id is not null
