-- The floor: the same figures straight from the Parquet file, with no checks, no contracts and no orchestration.
-- Variables: `events` (the file), `as_of` (TIMESTAMPTZ). METRICS.md, sections 1 and 2, says what is computed.

-- Nearly every event has one version. Hashes find the others without holding every key, and only those are ranked.
create temp table repeated as
select hash(source, event_id) as key
from read_parquet(getvariable('events'))
group by all
having count(*) > 1;

create temp table event as
with versions as (
    select *, hash(source, event_id) in (from repeated) as is_repeated
    from read_parquet(getvariable('events'))
),
winners as (
    select max_by(struct_pack(event_type, data_product_id, occurred_at, domain, consumer_domain, is_retracted), revision) as e
    from versions
    where is_repeated
    group by source, event_id
)
select event_type, data_product_id, occurred_at, domain, consumer_domain
from versions
where not is_repeated and not is_retracted and occurred_at <= getvariable('as_of')
union all
select e.event_type, e.data_product_id, e.occurred_at, e.domain, e.consumer_domain
from winners
where not e.is_retracted and e.occurred_at <= getvariable('as_of');

create temp table product as
select
    data_product_id,
    max_by(domain, occurred_at) filter (where domain is not null) as domain,
    min(domain) <> max(domain) as has_changed_owner,
    min(occurred_at) filter (where event_type = 'idea_logged') as idea_at,
    min(occurred_at) filter (where event_type = 'work_started') as started_at,
    min(occurred_at) filter (where event_type = 'deployed') as deployed_at,
    min(occurred_at) filter (where event_type in ('withdrawn', 'abandoned', 'rejected', 'retired')) as closed_at
from event
group by data_product_id;

-- The owner is the one at the time of adoption; only where it ever changed is that worth looking up.
create temp table adoption as
with adopted as (
    select e.data_product_id, e.consumer_domain, e.occurred_at, p.domain, p.has_changed_owner
    from event e
    join product p using (data_product_id)
    where e.event_type = 'adopted' and p.domain is not null
),
naming as (
    select e.data_product_id, e.domain, e.occurred_at
    from event e
    join product p using (data_product_id)
    where e.domain is not null and p.has_changed_owner
),
owned as (
    select data_product_id, consumer_domain, occurred_at, domain
    from adopted
    where not has_changed_owner
    union all
    select a.data_product_id, a.consumer_domain, a.occurred_at, coalesce(n.domain, first.domain)
    from adopted a
    asof left join naming n on a.data_product_id = n.data_product_id and a.occurred_at >= n.occurred_at
    left join (select data_product_id, min_by(domain, occurred_at) as domain from naming group by all) first
        on a.data_product_id = first.data_product_id
    where a.has_changed_owner
)
select data_product_id, consumer_domain, min(occurred_at) as first_adopted_at
from owned
where consumer_domain <> domain
group by data_product_id, consumer_domain;

create temp table first_adoption as
select data_product_id, min(first_adopted_at) as adopted_at
from adoption
group by data_product_id;

create table north_star_monthly as
with month as (
    select unnest(generate_series(
        date_trunc('month', (select min(occurred_at) from event)), getvariable('as_of'), interval 1 month
    ))::date as month_starting
),
pairs as (
    select
        date_trunc('month', first_adopted_at)::date as month_starting,
        count(*) as value,
        count(distinct consumer_domain) as adopting_domains_count
    from adoption
    group by all
),
firsts as (
    select date_trunc('month', adopted_at)::date as month_starting, count(*) as first_adoptions_count
    from first_adoption
    group by all
),
known as (
    select date_trunc('month', min(occurred_at))::date as since from event where event_type = 'adopted'
)
select
    month_starting,
    case when month_starting >= since then coalesce(value, 0) end as value,
    case when month_starting >= since then coalesce(first_adoptions_count, 0) end as first_adoptions_count,
    case when month_starting >= since then coalesce(value, 0) - coalesce(first_adoptions_count, 0) end
        as expansion_adoptions_count,
    case when month_starting >= since then coalesce(adopting_domains_count, 0) end as adopting_domains_count
from month
cross join known
left join pairs using (month_starting)
left join firsts using (month_starting);

-- One row per data product and interval; microseconds from its start. A series is an interval of a domain, numbered
-- because windows sort by it: 1000 * interval + domain, with 0 for everyone and 999 for no known owner.
create temp table numbered as
select (row_number() over (order by domain))::smallint as number, domain
from (select distinct domain from product where domain is not null)
union all
select 0, 'all';

