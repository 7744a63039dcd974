{#
  Process behaviour (XmR) limits and their rules.

  Within the n latest points of a phase: centre = mean, limits = centre -+ 2.66 x mean moving range (2.66 = 3 / 1.128, the
  range of two normal values in standard deviations). No limits under 6 points, provisional ones under 10.

  References: Shewhart (1931); Wheeler (2000), Understanding Variation, for the limits and the three rules; Western
  Electric (1956), Statistical Quality Control Handbook. Oracle: numpy, in tests/oracles/limits.py.
#}

{# How far from the centre the limits lie, by the moving ranges |x(i) - x(i-1)| within a phase. An aggregate. #}
{% macro limit_distance(moving_range) -%}
    2.66 * cast({{ exact_sum(moving_range) }} as double) / nullif(count({{ moving_range }}), 0)
{%- endmacro %}

{# Which side of the centre: 1, -1, or 0 on it; 1e-9 so that a rounded mean does not make a side. #}
{% macro side_of(value, center) -%}
    case when {{ value }} > {{ center }} + 1e-9 then 1 when {{ value }} < {{ center }} - 1e-9 then -1 else 0 end
{%- endmacro %}

{# 1 or -1 beyond a limit, else 0. #}
{% macro side_outside(value, lower, upper) -%}
    case when {{ value }} > {{ upper }} + 1e-9 then 1 when {{ value }} < {{ lower }} - 1e-9 then -1 else 0 end
{%- endmacro %}

{# 1 or -1 nearer a limit than the centre, else 0: by the limits' distance before any floor or cap. A floor at 0 would move
   the middle up, and at 2 a month every 0 would be "near a limit": such a rule alone signals in 5 % of stable months. #}
{% macro side_near_limit(value, center, distance) -%}
    {{ side_outside(value, center ~ ' - ' ~ distance ~ ' / 2', center ~ ' + ' ~ distance ~ ' / 2') }}
{%- endmacro %}

{# No count, share or pace index is below 0; only net_flow is a difference. #}
{% macro floored(limit, metric_id) -%}
    case when {{ metric_id }} = 'net_flow' then {{ limit }} else greatest({{ limit }}, 0) end
{%- endmacro %}

{# No share is above 1. #}
{% macro capped(limit, is_share) -%}
    case when {{ is_share }} then least({{ limit }}, 1) else {{ limit }} end
{%- endmacro %}

{#
  SQL condition: the latest 1, 4 or 8 points, which lie on this side (1 or -1) of the centre, differ from it by something:
  by 2 things together, and of a share by a percentage point on average. One failed check of 144 lies outside the limits
  of checks that never fail. `basis`: own or previous, the prefix of the columns of `signals`.
#}
{% macro is_large(basis, side, size) -%}
    {{ basis }}_{{ side }} * {{ basis }}_excess_{{ size }} >= 2 - 1e-9
    and (not is_share or {{ basis }}_{{ side }} * {{ basis }}_distance_{{ size }} >= 0.01 - 1e-9)
{%- endmacro %}

{#
  Which way the average of a phase differs from the centre of the phase before: 1 or -1, and 0 where 2.5 standard errors
  explain it, or of a share a percentage point. One signal among many months is likely by chance, this beside it is not:
  docs/metrics.md has the measurement. The columns previous_... are those of phase_limits.
#}
{% macro side_of_change(average, point_count) -%}
    case
        when is_share and abs({{ average }} - previous_center) < 0.01 - 1e-9 then 0
        when
            abs({{ average }} - previous_center)
            >= 2.5 * previous_deviation * sqrt(1 / {{ point_count }} + 1 / previous_limits_count) - 1e-9
            then {{ side_of(average, 'previous_center') }}
        else 0
    end
{%- endmacro %}

{# The first of the three rules that the point fulfils by the limits of this basis; NULL where none. #}
{% macro first_rule(basis, prefix) -%}
    case
        when {{ basis }}_outside <> 0 and {{ is_large(basis, 'outside', 1) }} then '{{ prefix }}outside_limits'
        when abs({{ basis }}_run) = 8 and {{ is_large(basis, 'side', 8) }} then '{{ prefix }}eight_on_one_side'
        when
            case {{ basis }}_near when 1 then {{ basis }}_high_count when -1 then {{ basis }}_low_count end >= 3
            and {{ is_large(basis, 'near', 4) }}
            then '{{ prefix }}three_of_four_near_limit'
    end
{%- endmacro %}
