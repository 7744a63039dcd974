import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Why finished ideas lie")

with app.setup(hide_code=True):
    import altair as alt
    import marimo as mo
    import pandas as pd
    import pyarrow as pa
    from north_star import about, connect, rows, table, with_interval

    from dashboard.theme import PALETTE
    from dashboard.words import codes, numbers, phrases

    FINISHED, EVERYONE = "finished only", "all of them"
    STARTS = {"idea": "idea_logged_at", "started": "work_started_at", "deployed": "deployed_at"}
    ENDS = {"started": "work_started_at", "deployed": "deployed_at", "adopted": "adopted_at"}


@app.cell
def _():
    db = connect()
    return (db,)


@app.cell
def _(db):
    [(as_of,)] = db.execute("select as_of from main.publication").fetchall()
    mo.md(
        f"""
        # Why the median of finished ideas lies

        {about(db)}

        "How long does it take from an idea until another domain uses it?" The usual answer takes the ideas that got
        there and gives the median of their days. It leaves out every idea that is still waiting, and those are the slow
        ones. Nobody counted wrongly; the question was put to the fast ones only. Below is what that does, on your data.
        """
    )
    return (as_of,)


@app.cell
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
        label="From which event to which",
    )
    picked_interval
    return (picked_interval,)


@app.cell
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
        f"Nothing can be said of {codes.INTERVALS[interval]}: {codes.reason(incidence and incidence['reason'])}."
        if incidence is None or incidence["reason"] == "no_products" or incidence["observed_count"] is None
        else None
    )
    return ended, finished, incidence, interval, started, unknown


@app.cell
def _(db, ended, finished, incidence, interval, started, unknown):
    mo.stop(unknown is not None, mo.md(f"**{unknown}** Choose another interval above, where there is one."))
    _half = (
        f"half of all {incidence['product_count']:,} get there within "
        f"**{numbers.days(incidence['median_days'])} days** "
        f"(95 % interval {numbers.interval(incidence['median_lower_days'], incidence['median_upper_days'])})"
        if incidence["median_days"] is not None
        else f"when half of all {incidence['product_count']:,} get there is not known, because "
        f"{codes.reason(incidence['reason'])}"
    )
    _naive, _still = f"{finished['observed_count']:,} got there, too few for a median", ""
    if finished["median_days"] is not None:
        _days = numbers.days(finished["median_days"])
        _naive = f"half of the {finished['observed_count']:,} that got there took no longer than **{_days} days**"
        [(_longer,)] = db.execute(
            f"""
            select count(*) from curated.data_products, main.publication
            where {ended} is null and closed_at is null and epoch(as_of - {started}) / 86400 > $1
            """,
            [finished["median_days"]],
        ).fetchall()
        _still = (
            f"{incidence['open_count']:,} still wait, **{_longer:,}** of them for longer than those {_days} days "
            "already: they can only be slower, and the finished median knows nothing of them."
            if incidence["open_count"]
            else "None is waiting, so here the two differ only by what was closed."
        )
    _closed = incidence["closed_count"]
    _dropped = f"{_closed:,} {'was' if _closed == 1 else 'were'} closed first and count as never." if _closed else ""
    mo.md(
        f"""
        ## {codes.INTERVALS[interval]}: two answers to one question

        - **Finished only:** {_naive}.
        - **All of them:** {_half}.

        {_still} {_dropped}
        """
    )
    return


