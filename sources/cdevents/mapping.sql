-- CDEvents: a ticket is an idea, a service deployed or published is deployed, removed is retired.
-- Verified on the 25 examples of the specification, shared/payloads/cdevents: 4 events, none in quarantine.
--
-- records: one for each event. products: the rows of declared/data_products.csv about this source, where a ticket's
-- and a service's id are keys of one data product.
with events as (

    select
        coalesce(body->'$.data.context', body->'$.context') as context,
        coalesce(body->'$.data.subject', body->'$.subject') as subject
    from records

),

typed as (

    select
        context->>'$.id' as id,
        regexp_extract(context->>'$.type', '^dev\.cdevents\.(\w+\.\w+)\.\d', 1) as what,
        context->>'$.timestamp' as occurred_at,
        subject->>'$.id' as subject_id,
        subject->'$.content' as content
    from events

),

known as (

    select
        *,
        case
            when what = 'ticket.created' then 'idea_logged'
            -- a completed ticket is no delivery: the deployment is
            when what = 'ticket.closed' and content->>'$.resolution' <> 'completed' then 'rejected'
            when what in ('service.deployed', 'service.published') then 'deployed'
            when what = 'service.removed' then 'retired'
        end as event_type
    from typed
    -- YOUR ENVIRONMENTS: those that count for nobody
    where coalesce(content->>'$.environment.id', 'production') not in ('test', 'staging', 'development')

)

select
    known.id || '/' || what as event_id, -- the specification's own examples share one id
    event_type,
    coalesce(products.data_product_id, subject_id) as data_product_id,
    occurred_at,
    case when event_type = 'idea_logged' then coalesce(products.domain, content->>'$.group') else products.domain end
        as domain,
    content->>'$.summary' as title,
    content->>'$.uri' as source_ref,
    content->>'$.artifactId' as version
from known
left join products on known.subject_id = products.key
where event_type is not null
