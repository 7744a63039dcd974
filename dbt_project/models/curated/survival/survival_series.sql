with product_intervals as (

    select * from {{ ref('product_intervals') }}

),

intervals as (

    {% for interval in time_to_value_intervals() %}
    select
        '{{ interval.id }}' as interval_id,
        '{{ interval.unknown }}' as unknown_reason
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- a data product belongs to everyone's series and its owner's, over all cohorts and in its own
members as (

    {% for domain in ["'all'", 'domain'] %}
    {% for cohort in ["'all'", 'cohort'] %}
    select
        interval_id,
        {{ domain }} as domain,
        {{ cohort }} as cohort,
        eligibility,
        ended_at,
        outcome,
        is_observed_after_closing,
        days_to_observed
    from product_intervals
    where {{ domain }} is not null and {{ cohort }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

counted as (

    select
        interval_id,
        domain,
        cohort,
        count(ended_at) as ended_count,
        count(case when eligibility = 'left_out_negative' then 1 end) as left_out_negative_count,
        count(case when eligibility = 'left_out_no_start' then 1 end) as left_out_no_start_count,
        count(case when eligibility = 'left_out_closed_before_start' then 1 end) as left_out_closed_before_start_count,
        count(outcome) as product_count,
        count(case when outcome = 'open' then 1 end) as open_count,
        count(days_to_observed) as observed_count,
        count(case when is_observed_after_closing then 1 end) as observed_after_closing_count,
        {% for day in share_days() %}
        count(case when days_to_observed <= {{ day }} then 1 end) as observed_by_day_{{ day }}_count,
        {% endfor %}
        percentile_cont(0.5) within group (order by days_to_observed) as completed_median_days,
        percentile_cont(0.85) within group (order by days_to_observed) as completed_p85_days
    from members
    group by interval_id, domain, cohort

),

domains as (

    select 'all' as domain
    union distinct
    select domain from counted

),

-- over all cohorts every interval has a row for every domain, also where no data product is
series as (

    select
        intervals.interval_id,
        domains.domain,
        'all' as cohort
    from intervals
    cross join domains

    union distinct

    select
        interval_id,
        domain,
        cohort
    from counted

)

select
    -- one number for three names: windows that sort by the names take twice as long
    cast(row_number() over (order by series.interval_id, series.domain, series.cohort) as integer) as series_id,
    series.interval_id,
    series.domain,
    series.cohort,
    case
        when coalesce(max(counted.ended_count) over (partition by series.interval_id), 0) = 0
            then intervals.unknown_reason
    end as unknown_reason,
    {% for count in ['product', 'observed', 'observed_after_closing', 'open', 'left_out_negative', 'left_out_no_start',
        'left_out_closed_before_start'] %}
    coalesce(counted.{{ count }}_count, 0) as {{ count }}_count,
    {% endfor %}
    {% for day in share_days() %}
    counted.observed_by_day_{{ day }}_count,
    {% endfor %}
    counted.completed_median_days,
    counted.completed_p85_days
from series
inner join intervals on series.interval_id = intervals.interval_id
left join counted
    on
        series.interval_id = counted.interval_id
        and series.domain = counted.domain
        and series.cohort = counted.cohort
