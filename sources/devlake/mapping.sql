-- Apache DevLake: a requirement epic is an idea, IN_PROGRESS its start, a successful production deployment deploys.
-- Verified on PostgreSQL with the tables of DevLake's domain layer (issues, board_issues, issue_changelogs,
-- project_mapping, cicd_scopes, cicd_deployments), as its DomainLayerSchema of version 1.0 describes them.
--
-- records: the rows of the queries issues, changes and deployments. products: the rows of declared/data_products.csv
-- about this source; a key is an issue's key, or the id or name of a scope, such as acme/churn. Scopes that are not
-- declared are no data products.
with ideas as (

    select
        id,
        coalesce(products.data_product_id, lower(issue_key)) as data_product_id,
        coalesce(products.domain, nullif(component, ''), project_name) as domain, -- YOUR DOMAINS
        title, original_status, issue_key, url,
        cast(created_date as timestamptz) as created_at,
        cast(resolution_date as timestamptz) as resolved_at
    from records
    left join products on records.issue_key = products.key
    where split_part(file_name, '/', 1) = 'issues'

),

starts as (

    select issue_id, cast(started_date as timestamptz) as started_at
    from records
    where split_part(file_name, '/', 1) = 'changes'

),

deployments as (

    select
        records.id, products.data_product_id, products.domain, records.name,
        cast(finished_date as timestamptz) as finished_at
    from records
    inner join products on products.key in (records.scope_id, records.scope_name)
    where split_part(file_name, '/', 1) = 'deployments'

)

select
    id || '/idea' as event_id, 'idea_logged' as event_type, data_product_id, created_at as occurred_at, domain, title,
    coalesce(nullif(url, ''), issue_key) as source_ref
from ideas

union all by name

select
    id || '/started' as event_id, 'work_started' as event_type, data_product_id, started_at as occurred_at, domain,
    coalesce(nullif(url, ''), issue_key) as source_ref
from ideas
inner join starts on ideas.id = starts.issue_id

union all by name

select
    id || '/rejected' as event_id, 'rejected' as event_type, data_product_id, resolved_at as occurred_at, domain,
    coalesce(nullif(url, ''), issue_key) as source_ref
from ideas
-- YOUR STATUSES: those that mean it was not built; one that is done is deployed by its deployment
where resolved_at is not null and original_status in ('Won''t Do', 'Rejected', 'Cancelled', 'Duplicate')

union all by name

select
    id || '/deployed' as event_id, 'deployed' as event_type, data_product_id, finished_at as occurred_at, domain,
    name as source_ref
from deployments
