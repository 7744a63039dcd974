-- GitLab by its REST API: a labelled issue is an idea; a successful deployment to production, or a release, is deployed.
-- The test's records have the shapes of GitLab's REST documentation: issues, notes, deployments and releases.
--
-- records: of the requests in the source's .yml, each in its newest version; file_name is notes/<issue id>/… for a note.
-- products: the rows of declared/data_products.csv about this source; a key is a project as group/name, or one issue as
-- group/name#12. What is not declared is the data product of its project: give each data product one labelled issue.
with items as (

    select
        split_part(file_name, '/', 1) as request,
        split_part(file_name, '/', 2) as issue_id,
        -- a deployment does not name its project, but its job does
        regexp_extract(
            coalesce(body->>'$.web_url', body->>'$._links.self', body->>'$.deployable.web_url'), '//[^/]+/(.+?)/-/', 1
        ) as project,
        body
    from records

),

ideas as (

    select
        body->>'$.id' as issue_id,
        body->>'$.title' as title,
        body->>'$.web_url' as url,
        body->>'$.state' as state,
        body->>'$.labels[*]' as labels,
        body->>'$.created_at' as created_at,
        body->>'$.closed_at' as closed_at,
        coalesce(issue_product.data_product_id, product.data_product_id, project) as data_product_id,
        coalesce(issue_product.domain, product.domain, split_part(project, '/', 1)) as domain
    from items
    left join products as issue_product on issue_product.key = project || '#' || (body->>'$.iid')
    left join products as product on product.key = project
    where
        request = 'issues'
        -- YOUR LABEL: which issues are ideas for data products
        and list_contains(labels, 'data-product')
        and body->>'$.moved_to_id' is null -- it goes on as another issue

),

deliveries as (

    select
        'deployment/' || (body->>'$.id') as event_id, coalesce(project, (select min(project) from items)) as project,
        coalesce(body->>'$.deployable.finished_at', body->>'$.updated_at') as occurred_at, body->>'$.ref' as version,
        body->>'$.deployable.web_url' as source_ref
    from items
    where request = 'deployments' and body->>'$.status' = 'success'

    union all by name

    select
        'release/' || (body->>'$.tag_name') as event_id, project, body->>'$.released_at' as occurred_at,
        body->>'$.tag_name' as version, body->>'$._links.self' as source_ref
    from items
    where request = 'releases' and body->>'$.upcoming_release' = 'false'

),

events as (

    select
        'issue/' || issue_id || '/idea' as event_id, 'idea_logged' as event_type, data_product_id, domain,
        created_at as occurred_at, title, url as source_ref
    from ideas

    union all by name

    select -- GitLab notes each assignment
        'issue/' || issue_id || '/started' as event_id, 'work_started' as event_type,
        any_value(data_product_id) as data_product_id,
        min(body->>'$.created_at') as occurred_at, any_value(url) as source_ref
    from ideas
    inner join items using (issue_id)
    where request = 'notes' and body->>'$.system' = 'true' and body->>'$.body' like 'assigned to @%'
    group by issue_id

    union all by name

    select
        event_id, 'deployed' as event_type, coalesce(products.data_product_id, project) as data_product_id,
        occurred_at, version, source_ref
    from deliveries
    left join products on products.key = project

    union all by name

    select -- an issue that is reopened is rejected no more
        'issue/' || issue_id || '/rejected' as event_id, 'rejected' as event_type, data_product_id,
        closed_at as occurred_at, url as source_ref
    from ideas
    -- YOUR REASONS: GitLab has none for closing an issue, so a label says that it is not to be built
    where state = 'closed' and list_contains(labels, 'wontfix')

)

select * replace (cast(occurred_at as timestamptz) as occurred_at)
from events
