import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import os
    from pathlib import Path

    import altair as alt
    import duckdb
    import marimo as mo

    home = Path(os.environ.get("FLYWHEEL_HOME") or Path(__file__).resolve().parent.parent / "data")
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    db.execute(f"attach '{home / 'serving.duckdb'}' as serving (read_only)")
    db.execute("use serving")
    return alt, db, mo


@app.cell
def _(db, mo):
    as_of, _, is_sample, through = db.execute("from main.publication").fetchall()[0]
    mo.md(
        f"""
        # North Star and time to value

        As of {as_of:%Y-%m-%d}, latest event {f"{through:%Y-%m-%d}" if through else "none"}.
        {"**These are made-up events of a sample organisation.**" if is_sample else ""}

        The tables are served read-only: nothing you do here can change or block them. Every table and column says
        what it is; ask with `select table_name, column_name, comment from duckdb_columns()`.
        """
    )
    return


@app.cell
def _(db, mo):
    tables = db.sql(
        "select schema_name, table_name, comment from duckdb_tables() where database_name = 'serving' order by 1, 2"
    ).df()
    mo.ui.table(tables, selection=None)
    return


@app.cell
def _(alt, db, mo):
    months = db.sql(
        "select month_starting, value, first_adoptions_count, expansion_adoptions_count, is_complete, reason "
        "from authoritative.north_star_monthly order by month_starting"
    ).df()
    bars = (
        alt.Chart(months[months["value"].notna()])
        .mark_bar()
        .encode(
            x=alt.X("month_starting:T", title=None),
            y=alt.Y("value:Q", title="cross-domain adoptions a month"),
            opacity=alt.condition("datum.is_complete", alt.value(1), alt.value(0.35)),
            tooltip=["month_starting:T", "value:Q", "first_adoptions_count:Q", "expansion_adoptions_count:Q"],
        )
        .properties(width=640, height=240)
    )
    mo.vstack([mo.md("## The North Star by month (pale: not complete yet)"), bars])
    return


@app.cell
def _(alt, db, mo):
    curve = db.sql(
        "select day, share_adopted, lower, upper, at_risk_count from authoritative.time_to_value_curve "
        "where interval_id = 'idea_to_adopted' and domain = 'all' order by day"
    ).df()
    base = alt.Chart(curve).encode(x=alt.X("day:Q", title="days since the idea"))
    band = base.mark_area(opacity=0.2, interpolate="step-after").encode(y="lower:Q", y2="upper:Q")
    line = base.mark_line(interpolate="step-after").encode(
        y=alt.Y("share_adopted:Q", title="share in another domain's hands", axis=alt.Axis(format="%"))
    )
    mo.vstack([mo.md("## Time to value"), (band + line).properties(width=640, height=260)])
    return


@app.cell
def _(db, mo):
    figures = db.sql(
        "select interval_id, estimator, product_count, observed_count, median_days, median_lower_days, "
        "median_upper_days, p85_days, share_by_day_90, share_by_day_365, reason "
        "from authoritative.time_to_value where domain = 'all' and cohort = 'all' order by interval_id, estimator"
    ).df()
    mo.vstack(
        [
            mo.md("Counting completed ideas only looks faster than it is: the slow ones are still open."),
            mo.ui.table(figures, selection=None),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
