select
    cast(month_starting as date) as month_starting,
    cast(horizon_months as integer) as horizon_months,
    {% for figure in ['expected_value', 'lower', 'upper', 'chance_of_target', 'total_expected_value', 'total_lower',
        'total_upper', 'total_chance_of_target'] %}
    cast({{ figure }} as double) as {{ figure }},
    {% endfor %}
    cast(reason as varchar) as reason
from {{ ref('north_star_forecasts') }}
