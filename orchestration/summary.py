"""Says in a few lines what was published: what a CDO would want to read in the terminal.

Belongs here: words about served numbers. Does not belong here: computing any of them.
"""

import json
from collections import Counter

import duckdb

from orchestration.home import Home
from orchestration.landing import quarantined, receipts

REASONS = {
    "no_products": "no data products yet",
    "no_adoption_events": "no adoption has ever been sent",
    "no_deployment_events": "no deployment has ever been sent",
    "not_enough_data": "not enough data yet",
    "not_reached": "half of the ideas are not there yet",
    "no_ideas": "no idea was logged",
    "no_repeat_use_events": "no repeated use has ever been sent",
    "too_recent": "not everyone could be followed for long enough yet",
}
VERDICTS = {
    "improving": "; improving, more than routine variation",
    "worsening": "; worsening, more than routine variation",
    "no_change": "; routine variation",
    "not_enough_data": "",
}


def read_serving(home: Home) -> duckdb.DuckDBPyConnection:
    """The served tables, read-only, in a connection of its own, so that the newest file is the one that is read."""
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    db.execute("attach '{}' as serving (read_only)".format(str(home.serving).replace("'", "''")))
    db.execute("use serving")
    return db


def summarize(home: Home) -> list[tuple[str, str]]:
    """(label, words) of what the serving file says."""
    with read_serving(home) as db:
        as_of, known_at, is_sample, through = db.execute("from main.publication").fetchone()
        about = f"{as_of:%Y-%m-%d %H:%M} UTC" + (f", as known on {known_at:%Y-%m-%d}" if known_at else "")
        lines = [("As of", about + (f"; latest event {through:%Y-%m-%d}" if through else "; no events"))]
        if is_sample:
            lines.insert(0, ("Sample", "these are made-up events of a sample organisation, not yours"))
        return [*lines, ("North Star", _north_star(db)), ("Time to value", _time_to_value(db)), *_rows(home)]


def _north_star(db: duckdb.DuckDBPyConnection) -> str:
    row = db.execute(
        """
        select
            month_starting, period, name, unit, value, first_adoptions_count, expansion_adoptions_count, target,
            verdict, rule, north_star_monthly.reason,
            (select max_by(phase_note, month_starting) from authoritative.north_star_monthly)
        from authoritative.north_star_monthly inner join authoritative.metric_definitions using (metric_id)
        where is_complete order by month_starting desc limit 1
        """
    ).fetchone()
    if row is None:
        return "no complete month yet"
    month, period, name, unit, value, first, expansion, target, verdict, rule, reason, note = row
    when = f"{month:%B %Y}" if period == "month" else f"the quarter from {month:%B %Y}"
    if value is None:
        return f"{name}, unknown for {when}: {REASONS.get(reason, reason)}"
    words = f"{name}, {when}: {value:.0%}" if unit == "share" else f"{name}, {when}: {value:,.0f}"
    words += f" {unit}" if unit == "days" else ""
    words += f" ({first} first, {expansion} expansion)" if first is not None else ""
    words += f"; target {target:g}" if target is not None else ""
    if rule and rule.startswith("previous_"):
        return f'{words}; {"better" if verdict == "improving" else "worse"} than before "{note}", routine since'
    return words + VERDICTS[verdict]


def _time_to_value(db: duckdb.DuckDBPyConnection) -> str:
    rows = db.execute(
        """
        select estimator, median_days, median_lower_days, median_upper_days, share_by_day_365, reason
        from authoritative.time_to_value
        where interval_id = 'idea_to_adopted' and domain = 'all' and cohort = 'all'
        """
    ).fetchall()
    figures = {row[0]: row[1:] for row in rows}
    median, lower, upper, in_a_year, reason = figures["incidence"]
    completed = figures["completed_only"][0]
    if median is not None:
        high = "or more" if upper is None else f"to {upper:.0f}"
        low = "0" if lower is None else f"{lower:.0f}"
        words = f"half of all ideas reach another domain within {median:.0f} days (95 % interval {low} {high})"
    else:
        words = REASONS.get(reason, str(reason))
        if in_a_year is not None:
            words += f"; {in_a_year:.0%} reach another domain within a year"
    return words + (f"; counting finished ideas only would show {completed:.0f}" if completed is not None else "")


def _rows(home: Home) -> list[tuple[str, str]]:
    landed = receipts(home)
    waiting = quarantined(home).column("reasons").to_pylist()
    reasons = Counter(reason for row in waiting for reason in row).most_common(3)
    words = f"{sum(r['rows_landed'] for r in landed):,} landed, {len(waiting):,} in quarantine"
    if reasons:
        words += " (" + ", ".join(f"{reason} {count:,}" for reason, count in reasons) + ")"
    assumed = sum(r["assumed_utc_count"] for r in landed)
    extra = Counter()
    for receipt in landed:
        extra.update(json.loads(receipt["extra_columns"]))
    beside = [f"{assumed:,} times without offset read as UTC"] if assumed else []
    beside += [f"unknown columns kept: {', '.join(sorted(extra)[:5])}"] if extra else []
    return [("Rows", "; ".join([words, *beside])), ("Served", str(home.serving))]
