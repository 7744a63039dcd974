{#
  What a table promises of its rows, in one test: no two of them have the same `grain`, the `required` columns are never
  NULL, and those of `accepted` hold only their values or NULL. All names are column names, the values texts.

  Shape: one row a fault, with the `problem` in words and the columns of the grain, which name the row (all columns where
  there is no grain). In a grain NULL is a value like any other. One aggregate looks for repeated rows and one scan for
  the rest.
#}
{% test is_valid(model, grain=[], required=[], accepted={}) %}
{%- set key = grain | join(', ') or '*' -%}
{%- set faults = [] -%}
{%- for column in required -%}
    {%- do faults.append({'is': column ~ ' is null', 'problem': "'" ~ column ~ " is missing'"}) -%}
{%- endfor -%}
{%- for column, values in accepted.items() -%}
    {%- set texts = values | map('string') | map('replace', "'", "''") | list -%}
    {%- do faults.append({
        'is': column ~ " not in ('" ~ texts | join("', '") ~ "')",
        'problem': "'" ~ column ~ " is ''' || " ~ column ~ " || ''', not one of " ~ texts | join(', ') ~ "'",
    }) -%}
{%- endfor -%}
{%- if grain %}
select
    cast(count(*) as {{ dbt.type_string() }}) || ' rows have the same {{ key }}' as problem,
    {{ key }}
from {{ model }}
group by {{ key }}
having count(*) > 1
{%- endif %}
{%- if grain and faults %}

union all
{% endif %}
{%- if faults %}
select
    concat_ws(
        '; '
        {%- for fault in faults %},
        case when {{ fault.is }} then {{ fault.problem }} end
        {%- endfor %}
    ) as problem,
    {{ key }}
from {{ model }}
where
    {{ faults | map(attribute='is') | join('\n    or ') }}
{%- endif %}
{% endtest %}
