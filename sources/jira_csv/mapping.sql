-- Jira CSV export: an epic labelled data-product is an idea; its resolution says rejected or deployed.
-- Verified on the shape of Jira Cloud's export: repeated columns (Labels, Labels_1, …), times such as 12/Jan/26 9:00 AM.
-- An export has today's state only: the start of work is not in it.
--
-- records: the export's own columns, as text. products: the rows of declared/data_products.csv about this source; a
-- key is an issue's key.
with issues as (

    select
        "Issue id" as issue_id, -- stays when an issue moves to another project; its key does not
        "Issue key" as issue_key,
        "Summary" as title,
        "Resolution" as resolution,
        "Project key" as project,
        coalesce(*columns('^Component(/s|s)$')) as component,
        -- YOUR TIMEZONE: that of the person who exports; and the format of the times there
        timezone('UTC', strptime("Created", '%d/%b/%y %-I:%M %p')) as created_at,
        timezone('UTC', strptime("Updated", '%d/%b/%y %-I:%M %p')) as updated_at,
        timezone('UTC', strptime("Resolved", '%d/%b/%y %-I:%M %p')) as resolved_at,
        -- YOUR CHOICE: which issues are ideas for data products
        "Issue Type" = 'Epic' and list_contains([*columns('^Labels(_\d+)?$')], 'data-product') as is_idea
    from records
    qualify row_number() over (partition by "Issue id" order by updated_at desc, received_at desc, file_name) = 1

),

ideas as (

    select
        issues.*,
        coalesce(products.data_product_id, lower(issue_key)) as data_product_id,
        coalesce(products.domain, component, project) as domain
    from issues
    left join products on issues.issue_key = products.key
    where is_idea

)

select
    issue_id || '/idea' as event_id, 'idea_logged' as event_type, data_product_id, created_at as occurred_at,
    domain, title, issue_key as source_ref
from ideas

union all by name

select
    issue_id || '/closed' as event_id,
    -- YOUR RESOLUTIONS: those that mean it was not built
    case when resolution in ('Won''t Do', 'Duplicate', 'Declined', 'Cannot Reproduce') then 'rejected' else 'deployed' end
        as event_type,
    data_product_id, resolved_at as occurred_at, domain, title, issue_key as source_ref
from ideas
where resolved_at is not null
