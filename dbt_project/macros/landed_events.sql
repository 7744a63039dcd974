{#
  The rows of one landing table whose batch is visible: its receipt is written.
  Shape: one row per landed row; every column an event can have, plus `columns`, the table's own. `event_type` is SQL.
  `recorded_at` is the landing time where the source sent none.
#}
{% macro landed_events(table, event_type, columns=[]) %}
with landed as (

    select * from {{ source('landing', table) }}

),

receipts as (

    select
        batch_id,
        landed_at
    from {{ source('landing', 'batches') }}

)

select
    landed.source,
    landed.event_id,
    {{ event_type }} as event_type,
    landed.data_product_id,
    landed.domain,
    landed.title,
    {% for column in columns %}
    landed.{{ column }},
    {% endfor %}
    landed.occurred_at,
    coalesce(landed.recorded_at, receipts.landed_at) as recorded_at,
    landed.revision,
    landed.is_retracted,
    landed.is_assumed_utc,
    landed.source_ref,
    landed.attributes,
    {{ content_hash(table, ['revision', 'is_retracted', 'data_product_id', 'occurred_at', 'domain', 'title', 'source_ref',
        'attributes'] + columns) }} as content_hash,
    landed.batch_id,
    landed.line_number
from landed
inner join receipts on landed.batch_id = receipts.batch_id
{% endmacro %}

{# What an event says, as an MD5 of its table and columns: two rows with the same hash are copies. When it was recorded or landed
   is not part of it, or the same event sent twice would look like two versions. No contract lets a text hold chr(0): that
   tells NULL from '', and one column's end from a text that looks like it. #}
{% macro content_hash(table, columns) -%}
    md5(concat_ws(chr(0) || chr(31), '{{ table }}'
        {%- for column in columns -%}
        , coalesce({{ adapter.dispatch('as_text')('landed.' ~ column, column) }}, chr(0))
        {%- endfor -%}
    ))
{%- endmacro %}

{# Text that is the same on every engine: instants as microseconds, lists as JSON. #}
{% macro default__as_text(expression, column) -%}
    {%- if column.endswith('_at') -%} cast(unix_micros({{ expression }}) as string)
    {%- elif column == 'named_consumer_domains' -%} to_json({{ expression }})
    {%- else -%} cast({{ expression }} as string)
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__as_text(expression, column) -%}
    {%- if column.endswith('_at') -%} cast(epoch_us({{ expression }}) as varchar)
    {%- elif column == 'named_consumer_domains' -%} cast(to_json({{ expression }}) as varchar)
    {%- else -%} cast({{ expression }} as varchar)
    {%- endif -%}
{%- endmacro %}
