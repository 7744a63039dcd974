import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="North Star: a tour")

with app.setup(hide_code=True):
    import os
    from datetime import datetime
    from html import escape
    from pathlib import Path

    import altair as alt
    import duckdb
    import marimo as mo
    import pandas as pd
    import pyarrow as pa

    from dashboard import charts, tables, theme, words
    from dashboard.theme import PALETTE

    theme.enable()


@app.cell
def _():
    db = connect()
    served = tables.read(serving_file())
    return db, served


@app.cell
def _(db):
    mo.md(
        f"""
        # North Star and time to value: a tour

        {about(db)}

        Everything here is read from one served file, opened read-only: nothing you do can change it or hold up a run.
        A figure that can't be known is NULL, with its reason beside it; it is never 0.
        """
    )
    return


@app.cell
def _(db):
    _tables = rows(
        db,
        """
        select schema_name || '.' || table_name as table_name, estimated_size as row_count, comment
        from duckdb_tables() where database_name = 'serving' order by 1
        """,
    )
    picked_table = mo.ui.dropdown(
        _tables["table_name"].to_pylist(), value="authoritative.north_star_monthly", label="Look into"
    )
    mo.vstack(
        [
            mo.md("## The tables\n\n`authoritative` answers, `curated` lets you drill down, `main` says as of when."),
            table(
                _tables, page_size=20, wrapped_columns=["comment"], column_widths={"comment": 640}, show_search=False
            ),
            picked_table,
        ]
    )
    return (picked_table,)


@app.cell
def _(db, picked_table):
    _columns = rows(
        db,
        """
        select column_name, data_type, comment from duckdb_columns()
        where database_name = 'serving' and schema_name || '.' || table_name = $1 order by column_index
        """,
        picked_table.value,
    )
    _comments = {column["column_name"]: column["comment"] for column in _columns.to_pylist()}
    mo.ui.tabs(
        {
            "Rows": table(rows(db, f"from {picked_table.value}"), as_served, _comments, show_data_types=True),
            "What its columns mean": table(
                _columns, page_size=50, wrapped_columns=["comment"], column_widths={"comment": 640}
            ),
        }
    )
    return


@app.cell
def _(db, served):
    months = db.execute("from authoritative.north_star_monthly order by month_starting").df()
    _latest = words.last_complete(served.north_star)
    _metric = served.definitions[served.north_star[-1]["metric_id"]] if served.north_star else None
    _parts = [mo.md("## The North Star"), said(words.north_star_answer(served))]
    if _metric:
        _parts.append(mo.md(f"{_metric['name']}: {_metric['definition']}"))
    if _latest and months["value"].notna().any():
        _parts.append(drawn(charts.north_star_chart(records(months), _metric, width=900)))
    mo.vstack(_parts)
    return (months,)


@app.cell
def _(db):
    _phases = rows(
        db,
        """
        select
            any_value(process_phase_note) as declared_change, min(month_starting) as first_month,
            count(*) filter (is_complete) as complete_months, any_value(center) as center,
            any_value(lower_limit) as lower_limit, any_value(upper_limit) as upper_limit,
            min(month_starting) filter (rule like 'previous%') as effect_since
        from authoritative.north_star_monthly group by process_phase order by process_phase
        """,
    )
    mo.vstack(
        [
            mo.md(
                """
                The band is what to expect while nothing changes: inside it a rise or a fall is routine variation. The
                limits are re-based at a declared change and only there. A change had an effect where months after it
                break the limits from *before* it; the last column says from when.
                """
            ),
            table(_phases, show_search=False),
        ]
    )
    return


@app.cell
def _(db, served):
    _found = rows(db, "select distinct metric_id, domain from authoritative.leading_metrics_monthly order by all")
    _names = {served.definitions[m]["name"]: m for m in dict.fromkeys(_found["metric_id"].to_pylist())}
    _domains = [domain for domain in dict.fromkeys(_found["domain"].to_pylist()) if domain != "all"]
    _first = "Ideas with a named consumer"
    picked_metric = mo.ui.dropdown(_names, value=_first if _first in _names else None, label="Metric")
    picked_domain = mo.ui.dropdown(["all", *_domains], value="all", label="Domain")
    mo.vstack(
        [
            mo.md("## What leads it\n\nA leading metric is something that teams control. By month, with its limits."),
            mo.hstack([picked_metric, picked_domain], justify="start"),
        ]
    )
    return picked_domain, picked_metric


