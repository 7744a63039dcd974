{{ config(meta={
    'dagster': {'ref': {'name': 'adoption_flows'}},
    'description': 'The flows are all adoptions, and over 12 months they are what the domains gave and took.',
}) }}

with flows as (

    select
        coalesce(sum(adoption_count), 0) as year_count,
        coalesce(sum(total_adoption_count), 0) as total_count
    from {{ ref('adoption_flows') }}

),

domains as (

    select
        coalesce(sum(gave_count), 0) as gave_count,
        coalesce(sum(took_count), 0) as took_count
    from {{ ref('domain_scorecard') }}

),

adoptions as (

    select count(*) as adoption_count from {{ ref('adoptions') }}

)

select
    'the flows are not the adoptions, or not what the domains gave and took' as problem,
    flows.*,
    domains.*,
    adoptions.*
from flows
cross join domains
cross join adoptions
where
    flows.total_count <> adoptions.adoption_count
    or flows.year_count <> domains.gave_count
    or flows.year_count <> domains.took_count
