{# The queues in which an open data product waits for its next step. Each has the `stage` of data_products that is in it,
   the column of when the step before came (`from`), that of when the next one did (`to`), the columns of first_events
   that say whether it can exist (`known`) and whether its next step was ever received (`next`), and the reason where
   that was not. Without any work_started nobody can tell an idea from one in build: both are not_deployed. #}
{% macro queues() %}
    {{ return([
        {'id': 'not_started', 'stage': 'idea', 'from': 'idea_logged_at',
            'to': 'coalesce(least(work_started_at, deployed_at), work_started_at, deployed_at)',
            'exists': 'has_ideas and first_work_started_at is not null', 'next': 'first_work_started_at',
            'unknown': 'no_work_started_events'},
        {'id': 'in_build', 'stage': 'started', 'from': 'work_started_at', 'to': 'deployed_at',
            'exists': 'first_work_started_at is not null', 'next': 'first_deployed_at',
            'unknown': 'no_deployment_events'},
        {'id': 'not_deployed', 'stage': 'idea', 'from': 'idea_logged_at', 'to': 'deployed_at',
            'exists': 'has_ideas and first_work_started_at is null', 'next': 'first_deployed_at',
            'unknown': 'no_deployment_events'},
        {'id': 'deployed_unused', 'stage': 'deployed', 'from': 'deployed_at', 'to': 'adopted_at',
            'exists': 'first_deployed_at is not null', 'next': 'first_adopted_at',
            'unknown': 'no_adoption_events'},
    ]) }}
{% endmacro %}
