{# Which estimator tells how things usually go, by interval and domain: the pace of the trailing 180 days where it has 10
   events, else all time by Kaplan–Meier. In both a closing censors. A query over interval_estimates. #}
{% macro usual_pace() %}
    select
        *,
        case when estimator = 'current_pace' then 'trailing_180_days' else 'all_time' end as basis
    from {{ ref('interval_estimates') }}
    where cohort = 'all' and estimator in ('current_pace', 'kaplan_meier')
    qualify row_number() over (
        partition by interval_id, domain
        order by
            case
                when estimator = 'kaplan_meier' then 2
                when observed_count >= 10 and coalesce(reason, '') <> 'not_enough_data' then 1
                else 3
            end
    ) = 1
{% endmacro %}