@app.cell
def _(db, interval, unknown):
    mo.stop(unknown is not None)
    mo.vstack(
        [
            mo.md(
                """
                The four estimators, as served. `completed_only` asks the finished ones. `incidence`, the headline, asks
                all: an open one counts for as long as it has waited, a closed one never gets there. `kaplan_meier` asks
                how long it takes as long as nothing is closed. `current_pace` is the same over the last 180 days, in
                which each counts from the age it came into them with.
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


@app.cell
def _(as_of, db, ended, incidence, started, unknown):
    mo.stop(unknown is not None)
    told = rows(
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
    _few = alt.condition("datum.finished_count < 10", alt.value(0.4), alt.value(1))
    _base = alt.Chart(told.assign(what=FINISHED)).encode(x=alt.X("day:T", title=None))
    _y = alt.Y("finished_median:Q", title="days", scale=alt.Scale(zero=True))
    _tip = ["day:T", "begun_count", "finished_count", "open_count", alt.Tooltip("finished_median:Q", format=".0f")]
    _layers = [
        _base.mark_line(color=PALETTE["orange"]).encode(y=_y),
        _base.mark_point(color=PALETTE["orange"], shape="diamond", size=70).encode(y=_y, opacity=_few, tooltip=_tip),
    ]
    _median, _lower, _upper = (incidence[f"median_{end}days"] for end in ("", "lower_", "upper_"))
    if _lower is not None:
        _top = _upper or 1.1 * max(_lower, _median or 0, told["finished_median"].max())
        _all = alt.Chart(pd.DataFrame([{"lower": _lower, "upper": _top, "median": _median}]))
        _layers.insert(0, _all.mark_rect(color=PALETTE["blue"], opacity=0.12).encode(y="lower:Q", y2="upper:Q"))
        if _median is not None:
            _layers.insert(1, _all.mark_rule(color=PALETTE["blue"], strokeWidth=2).encode(y="median:Q"))
    _truth = "What all of them need can't be told yet, so there is nothing to compare with."
    if _median is not None:
        _truth = (
            f"Blue is what half of all of them need, as known now: {numbers.days(_median)} days, and its 95 % interval."
        )
    elif _lower is not None:
        _truth = f"Blue is what half of all of them need, as far as it is known: {numbers.days(_lower)} days or more."
    _known = told[told["finished_median"].notna()]
    _first, _last = (_known.iloc[0], _known.iloc[-1]) if len(_known) else (None, None)
    _rise = (
        f"At the end of {_first['day']:%B %Y} you would have been told {numbers.days(_first['finished_median'])} days "
        f"({phrases.counted(int(_first['finished_count']), 'finished one')}), on {as_of:%Y-%m-%d} "
        f"{numbers.days(_last['finished_median'])} days ({int(_last['finished_count']):,})."
        if len(_known) > 1
        else ""
    )
    mo.vstack(
        [
            mo.md(
                f"""
                ## What you would have been told at the end of each quarter

                The median of what had finished by then, worked out from `curated.data_products`. A young programme can
                only have finished its fast ones, so this figure starts low and climbs as the programme grows older,
                even where nobody becomes slower. {_rise} {_truth} Pale: fewer than 10 had finished.
                """
            ),
            alt.layer(*_layers).properties(width=760, height=260),
        ]
    )
    return (told,)


@app.cell
def _(db, ended, interval, started, unknown):
    mo.stop(unknown is not None)
    cohorts = medians_by(db, interval, started, ended, "cohort")
    mo.vstack(
        [
            mo.md(
                """
                ## By cohort: the quarter in which they started

                Recent cohorts look fast when asked for what they finished (diamonds), because only their fast ones can
                have. The bar is the 95 % interval of the days that half of the whole cohort need. An arrow means "or
                more"; where half are not there yet there is a bar without a dot, and where too few have finished there
                is neither. A pale diamond is a median of fewer than 10: never served, often quoted.
                """
            ),
            medians_chart(cohorts, "cohort", "days until half are there"),
            as_told(cohorts),
        ]
    )
    return (cohorts,)


@app.cell
def _(db, ended, interval, started, unknown):
    mo.stop(unknown is not None)
    domains = medians_by(db, interval, started, ended, "domain")
    mo.stop(not len(domains), mo.md("No data product has a known owner, so nothing can be told by domain."))
    mo.vstack(
        [
            mo.md(
                """
                ## By domain: its owner

                A domain that finishes its fast ideas and leaves the rest open looks fast by its diamond and slow by its
                bar. Whether it differs from all is in `domain_scorecard`: where its interval excludes their median.
                """
            ),
            medians_chart(domains, "domain", "days until half are there"),
            as_told(domains),
        ]
    )
    return (domains,)


@app.cell
def _():
    mo.md("""
    ## Which figure to use

    | you want to know | use |
    |---|---|
    | how long an idea takes, dropped ones included | `incidence`: median, or the share by day 90, 365 … |
    | how long it takes, as long as nobody drops it | `kaplan_meier` |
    | whether it has become faster lately | the pace index in `leading_metrics_monthly`, with its limits |
    | what the last half-year was like | `current_pace` |
    | how two cohorts compare | their shares by the same day, once both could be followed for so long |
    | what others quote | `completed_only`, and say that it is of finished ones |
    """)
    return


@app.function(hide_code=True)
def medians_chart(medians: pd.DataFrame, by: str, title: str, width: int = 760) -> alt.LayerChart:
    """The median of the finished ones beside that of all, with its interval; an arrow where it has no upper end.

    Parameters: `medians`, one row a `by` with finished_median, median, lower, upper, and `few` (finished ones under
    10); where only `lower` is known the median is more than that.
    """
    names = medians[by].tolist()
    highest = medians[["finished_median", "median", "lower", "upper"]].max(axis=None)
    end = 1.1 * highest if pd.notna(highest) else 1
    position = {"scale": alt.Scale(domain=[0, end], nice=False), "title": title}
    known = medians.assign(end=medians["upper"].fillna(end), start=medians["lower"].fillna(0.0))
    known = known[medians["median"].notna() | medians["lower"].notna()]
    y = alt.Y(f"{by}:N", title=None, sort=names, scale=alt.Scale(domain=names))
    tip = [by, "product_count", "finished_count", "finished_median", "median", "lower", "upper"]
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=[FINISHED, EVERYONE], range=[PALETTE["orange"], PALETTE["blue"]]),
        legend=alt.Legend(orient="top", symbolOpacity=1),
    )
    ranges = alt.Chart(known.assign(what=EVERYONE)).encode(y=y, color=colour)
    line = ranges.mark_rule(strokeWidth=3, opacity=0.45).encode(x=alt.X("start:Q", **position), x2="end:Q")
    arrow = (
        alt.Chart(known[known["upper"].isna()].assign(what=EVERYONE))
        .mark_point(shape="triangle-right", size=60)
        .encode(x=alt.X("end:Q", **position), y=y, color=colour)
    )
    dot = (
        alt.Chart(known[known["median"].notna()].assign(what=EVERYONE))
        .mark_point(size=80)
        .encode(x=alt.X("median:Q", **position), y=y, color=colour, tooltip=tip)
    )
    naive = (
        alt.Chart(medians[medians["finished_median"].notna()].assign(what=FINISHED))
        .mark_point(shape="diamond", size=80)
        .encode(
            x=alt.X("finished_median:Q", **position),
            y=y,
            color=colour,
            opacity=alt.condition("datum.few", alt.value(0.4), alt.value(1)),
            tooltip=tip,
        )
    )
    return alt.layer(line, arrow, dot, naive).properties(width=width, height=max(60, 22 * len(names)))


@app.function(hide_code=True)
def as_told(medians: pd.DataFrame):
    """The figures behind a chart, with the reasons in words."""
    named = {"median": "median_days", "lower": "median_lower_days", "upper": "median_upper_days"}
    named |= {"finished_median": "finished_median_days"}
    behind = pa.Table.from_pandas(medians.drop(columns="few").rename(columns=named), preserve_index=False)
    return table(with_interval(behind), show_search=False)


@app.function(hide_code=True)
def medians_by(db, interval: str, started: str, ended: str, by: str) -> pd.DataFrame:
    """One row a cohort or domain (`by`): the served medians, and that of the finished ones even where they are few."""
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