@app.cell
def _(db, picked_domain, picked_metric, served):
    mo.stop(picked_metric.value is None, mo.md("There is no leading metric to show: no event has been sent yet."))
    mo.stop(
        (picked_domain.value, picked_metric.value) not in served.leading,
        mo.md(f"{served.definitions[picked_metric.value]['name']} is not known by domain, only for all."),
    )
    leading = db.execute(
        """
        select leading_metrics_monthly.*, process_phase_note, null::double as target
        from authoritative.leading_metrics_monthly
        left join authoritative.north_star_monthly using (month_starting)
        where leading_metrics_monthly.metric_id = $1 and domain = $2 order by month_starting
        """,
        [picked_metric.value, picked_domain.value],
    ).df()
    _metric, _is_paced = served.definitions[picked_metric.value], picked_metric.value in words.PACED
    _drawn = leading.assign(value=leading["pace_index"]) if _is_paced else leading
    _row = words.last_complete(served.leading[picked_domain.value, picked_metric.value])
    _parts = [
        mo.md(
            f"**{_metric['name']}** ({_metric['unit']}; {_metric['good_direction']} is good). {_metric['definition']}"
        )
    ]
    if _row:
        _value = "not known" if _row["value"] is None else words.said(_row["value"], _metric["unit"])
        _why = _row["verdict_reason"] or _row["reason"]
        _because = f": {words.reason(_why)}" if _why else ""
        _when = words.period(_row["month_starting"], _row["period"])
        _parts.append(mo.md(f"{_when}: {_value}. **{words.VERDICTS[_row['verdict']]}**{_because}."))
    if _is_paced:
        _parts.append(
            mo.md(
                "Drawn is the pace index: how many arrived in the month over how many the ages of the open ones led "
                "one to expect. Above 1 is faster. It sees a change months before a median does, so the verdict is "
                "its own."
            )
        )
    if _drawn["value"].notna().any():
        _shown = _metric | {"unit": "index", "good_direction": "up"} if _is_paced else _metric
        _parts.append(drawn(charts.north_star_chart(records(_drawn), _shown, width=900)))
    _parts.append(
        table(
            rows(
                db,
                """
                select month_starting, value, numerator, denominator, pace_index, verdict,
                    coalesce(reason, verdict_reason) as reason, rule, center, lower_limit, upper_limit,
                    observation_count
                from authoritative.leading_metrics_monthly where metric_id = $1 and domain = $2
                order by month_starting desc
                """,
                picked_metric.value,
                picked_domain.value,
            )
        )
    )
    mo.vstack(_parts)
    return (leading,)


@app.cell
def _(db):
    _domains = rows(db, "select distinct domain from authoritative.time_to_value where domain <> 'all' order by 1")
    picked_interval = mo.ui.dropdown(
        {name: interval for interval, name in words.INTERVALS.items()},
        value=words.INTERVALS["idea_to_adopted"],
        label="From which event to which",
    )
    picked_owner = mo.ui.dropdown(["all", *_domains["domain"].to_pylist()], value="all", label="Domain")
    mo.vstack([mo.md("## Time to value"), mo.hstack([picked_interval, picked_owner], justify="start")])
    return picked_interval, picked_owner


@app.cell
def _(db, picked_interval, picked_owner):
    _where = "where domain = $1 and interval_id = $2"
    curve = db.execute(
        f"from authoritative.time_to_value_curve {_where} order by day", [picked_owner.value, picked_interval.value]
    ).df()
    _figures = rows(
        db,
        f"""
        select
            estimator, product_count, observed_count, median_days, median_lower_days, median_upper_days, p85_days,
            share_by_day_90, share_by_day_365, reason, open_count, closed_count, share_by_day_30, share_by_day_180,
            share_by_day_730
        from authoritative.time_to_value {_where} and cohort = 'all' order by estimator
        """,
        picked_owner.value,
        picked_interval.value,
    )
    _incidence = next((row for row in _figures.to_pylist() if row["estimator"] == "incidence"), None)
    mo.stop(_incidence is None, mo.md("There are no data products yet."))
    _why = f" Not everything can be known: {words.reason(_incidence['reason'])}." if _incidence["reason"] else ""
    _parts = [
        mo.md(
            "**incidence** is the share that gets there when a closed idea never does; its median reads: half of all "
            "ideas within so many days. **kaplan_meier** asks how long it takes as long as nothing is closed. "
            "**current_pace** looks at the last 180 days only. **completed_only** asks the finished ones and flatters; "
            f"`time_to_value.py` shows why.{_why}"
        )
    ]
    if len(curve) and picked_interval.value == "idea_to_adopted":
        _medians = {"idea_to_adopted": _incidence["median_days"]}
        _parts.append(drawn(charts.time_to_value_chart(records(curve), _medians, width=900)))
    elif len(curve):
        _parts.append(interval_chart(curve, width=800))
    mo.vstack([*_parts, table(with_interval(_figures), show_search=False)])
    return (curve,)


