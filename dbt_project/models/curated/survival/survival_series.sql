{% set counts = {
    'product': 'outcome', 'observed': 'days_to_observed',
    'observed_after_closing': 'case when is_observed_after_closing then 1 end',
    'open': "case when outcome = 'open' then 1 end",
} %}
{% for left_out in ['left_out_negative', 'left_out_no_start', 'left_out_closed_before_start'] %}
{% do counts.update({left_out: "case when eligibility = '" ~ left_out ~ "' then 1 end"}) %}
{% endfor %}
{% for day in share_days() %}
{% do counts.update({'observed_by_day_' ~ day: 'case when days_to_observed <= ' ~ day ~ ' then 1 end'}) %}
{% endfor %}

with intervals (interval_id, unknown_reason) as (

    values
    {% for interval in time_to_value_intervals() %}
    ('{{ interval.id }}', '{{ interval.unknown }}'){{ ',' if not loop.last }}
    {% endfor %}

),

-- a data product belongs to the series of all and of its owner, over all cohorts and in its own
counted as (

    select
        {% for name, counted in counts.items() %}
        count({{ counted }}) as {{ name }}_count,
        {% endfor %}
        interval_id,
        {{ domain_or_all() }} as domain,
        case when grouping(cohort) = 1 then 'all' else cohort end as cohort,
        count(ended_at) as ended_count,
        percentile_cont(0.5) within group (order by days_to_observed) as completed_median_days,
        percentile_cont(0.85) within group (order by days_to_observed) as completed_p85_days
    from {{ ref('product_intervals') }}
    group by interval_id, cube(domain, cohort)
    having ({{ is_domain_or_all() }}) and (grouping(cohort) = 1 or cohort is not null)

),

-- over all cohorts every interval has a row for every domain, also where no data product is
over_all_cohorts as (

    select
        intervals.interval_id,
        domains.domain,
        'all' as cohort
    from intervals
    cross join (
        select 'all' as domain
        union distinct
        select domain from counted
    ) as domains

)

select
    {% for name in counts %}
    coalesce(counted.{{ name }}_count, 0) as {{ name }}_count,
    {% endfor %}
    -- one number for three names: windows that sort by the names take twice as long
    cast(row_number() over (order by interval_id, domain, cohort) as integer) as series_id,
    interval_id,
    domain,
    cohort,
    case
        when coalesce(max(counted.ended_count) over (partition by interval_id), 0) = 0 then intervals.unknown_reason
    end as unknown_reason,
    counted.completed_median_days,
    counted.completed_p85_days
from over_all_cohorts
full join counted using (interval_id, domain, cohort)
inner join intervals using (interval_id)
