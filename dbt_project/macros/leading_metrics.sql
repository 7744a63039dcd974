{#
  The leading metrics that are counts or shares of a month's events, over the columns of curated.monthly_counts:
    numerator, denominator  the value is numerator / denominator, or the numerator where there is no denominator
    observations            what observation_count holds; `counted` where it is left out
    counted                 what must average 2 a month for limits by month; below, limits are by quarter
    judged                  what must be above 0 for limits to judge the month; what limits divide by, where it is left out
    received                what must have been received once: before, there may be some that nobody sends, and 0 would be a guess
#}
{% macro monthly_metrics() %}
    {{ return([
        {'id': 'named_consumer_share', 'numerator': 'named_ideas_count', 'denominator': 'ideas_count',
            'counted': 'ideas_count', 'received': 'named_consumers', 'none': 'no_ideas', 'unreceived': 'no_named_consumers'},
        {'id': 'initiative_share', 'numerator': 'aligned_ideas_count', 'denominator': 'ideas_count',
            'counted': 'ideas_count', 'received': 'initiatives', 'none': 'no_ideas', 'unreceived': 'no_initiatives'},
        {'id': 'net_flow', 'numerator': 'started_count', 'minus': 'finished_count', 'observations': 'open_count',
            'judged': 'started_count + finished_count', 'received': 'finished', 'unreceived': 'no_adoption_events'},
        {'id': 'first_deployments', 'numerator': 'deployed_count', 'counted': 'deployed_count',
            'received': 'deployed', 'unreceived': 'no_deployment_events'},
        {'id': 'first_adoptions', 'numerator': 'first_adoptions_count', 'counted': 'first_adoptions_count',
            'received': 'adopted', 'unreceived': 'no_adoption_events'},
        {'id': 'expansion_adoptions', 'numerator': 'expansions_count', 'counted': 'expansions_count',
            'received': 'adopted', 'unreceived': 'no_adoption_events'},
        {'id': 'adopting_domains', 'numerator': 'adopting_domains_count', 'counted': 'adopting_domains_count',
            'observations': 'adoptions_count', 'received': 'adopted', 'unreceived': 'no_adoption_events'},
        {'id': 'expansion_share', 'numerator': 'expansions_count', 'denominator': 'adoptions_count',
            'counted': 'adoptions_count', 'received': 'adopted', 'none': 'no_adoptions',
            'unreceived': 'no_adoption_events'},
    ]) }}
{% endmacro %}
