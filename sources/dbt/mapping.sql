-- A dbt project's history in git: a model is deployed, adopted by the first ref() of another folder, retired.
-- Verified on mitodl/ol-data-platform: 226 deployed, 258 adopted, 16 retired, equal to shared/datasets/mitodl_dbt.
-- Such a history knows no ideas and no start of work, and no use outside of the project.
--
-- records: one for each file that a commit of the main line changed. body: sequence, commit_id, committed_at, change
-- (added, modified, renamed, deleted), path, old_path, added_refs (the models in ref() on added lines).
with recursive changes as (

    select
        (body->>'sequence')::int as sequence,
        (body->>'committed_at')::timestamptz as committed_at,
        body->>'change' as change,
        left(body->>'commit_id', 12) as commit_id,
        body->>'path' as path,
        -- the path below the folder of models, in which the layout is
        regexp_replace(body->>'path', '^(.*?/)?models/', '') as place,
        regexp_extract(body->>'path', '([^/]+)\.\w+$', 1) as model,
        regexp_extract(coalesce(body->>'old_path', body->>'path'), '([^/]+)\.\w+$', 1) as old_model,
        from_json(body->'added_refs', '["VARCHAR"]') as added_refs
    from records

),

files as ( -- YOUR LAYOUT: which files are data products, and which domain a file belongs to

    select
        *,
        regexp_matches(place, '^(intermediate|marts?)/[^/]+/.*\.sql$') as is_product,
        case
            when regexp_matches(place, '^(staging|intermediate|marts?)/[^/]+/') then split_part(place, '/', 2)
            when regexp_matches(place, '^(external|integrations)/[^/]+/')
                then split_part(place, '/', 1) || ':' || split_part(place, '/', 2)
            when regexp_matches(place, '^(reporting|dimensional|external|integrations)/') then split_part(place, '/', 1)
        end as domain
    from changes

),

renames as ( -- a renamed model stays the same product: its first name is its id

    select old_model, model from files where change = 'renamed' and old_model <> model and is_product

),

names as (

    select distinct model, model as data_product_id, 0 as depth
    from files where is_product and model not in (select model from renames)
    union
    select renames.model, names.data_product_id, depth + 1
    from renames inner join names on renames.old_model = names.model where depth < 20

),

products as (

    select model, arg_min(data_product_id, depth) as data_product_id from names group by model

),

versions as ( -- each time a product's file comes, moves or goes, in order

    select
        data_product_id, domain, change, committed_at, path || '@' || commit_id as source_ref, commit_id, sequence,
        lag(change = 'deleted', 1, true) over (partition by data_product_id order by sequence) as is_new,
        count(*) over (partition by data_product_id, commit_id) as changes_in_commit
    from files inner join products using (model)
    where is_product and change <> 'modified'

),

owners as ( -- the domain of a product, from one move of its file to the next

    select
        data_product_id, domain, change, committed_at as from_at,
        lead(committed_at) over (partition by data_product_id order by sequence) as until_at
    from versions

),

uses as (

    select
        products.data_product_id,
        files.domain as consumer_domain,
        arg_min(files.committed_at, sequence) as occurred_at,
        arg_min(files.path || '@' || files.commit_id, sequence) as source_ref
    from files, unnest(added_refs) as refs (ref)
    inner join products on products.model = refs.ref
    where
        files.change <> 'deleted' and regexp_matches(files.path, '\.(sql|py)$')
        and files.domain is not null and files.model <> refs.ref
    group by all

)

select
    'deployed/' || data_product_id || '/' || commit_id as event_id,
    'deployed' as event_type, data_product_id, committed_at as occurred_at, domain, source_ref
from versions where is_new and change <> 'deleted'

union all by name

select
    'retired/' || data_product_id || '/' || commit_id as event_id,
    'retired' as event_type, data_product_id, committed_at as occurred_at, domain, source_ref
from versions where change = 'deleted' and changes_in_commit = 1

union all by name

select
    'adopted/' || data_product_id || '/' || consumer_domain as event_id,
    'adopted' as event_type, data_product_id, occurred_at, consumer_domain, 'observed' as evidence, source_ref
from uses
where not exists (
    from owners
    where
        owners.data_product_id = uses.data_product_id and owners.domain = uses.consumer_domain
        and owners.change <> 'deleted'
        and uses.occurred_at >= from_at and uses.occurred_at < coalesce(until_at, 'infinity')
)
