{#
  The North Star as declared by the var `north_star`, checked and with its defaults: {metric, kind, target, period,
  lateness_days, timezone, k, days, has_limits, no_limits_reason}. Raises what is wrong with it, why, and what to write.

  A process limit asks whether a point differs from its neighbours. A stock carries last month's pairs into this
  one, and a median over 180 days shares five sixths of its products with the month before: their points resemble each
  other by construction, and 87 to 100 % of such series "signal" with nothing changed. So they get none.
#}
{% macro north_star_metrics() %}
    {{ return({
        'cross_domain_adoptions': {'kind': 'flow', 'period': 'month'},
        'sustained_adoptions': {'kind': 'flow', 'period': 'month'},
        'products_reaching_k_domains': {'kind': 'flow', 'period': 'month'},
        'adopted_within_days': {'kind': 'rate', 'period': 'quarter'},
        'time_to_value_median': {'kind': 'duration', 'period': 'month', 'no_limits': 'overlapping_windows'},
        'active_cross_domain_pairs': {'kind': 'stock', 'period': 'month', 'no_limits': 'stock'},
    }) }}
{% endmacro %}

{% macro north_star() %}
    {%- set given = var('north_star') -%}
    {%- set known = ['metric', 'target', 'period', 'lateness_days', 'timezone', 'k', 'days', 'limits'] -%}
    {%- set unknown = given.keys() | reject('in', known) | list -%}
    {%- if unknown -%}
        {{ refuse_north_star("it has no setting " ~ unknown | join(', ') ~ "; the settings are " ~ known | join(', ')) }}
    {%- endif -%}
    {%- set metric = given.get('metric') or 'cross_domain_adoptions' -%}
    {%- if metric not in north_star_metrics() -%}
        {{ refuse_north_star("no metric " ~ metric ~ "; choose one of " ~ north_star_metrics() | join(', ')) }}
    {%- endif -%}
    {%- set about = north_star_metrics()[metric] -%}
    {%- set why = {
        'stock': 'a stock carries most of last month over, so its points resemble each other by construction',
        'overlapping_windows': 'its windows of 180 days overlap, so its points resemble each other by construction',
    }.get(about.no_limits) -%}
    {%- if given.get('limits') and why -%}
        {{ refuse_north_star(metric ~ " can't have process limits: " ~ why ~ ", and limits would find signals where nothing"
            ~ " has changed. Leave `limits` out, or choose a flow such as cross_domain_adoptions") }}
    {%- endif -%}
    {%- set period = given.get('period') or about.period -%}
    {%- if period not in ['month', 'quarter'] -%}
        {{ refuse_north_star("no period " ~ period ~ "; choose month or quarter, or leave it out") }}
    {%- endif -%}
    {%- if period == 'month' and about.period == 'quarter' -%}
        {{ refuse_north_star(metric ~ " can't be measured by month: a month's products are too few for a share, and it would be"
            ~ " noise. Write `period: quarter`, or leave it out") }}
    {%- endif -%}
    {%- for setting, least in [('k', 1), ('days', 1), ('lateness_days', 0)] -%}
        {%- set value = given.get(setting) -%}
        {%- if value is not none and (value is not integer or value is boolean or value < least) -%}
            {{ refuse_north_star(setting ~ " must be a whole number of " ~ least ~ " or more, not " ~ value) }}
        {%- endif -%}
    {%- endfor -%}
    {%- set target = given.get('target') -%}
    {%- if target is not none and (target is not number or target is boolean or target < 0) -%}
        {{ refuse_north_star("target must be a number of 0 or more, or null, not " ~ target) }}
    {%- endif -%}
    {{ return({
        'metric': metric,
        'kind': about.kind,
        'period': period,
        'target': target,
        'lateness_days': 5 if given.get('lateness_days') is none else given.get('lateness_days'),
        'timezone': given.get('timezone') or 'UTC',
        'k': given.get('k') or 3,
        'days': given.get('days') or 180,
        'has_limits': not why and given.get('limits') is not sameas false,
        'no_limits_reason': about.no_limits or 'limits_switched_off',
    }) }}
{% endmacro %}

{% macro refuse_north_star(words) %}
    {{ exceptions.raise_compiler_error("The var north_star is wrong: " ~ words ~ ". It stands in dbt_project.yml.") }}
{% endmacro %}
