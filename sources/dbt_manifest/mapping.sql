-- dbt manifests: a public model is deployed when first seen, adopted by another group's model or an exposure, retired.
-- Verified on manifests of dbt 1.11: a project of two groups, and Flywheel's own with its exposures. A thing happened when
-- the first manifest that has it was generated.
--
-- records: one for each manifest. products: the rows of declared/data_products.csv about this source; a key is a
-- model's name.
with manifests as (

    select
        (body->>'$.metadata.generated_at')::timestamptz as generated_at,
        body->>'$.metadata.project_name' as project,
        body
    from records

),

nodes as (

    select
        generated_at,
        project,
        node.key as id,
        node.value->>'$.name' as name,
        node.value->>'$.resource_type' as kind,
        coalesce(node.value->>'$.access', node.value->>'$.config.access') as access,
        -- YOUR DOMAINS: a model's group; the owner of an exposure, by name, else the exposure itself
        coalesce(
            node.value->>'$.group', node.value->>'$.config.group', node.value->>'$.owner.name',
            case when node.value->>'$.resource_type' = 'exposure' then 'exposure:' || (node.value->>'$.name') end
        ) as domain,
        from_json(node.value->'$.depends_on.nodes', '["VARCHAR"]') as parents
    from manifests, lateral (from json_each(body, '$.nodes') union all from json_each(body, '$.exposures')) as node
    where node.value->>'$.resource_type' in ('model', 'exposure')

),

models as ( -- YOUR CHOICE: which models are data products

    select
        id,
        project,
        arg_max(name, generated_at) as name,
        arg_max(domain, generated_at) as domain,
        min(generated_at) as first_at,
        max(generated_at) as last_at
    from nodes
    where kind = 'model' and access = 'public'
    group by id, project

),

public as (

    select
        models.* exclude (domain),
        coalesce(products.data_product_id, models.name) as data_product_id,
        coalesce(products.domain, models.domain) as domain,
        -- the first manifest of the project without it
        (
            select min(manifests.generated_at) from manifests
            where manifests.project = models.project and manifests.generated_at > models.last_at
        ) as gone_at
    from models
    left join products on models.name = products.key

)

select
    'deployed/' || id as event_id, 'deployed' as event_type, data_product_id, first_at as occurred_at, domain,
    id as source_ref
from public

union all by name

select
    'retired/' || id as event_id, 'retired' as event_type, data_product_id, gone_at as occurred_at, domain,
    id as source_ref
from public
where gone_at is not null

union all by name

select
    'adopted/' || public.id || '/' || nodes.domain as event_id,
    'adopted' as event_type,
    public.data_product_id,
    min(nodes.generated_at) as occurred_at,
    nodes.domain as consumer_domain,
    case when bool_or(nodes.kind = 'model') then 'observed' else 'declared' end as evidence,
    arg_min(nodes.id, (nodes.generated_at, nodes.id)) as source_ref
from nodes, unnest(nodes.parents) as parents (parent)
inner join public on public.id = parents.parent
where nodes.domain <> public.domain
group by public.id, public.data_product_id, nodes.domain
