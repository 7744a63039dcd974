{{ config(meta={
    'dagster': {'ref': {'name': 'metric_verdicts'}},
    'description': 'Each series of leading_metrics_monthly, and the North Star, has one verdict, with the value of its '
        ~ 'latest complete period, and no month has a signal without limits.',
}) }}

with monthly as (

    select
        metric_id,
        domain,
        month_starting,
        value,
        is_complete
    from {{ ref('leading_metrics_monthly') }}

    union all

    select
        metric_id,
        'all' as domain,
        month_starting,
        value,
        is_complete
    from {{ ref('north_star_monthly') }}

),

latest as (

    select
        metric_id,
        domain,
        case when is_complete then month_starting end as month_starting,
        case when is_complete then value end as value
    from monthly
    qualify row_number() over (partition by metric_id, domain order by is_complete desc, month_starting desc) = 1

)

select
    case
        when verdicts.metric_id is null then 'the series has no verdict'
        when latest.metric_id is null then 'the verdict has no series'
        else 'the verdict is not beside the value of the latest complete period'
    end as problem,
    metric_id,
    domain,
    latest.month_starting
from latest
full join {{ ref('metric_verdicts') }} as verdicts using (metric_id, domain)
where
    verdicts.metric_id is null
    or latest.metric_id is null
    or verdicts.month_starting is distinct from latest.month_starting
    or verdicts.value is distinct from latest.value

union all

select
    'a month has a signal without limits' as problem,
    metric_id,
    domain,
    month_starting
from {{ ref('process_limits') }}
where signal is not null and center is null and previous_center is null