@app.cell
def _(db, served):
    mo.vstack(
        [
            mo.md("## Domains"),
            said([[(words.domains_in_words(served.domains), False)]]),
            table(
                with_interval(
                    rows(
                        db,
                        """
                        select
                            domain, gave_count, took_count, median_days, median_lower_days, median_upper_days,
                            difference, slow_stage, reason, product_count, observed_count, is_rankable, all_median_days
                        from authoritative.domain_scorecard order by gave_count desc nulls last, domain
                        """,
                    )
                )
            ),
        ]
    )
    return


@app.cell
def _(db):
    _open = rows(
        db,
        """
        select
            stage, count(*) as open_count, count(*) filter (is_overdue) as overdue_count,
            count(*) filter (is_overdue is null) as unknown_count,
            any_value(stage_p85_days) as stage_p85_days, any_value(overdue_reason) as reason
        from authoritative.open_ideas group by stage order by stage
        """,
    )
    _overdue = rows(
        db,
        """
        select
            overdue_rank, data_product_id, title, domain, stage, days_in_stage, stage_p85_days, days_over,
            chance_of_adoption_90d, chance_reason
        from authoritative.open_ideas where is_overdue order by overdue_rank
        """,
    )
    mo.vstack(
        [
            mo.md(
                """
                ## Overdue ideas

                An open idea is overdue when it has been in its stage for longer than 85 % of the others took. Where
                fewer than 85 % ever get out of a stage, nobody can say what is overdue there.
                """
            ),
            table(_open, show_search=False) if _open.num_rows else mo.md("No data product is open."),
            table(_overdue) if _overdue.num_rows else mo.md("No idea is known to be overdue."),
        ]
    )
    return


@app.cell
def _(db, served):
    _months = db.execute(
        """
        select outlook.*, (select max_by(target, month_starting) from authoritative.north_star_monthly) as target
        from authoritative.outlook order by month_starting
        """
    ).df()
    _why = next((row["reason"] for row in served.outlook if row["expected_value"] is None), None)
    _said = (
        f"There is no outlook: {words.reason(_why)}."
        if _why
        else "While nothing changes, four of five such months fall into the bar."
    )
    _chart = [drawn(charts.outlook_chart(records(_months)))] if len(_months) and not _why else []
    mo.vstack(
        [
            mo.md(f"## Outlook\n\n{_said if len(_months) else 'There is no outlook: no month is complete yet.'}"),
            *_chart,
            table(rows(db, "from authoritative.outlook order by month_starting"), show_search=False),
        ]
    )
    return


@app.cell
def _(db):
    mo.vstack(
        [
            mo.md(
                """
                ## Does a leading metric lead?

                Each metric is tested against the North Star 1 to 6 months later, after both lost their trend and their
                own persistence. The p-value is that of the best of the six lags, so searching is paid for. Evidence of
                moving ahead is not proof of a cause; no evidence is not proof of no effect.
                """
            ),
            table(rows(db, "from authoritative.influence_evidence order by p_value nulls last"), page_size=20),
        ]
    )
    return


@app.cell
def _():
    mo.md(f"""
    ## Leaving the notebook

    In a new SQL cell choose the connection `db`; or ask `your_questions.py`. Outside marimo, with DuckDB 1.4 or later:

    ```sql
    attach '{serving_file()}' as serving (read_only);
    use serving;
    select month_starting, value, verdict from authoritative.north_star_monthly order by 1;
    ```

    The same tables are Parquet files in `{serving_file().parent / "serving"}`, one a table, for anything that does not
    read DuckDB. What you change in this notebook is a change of the checkout: save a copy under another name.
    """)
    return


@app.function(hide_code=True)
def serving_file() -> Path:
    """The file people read, of FLYWHEEL_HOME or else of `data/` in the checkout."""
    home = Path(os.environ.get("FLYWHEEL_HOME") or Path(__file__).resolve().parent.parent / "data").expanduser()
    return home / "serving.duckdb"


@app.function(hide_code=True)
def connect() -> duckdb.DuckDBPyConnection:
    """The served tables in a connection that reads them and reaches nothing else."""
    serving = serving_file()
    mo.stop(not serving.is_file(), mo.plain_text(f"There is nothing to read yet: run `make run` first.\n({serving})"))
    connection = tables.connect(serving)
    connection.execute("set python_enable_replacements = false")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


