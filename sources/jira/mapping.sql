-- Jira Cloud by its REST API: an epic labelled data-product is an idea; its changelog says started, its resolution closed.
-- The test's records have the shapes of Jira Cloud's published REST description, version 3: SearchAndReconcileResults,
-- IssueBean and PageBeanChangelog.
--
-- records: of the requests in the source's .yml, each in its newest version; file_name is changelog/<issue id>/… for a
-- change. products: the rows of declared/data_products.csv about this source; a key is an issue's key.
with ideas as (

    select
        body->>'$.id' as issue_id, -- stays when an issue moves to another project; its key does not
        body->>'$.key' as issue_key,
        body->>'$.fields.summary' as title,
        body->>'$.fields.resolution.name' as resolution,
        cast(body->>'$.fields.created' as timestamptz) as created_at,
        cast(body->>'$.fields.resolutiondate' as timestamptz) as resolved_at,
        coalesce(products.data_product_id, lower(issue_key)) as data_product_id,
        -- YOUR DOMAIN: that of the declared product, else the first component, else the project
        coalesce(products.domain, body->>'$.fields.components[0].name', body->>'$.fields.project.key') as domain
    from records
    left join products on products.key = body->>'$.key'
    where
        split_part(file_name, '/', 1) = 'issues'
        -- YOUR CHOICE: which issues are ideas for data products
        and body->>'$.fields.issuetype.name' = 'Epic'
        and list_contains(body->>'$.fields.labels[*]', 'data-product')

),

changes as (

    select
        split_part(file_name, '/', 2) as issue_id,
        cast(body->>'$.created' as timestamptz) as changed_at,
        unnest(from_json(body->'$.items', '["JSON"]')) as item
    from records
    where split_part(file_name, '/', 1) = 'changelog'

)

select
    issue_id || '/idea' as event_id, 'idea_logged' as event_type, data_product_id, created_at as occurred_at,
    domain, title, issue_key as source_ref
from ideas

union all by name

select
    issue_id || '/started' as event_id, 'work_started' as event_type, any_value(data_product_id) as data_product_id,
    min(changed_at) as occurred_at, any_value(issue_key) as source_ref
from ideas
inner join changes using (issue_id)
where
    item->>'$.field' = 'status'
    -- YOUR STATUSES: those in which someone works on it
    and item->>'$.toString' in ('In Progress', 'In Development', 'In Review')
group by issue_id

union all by name

select
    issue_id || '/closed' as event_id,
    -- YOUR RESOLUTIONS: those that mean it was not built
    case when resolution in ('Won''t Do', 'Duplicate', 'Declined', 'Cannot Reproduce') then 'rejected' else 'deployed' end
        as event_type,
    data_product_id, resolved_at as occurred_at, issue_key as source_ref
from ideas
where resolved_at is not null
