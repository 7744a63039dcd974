import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="North Star: a tour")

with app.setup(hide_code=True):
    import marimo as mo
    from belt import belt_section
    from notebook_tools import (
        about,
        altair_chart,
        as_served,
        connect,
        interval_chart,
        records,
        rows,
        sentences_html,
        serving_file,
        table,
        with_interval,
    )
    from tenets import tenets_section

    from dashboard import charts, tables, theme
    from dashboard.words import codes, domains, north_star, numbers, verdicts

    theme.enable()


@app.cell(hide_code=True)
def _():
    db = connect()
    served = tables.read_figures(serving_file())
    mo.md(
        f"""
        # North Star and time to value: a tour

        {about(db)}

        Everything here is read from the serving file, opened read-only: no notebook can change it or delay a run.
        A figure that can't be known is NULL with a reason in the next column; it is never 0.
        """
    )
    return db, served


@app.cell(hide_code=True)
def _(db):
    _tables = rows(
        db,
        """
        select schema_name || '.' || table_name as table_name, estimated_size as row_count, comment
        from duckdb_tables() where database_name = 'serving' order by 1
        """,
    )
    picked_table = mo.ui.dropdown(
        _tables["table_name"].to_pylist(), value="authoritative.north_star_monthly", label="Table"
    )
    mo.vstack(
        [
            mo.md("## The tables\n\n`authoritative`: metrics; `curated`: details; `main`: dates of what is served."),
            table(
                _tables, page_size=20, wrapped_columns=["comment"], column_widths={"comment": 640}, show_search=False
            ),
            picked_table,
        ]
    )
    return (picked_table,)


@app.cell(hide_code=True)
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
            "Columns": table(_columns, page_size=50, wrapped_columns=["comment"], column_widths={"comment": 640}),
        }
    )
    return


@app.cell(hide_code=True)
def _(db, served):
    months = db.execute("from authoritative.north_star_monthly order by month_starting").df()
    _latest = tables.last_complete(served.north_star)
    _metric = served.definitions[served.north_star[-1]["metric_id"]] if served.north_star else None
    _lines = [line(served) for line in (north_star.rising, north_star.real, north_star.on_target)]
    _answer = [sentence for line in _lines for sentence in ([(line.label, True)], [(f" {line.text} ", False)])]
    _parts = [mo.md("## The North Star"), sentences_html(_answer)]
    if _metric:
        _parts.append(mo.md(f"{_metric['name']}: {_metric['definition']}"))
    if _latest and months["value"].notna().any():
        _parts.append(altair_chart(charts.north_star_chart(records(months), _metric, width=900)))
    mo.vstack(_parts)
    return


