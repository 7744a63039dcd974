{% set columns = ['source', 'event_id', 'event_type', 'data_product_id', 'domain', 'title', 'occurred_at',
    'recorded_at', 'revision', 'is_retracted', 'is_assumed_utc', 'source_ref', 'attributes', 'batch_id', 'line_number'] %}
{# Columns of one kind of event only; the others get NULL. #}
{% set own = ['consumer_domain', 'named_consumer_domains', 'initiative', 'contract_version', 'passed_count',
    'failed_count'] %}

-- Nearly every event has one version: only the others are worth sorting, and their content worth an MD5. Numbers find
-- them, as grouping by text is slow. All together 10 CPU-seconds for 5,000,000 rows where all of that took 15.
with repeated as (

    select event_number from (
        {% for table in event_tables() %}
        select {{ event_number('source', 'event_id') }} as event_number from {{ ref(table) }}
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as numbered
    group by event_number
    having count(*) > 1

),

{% for versions, membership in [('single_versions', 'not in'), ('repeated_versions', 'in')] %}
{{ versions }} as (

    {% for table, about in event_tables().items() %}
    select
        {{ columns | join(',\n        ') }},
        {% for column in own %}
        {{ column if column in about.columns else 'null' }} as {{ column }},
        {% endfor %}
        {{ names_another_domain('named_consumer_domains', 'domain') if table == 'ideas_logged' else 'null' }}
            as has_named_consumer,
        {{ content_hash(table) if versions == 'repeated_versions' else 'null' }} as content_hash
    from {{ ref(table) }}
    where {{ event_number('source', 'event_id') }} {{ membership }} (select repeated.event_number from repeated)
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

{% endfor %}
ranked as (

    select
        *,
        row_number() over (
            partition by source, event_id
            order by {{ is_known('recorded_at') }} desc, revision desc, content_hash desc, batch_id asc, line_number asc
        ) as version_rank,
        row_number() over (
            partition by source, event_id, content_hash
            order by {{ is_known('recorded_at') }} desc, batch_id asc, line_number asc
        ) as copy_number
    from repeated_versions

)

{% for relation in ['single_versions', 'ranked'] %}
select
    {{ (columns + own + ['has_named_consumer']) | join(',\n    ') }},
    case
        when not {{ is_known('recorded_at') }} then 'not_yet_known'
        {% if relation == 'ranked' %}
        when copy_number > 1 then 'duplicate'
        when version_rank > 1 then 'superseded'
        {% endif %}
        when is_retracted then 'retracted'
        else 'current'
    end as version_status
from {{ relation }}
{{ 'union all' if not loop.last }}
{% endfor %}
