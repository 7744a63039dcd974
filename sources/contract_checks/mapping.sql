-- Contract checks as CSV exports: each line is one check of a data product's contract, with the rules kept and broken.
-- Verified on the exports of the sample organisation.
--
-- records: run, product, contract, checked_at, reported_at, passed, failed. products: the rows of
-- declared/data_products.csv about this source, where the product of a line is the key.
select
    run as event_id, -- YOUR COLUMNS: what names one check, and does so again when it is exported twice
    'contract_checked' as event_type,
    coalesce(products.data_product_id, records.product) as data_product_id,
    checked_at as occurred_at,
    reported_at as recorded_at,
    contract as contract_version,
    passed::int as passed_count,
    failed::int as failed_count
from records
left join products on records.product = products.key
group by all -- a line may be in two exports
