select
    metric_id,
    name,
    definition,
    unit,
    kind,
    good_direction,
    role,
    lever,
    flywheel_phase,
    persona,
    parent_metric_id,
    edge,
    cast(definition_version as integer) as definition_version
from {{ ref('metrics') }}
