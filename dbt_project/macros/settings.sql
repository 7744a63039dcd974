{#
  The settings that the tables depend on, as `<home>/flywheel.yml` has them: {statement, owner, metric, kind, outcome,
  target, target_by, period, k, days, has_limits, no_limits_reason, timezone, lateness_days, governance_model}.
  orchestration/settings.py checks them and writes them into each build. An environment variable rather than a var,
  because a changed var makes dbt parse the whole project again. Without one, as where the project is only linted, they
  are the defaults; a unit test overrides the var `settings`.
#}
{% macro settings() %}
    {%- set chosen = {
        'statement': none,
        'owner': none,
        'metric': 'cross_domain_adoptions',
        'kind': 'flow',
        'outcome': none,
        'target': none,
        'target_by': none,
        'period': 'month',
        'k': 3,
        'days': 180,
        'has_limits': true,
        'no_limits_reason': 'limits_switched_off',
        'timezone': 'UTC',
        'lateness_days': 5,
        'governance_model': none,
    } -%}
    {%- do chosen.update(var('settings', none) or fromjson(env_var('FLYWHEEL_SETTINGS', '{}'))) -%}
    {{ return(chosen) }}
{% endmacro %}

{# A setting as SQL: its text quoted, NULL where it is not set. #}
{% macro setting_text(value) -%}
    cast({{ "'" ~ value | replace("'", "''") ~ "'" if value is not none else 'null' }} as {{ dbt.type_string() }})
{%- endmacro %}
