select
    cast(influences.metric_id as varchar) as metric_id,
    cast(influences.outcome_metric_id as varchar) as outcome_metric_id,
    cast(influences.lag as integer) as lag,
    cast(influences.correlation as double) as correlation,
    cast(influences.p_value as double) as p_value,
    cast(influences.observation_count as bigint) as observation_count,
    cast(influences.verdict as varchar) as verdict,
    cast(influences.reason as varchar) as reason
from {{ ref('metric_influences') }} as influences
