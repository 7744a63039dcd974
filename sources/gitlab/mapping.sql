-- GitLab webhooks: a labelled issue is an idea; a successful deployment to production is deployed.
-- Verified on the payloads in GitLab's documentation, webhook_events.md, with the three forms of its times.
--
-- records: one for each delivery. products: the rows of declared/data_products.csv about this source; a key is a
-- project as group/name, one issue as group/name#12, or a label.
with hooks as (

    select
        body->>'$.object_kind' as kind,
        body->>'$.project.path_with_namespace' as project,
        body->'$.object_attributes' as item,
        body,
        received_at
    from records

),

issues as ( -- the latest state of each issue, epic or task

    select
        item->>'$.id' as issue_id,
        max_by(
            {'at': project, 'fields': item, 'labels': body->>'$.labels[*].title'},
            (try_cast(item->>'$.updated_at' as timestamptz), received_at)
        ) as latest,
        min(item->>'$.updated_at') filter (item->>'$.assignee_ids[0]' is not null) as assigned_at
    from hooks
    where kind in ('issue', 'work_item')
    group by issue_id

),

labelled as (

    select
        'issue/' || issue_id as id,
        latest.at as project,
        latest.at || '#' || (latest.fields->>'$.iid') as issue_key,
        latest.labels as labels,
        latest.fields as issue,
        assigned_at
    from issues
    -- YOUR LABEL: which issues are ideas for data products
    where list_contains(labels, 'data-product')
        and issue->>'$.moved_to_id' is null -- it goes on as another issue

),

ideas as ( -- an issue's product: its own, else that of a label, else that of its project, else the project

    select
        labelled.*,
        coalesce(products.data_product_id, project) as data_product_id,
        -- YOUR DOMAIN: that of the declared product, else of a label such as domain::customer, else the group
        coalesce(
            products.domain,
            list_filter(labels, lambda label: label like 'domain::%')[1][9:],
            split_part(project, '/', 1)
        ) as domain,
        -- YOUR REASONS: GitLab has none for closing an issue, so a label says that it will not be built
        issue->>'$.state' = 'closed'
            and (list_contains(labels, 'wontfix') or issue->>'$.duplicated_to_id' is not null) as is_rejected
    from labelled
    left join products on products.key in (issue_key, project) or list_contains(labels, products.key)
    qualify row_number() over (
        partition by id order by products.key = issue_key desc, products.key = project, products.key
    ) = 1

),

deployments as ( -- the first success of each

    select
        body->>'$.deployment_id' as deployment_id,
        project,
        min_by(
            {'at': body->>'$.status_changed_at', 'version': body->>'$.short_sha', 'url': body->>'$.deployable_url'},
            body->>'$.status_changed_at'
        ) as first
    from hooks
    -- YOUR ENVIRONMENTS: those in which a product is in use
    where kind = 'deployment' and body->>'$.status' = 'success'
        and coalesce(body->>'$.environment_tier', body->>'$.environment') in ('production', 'prod')
    group by all

),

events as (

    select
        id || '/idea' as event_id, 'idea_logged' as event_type, data_product_id, domain,
        issue->>'$.created_at' as occurred_at, issue->>'$.title' as title, issue->>'$.url' as source_ref
    from ideas

    union all by name

    select
        id || '/started' as event_id, 'work_started' as event_type, data_product_id, domain,
        assigned_at as occurred_at, issue->>'$.url' as source_ref
    from ideas
    where assigned_at is not null

    union all by name

    select
        id || '/rejected' as event_id, 'rejected' as event_type, data_product_id, domain,
        coalesce(issue->>'$.closed_at', issue->>'$.updated_at') as occurred_at, issue->>'$.url' as source_ref
    from ideas
    qualify is_rejected and bool_and(is_rejected) over (partition by data_product_id) -- another idea keeps it alive

    union all by name

    select
        'deployment/' || deployment_id as event_id, 'deployed' as event_type,
        coalesce(products.data_product_id, deployments.project) as data_product_id, products.domain,
        deployments.first.at as occurred_at, deployments.first.version, deployments.first.url as source_ref
    from deployments
    left join products on products.key = deployments.project

)

-- GitLab writes 2026-01-12T09:00:00Z, 2026-01-12 09:00:00 UTC or 2026-01-12 10:00:00 +0100
select * replace (try_cast(regexp_replace(occurred_at, ' ([+-]\d{4})$', '\1') as timestamptz) as occurred_at)
from events
