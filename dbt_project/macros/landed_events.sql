{# The landing tables of events: the SQL of their event_type, and the columns that only they have. #}
{% macro event_tables() %}
    {{ return({
        'ideas_logged': {'event_type': "'idea_logged'", 'columns': ['named_consumer_domains', 'initiative']},
        'work_started': {'event_type': "'work_started'", 'columns': ['initiative']},
        'products_deployed': {'event_type': "'deployed'", 'columns': ['version', 'initiative']},
        'products_adopted': {'event_type': "'adopted'", 'columns': ['consumer_domain', 'evidence', 'initiative']},
        'owners_changed': {'event_type': "'owner_changed'", 'columns': ['initiative']},
        'stages_reached': {'event_type': "'stage_reached'", 'columns': ['stage', 'initiative']},
        'products_closed': {'event_type': 'close_reason', 'columns': ['close_reason', 'initiative']},
        'contract_events': {'event_type': 'contract_event',
            'columns': ['contract_event', 'contract_version', 'passed_count', 'failed_count', 'initiative']},
    }) }}
{% endmacro %}

{#
  The rows of one landing table whose batch is one of the build's: its receipt was written when the build began.
  Shape: one row per landed row; every column an event can have, and the table's own.
  `recorded_at` is the landing time where the source sent none; `is_recorded_at_sent` tells the two apart.
#}
{% macro landed_events(table) %}
with landed as (

    select * from {{ source('landing', table) }}

),

receipts as (

    select
        batch_id,
        landed_at
    from {{ source('build', 'batches') }}

)

select
    landed.source,
    landed.event_id,
    {{ event_tables()[table].event_type }} as event_type,
    landed.data_product_id,
    landed.domain,
    landed.title,
    {% for column in event_tables()[table].columns %}
    landed.{{ column }},
    {% endfor %}
    landed.occurred_at,
    coalesce(landed.recorded_at, receipts.landed_at) as recorded_at,
    landed.recorded_at is not null as is_recorded_at_sent,
    landed.revision,
    landed.is_retracted,
    landed.is_assumed_utc,
    coalesce(landed.is_assumed_time, false) as is_assumed_time, -- what landed before it existed has none
    landed.source_ref,
    landed.attributes,
    landed.batch_id,
    landed.line_number
from receipts
inner join landed on receipts.batch_id = landed.batch_id
{% endmacro %}

{#
  The rows of all raw tables whose event is `in` the CTE `repeated`, or `not in` it. A right join, where `not in` says the
  same: Sail keeps the first input of a join in memory, and of `not in` that is the events.
  Shape: `columns`, which every table has; `own`, NULL in the tables that lack one; whether an idea names another domain
  than its owner; the content hash, of repeated events only.
#}
{% macro versions_of(columns, own, membership) %}
{% for table, about in event_tables().items() %}
select
    {{ columns | join(',\n    ') }},
    {% for column in own %}
    {{ column if column in about.columns else none_of(column) }} as {{ column }},
    {% endfor %}
    {{ names_another_domain('named_consumer_domains', 'domain') if table == 'ideas_logged' else none_of('has_named_consumer') }}
        as has_named_consumer,
    {{ content_hash(table) if membership == 'in' else none_of('content_hash') }} as content_hash
from repeated
{{ 'inner' if membership == 'in' else 'right' }} join {{ ref(table) }} on repeated.event_number = {{ event_number('source', 'event_id') }}
{{ 'where repeated.event_number is null' if membership == 'not in' }}
{{ 'union all' if not loop.last }}
{% endfor %}
{% endmacro %}

{# NULL of the type that a column of events has by its name: Sail takes the type of a union from its first part. #}
{% macro none_of(column) -%}
    {%- if column == 'named_consumer_domains' -%} cast(null as {{ type_texts() }})
    {%- elif column.endswith('_count') -%} cast(null as {{ dbt.type_bigint() }})
    {%- elif column.startswith('has_named_consumer') -%} cast(null as {{ dbt.type_boolean() }})
    {%- else -%} cast(null as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}

{# What an event of a raw table says, as an MD5 of the table and its columns: two rows with the same hash are copies. When it
   was recorded or landed is not part of it, or the same event sent twice would look like two versions. No contract lets a
   text hold chr(0): that tells NULL from '', and one column's end from a text that looks like it. `initiative` was a column
   of ideas only: of other tables it is the last one, left out where it is NULL, so that older rows keep their hash. #}
{% macro content_hash(table) -%}
    md5(concat_ws(chr(0) || chr(31), '{{ table }}'
        {%- for column in ['revision', 'is_retracted', 'data_product_id', 'occurred_at', 'domain', 'title', 'source_ref',
            'attributes'] + event_tables()[table].columns -%}
        {%- set text = adapter.dispatch('as_text')(column) -%}
        , {{ text if column == 'initiative' and table != 'ideas_logged' else 'coalesce(' ~ text ~ ', chr(0))' }}
        {%- endfor -%}
    ))
{%- endmacro %}

{# Text that is the same on every engine: instants as microseconds, lists as JSON. #}
{% macro default__as_text(column) -%}
    {%- if column.endswith('_at') -%} cast(unix_micros({{ column }}) as string)
    {%- elif column == 'named_consumer_domains' -%} {{ list_as_json(column) }}
    {%- else -%} cast({{ column }} as string)
    {%- endif -%}
{%- endmacro %}

{# A list of texts as JSON on Spark and Sail, letter by letter as DuckDB writes it: Sail's to_json has other digits in the
   escapes of control characters. #}
{% macro list_as_json(column) -%}
    {%- set short = {8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r'} -%}
    {%- set text = namespace(sql="replace(replace(t, '\\\\', '\\\\\\\\'), '\"', '\\\\\"')") -%}
    {%- for code in range(32) -%}
        {%- set text.sql = 'replace(' ~ text.sql ~ ', chr(' ~ code ~ "), '\\\\" ~ short.get(code, 'u%04X' % code) ~ "')" -%}
    {%- endfor -%}
    '[' || array_join(transform({{ column }}, t -> coalesce('"' || {{ text.sql }} || '"', 'null')), ',') || ']'
{%- endmacro %}

{% macro duckdb__as_text(column) -%}
    {%- if column.endswith('_at') -%} cast(epoch_us({{ column }}) as varchar)
    {%- elif column == 'named_consumer_domains' -%} cast(to_json({{ column }}) as varchar)
    {%- else -%} cast({{ column }} as varchar)
    {%- endif -%}
{%- endmacro %}
