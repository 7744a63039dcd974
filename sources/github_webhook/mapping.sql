-- GitHub and Gitea by webhooks: a labelled issue is an idea; a deployment to production that succeeded, or a release,
-- deploys.
-- Verified on the 79 examples of octokit/webhooks in shared/payloads/github, and on the shape of Gitea's issue and
-- release webhooks; Gitea has no deployments, and no reason for closing an issue.
--
-- records: one for each delivery; kind is the header X-GitHub-Event. products: the rows of declared/data_products.csv
-- about this source; a key is a repository as owner/name, one issue as owner/name#12, or a label.
with deliveries as (

    select
        kind,
        body->>'$.action' as action,
        body->>'$.repository.full_name' as repository,
        body->>'$.repository.owner.login' as owner,
        body->'$.issue' as issue,
        body->'$.deployment' as deployment,
        body->'$.deployment_status' as status,
        body->'$.release' as release,
        received_at
    from records

),

issues as ( -- the latest state of each issue; GitHub's issues include pull requests

    select
        issue->>'$.id' as issue_id,
        max_by(
            {'at': repository, 'owner': owner, 'fields': issue},
            (try_cast(issue->>'$.updated_at' as timestamptz), received_at)
        ) as latest,
        min(try_cast(issue->>'$.updated_at' as timestamptz)) filter (issue->>'$.assignee.id' is not null) as assigned_at
    from deliveries
    where kind = 'issues' and issue->>'$.pull_request' is null
    group by issue_id
    -- a transferred issue goes on as a new one, in the deliveries of the repository that has it now
    having not bool_or(action in ('deleted', 'transferred'))

),

labelled as (

    select
        'issue/' || issue_id as id,
        latest.at as repository,
        latest.owner as owner,
        latest.at || '#' || (latest.fields->>'$.number') as issue_key,
        latest.fields->>'$.labels[*].name' as labels,
        latest.fields as issue,
        assigned_at
    from issues
    -- YOUR LABEL: which issues are ideas for data products
    where list_contains(labels, 'data-product')

),

ideas as ( -- an issue's product: its own, else that of a label, else that of its repository, else the repository

    select
        labelled.*,
        coalesce(products.data_product_id, repository) as data_product_id,
        -- YOUR DOMAIN: that of the declared product, else of a label such as domain:customer, else the owner
        coalesce(products.domain, list_filter(labels, lambda label: label like 'domain:%')[1][8:], owner) as domain,
        -- YOUR REASONS: those that mean that it will not be built; in Gitea a label says so
        issue->>'$.state' = 'closed'
            and coalesce(issue->>'$.state_reason' in ('not_planned', 'duplicate'), list_contains(labels, 'wontfix'))
            as is_rejected
    from labelled
    left join products on products.key in (issue_key, repository) or list_contains(labels, products.key)
    qualify row_number() over (
        partition by id order by products.key = issue_key desc, products.key = repository, products.key
    ) = 1

),

deployments as ( -- the first success of each; the first publication of each release, also of one deleted since

    select
        'deployment/' || (deployment->>'$.id') as id, repository,
        min_by({'at': status->>'$.created_at', 'version': deployment->>'$.ref'}, status->>'$.created_at') as first
    from deliveries
    where kind = 'deployment_status' and status->>'$.state' = 'success'
        -- YOUR ENVIRONMENTS: those in which a product is in use
        and (
            deployment->>'$.production_environment' = 'true'
            or lower(coalesce(status->>'$.environment', deployment->>'$.environment')) in ('production', 'prod')
        )
    group by all

    union all by name

    select
        'release/' || (release->>'$.id') as id, repository,
        min_by({'at': release->>'$.published_at', 'version': release->>'$.tag_name'}, release->>'$.published_at')
            as first
    from deliveries
    where kind = 'release' and release->>'$.draft' = 'false' and release->>'$.prerelease' = 'false'
    group by all

),

events as (

    select
        id || '/idea' as event_id, 'idea_logged' as event_type, data_product_id, domain,
        issue->>'$.created_at' as occurred_at, issue->>'$.title' as title, issue->>'$.html_url' as source_ref
    from ideas

    union all by name

    select
        id || '/started' as event_id, 'work_started' as event_type, data_product_id, domain,
        assigned_at as occurred_at, issue->>'$.html_url' as source_ref
    from ideas
    where assigned_at is not null

    union all by name

    select
        id || '/rejected' as event_id, 'rejected' as event_type, data_product_id, domain,
        issue->>'$.closed_at' as occurred_at, issue->>'$.html_url' as source_ref
    from ideas
    qualify is_rejected and bool_and(is_rejected) over (partition by data_product_id) -- another idea keeps it alive

    union all by name

    select
        deployments.id as event_id, 'deployed' as event_type,
        coalesce(products.data_product_id, deployments.repository) as data_product_id, products.domain,
        deployments.first.at as occurred_at, deployments.first.version, deployments.repository as source_ref
    from deployments
    left join products on products.key = deployments.repository

)

select * replace (try_cast(occurred_at as timestamptz) as occurred_at)
from events