create temp table span as
with moment as (
    select p.*, coalesce(n.number, 999)::smallint as number, f.adopted_at
    from product p
    left join numbered n using (domain)
    left join first_adoption f using (data_product_id)
),
pair as (
    select 1000 as interval, number, idea_at as s, deployed_at as e, closed_at as c from moment
    union all
    select 2000, number, deployed_at, adopted_at, closed_at from moment
    union all
    select 3000, number, idea_at, adopted_at, closed_at from moment
    union all
    select 4000, number, idea_at, started_at, closed_at from moment
    union all
    select 5000, number, started_at, deployed_at, closed_at from moment
)
select
    interval::smallint as interval,
    number,
    epoch_us(e) - epoch_us(s) as observed,
    epoch_us(c) - epoch_us(s) as closed,
    epoch_us(getvariable('as_of')) - epoch_us(s) as open,
    (case when s is null then 1 when e < s then 2 when c < s then 3 else 0 end)::utinyint as left_out
from pair;

create temp table series as
select
    (interval + case when grouping(number) = 1 then 0 else number end)::smallint as series,
    count(*) filter (where left_out = 0) as product_count,
    count(observed) filter (where left_out = 0) as observed_count,
    count(*) filter (where left_out = 0 and closed < observed) as revived_count,
    count(*) filter (where left_out = 0 and observed is null and closed is null) as open_count,
    count(*) filter (where left_out = 1) as left_out_no_start_count,
    count(*) filter (where left_out = 2) as left_out_negative_count,
    count(*) filter (where left_out = 3) as left_out_closed_before_start_count,
    quantile_cont(observed::double, [0.5, 0.85]) filter (where left_out = 0) as completed,
    count(*) filter (where left_out = 0 and observed <= 86400000000 * 30) as by_30,
    count(*) filter (where left_out = 0 and observed <= 86400000000 * 90) as by_90,
    count(*) filter (where left_out = 0 and observed <= 86400000000 * 180) as by_180,
    count(*) filter (where left_out = 0 and observed <= 86400000000 * 365) as by_365,
    count(*) filter (where left_out = 0 and observed <= 86400000000 * 730) as by_730
from span
group by grouping sets ((interval, number), (interval))
having grouping(number) = 1 or number < 999;

-- To the microsecond up to 100,000 data products; above, rounded up to whole hours.
create temp macro at_resolution(t) as
    case when (select count(*) from product) > 100000 then ceil(t / 3600000000::double)::bigint * 3600000000 else t end;

-- Kaplan–Meier (km_) and incidence differ for products adopted after their closing: these leave twice.
create temp table step as
with leaving as (
    select
        interval,
        number,
        at_resolution(coalesce(observed, closed, open)) as t,
        observed is not null as km_event,
        true as km_leaves,
        observed is not null and not coalesce(closed < observed, false) as adopted,
        observed is null and closed is not null as closed,
        not coalesce(closed < observed, false) as leaves
    from span
    where left_out = 0
    union all
    select interval, number, at_resolution(closed), false, false, false, true, true
    from span
    where left_out = 0 and closed < observed
)
select
    (interval + case when grouping(number) = 1 then 0 else number end)::smallint as series,
    t,
    count(*) filter (where km_event)::double as km_d,
    count(*) filter (where km_leaves)::double as km_out,
    count(*) filter (where adopted)::double as d,
    count(*) filter (where closed)::double as c,
    count(*) filter (where leaves)::double as out
from leaving
group by grouping sets ((interval, number, t), (interval, t))
having grouping(number) = 1 or number < 999;

-- n: at risk just before t. S(t) = exp(sum of ln(1 - d/n)), where all leave -1000 for ln(0). Aalen–Johansen's incidence
-- F is the sum of S(t-) d/n; its variance, by the delta method, is sorted by powers of F. Greenwood: sum of d/(n(n-d)).
create temp table curve as
with risk as (
    select
        series, t, km_d, d, c,
        product_count - sum(km_out) over w + km_out as km_n,
        product_count - sum(out) over w + out as n
    from step
    join series using (series)
    window w as (partition by series order by t rows unbounded preceding)
),
survival as (
    select
        *,
        exp(coalesce(sum(
            case when d + c < n then ln(1 - (d + c) / n) when d + c > 0 then -1000 else 0 end
        ) over (partition by series order by t rows between unbounded preceding and 1 preceding), 0)) as s
    from risk
    where km_d + d + c > 0
),
incidence as (
    select
        *,
        sum(s * d / nullif(n, 0)) over w as f,
        case when d + c < n then (d + c) / (n * (n - d - c)) else 0 end as g
    from survival
    window w as (partition by series order by t rows unbounded preceding)
),
sums as (
    select
        series, t, d, c, n, km_n, f, s,
        sum(g) over w as greenwood,
        sum(f * g + s * d / nullif(n * n, 0)) over w as linear,
        sum(f * f * g + s * d / nullif(n * n, 0) * (2 * f + s * (n - d) / n)) over w as constant,
        exp(sum(
            case when km_d < km_n then ln(1 - km_d / km_n) when km_d > 0 then -1000 else 0 end
        ) over w) as km_s,
        sum(case when km_d < km_n then km_d / (km_n * (km_n - km_d)) else 0 end) over w as km_greenwood
    from incidence
    window w as (partition by series order by t rows unbounded preceding)
)
select
    series, t, n, km_n, d + c > 0 as has_step, f, km_s,
    1 - f - s * (1 - coalesce((d + c) / nullif(n, 0), 0)) as closed_share,
    greatest(f * f * greenwood - 2 * f * linear + constant, 0) as variance,
    km_s * km_s * km_greenwood as km_variance
