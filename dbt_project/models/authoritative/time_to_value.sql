select
    {% for name in ['interval_id', 'domain', 'cohort', 'estimator'] %}
    cast({{ name }} as varchar) as {{ name }},
    {% endfor %}
    {% for count in ['product', 'observed', 'open', 'closed', 'left_out_negative', 'left_out_no_start',
        'left_out_closed_before_start'] %}
    cast({{ count }}_count as bigint) as {{ count }}_count,
    {% endfor %}
    {% for figure in ['median_days', 'median_lower_days', 'median_upper_days', 'p85_days'] %}
    cast({{ figure }} as double) as {{ figure }},
    {% endfor %}
    {% for day in share_days() %}
    cast(share_by_day_{{ day }} as double) as share_by_day_{{ day }},
    {% endfor %}
    cast(reason as varchar) as reason
from {{ ref('interval_estimates') }}