@app.function(hide_code=True)
def rows(connection: duckdb.DuckDBPyConnection, sql: str, *parameters) -> pa.Table:
    """What a SELECT finds."""
    return connection.sql(sql, params=parameters or None).to_arrow_table()


@app.function(hide_code=True)
def about(connection: duckdb.DuckDBPyConnection) -> str:
    """What the served file says of itself: as of when, through which event, and whether all of it is made up."""
    [(as_of, known_at, data_through, is_sample)] = connection.execute(
        "select as_of, known_at, data_through, is_sample from main.publication"
    ).fetchall()
    known = f", as known on {known_at:%Y-%m-%d}" if known_at else ""
    through = f"the latest event is of {data_through:%Y-%m-%d}" if data_through else "no events yet"
    made_up = " **These are made-up events of a sample organisation, not yours.**" if is_sample else ""
    return f"As of {as_of:%Y-%m-%d %H:%M} UTC{known}; {through}.{made_up}"


@app.function(hide_code=True)
def as_text(value, name: str = "") -> str:
    """A served value as people read it, by its column's name: shares in %, days to a tenth, reasons in words."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        if "share" in name or "chance" in name:
            return f"{value:.1%}"
        return f"{value:,.1f}" if "days" in name or abs(value) >= 100 else f"{value:,.3g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return words.REASONS.get(value, value) if name.endswith("reason") else str(value)


@app.function(hide_code=True)
def as_served(value, name: str = "") -> str:
    """A served value for those who write SQL: NULL and codes as they are."""
    if value is None:
        return "NULL"
    return value if isinstance(value, str) else as_text(value, name)


@app.function(hide_code=True)
def table(found: pa.Table, say=as_text, comments: dict[str, str] | None = None, **options):
    """Rows to look at, sort, search and download; `comments` by column appear where the pointer rests."""
    numbers = [f.name for f in found.schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]
    return mo.ui.table(
        found,
        selection=None,
        format_mapping={n: lambda value, n=n: say(value, n) for n in found.column_names},
        text_justify_columns=dict.fromkeys(numbers, "right"),
        header_tooltip={n: comments[n] for n in found.column_names if comments and comments.get(n)},
        **{"show_column_summaries": False, "show_data_types": False, "page_size": 10} | options,
    )


@app.function(hide_code=True)
def with_interval(found: pa.Table) -> pa.Table:
    """The two ends of a median's 95 % interval as one column of words, where they stood."""
    lower, upper = found["median_lower_days"].to_pylist(), found["median_upper_days"].to_pylist()
    said = [None if pair == (None, None) else words.interval(*pair) for pair in zip(lower, upper, strict=True)]
    place = found.column_names.index("median_lower_days")
    return found.drop_columns(["median_lower_days", "median_upper_days"]).add_column(
        place, "interval_95_days", pa.array(said, pa.string())
    )


@app.function(hide_code=True)
def said(sentences: list[words.Sentence]):
    """Sentences as the dashboard says them; names in them are text, whatever they hold."""
    parts = [(escape(text), is_strong) for sentence in sentences for text, is_strong in sentence]
    return mo.Html(f"<p>{''.join(f'<strong>{text}</strong>' if strong else text for text, strong in parts)}</p>")


@app.function(hide_code=True)
def records(frame: pd.DataFrame) -> list[dict]:
    """The rows of a frame, with None where pandas says that a value is missing."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


@app.function(hide_code=True)
def drawn(chart: dict) -> alt.LayerChart:
    """A chart of the dashboard's, as this notebook shows charts."""
    return alt.LayerChart.from_dict(chart)


@app.function(hide_code=True)
def interval_chart(curve: pd.DataFrame, width: int = 700, height: int = 300) -> alt.LayerChart:
    """How large a share is there by day, of any interval, with its 95 % band."""
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(curve).encode(x=alt.X("day:Q", title="days since the start"))
    band = base.mark_area(interpolate="step-after", color=PALETTE["blue"], opacity=0.15)
    line = base.mark_line(interpolate="step-after", color=PALETTE["blue"], strokeWidth=2.5)
    share = alt.Y("share_adopted:Q", title=None, scale=scale, axis=alt.Axis(format=".0%"))
    layers = [band.encode(y=alt.Y("lower:Q", title=None, scale=scale), y2="upper:Q"), line.encode(y=share)]
    return alt.layer(*layers).properties(width=width, height=height)


if __name__ == "__main__":
    app.run()
