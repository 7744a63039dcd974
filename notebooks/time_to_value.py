import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Why finished ideas mislead")

with app.setup(hide_code=True):
    from datetime import datetime

    import marimo as mo
    import pandas as pd
    import pyarrow as pa
    from duckdb import DuckDBPyConnection
    from notebook_tools import about, connect, medians_chart, quarters_chart, rows, table, with_interval

    from dashboard.tables import MINIMUM_OBSERVED, Row
    from dashboard.words import codes, numbers, phrases

    STARTS = {"idea": "idea_logged_at", "started": "work_started_at", "deployed": "deployed_at"}
    ENDS = {"started": "work_started_at", "deployed": "deployed_at", "adopted": "adopted_at"}


@app.cell(hide_code=True)
def _():
    db = connect()
    [(as_of,)] = db.execute("select as_of from main.publication").fetchall()
    mo.md(
        f"""
        # Why the median of finished ideas misleads

        {about(db)}

        "How long does it take from an idea until another domain uses it?" The usual answer is the median of the ideas
        that were adopted. It leaves out every idea that is still open, and those are the slow ones: it is the median
        of the fast ideas. Below is the effect on your data.
        """
    )
    return as_of, db


@app.cell(hide_code=True)
def _(db):
    _known = rows(
        db,
        """
        select interval_id from authoritative.time_to_value
        where domain = 'all' and cohort = 'all' and estimator = 'incidence' and observed_count > 0
        """,
    )["interval_id"].to_pylist()
    _order = ["idea_to_adopted", "idea_to_deployed", "deployed_to_adopted", "idea_to_started", "started_to_deployed"]
    _first = next((interval for interval in _order if interval in _known), "idea_to_adopted")
    picked_interval = mo.ui.dropdown(
        {codes.INTERVALS[interval]: interval for interval in _order},
        value=codes.INTERVALS[_first],
        label="Interval",
    )
    picked_interval
    return (picked_interval,)


@app.cell(hide_code=True)
def _(db, picked_interval):
    interval = picked_interval.value
    _start, _, _end = interval.partition("_to_")
    started, ended = STARTS[_start], ENDS[_end]
    figures = {
        row["estimator"]: row
        for row in rows(
            db,
            """
            select * from authoritative.time_to_value
            where interval_id = $1 and domain = 'all' and cohort = 'all'
            """,
            interval,
        ).to_pylist()
    }
    finished, incidence = figures.get("completed_only"), figures.get("incidence")
    unknown = (
        f"{codes.INTERVALS[interval]} is not known: {codes.reason(incidence and incidence['reason'])}."
        if incidence is None or incidence["reason"] == "no_products" or incidence["observed_count"] is None
        else None
    )
    return ended, finished, incidence, interval, started, unknown


@app.cell(hide_code=True)
def _(db, ended, finished, incidence, interval, started, unknown):
    mo.stop(unknown is not None, mo.md(f"**{unknown}** Choose another interval above."))
    _longer = None
    if finished["median_days"] is not None:
        [(_longer,)] = db.execute(
            f"""
            select count(*) from curated.data_products, main.publication
            where {ended} is null and closed_at is null and epoch(as_of - {started}) / 86400 > $1
            """,
            [finished["median_days"]],
        ).fetchall()
    mo.md(
        f"""
        ## {codes.INTERVALS[interval]}: two answers to one question

        - **Finished only:** {finished_answer(finished)}.
        - **All of them:** {incidence_answer(incidence)}.

        {open_and_closed(finished, incidence, _longer)}
        """
    )
    return


