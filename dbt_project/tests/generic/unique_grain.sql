{# "One row per …": no two rows share the values of `columns`. Returns the combinations that repeat. #}
{% test unique_grain(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
