-- OpenLineage: finished jobs of another domain that read a data product's dataset on 3 days in 28 adopt it, observed.
-- Verified on the events of openlineage-dbt and the specification in shared/payloads/openlineage; and on two projects
-- that openlineage-dbt 1.54 ran with dbt 1.11 on DuckDB and sent to `flywheel receive`: finance reads orders, one adoption.
--
-- records: one for each event. products: the rows of declared/data_products.csv about this source; a key is a
-- dataset's namespace, a slash and its name. Other datasets are no data products. service_accounts: the rows of
-- declared/service_accounts.csv about this source; an account is a job's namespace, or that, a slash and its name.
with events as (

    select
        body->>'$.run.runId' as run_id,
        body->>'$.eventType' as state,
        (body->>'$.eventTime')::timestamptz as event_at,
        body->>'$.job.namespace' as namespace,
        body->>'$.job.name' as job,
        from_json(body->'$.inputs', '[{"namespace": "VARCHAR", "name": "VARCHAR"}]') as inputs
    from records
    where body->>'$.run.runId' is not null

),

finished as ( -- what a run read may be in any of its events

    select
        run_id,
        max(event_at) filter (where state = 'COMPLETE') as finished_at,
        min(namespace) as namespace,
        min(namespace || '/' || job) as job
    from events
    group by run_id
    having finished_at is not null

),

reads as (

    select distinct
        products.data_product_id,
        products.domain as owner,
        -- YOUR DOMAINS: a job's namespace is its domain, unless it is listed here
        case finished.namespace when 'etl' then 'platform' else finished.namespace end as consumer_domain,
        finished.finished_at,
        cast(timezone('UTC', finished.finished_at) as date) as read_on,
        finished.job
    from events, unnest(events.inputs) as inputs (input)
    inner join products on products.key = input.namespace || '/' || input.name
    inner join finished on events.run_id = finished.run_id
    where not exists (from service_accounts where account in (finished.job, finished.namespace))

),

days as (

    select
        data_product_id, owner, consumer_domain, read_on,
        min(finished_at) as finished_at,
        arg_min(job, (finished_at, job)) as job
    from reads
    where consumer_domain is distinct from owner -- where no owner is declared, use is judged by that of its day
    group by all

),

reached as ( -- YOUR THRESHOLD: on 3 distinct days of 28, this one included

    select *
    from days
    qualify
        count(*) over (
            partition by data_product_id, consumer_domain
            order by read_on range between interval 27 days preceding and current row
        ) >= 3

)

select -- once a week and pair at most: retention needs repeats
    'adopted/' || data_product_id || '/' || consumer_domain || '/' || strftime(read_on, '%G-W%V') as event_id,
    'adopted' as event_type,
    data_product_id,
    consumer_domain,
    finished_at as occurred_at,
    'observed' as evidence,
    job as source_ref
from reached
qualify row_number() over (partition by event_id order by read_on) = 1