from sums;

-- S ** exp(-+ 1.96 sd / (S ln S)), the log–log band; undefined where S is 1 or 0.
create temp macro band(s, variance, z) as
    case when s > 1e-9 and s < 1 - 1e-9 then power(s, exp(z * sqrt(variance) / (s * ln(s)))) end;

create table time_to_value_curve as
with day as (
    select
        series,
        ceil(t / 86400000000::double)::integer as day,
        max(f) as f,
        max_by(variance, t) as variance,
        max(closed_share) as share_closed,
        max(n)::bigint as at_risk_count
    from curve
    where has_step
    group by all
    union all
    select series, 0, 0, 0, 0, product_count
    from series
    where product_count > 0
)
select
    ['idea_to_deployed', 'deployed_to_adopted', 'idea_to_adopted', 'idea_to_started', 'started_to_deployed'][series // 1000]
        as interval_id,
    domain,
    day,
    max(f) as share_adopted,
    1 - band(1 - max(f), max(variance), 1.959963984540054) as lower,
    1 - band(1 - max(f), max(variance), -1.959963984540054) as upper,
    greatest(max(share_closed), 0) as share_closed,
    max(at_risk_count) as at_risk_count
from day
join numbered on number = series % 1000
group by all;

create table time_to_value as
with estimate as (
    select
        series,
        'incidence' as estimator,
        t,
        n,
        1 - f as s,
        variance
    from curve
    union all
    select series, 'kaplan_meier', t, km_n, km_s, km_variance from curve
),
read as (
    select
        series,
        estimator,
        min(t) filter (where s <= 0.5 + 1e-9) as median,
        max(n) filter (where s <= 0.5 + 1e-9) as median_at_risk,
        min(t) filter (where band(s, variance, -1.959963984540054) <= 0.5 + 1e-9) as lower,
        min(t) filter (where band(s, variance, 1.959963984540054) <= 0.5 + 1e-9) as upper,
        min(t) filter (where s <= 0.15 + 1e-9) as p85,
        1 - coalesce(min(s) filter (where t <= 86400000000 * 30), 1) as by_30,
        1 - coalesce(min(s) filter (where t <= 86400000000 * 90), 1) as by_90,
        1 - coalesce(min(s) filter (where t <= 86400000000 * 180), 1) as by_180,
        1 - coalesce(min(s) filter (where t <= 86400000000 * 365), 1) as by_365,
        1 - coalesce(min(s) filter (where t <= 86400000000 * 730), 1) as by_730
    from estimate
    group by all
),
figures as (
    select read.*, observed_count - case when estimator = 'incidence' then revived_count else 0 end as observed_count
    from read
    join series using (series)
    union all
    select
        series, 'completed_only', completed[1], null, null, null, completed[2],
        by_30 / observed_count, by_90 / observed_count, by_180 / observed_count, by_365 / observed_count,
        by_730 / observed_count, observed_count
    from series
)
select
    ['idea_to_deployed', 'deployed_to_adopted', 'idea_to_adopted', 'idea_to_started', 'started_to_deployed'][series // 1000]
        as interval_id,
    domain,
    estimator,
    product_count,
    f.observed_count,
    open_count,
    product_count - f.observed_count - open_count as closed_count,
    left_out_negative_count,
    left_out_no_start_count,
    left_out_closed_before_start_count,
    case when f.observed_count >= 10 and coalesce(median_at_risk, 5) >= 5 then median / 86400000000 end as median_days,
    case when f.observed_count >= 10 and coalesce(median_at_risk, 5) >= 5 then lower / 86400000000 end as median_lower_days,
    case when f.observed_count >= 10 and coalesce(median_at_risk, 5) >= 5 then upper / 86400000000 end as median_upper_days,
    case when f.observed_count >= 10 then p85 / 86400000000 end as p85_days,
    f.by_30 as share_by_day_30,
    f.by_90 as share_by_day_90,
    f.by_180 as share_by_day_180,
    f.by_365 as share_by_day_365,
    f.by_730 as share_by_day_730
from figures f
join series using (series)
join numbered on number = series % 1000;