@app.cell(hide_code=True)
def _(db, interval, unknown):
    mo.stop(unknown is not None)
    mo.vstack(
        [
            mo.md(
                """
                The four estimators, as served. `completed_only` uses the finished ones. `incidence`, the headline, uses
                all: an open one counts for as long as it has been open, a closed one never finishes. `kaplan_meier`
                estimates the days if nothing is closed. `current_pace` is the same over the last 180 days, in which
                each counts from its age at their start.
                """
            ),
            table(
                with_interval(
                    rows(
                        db,
                        """
                        select
                            estimator, product_count, observed_count, open_count, closed_count, median_days,
                            median_lower_days, median_upper_days, share_by_day_365, reason
                        from authoritative.time_to_value
                        where interval_id = $1 and domain = 'all' and cohort = 'all' order by estimator
                        """,
                        interval,
                    )
                ),
                show_search=False,
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(db, ended, started, unknown):
    mo.stop(unknown is not None)
    quarter_ends = rows(
        db,
        f"""
        with begun as (
            select {started} as started, {ended} as ended, closed_at from curated.data_products
            where {started} is not null and not coalesce({ended} < {started} or closed_at < {started}, false)
        ),

        days as (
            select unnest(generate_series(date_trunc('quarter', min(started)) + interval 3 months, as_of,
                interval 3 months)) as day
            from begun, main.publication group by as_of
            union
            select as_of from main.publication
        )

        select
            (day - interval 1 second)::date as day, count(*) as begun_count,
            count(*) filter (ended <= day) as finished_count,
            count(*) filter (coalesce(ended > day, true) and coalesce(closed_at > day, true)) as open_count,
            median(epoch(ended - started) / 86400) filter (ended <= day) as finished_median
        from days inner join begun on started <= day
        group by all order by day
        """,
    ).to_pandas(date_as_object=False)
    return (quarter_ends,)


@app.cell(hide_code=True)
def _(as_of, incidence, quarter_ends):
    mo.vstack(
        [
            mo.md(
                f"""
                ## The median of finished ideas at the end of each quarter

                The median of what had finished by then, computed from `curated.data_products`. A young programme can
                only have finished its fast ideas, so this figure starts low and rises as the programme grows older,
                even where nothing becomes slower. {rise_text(quarter_ends, as_of)} {all_text(incidence)} Pale: fewer
                than {MINIMUM_OBSERVED} had finished.
                """
            ),
            quarters_chart(quarter_ends, incidence),
        ]
    )
    return


@app.cell(hide_code=True)
def _(db, ended, interval, started, unknown):
    mo.stop(unknown is not None)
    cohorts = medians_by(db, interval, started, ended, "cohort")
    mo.vstack(
        [
            mo.md(
                f"""
                ## By cohort: the quarter in which they started

                By their finished ideas (diamonds) recent cohorts look fast, because only fast ideas can have finished.
                The bar is the 95 % interval of the days within which half of the whole cohort finish. An arrow means
                "or more". A bar without a dot: half have not finished yet. Neither: too few have finished. A pale
                diamond is a median of fewer than {MINIMUM_OBSERVED}: never served, often quoted.
                """
            ),
            medians_chart(cohorts, "cohort", "median days"),
            median_table(cohorts),
        ]
    )
    return


@app.cell(hide_code=True)
def _(db, ended, interval, started, unknown):
    mo.stop(unknown is not None)
    domains = medians_by(db, interval, started, ended, "domain")
    mo.stop(not len(domains), mo.md("No data product has a known owner, so there are no medians by domain."))
    mo.vstack(
        [
            mo.md(
                """
                ## By domain: its owner

                A domain that finishes its fast ideas and leaves the others open looks fast by its diamond and slow by
                its bar. `domain_scorecard` shows whether it differs from all other domains by more than chance.
                """
            ),
            medians_chart(domains, "domain", "median days"),
            median_table(domains),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## Which figure to use

    | question | figure |
    |---|---|
    | how long an idea takes, dropped ones included | `incidence`: median, or the share by day 90, 365 … |
    | how long it takes if nothing is dropped | `kaplan_meier` |
    | whether it has become faster lately | the pace index in `leading_metrics_monthly`, with its limits |
    | how long it took in the last half-year | `current_pace` |
    | how two cohorts compare | their shares by the same day, once both have been observed for that long |
    | a figure to compare with others' reports | `completed_only`, with the note that it is of finished ideas |
    """)
    return


@app.function(hide_code=True)
def finished_answer(finished: Row) -> str:
    """The median of the finished ones, as half a sentence."""
    count = finished["observed_count"]
    if finished["median_days"] is None:
        return f"{count:,} finished, too few for a median"
    return f"half of the {count:,} that finished took no longer than **{numbers.days(finished['median_days'])} days**"


@app.function(hide_code=True)
def incidence_answer(incidence: Row) -> str:
    """The median of all, as half a sentence."""
    count = incidence["product_count"]
    if incidence["median_days"] is None:
        return f"the days within which half of all {count:,} finish are not known: {codes.reason(incidence['reason'])}"
    interval = numbers.interval(incidence["median_lower_days"], incidence["median_upper_days"])
    days = numbers.days(incidence["median_days"])
    return f"half of all {count:,} finish within **{days} days** (95 % interval {interval})"


@app.function(hide_code=True)
def open_and_closed(finished: Row, incidence: Row, longer: int | None) -> str:
    """What the finished ones leave out; `longer`, how many have been open for longer than their median."""
    sentences = []
    if finished["median_days"] is not None and incidence["open_count"]:
        sentences.append(
            f"{incidence['open_count']:,} are still open, **{longer:,}** of them for longer than those "
            f"{numbers.days(finished['median_days'])} days: they are slower, and the finished median leaves them out."
        )
    elif finished["median_days"] is not None:
        sentences.append("Nothing is open, so the two answers differ only by what was closed.")
    if closed := incidence["closed_count"]:
        sentences.append(f"{closed:,} {phrases.was_or_were(closed)} closed first and count as never finished.")
    return " ".join(sentences)


@app.function(hide_code=True)
def rise_text(quarter_ends: pd.DataFrame, as_of: datetime) -> str:
    """The first and the last median of the finished ones; empty where there are not two."""
    known = quarter_ends[quarter_ends["finished_median"].notna()]
    if len(known) < 2:
        return ""
    first, last = known.iloc[0], known.iloc[-1]
    return (
        f"At the end of {first['day']:%B %Y} it was {numbers.days(first['finished_median'])} days "
        f"({phrases.counted(int(first['finished_count']), 'finished idea')}), on {as_of:%Y-%m-%d} "
        f"{numbers.days(last['finished_median'])} days ({int(last['finished_count']):,})."
    )


@app.function(hide_code=True)
def all_text(incidence: Row) -> str:
    """What the blue band of the chart by quarter is."""
    if incidence["median_days"] is not None:
        return f"Blue: the median of all as known now, {numbers.days(incidence['median_days'])} days, and its interval."
    if incidence["median_lower_days"] is not None:
        return f"Blue: the median of all, {numbers.days(incidence['median_lower_days'])} days or more."
    return "The median of all is not known yet, so there is nothing to compare with."


@app.function(hide_code=True)
def median_table(medians: pd.DataFrame) -> mo.ui.table:
    """The figures behind a chart, with the reasons in words."""
    named = {"median": "median_days", "lower": "median_lower_days", "upper": "median_upper_days"}
    named |= {"finished_median": "finished_median_days"}
    behind = pa.Table.from_pandas(medians.drop(columns="few").rename(columns=named), preserve_index=False)
    return table(with_interval(behind), show_search=False)


@app.function(hide_code=True)
def medians_by(db: DuckDBPyConnection, interval: str, started: str, ended: str, by: str) -> pd.DataFrame:
    """One row a cohort or domain (`by`): the served medians, and the median of however few finished ones."""
    key = {"cohort": f"strftime({started}, '%Y-Q') || quarter({started})", "domain": "domain"}[by]
    other = {"cohort": "domain", "domain": "cohort"}[by]
    return rows(
        db,
        f"""
        with finished as (
            select
                {key} as {by}, count(*) as finished_count,
                median(epoch({ended} - {started}) / 86400) as finished_median
            from curated.data_products
            where {ended} >= {started} and coalesce(closed_at >= {started}, true)
            group by all
        ),

        served as (
            from authoritative.time_to_value where interval_id = $1 and {other} = 'all' and {by} <> 'all'
        )

        select
            incidence.{by}, incidence.product_count, coalesce(finished_count, 0) as finished_count,
            incidence.open_count, incidence.closed_count,
            coalesce(completed.median_days, finished_median) as finished_median,
            completed.median_days is null as few, incidence.median_days as median,
            incidence.median_lower_days as lower, incidence.median_upper_days as upper,
            incidence.share_by_day_90, incidence.reason
        from (from served where estimator = 'incidence') as incidence
        inner join (from served where estimator = 'completed_only') as completed using ({by})
        left join finished using ({by})
        order by incidence.{by}
        """,
        interval,
    ).to_pandas()


if __name__ == "__main__":
    app.run()
