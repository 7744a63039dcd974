-- GitHub by its REST API: a labelled issue is an idea; a deployment to production that succeeded, or a release, deploys.
-- The test's records are checked against GitHub's published REST description (npm @octokit/openapi 23.0.2): the schemas
-- issue, issue-event, deployment, deployment-status and release.
--
-- records: of the requests in the source's .yml, each in its newest version; file_name is statuses/<deployment>/… for a
-- status. products: the rows of declared/data_products.csv about this source; a key is a repository as owner/name, one
-- issue as owner/name#12, or a label.
with items as (

    select
        split_part(file_name, '/', 1) as request,
        split_part(file_name, '/', 2) as deployment_id,
        regexp_extract(coalesce(body->>'$.repository_url', body->>'$.url'), '/repos/([^/]+/[^/]+)', 1) as repository,
        body
    from records

),

issues as ( -- GitHub's issues hold pull requests too

    select
        body->>'$.id' as issue_id,
        repository,
        repository || '#' || (body->>'$.number') as issue_key,
        body->>'$.labels[*].name' as labels,
        body
    from items
    where request = 'issues' and (body->'$.pull_request') is null

),

ideas as ( -- an issue's product: its own, else that of a label, else that of its repository, else the repository

    select
        issue_id,
        body->>'$.title' as title,
        body->>'$.html_url' as url,
        body->>'$.created_at' as created_at,
        body->>'$.closed_at' as closed_at,
        coalesce(products.data_product_id, repository) as data_product_id,
        -- YOUR DOMAIN: that of the declared product, else of a label such as domain:customer, else the owner
        coalesce(
            products.domain,
            list_filter(labels, lambda label: label like 'domain:%')[1][8:],
            split_part(repository, '/', 1)
        ) as domain,
        -- YOUR REASONS: those that mean that it will not be built
        body->>'$.state' = 'closed'
            and coalesce(body->>'$.state_reason' in ('not_planned', 'duplicate'), list_contains(labels, 'wontfix'))
            as is_rejected
    from issues
    left join products on products.key in (issue_key, repository) or list_contains(labels, products.key)
    -- YOUR LABEL: which issues are ideas for data products
    where list_contains(labels, 'data-product')
    qualify row_number() over (
        partition by issue_id order by products.key = issue_key desc, products.key = repository, products.key
    ) = 1

),

deliveries as (

    select
        'deployment/' || deployment_id as event_id,
        any_value(repository) as repository,
        min(body->>'$.created_at') as occurred_at
    from items
    -- YOUR ENVIRONMENT
    where request = 'statuses' and body->>'$.state' = 'success' and body->>'$.environment' = 'production'
    group by deployment_id

    union all by name

    select
        'release/' || (body->>'$.id') as event_id, repository, body->>'$.published_at' as occurred_at,
        body->>'$.tag_name' as version, body->>'$.html_url' as source_ref
    from items
    where request = 'releases' and body->>'$.draft' = 'false' and body->>'$.prerelease' = 'false'

)

select
    'issue/' || issue_id || '/idea' as event_id, 'idea_logged' as event_type, data_product_id, created_at as occurred_at,
    domain, title, url as source_ref
from ideas

union all by name

select
    'issue/' || issue_id || '/started' as event_id, 'work_started' as event_type, any_value(data_product_id) as data_product_id,
    min(body->>'$.created_at') as occurred_at, any_value(url) as source_ref
from ideas
inner join items on items.request = 'issue_events' and items.body->>'$.issue.id' = issue_id
where body->>'$.event' = 'assigned'
group by issue_id

union all by name

select
    event_id, 'deployed' as event_type, coalesce(products.data_product_id, repository) as data_product_id,
    occurred_at, version, source_ref
from deliveries
left join products on products.key = repository

union all by name

select
    'issue/' || issue_id || '/rejected' as event_id, 'rejected' as event_type, data_product_id, closed_at as occurred_at,
    url as source_ref
from ideas
qualify is_rejected and bool_and(is_rejected) over (partition by data_product_id) -- another idea keeps a product alive
