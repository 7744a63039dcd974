{{ config(materialized='ephemeral') }}

{# (rule, condition, detail) of what one event shows by itself #}
{% set rules = [
    ('assumed_utc', 'is_assumed_utc', "'sent without an offset, read as ' || occurred_at"),
    ('assumed_time', 'is_assumed_time', "'sent as a date, read as ' || occurred_at"),
    ('recorded_before_it_occurred', 'recorded_at < case when is_assumed_time then '
        ~ dbt.dateadd('hour', -12, 'occurred_at') ~ ' else occurred_at end',
        "'occurred ' || occurred_at || ', recorded ' || recorded_at"),
    ('implausibly_early', "occurred_at < cast('1990-01-01 00:00:00+00' as timestamp with time zone)",
        "event_type || ' ' || occurred_at"),
] %}

with events as (

    select * from {{ ref('lifecycle_events') }}
    where occurred_at <= {{ as_of() }}

),

-- one revision that says two things, and recorded_at does not tell which is newer: by content one of them wins
conflicts as (

    select
        winners.source,
        winners.event_id,
        winners.data_product_id,
        winners.occurred_at,
        'revision ' || winners.revision || ' counts as in batch ' || winners.batch_id || ' line '
        || winners.line_number || ', and differs in '
        || {{ dbt.listagg("'batch ' || losers.batch_id || ' line ' || losers.line_number", "', '",
            "order by losers.batch_id, losers.line_number", 10) }} as detail
    from {{ ref('event_versions') }} as winners
    inner join {{ ref('event_versions') }} as losers
        on
            winners.source = losers.source
            and winners.event_id = losers.event_id
            and winners.revision = losers.revision
    where
        winners.version_status in ('current', 'retracted')
        and winners.occurred_at <= {{ as_of() }}
        and losers.is_conflicting
        and losers.version_status = 'superseded'
    group by
        winners.source, winners.event_id, winners.data_product_id, winners.occurred_at, winners.revision,
        winners.batch_id, winners.line_number

)

{% for rule_id, condition, detail in rules %}
select
    '{{ rule_id }}' as rule_id,
    data_product_id,
    source,
    event_id,
    occurred_at,
    {{ detail }} as detail
from events
where {{ condition }}

union all

{% endfor %}
select
    'conflicting_revision' as rule_id,
    data_product_id,
    source,
    event_id,
    occurred_at,
    detail
from conflicts
