-- A dbt project's history in git: a model is deployed, adopted by the first ref() of another domain, moved, retired.
-- Verified on mitodl/ol-data-platform: 226 deployed, 258 adopted, 16 retired, equal to shared/datasets/mitodl_dbt.
-- Such a history knows no ideas, and no use outside of the project but exposures.
--
-- records: one for each file that a commit of the main line changed. body: sequence, commit_id, committed_at, change
-- (added, modified, renamed, deleted, or configured: its group alone), path, old_path, added_refs (the models in ref() on
-- added lines), first_authored_at, group, is_public (whether its access ever was), exposures (name, owner, refs).
with recursive changes as (

    select
        (body->>'sequence')::int as sequence,
        (body->>'committed_at')::timestamptz as committed_at,
        (body->>'first_authored_at')::timestamptz as started_at,
        body->>'change' as change,
        left(body->>'commit_id', 12) as commit_id,
        body->>'path' as path,
        -- the path below the folder of models, in which the layout is
        regexp_replace(body->>'path', '^(.*?/)?models/', '') as place,
        regexp_extract(body->>'path', '([^/]+)\.\w+$', 1) as model,
        regexp_extract(coalesce(body->>'old_path', body->>'path'), '([^/]+)\.\w+$', 1) as old_model,
        body->>'group' as dbt_group,
        coalesce((body->>'is_public')::bool, false) as is_public,
        from_json(body->'added_refs', '["VARCHAR"]') as added_refs,
        from_json(body->'exposures', '[{"name": "VARCHAR", "owner": "VARCHAR", "refs": ["VARCHAR"]}]') as exposures
    from records

),

places as ( -- the first layer in a path, and the folders around it: finance/marts/x.sql, marts/finance/x.sql

    select
        *,
        regexp_matches(path, '\.(sql|py)$') as is_model,
        regexp_extract(
            place, '^(?:([^/]+)/)??(staging|base|bronze|intermediate|silver|marts?|gold)/(?:([^/]+)/)?',
            ['above', 'layer', 'below']
        ) as part
    from changes

),

files as ( -- YOUR LAYOUT: which files are data products, and which domain a file belongs to

    select
        *,
        is_model and (part.layer in ('mart', 'marts', 'gold')
            or part.layer in ('intermediate', 'silver') and part.below || part.above <> '') as is_product,
        coalesce(dbt_group, case
            when part.layer <> '' then coalesce(nullif(part.below, ''), nullif(part.above, ''), 'dbt')
            when regexp_matches(place, '^(external|integrations)/[^/]+/')
                then split_part(place, '/', 1) || ':' || split_part(place, '/', 2)
            when regexp_matches(place, '^(reporting|dimensional|external|integrations)/') then split_part(place, '/', 1)
        end) as domain
    from places

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

ids as (

    select model, arg_min(data_product_id, depth) as data_product_id from names group by model

),

versions as ( -- each time a product's file comes, moves, changes its group or goes, in order

    select
        data_product_id, domain, change, started_at, committed_at, path || '@' || commit_id as source_ref, commit_id,
        sequence,
        lag(change = 'deleted', 1, true) over (partition by data_product_id order by sequence) as is_new,
        lag(domain) over (partition by data_product_id order by sequence) as former_domain,
        count(*) over (partition by data_product_id, commit_id) as changes_in_commit
    from files inner join ids using (model)
    where is_product and change <> 'modified'

),

owners as ( -- the domain of a product, from one move of its file to the next

    select
        data_product_id, domain, change, committed_at as from_at,
        lead(committed_at) over (partition by data_product_id order by sequence) as until_at
    from versions

),

refs as ( -- YOUR CONSUMERS: a model's domain; the owner of an exposure, by name, else the exposure itself

    select sequence, committed_at, commit_id, path, model, domain as consumer_domain, 'observed' as evidence, ref
    from files, unnest(added_refs) as added (ref)
    where change <> 'deleted' and is_model
    union all by name
    select
        sequence, committed_at, commit_id, path, 'exposure:' || exposure.name as model, 'declared' as evidence, ref,
        coalesce(exposure.owner, 'exposure:' || exposure.name) as consumer_domain
    from changes, unnest(exposures) as each_one (exposure), unnest(exposure.refs) as added (ref)

),

uses as (

    select
        data_product_id,
        consumer_domain,
        arg_min(committed_at, sequence) as occurred_at,
        arg_min(evidence, sequence) as evidence,
        arg_min(path || '@' || commit_id, sequence) as source_ref
    from refs
    inner join ids on ids.model = refs.ref
    where consumer_domain is not null and refs.model <> refs.ref
    group by all

)

select
    'started/' || data_product_id || '/' || commit_id as event_id,
    'work_started' as event_type, data_product_id, started_at as occurred_at, domain, source_ref
from versions
-- a commit as old as its arrival, such as a squashed one, does not show when the work began
where is_new and change <> 'deleted' and started_at < committed_at

union all by name

select
    'deployed/' || data_product_id || '/' || commit_id as event_id,
    'deployed' as event_type, data_product_id, committed_at as occurred_at, domain, source_ref
from versions where is_new and change <> 'deleted'

union all by name

select
    'owner/' || data_product_id || '/' || commit_id as event_id,
    'owner_changed' as event_type, data_product_id, committed_at as occurred_at, domain, source_ref
from versions where not is_new and change <> 'deleted' and domain <> former_domain and changes_in_commit = 1

union all by name

select
    'retired/' || data_product_id || '/' || commit_id as event_id,
    'retired' as event_type, data_product_id, committed_at as occurred_at, domain, source_ref
from versions where change = 'deleted' and changes_in_commit = 1

union all by name

select
    'adopted/' || data_product_id || '/' || consumer_domain as event_id,
    'adopted' as event_type, data_product_id, occurred_at, consumer_domain, evidence, source_ref
from uses
where not exists (
    from owners
    where
        owners.data_product_id = uses.data_product_id and owners.domain = uses.consumer_domain
        and owners.change <> 'deleted'
        and uses.occurred_at >= from_at and uses.occurred_at < coalesce(until_at, 'infinity')
)
