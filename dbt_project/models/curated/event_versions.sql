{# Small landings must not rebuild history: only the events that a new batch touches are ranked again, and each of
   them with every version it ever had, so the order of arrival can't matter. #}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['source', 'event_id'],
    on_schema_change='fail'
) }}

{% set batches = ref('batches_landed') %}
{% set columns = [
    'source', 'event_id', 'event_type', 'data_product_id', 'domain', 'title', 'occurred_at', 'recorded_at', 'revision',
    'is_retracted', 'is_assumed_utc', 'content_hash', 'batch_id', 'line_number',
] %}
{# What only one kind of event has; the others get NULL. #}
{% set own = {
    'consumer_domain': ('products_adopted', 'consumer_domain', 'varchar'),
    'has_named_consumer': ('ideas_logged', names_another_domain('named_consumer_domains', 'domain'), 'boolean'),
    'passed_count': ('contract_events', 'passed_count', 'bigint'),
    'failed_count': ('contract_events', 'failed_count', 'bigint'),
} %}
{% set tables = [
    'ideas_logged', 'work_started', 'products_deployed', 'products_adopted', 'products_closed', 'contract_events',
] %}

with landed as (

    {% for table in tables %}
    select
        {% for column, (owner, expression, type) in own.items() %}
        cast({{ expression if table == owner else 'null' }} as {{ type }}) as {{ column }},
        {% endfor %}
        {{ columns | join(',\n        ') }}
    from {{ ref(table) }}
    {{ 'where ' ~ is_in_unmerged_batch(batches) if is_incremental() }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

versions as (

    select * from landed

    {% if is_incremental() %}
    union all
    select {{ (own.keys() | list + columns) | join(', ') }}
    from {{ this }}
    where (source, event_id) in (select source, event_id from landed)
    {% endif %}

),

-- nearly every event has one version: only the others are worth sorting
repeated as (

    select
        source,
        event_id
    from versions
    group by source, event_id
    having count(*) > 1

),

single as (

    select
        versions.*,
        1 as version_rank,
        1 as copy_number
    from versions
    left join repeated on versions.source = repeated.source and versions.event_id = repeated.event_id
    where repeated.event_id is null

),

ranked as (

    select
        versions.*,
        row_number() over (
            partition by versions.source, versions.event_id
            order by
                {{ is_known('versions.recorded_at') }} desc,
                versions.revision desc,
                versions.content_hash desc,
                versions.batch_id asc,
                versions.line_number asc
        ) as version_rank,
        row_number() over (
            partition by versions.source, versions.event_id, versions.content_hash
            order by
                {{ is_known('versions.recorded_at') }} desc,
                versions.batch_id asc,
                versions.line_number asc
        ) as copy_number
    from versions
    inner join repeated on versions.source = repeated.source and versions.event_id = repeated.event_id

),

final as (

    select
        {{ (own.keys() | list + columns) | join(',\n        ') }},
        case
            when not {{ is_known('recorded_at') }} then 'not_yet_known'
            when copy_number > 1 then 'duplicate'
            when version_rank > 1 then 'superseded'
            when is_retracted then 'retracted'
            else 'current'
        end as version_status
    from (
        select * from single
        union all
        select * from ranked
    ) as every_version

)

select * from final
