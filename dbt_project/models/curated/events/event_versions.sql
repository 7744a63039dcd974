{% set columns = ['source', 'event_id', 'event_type', 'data_product_id', 'domain', 'title', 'occurred_at',
    'recorded_at', 'is_recorded_at_sent', 'revision', 'is_retracted', 'is_assumed_utc', 'is_assumed_time',
    'source_ref', 'attributes', 'batch_id', 'line_number'] %}
{# Columns of one kind of event only; the others get NULL. #}
{% set own = ['consumer_domain', 'named_consumer_domains', 'initiative', 'contract_version', 'passed_count',
    'failed_count', 'stage'] %}

-- Nearly every event has one version: only the others are worth sorting, and their content worth an MD5. That takes 10
-- CPU-seconds for 5,000,000 rows, and 15 of all.
with repeated as ({{ repeated_events() }}),

single_versions as ({{ versions_of(columns, own, 'not in') }}),

compared as (

    select
        *,
        {{ is_known('recorded_at') }} as is_known,
        {{ is_latest_recorded() }} as is_latest_recorded
    from ({{ versions_of(columns, own, 'in') }}) as repeated_versions

),

ranked as (

    select
        *,
        row_number() over versions as version_rank,
        row_number() over (partition by source, event_id, content_hash order by {{ winner_first() }}) as copy_number,
        is_known and is_latest_recorded and revision = first_value(revision) over versions
        and content_hash <> first_value(content_hash) over versions as is_conflicting
    from compared
    window versions as (partition by source, event_id order by {{ winner_first() }})

)

{% for relation, is_ranked in [('single_versions', false), ('ranked', true)] %}
select
    {{ (columns + own + ['has_named_consumer']) | join(',\n    ') }},
    {{ 'is_conflicting' if is_ranked else 'false' }} as is_conflicting,
    case
        when not {{ is_known('recorded_at') }} then 'not_yet_known'
        {{ "when copy_number > 1 then 'duplicate' when version_rank > 1 then 'superseded'" if is_ranked }}
        when is_retracted then 'retracted'
        else 'current'
    end as version_status
from {{ relation }}
{{ 'union all' if not loop.last }}
{% endfor %}
