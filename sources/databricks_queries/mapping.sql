-- Databricks table lineage: reads of a data product by another domain on 3 days in 28 adopt it, observed.
-- Verified on rows of the shape in Databricks' reference of system.access.table_lineage, not on an account.
--
-- records: one for each table, account, workspace and day. products: the rows of declared/data_products.csv about this
-- source; a key is a table's full name, catalog.schema.table. service_accounts: accounts and workspaces whose reads are
-- no use.
with reads as (

    select
        products.data_product_id,
        -- YOUR DOMAINS: the workspace of the reader; reads in other workspaces don't count
        case records.workspace_id when '1001' then 'sales' when '1002' then 'marketing' end as consumer_domain,
        cast(records.read_on as date) as read_on,
        cast(records.first_read_at as timestamptz) as read_at,
        records.object_name,
        -- the owner's own reads and those of service accounts are no use
        consumer_domain is distinct from products.domain and service_accounts.account is null as is_use
    from records
    inner join products on lower(products.key) = lower(records.object_name)
    left join service_accounts on service_accounts.account in (records.account, records.workspace_id)
    where consumer_domain is not null

),

days as (

    select
        data_product_id, consumer_domain, read_on,
        min(read_at) filter (where is_use) as used_at, -- null on a day without use
        arg_min(object_name, (read_at, object_name)) filter (where is_use) as object_name
    from reads
    group by all

),

counted as ( -- YOUR THRESHOLD: used on 3 distinct days of 28, this one included

    select
        *,
        used_at is not null and count(used_at) over (
            partition by data_product_id, consumer_domain
            order by read_on range between interval 27 days preceding and current row
        ) >= 3 as is_reached
    from days

)

select -- once a week and pair at most: retention needs repeats
    'adopted/' || data_product_id || '/' || consumer_domain || '/' || strftime(read_on, '%G-W%V') as event_id,
    'adopted' as event_type,
    data_product_id,
    consumer_domain,
    min(used_at) filter (where is_reached) as occurred_at,
    'observed' as evidence,
    arg_min(object_name, read_on) filter (where is_reached) as source_ref,
    not bool_or(is_reached) as is_retracted -- as after a new row of service_accounts
from counted
-- the last 300 days anew at each pull: of older ones not all reads of the 27 days before are in the history
where date_trunc('week', read_on) >= (select max(read_on) from days) - 300
group by event_id, data_product_id, consumer_domain
