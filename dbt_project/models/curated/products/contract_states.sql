with dates as (

    {{ evolution_date_rows() }}

),

received as (

    select
        events.*,
        dates.evolution_date,
        events.event_type = 'contract_checked' as is_check,
        events.event_type = 'contract_checked' and (events.passed_count > 0 or events.failed_count > 0) as has_checked,
        {{ elapsed_days('events.occurred_at', 'dates.judged_at') }} as days_ago
    from dates
    inner join {{ ref('lifecycle_events') }} as events on dates.judged_at >= events.occurred_at
    where events.event_type in ('contract_activated', 'contract_checked')

)

select
    data_product_id,
    evolution_date,
    {{ latest('contract_version') }} as contract_version,
    min(case when not is_check then occurred_at end) as activated_at,
    max(case when is_check then occurred_at end) as last_checked_at,
    max(case when is_check and failed_count > 0 then occurred_at end) as last_failed_at,
    -- two counts of a contract can be larger together than a BIGINT
    coalesce(sum(case when is_check and days_ago < 28 then cast(passed_count as decimal(38, 0)) end), 0)
        as checks_passed_28d_count,
    coalesce(sum(case when is_check and days_ago < 28 then cast(failed_count as decimal(38, 0)) end), 0)
        as checks_failed_28d_count,
    {% for first_day in [0, 30, 60] %}
    {{ '+ ' if not loop.first -}}
    max(case when has_checked and days_ago >= {{ first_day }} and days_ago < {{ first_day + 30 }} then 1 else 0 end)
    {% endfor %}
        as checked_spans_count
from received
group by data_product_id, evolution_date