@app.cell(hide_code=True)
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
                The band is the routine range: inside it a rise or a fall is routine variation. The limits are
                re-based at a declared change and only there. A change had an effect where months after it lie outside
                the limits from *before* it; the last column is the first such month.
                """
            ),
            table(_phases, show_search=False),
        ]
    )
    return


@app.cell(hide_code=True)
def _(db, served):
    _found = rows(db, "select distinct metric_id, domain from authoritative.leading_metrics_monthly order by all")
    _names = {served.definitions[m]["name"]: m for m in dict.fromkeys(_found["metric_id"].to_pylist())}
    _domains = [domain for domain in dict.fromkeys(_found["domain"].to_pylist()) if domain != "all"]
    _first = "Ideas with a named consumer"
    picked_metric = mo.ui.dropdown(_names, value=_first if _first in _names else None, label="Metric")
    picked_domain = mo.ui.dropdown(["all", *_domains], value="all", label="Domain")
    mo.vstack(
        [
            mo.md("## Leading metrics\n\nA leading metric is one that teams control. By month, with its limits."),
            mo.hstack([picked_metric, picked_domain], justify="start"),
        ]
    )
    return picked_domain, picked_metric


@app.cell(hide_code=True)
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
    _metric, _is_paced = served.definitions[picked_metric.value], picked_metric.value in codes.JUDGED_BY_PACE
    _drawn = leading.assign(value=leading["pace_index"]) if _is_paced else leading
    _parts = [metric_text(_metric, served.verdicts[picked_domain.value, picked_metric.value])]
    if _drawn["value"].notna().any():
        _shown = _metric | {"unit": "index", "good_direction": "up"} if _is_paced else _metric
        _parts.append(altair_chart(charts.north_star_chart(records(_drawn), _shown, width=900)))
    mo.vstack(_parts)
    return


@app.cell(hide_code=True)
def _(db, picked_domain, picked_metric):
    table(
        rows(
            db,
            """
            select month_starting, value, numerator, denominator, pace_index, signal,
                coalesce(reason, signal_reason) as reason, rule, center, lower_limit, upper_limit, observation_count
            from authoritative.leading_metrics_monthly where metric_id = $1 and domain = $2
            order by month_starting desc
            """,
            picked_metric.value,
            picked_domain.value,
        )
    )
    return


@app.cell(hide_code=True)
def _(db):
    _domains = rows(db, "select distinct domain from authoritative.time_to_value where domain <> 'all' order by 1")
    picked_interval = mo.ui.dropdown(
        {name: interval for interval, name in codes.INTERVALS.items()},
        value=codes.INTERVALS["idea_to_adopted"],
        label="Interval",
    )
    picked_owner = mo.ui.dropdown(["all", *_domains["domain"].to_pylist()], value="all", label="Domain")
    mo.vstack([mo.md("## Time to value"), mo.hstack([picked_interval, picked_owner], justify="start")])
    return picked_interval, picked_owner


@app.cell(hide_code=True)
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
    _why = f" Some figures are not known: {codes.reason(_incidence['reason'])}." if _incidence["reason"] else ""
    _parts = [
        mo.md(
            "**incidence** is the share that completes the interval; a closed idea never does. Its median is the days "
            "within which half of all ideas complete it. **kaplan_meier** estimates the days if nothing is closed. "
            "**current_pace** uses the last 180 days only. **completed_only** uses finished ideas only and favours "
            f"fast ones; `time_to_value.py` shows why.{_why}"
        )
    ]
    if len(curve) and picked_interval.value == "idea_to_adopted":
        _medians = {"idea_to_adopted": _incidence["median_days"]}
        _parts.append(altair_chart(charts.time_to_value_chart(records(curve), _medians, width=900)))
    elif len(curve):
        _parts.append(interval_chart(curve, width=800))
    mo.vstack([*_parts, table(with_interval(_figures), show_search=False)])
    return


@app.cell(hide_code=True)
def _(db, served):
    mo.vstack(
        [
            mo.md("## Domains"),
            sentences_html([[(domains.domains_in_words(served.domains), False)]]),
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


@app.cell(hide_code=True)
def _(db):
    _queues = rows(
        db,
        """
        select
            queue, open_count, median_age_days, oldest_age_days, moved_on_count, moved_on_p85_days, older_count, reason
        from authoritative.queues where domain = 'all' order by queue
        """,
    )
    _open = rows(
        db,
        """
        select
            queue, queue_rank, data_product_id, title, domain, days_in_queue, is_older, chance_of_adoption_90d,
            chance_reason
        from authoritative.open_ideas order by queue, queue_rank
        """,
    )
    mo.vstack(
        [
            mo.md(
                """
                ## Queues

                Every open data product waits in one queue for its next step. Of those that took the step in the last
                365 days, 85 % had taken it by the age `moved_on_p85_days`; `older_count` is how many have waited
                longer. It is not known where fewer than 10 took the step.
                """
            ),
            table(_queues, show_search=False) if _open.num_rows else mo.md("No data product is open."),
            table(_open) if _open.num_rows else mo.md(""),
        ]
    )
    return


@app.cell(hide_code=True)
def _(db):
    belt_section(db)
    return


@app.cell(hide_code=True)
def _(db):
    tenets_section(db)
    return


@app.cell(hide_code=True)
def _(db, served):
    _months = db.execute(
        """
        select outlook.*, (select max_by(target, month_starting) from authoritative.north_star_monthly) as target
        from authoritative.outlook order by month_starting
        """
    ).df()
    _why = next((row["reason"] for row in served.outlook if row["expected_value"] is None), None)
    _text = f"There is no outlook: {codes.reason(_why)}." if _why else "If nothing changes. Bar: 80 % interval."
    _chart = [altair_chart(charts.outlook_chart(records(_months)))] if len(_months) and not _why else []
    mo.vstack(
        [
            mo.md(f"## Outlook\n\n{_text if len(_months) else 'There is no outlook: no month is complete yet.'}"),
            *_chart,
            table(rows(db, "from authoritative.outlook order by month_starting"), show_search=False),
        ]
    )
    return


@app.cell(hide_code=True)
def _(db):
    mo.vstack(
        [
            mo.md(
                """
                ## Does a leading metric lead?

                Each metric is tested against the North Star, and against the part that it hangs under, 1 to 6 months
                later, with the trend and autocorrelation of all of them removed. The p-value accounts for the search
                over metrics, outcomes and lags. Metrics that count adoptions in their own formula are not tested.
                Evidence of moving ahead is not proof of a cause; no evidence is not proof of no effect.
                """
            ),
            table(rows(db, "from authoritative.influence_evidence order by p_value nulls last"), page_size=20),
        ]
    )
    return


@app.cell(hide_code=True)
def _(db):
    _shares = rows(db, "from authoritative.ownership_shares where measure = 'products' order by month_starting desc")
    mo.vstack(
        [
            mo.md(
                """
                ## The data factory, owners and costs

                Where data products wait on their way from collected to exposed, who owns them, the landscape that
                people declare, what they cost, and what nobody uses. Counts are measured; kinds of domains,
                capabilities and costs are declared. A figure that is not known has its reason in the same row.
                """
            ),
            table(rows(db, "from authoritative.factory_stages order by stage_number"), show_search=False),
            table(_shares, page_size=4),
            table(
                rows(db, "from authoritative.ownership_changes order by changed_at desc, data_product_id"), page_size=5
            ),
            table(rows(db, "from authoritative.capabilities order by capability"), page_size=6),
            table(
                rows(db, "from authoritative.product_costs order by month_starting desc, measure, unit"), page_size=6
            ),
            table(rows(db, "from authoritative.liability_quarterly order by month_starting desc"), page_size=4),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(f"""
    ## The same tables elsewhere

    In a new SQL cell choose the connection `db`, or open `your_questions.py`. Outside marimo, with DuckDB 1.4 or later:

    ```sql
    attach '{serving_file()}' as serving (read_only);
    use serving;
    select metric_id, value, verdict, verdict_since from authoritative.metric_verdicts where domain = 'all';
    ```

    The same tables are Parquet files in `{serving_file().parent / "serving"}`, one per table.
    A change that you save in this notebook changes the checkout: save a copy under another name.
    """)
    return


@app.function(hide_code=True)
def metric_text(metric: tables.Row, judged: tables.Row) -> mo.Html:
    """A metric's definition, its latest complete period and the verdict on it; `judged`, of `metric_verdicts`."""
    paragraphs = [
        f"**{metric['name']}** ({metric['unit']}; {metric['good_direction']} is good). {metric['definition']}"
    ]
    if judged["month_starting"]:
        value = "not known" if judged["value"] is None else numbers.with_unit(judged["value"], metric["unit"])
        when = numbers.period(judged["month_starting"], judged["period"])
        why = verdicts.why(judged, metric)
        paragraphs.append(
            f"{when}: {value}. **{verdicts.verdict_in_words(judged, metric)}**{f': {why}' if why else ''}."
        )
    if metric["metric_id"] in codes.JUDGED_BY_PACE:
        paragraphs.append(
            "The chart shows the pace index: adoptions or deployments in the month over those expected from the ages "
            "of the open ideas. Above 1 is faster. It shows a change months before a median does, so the verdict is "
            "that of the index."
        )
    return mo.md("\n\n".join(paragraphs))


if __name__ == "__main__":
    app.run()
