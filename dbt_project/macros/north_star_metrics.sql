{#
  Each North Star as a query: one row per period in which anything happened, with
    month_starting, value, first_adoptions_count, expansion_adoptions_count, adopting_domains_count, numerator, denominator
  (the parts NULL where it has none), from data_products, adoptions, adoption_events and current_pace.
#}

{# Adoptions by the period of `at`, split into a data product's first and its further ones by `number`. #}
{% macro adoptions_by_period(at, number) %}
    select
        {{ month_starting(at, north_star().period) }} as month_starting,
        count(*) as value,
        count(case when {{ number }} = 1 then 1 end) as first_adoptions_count,
        count(case when {{ number }} > 1 then 1 end) as expansion_adoptions_count,
        count(distinct consumer_domain) as adopting_domains_count,
        count(*) as numerator,
        null as denominator
{% endmacro %}

{% macro north_star_cross_domain_adoptions() %}
    {{ adoptions_by_period('first_adopted_at', 'adoption_number') }}
    from {{ ref('adoptions') }}
    group by 1
{% endmacro %}

{% macro north_star_sustained_adoptions() %}
    {{ adoptions_by_period('sustained_at', 'sustained_number') }}
    from (
        select
            *,
            row_number() over (partition by data_product_id order by sustained_at, consumer_domain) as sustained_number
        from {{ ref('adoptions') }}
        where sustained_at is not null
    ) as sustained
    group by 1
{% endmacro %}

{% macro north_star_products_reaching_k_domains() %}
    select
        {{ month_starting('first_adopted_at', north_star().period) }} as month_starting,
        count(*) as value,
        null as first_adoptions_count,
        null as expansion_adoptions_count,
        count(distinct consumer_domain) as adopting_domains_count,
        count(*) as numerator,
        null as denominator
    from {{ ref('adoptions') }}
    where adoption_number = {{ north_star().k }}
    group by 1
{% endmacro %}

{# Every idea of a period that ended `days` ago has been followed for so long, and then incidence is a plain share. #}
{% macro north_star_adopted_within_days() %}
    select
        {{ month_starting('started_at', north_star().period) }} as month_starting,
        count(case when outcome = 'observed' and days_to_observed <= {{ north_star().days }} then 1 end)
            / cast(count(*) as double) as value,
        null as first_adoptions_count,
        null as expansion_adoptions_count,
        null as adopting_domains_count,
        count(case when outcome = 'observed' and days_to_observed <= {{ north_star().days }} then 1 end) as numerator,
        count(*) as denominator
    from {{ ref('product_intervals') }}
    where interval_id = 'idea_to_adopted' and eligibility = 'in'
    group by 1
{% endmacro %}

{% macro north_star_time_to_value_median() %}
    select
        periods.month_starting,
        case when {{ is_enough_for_a_median('pace') }} then pace.median_days end as value,
        null as first_adoptions_count,
        null as expansion_adoptions_count,
        null as adopting_domains_count,
        pace.observed_count as numerator,
        pace.product_count as denominator,
        case
            when not ({{ is_enough_for_a_median('pace') }}) then 'not_enough_data'
            when pace.median_days is null then 'not_reached'
        end as reason
    from {{ ref('reporting_periods') }} as periods
    inner join {{ ref('reporting_periods') }} as months
        on
            periods.period = '{{ north_star().period }}'
            and months.period = 'month'
            and periods.month_starting <= months.month_starting
            and periods.next_starting >= months.next_starting
    inner join {{ ref('current_pace') }} as pace
        on months.period_number = pace.window_number and pace.interval_id = 'idea_to_adopted' and pace.domain = 'all'
    qualify row_number() over (partition by periods.month_starting order by months.month_starting desc) = 1
{% endmacro %}

{# A pair is active at a period's end (at as_of in the one that goes on) with use in the 90 days before it. #}
{% macro north_star_active_cross_domain_pairs() %}
    select
        periods.month_starting,
        count(distinct row(used.data_product_id, used.consumer_domain)) as value,
        null as first_adoptions_count,
        null as expansion_adoptions_count,
        count(distinct used.consumer_domain) as adopting_domains_count,
        count(distinct row(used.data_product_id, used.consumer_domain)) as numerator,
        null as denominator
    from {{ ref('reporting_periods') }} as periods
    inner join {{ ref('adoption_events') }} as used
        on
            periods.period = '{{ north_star().period }}'
            and used.occurred_at < periods.ends_at
            and used.occurred_at > {{ days_after('least(periods.ends_at, ' ~ as_of() ~ ')', -90) }}
    group by 1
{% endmacro %}
