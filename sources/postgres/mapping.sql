-- Tables of your own in PostgreSQL: ideas, their start and end, deployments, and use by other teams on 3 days in 28.
-- Verified on the tables product_ideas, product_deployments and product_uses in PostgreSQL: an example for your own.
--
-- records: the rows of the queries ideas, deployments and uses. A product has one name and one team in all of them, so
-- declared/data_products.csv is not needed.
with ideas as (

    select
        id, product, team, title,
        cast(created_at as timestamptz) as created_at,
        cast(started_at as timestamptz) as started_at,
        cast(rejected_at as timestamptz) as rejected_at
    from records
    where split_part(file_name, '/', 1) = 'ideas'

),

owners as (

    select product, arg_min(team, (created_at, id)) as owner from ideas group by product

),

uses as (

    select
        records.product, records.team,
        cast(records.used_on as date) as used_on,
        cast(records.first_used_at as timestamptz) as first_used_at
    from records
    inner join owners using (product)
    where split_part(file_name, '/', 1) = 'uses' and records.team <> owners.owner

),

reached as ( -- YOUR THRESHOLD: used on 3 distinct days of 28, this one included

    select *
    from uses
    qualify
        count(*) over (
            partition by product, team order by used_on range between interval 27 days preceding and current row
        ) >= 3

)

select
    'idea/' || id as event_id, 'idea_logged' as event_type, product as data_product_id, created_at as occurred_at,
    team as domain, title
from ideas

union all by name

select
    'started/' || id as event_id, 'work_started' as event_type, product as data_product_id, started_at as occurred_at
from ideas
where started_at is not null

union all by name

select
    'rejected/' || id as event_id, 'rejected' as event_type, product as data_product_id, rejected_at as occurred_at
from ideas
where rejected_at is not null

union all by name

select
    'deployed/' || id as event_id, 'deployed' as event_type, product as data_product_id,
    cast(deployed_at as timestamptz) as occurred_at, version
from records
where split_part(file_name, '/', 1) = 'deployments'

union all by name

select -- once a week and pair at most: retention needs repeats
    'adopted/' || product || '/' || team || '/' || strftime(used_on, '%G-W%V') as event_id,
    'adopted' as event_type,
    product as data_product_id,
    first_used_at as occurred_at,
    team as consumer_domain,
    'observed' as evidence
from reached
qualify row_number() over (partition by event_id order by used_on) = 1
