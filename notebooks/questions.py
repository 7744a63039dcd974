"""The ten questions of `your_questions.py`: their words, the SQL that answers them, how to read the answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question of an analyst. `nothing` is what an answer without rows means."""

    words: str
    sql: str
    reading: str
    nothing: str


QUESTIONS = [
    Question(
        "Which declared change had an effect?",
        """
with phases as (
    select
        process_phase, any_value(process_phase_note) as declared_change, min(month_starting) as first_month,
        count(*) filter (is_complete) as complete_months, any_value(center) as center_after,
        lag(any_value(center)) over (order by process_phase) as center_before,
        min(month_starting) filter (rule like 'previous%') as first_month_beyond,
        min_by(signal, month_starting) filter (rule like 'previous%') as effect
    from authoritative.north_star_monthly
    group by process_phase
)

select
    declared_change, first_month, complete_months, center_before, center_after, first_month_beyond,
    coalesce(effect, 'none seen') as effect
from phases
where process_phase > 1
order by first_month
""",
        "A change had an effect where months after it lie outside the limits from before it; `first_month_beyond` is "
        "the first of them. Where there is none, a difference of the two centres is routine variation.",
        "No process change is declared in process_changes.csv.",
    ),
    Question(
        "Which open data products have waited longer than most that moved on?",
        """
select
    queue, queue_rank, data_product_id, title, domain, days_in_queue, moved_on_p85_days, chance_of_adoption_90d
from authoritative.open_ideas
where is_older
order by queue, queue_rank
""",
        "Of those that left the queue for the next step in the last 365 days, 85 % had left it by `moved_on_p85_days`; "
        "these are older. The chance is that of adoption by another domain in the next 90 days at this age.",
        "No open data product is known to have waited longer. A queue that fewer than 10 left has no such age.",
    ),
    Question(
        "Which domain gives most to whom?",
        """
select
    owner_domain as gives, consumer_domain as takes, count(*) as adoptions_count,
    count(*) filter (is_first_adoption) as first_adoptions_count,
    (max(first_adopted_at) at time zone 'UTC')::date as latest_adoption
from curated.adoptions
group by owner_domain, consumer_domain
order by adoptions_count desc, gives, takes
""",
        "One row per giving and taking domain, over all time: how many data products the one adopted from the other, "
        "and for how many of them it was the first other domain.",
        "No adoption by another domain was ever sent.",
    ),
    Question(
        "How long does each stage take, in each domain against all?",
        """
select
    one.interval_id, one.domain, one.product_count, one.observed_count, one.median_days, one.median_lower_days,
    one.median_upper_days, everyone.median_days as all_median_days,
    one.reason
from authoritative.time_to_value as one
inner join authoritative.time_to_value as everyone using (interval_id, cohort, estimator)
where one.cohort = 'all' and one.estimator = 'kaplan_meier' and one.domain <> 'all' and everyone.domain = 'all'
order by one.interval_id, one.domain
""",
        "Half complete the stage within `median_days`, if nothing is closed. With many domains about one in twenty of "
        "these intervals excludes the median of all by chance: which domains differ is in `domain_scorecard`.",
        "No data product has a known owner yet.",
    ),
    Question(
        "Which data products are used beyond their certainty?",
        """
select
    data_product_id, title, domain, consuming_domains_count, certainty, reason, contract_activated_at,
    checks_passed_share
from authoritative.product_evolution
where position = 'used_beyond_its_certainty'
order by consuming_domains_count desc, data_product_id
""",
        "Two or more other domains rely on each of these, but its contract does not guarantee enough; "
        "`reason` is the next gate.",
        "No data product is known to be. Where no contract event was ever sent, certainty is not measured at all.",
    ),
    Question(
        "What share of ideas named a consumer, and were those adopted more often?",
        """
with ideas as (
    select
        has_named_consumer, idea_logged_at, adopted_at, closed_at,
        idea_logged_at + interval 180 days <= as_of as is_followed,
        coalesce(adopted_at < idea_logged_at or closed_at < idea_logged_at, false) as is_out_of_order,
        (select bool_or(has_named_consumer) from curated.data_products) as is_ever_named,
        (select count(adopted_at) from curated.data_products) > 0 as is_ever_adopted
    from curated.data_products, main.publication
    where idea_logged_at is not null
)

select
    has_named_consumer,
    count(*) as ideas_count,
    count(*) / sum(count(*)) over () as share_of_ideas,
    count(*) filter (is_followed) as followed_180_days_count,
    case when bool_and(is_ever_adopted) then
        count(*) filter (is_followed and adopted_at <= idea_logged_at + interval 180 days)
    end as adopted_by_day_180_count,
    case when bool_and(is_ever_adopted) then
        count(*) filter (is_followed and adopted_at <= idea_logged_at + interval 180 days)
        / nullif(count(*) filter (is_followed), 0)
    end as share_adopted_by_day_180
from ideas
where is_ever_named and not is_out_of_order
group by has_named_consumer
order by has_named_consumer desc
""",
        "Both groups are observed for the same 180 days, so that age favours neither. A difference shows that these "
        "ideas did better, not that naming a consumer is the cause.",
        "No idea has ever named a consumer, so there is nothing to compare.",
    ),
    Question(
        "How do a quarter's ideas compare with those of a year before, at the same age?",
        """
with cohorts as (
    select
        make_date(left(cohort, 4)::integer, 3 * right(cohort, 1)::integer - 2, 1) as quarter, cohort, product_count,
        observed_count, share_by_day_90, share_by_day_180, share_by_day_365
    from authoritative.time_to_value
    where interval_id = 'idea_to_adopted' and domain = 'all' and estimator = 'incidence' and cohort <> 'all'
),

followed as (
    select
        quarter, cohort, product_count,
        case when quarter + interval 3 months + interval 90 days <= today then share_by_day_90 end as by_90,
        case when quarter + interval 3 months + interval 180 days <= today then share_by_day_180 end as by_180,
        case when quarter + interval 3 months + interval 365 days <= today then share_by_day_365 end as by_365
    from cohorts, (select as_of at time zone 'UTC' as today from main.publication)
)

select
    this.cohort, this.product_count, before.product_count as product_count_year_before,
    this.by_90 as share_by_day_90, before.by_90 as share_by_day_90_year_before,
    this.by_180 as share_by_day_180, before.by_180 as share_by_day_180_year_before,
    this.by_365 as share_by_day_365, before.by_365 as share_by_day_365_year_before
from followed as this
left join followed as before on before.quarter + interval 1 year = this.quarter
order by this.quarter desc
""",
        "A share is shown only once every idea of the quarter has been observed for that long. Mind the counts: "
        "with 30 ideas in each, a difference of 20 points is still within chance.",
        "No idea has been logged yet.",
    ),
    Question(
        "What did the North Star consist of in the last 12 months, by the domain that gave?",
        """
with latest as (
    select month_starting from authoritative.leading_metrics_monthly
    where metric_id = 'expansion_share' and domain = 'all' and is_complete
    order by month_starting desc
    limit 12
)

select
    domain as gives, sum(denominator)::bigint as adoptions_count,
    sum(denominator - numerator)::bigint as first_adoptions_count, sum(numerator)::bigint as expansion_adoptions_count,
    min(month_starting) as from_month, max(month_starting) as to_month
from authoritative.leading_metrics_monthly
inner join latest using (month_starting)
where metric_id = 'expansion_share' and domain <> 'all'
group by domain
having sum(denominator) > 0
order by adoptions_count desc, gives
""",
        "A first adoption is by a data product's first other domain, an expansion adoption by one more. The sum over "
        "the domains is the cross-domain adoptions of these months.",
        "No complete month has an adoption by another domain.",
    ),
    Question(
        "How many rows were quarantined, by batch?",
        """
select
    file_name, landed_at, read_count, landed_count, quarantined_count,
    quarantined_count / nullif(read_count, 0) as quarantined_share, superseded_count, duplicate_count,
    retracted_count, is_balanced
from authoritative.event_accounting
order by landed_at desc, quarantined_count desc, file_name
""",
        "Every row read has landed or is in quarantine with its reasons: `flywheel status` counts the rows in "
        "quarantine, `flywheel replay` tries them again once the contract or the source is corrected.",
        "No batch has landed yet.",
    ),
    Question(
        "Which figures are NULL, and why?",
        """
with unknown as (
    select 'north_star_monthly' as table_name, 'reason' as column_name, metric_id as figure, reason as code
    from authoritative.north_star_monthly where value is null
    union all
    select 'leading_metrics_monthly', 'reason', metric_id, reason
    from authoritative.leading_metrics_monthly where value is null
    union all
    select 'time_to_value', 'reason', interval_id || ', ' || estimator, reason
    from authoritative.time_to_value where reason is not null
    union all
    select 'domain_scorecard', 'reason', 'median_days', reason
    from authoritative.domain_scorecard where median_days is null
    union all
    select 'flywheel_scorecard', 'reason', metric_id, reason
    from authoritative.flywheel_scorecard where value is null
    union all
    select 'queues', 'reason', queue || ', moved_on_p85_days', reason
    from authoritative.queues where moved_on_p85_days is null
    union all
    select 'metric_verdicts', 'verdict_reason', metric_id, verdict_reason
    from authoritative.metric_verdicts where verdict = 'not_enough_data'
    union all
    select 'north_star_target', 'capability_reason', 'capability', capability_reason
    from authoritative.north_star_target where capability is null
    union all
    select 'open_ideas', 'chance_reason', 'chance_of_adoption_90d', chance_reason
    from authoritative.open_ideas where chance_of_adoption_90d is null
    union all
    select 'outlook', 'reason', 'expected_value', reason
    from authoritative.outlook where expected_value is null
    union all
    select 'influence_evidence', 'reason', metric_id, reason
    from authoritative.influence_evidence where correlation is null
    union all
    select 'product_evolution', 'ubiquity_reason', 'ubiquity_share', ubiquity_reason
    from authoritative.product_evolution where ubiquity_share is null
)

select unknown.table_name, figure, code as reason, count(*) as row_count, any_value(comment) as what_the_reasons_mean
from unknown
inner join duckdb_columns() as columns
    on columns.table_name = unknown.table_name and columns.column_name = unknown.column_name
    and columns.database_name = 'serving' and columns.schema_name = 'authoritative'
group by unknown.table_name, figure, code
order by unknown.table_name, figure, row_count desc
""",
        "A figure that can't be known is NULL with its reason, never 0. Events that were never sent can be sent; "
        "figures that are too recent or rest on too few need time.",
        "Every figure is known.",
    ),
]
