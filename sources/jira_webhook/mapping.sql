-- Jira webhooks: an epic labelled data-product is an idea; its first move to a status in progress is the start of work;
-- its resolution says rejected or deployed.
-- Verified on the shape of jira:issue_created, jira:issue_updated and jira:issue_deleted in Atlassian's documentation
-- of webhooks, and of an issue in the REST API, version 2.
--
-- records: one for each delivery. products: the rows of declared/data_products.csv about this source; a key is an
-- issue's key.
with deliveries as (

    select
        body->>'$.webhookEvent' as what,
        timezone('UTC', epoch_ms(try_cast(body->>'$.timestamp' as bigint))) as sent_at,
        body->'$.issue' as issue,
        body->'$.issue.fields' as fields,
        received_at
    from records
    where body->>'$.webhookEvent' like 'jira:issue\_%' escape '\'

),

issues as ( -- its id stays when an issue moves to another project; its key does not

    select
        issue->>'$.id' as issue_id,
        max_by(issue, (sent_at, received_at)) as latest,
        min(coalesce(try_cast(fields->>'$.statuscategorychangedate' as timestamptz), sent_at))
            filter (fields->>'$.status.statusCategory.key' = 'indeterminate') as started_at
    from deliveries
    group by issue_id
    having not bool_or(what = 'jira:issue_deleted')

),

ideas as (

    select
        issue_id,
        coalesce(products.data_product_id, lower(latest->>'$.key')) as data_product_id,
        coalesce(products.domain, latest->>'$.fields.components[0].name', latest->>'$.fields.project.key') as domain,
        latest->>'$.fields.summary' as title,
        latest->>'$.key' as source_ref,
        latest->>'$.fields.created' as created_at,
        latest->>'$.fields.resolution.name' as resolution,
        latest->>'$.fields.resolutiondate' as resolved_at,
        started_at
    from issues
    left join products on products.key = latest->>'$.key'
    -- YOUR CHOICE: which issues are ideas for data products
    where latest->>'$.fields.issuetype.name' = 'Epic'
        and list_contains(latest->>'$.fields.labels[*]', 'data-product')

),

events as (

    select issue_id || '/idea' as event_id, 'idea_logged' as event_type, created_at as occurred_at, ideas.*
    from ideas

    union all by name

    select issue_id || '/started' as event_id, 'work_started' as event_type, started_at as occurred_at, ideas.*
    from ideas
    where started_at is not null

    union all by name

    select
        issue_id || '/closed' as event_id,
        -- YOUR RESOLUTIONS: those that mean it was not built
        case
            when resolution in ('Won''t Do', 'Duplicate', 'Declined', 'Cannot Reproduce') then 'rejected'
            else 'deployed'
        end as event_type,
        resolved_at as occurred_at,
        ideas.*
    from ideas
    where resolution is not null

)

select
    event_id, event_type, data_product_id, try_cast(occurred_at as timestamptz) as occurred_at, domain, title,
    source_ref
from events
