"""What the notebooks import: the served tables in a connection, tables and metrics as they are shown, own charts.

Belongs here: what two notebooks need, what is too long for a cell, charts that only a notebook draws. Does not belong
here: cells, SQL.
"""

import os
from collections.abc import Callable
from datetime import datetime
from html import escape
from pathlib import Path

import altair as alt
import duckdb
import marimo as mo
import pandas as pd
import pyarrow as pa

from dashboard import tables
from dashboard.tables import MINIMUM_OBSERVED, Row
from dashboard.theme import PALETTE, Chart
from dashboard.words import codes, numbers, verdicts
from dashboard.words.phrases import Sentence

FINISHED, EVERYONE = "finished only", "all of them"  # the two colours of a chart of medians


def serving_file() -> Path:
    """The serving file of FLYWHEEL_HOME, or of `data/` in the checkout."""
    home = Path(os.environ.get("FLYWHEEL_HOME") or Path(__file__).resolve().parent.parent / "data").expanduser()
    return home / "serving.duckdb"


def connect() -> duckdb.DuckDBPyConnection:
    """The served tables in a read-only connection without access to files, the network or Python variables.

    Without a serving file the cell stops and shows what to run.
    """
    serving = serving_file()
    mo.stop(not serving.is_file(), mo.plain_text(f"There is nothing to read yet: run `make run` first.\n({serving})"))
    connection = tables.connect(serving)
    connection.execute("set python_enable_replacements = false")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: object) -> pa.Table:
    """The rows of a SELECT."""
    return connection.sql(sql, params=parameters or None).to_arrow_table()


def about(connection: duckdb.DuckDBPyConnection) -> str:
    """The dates of what is served, and whether it is the sample."""
    [(as_of, known_at, data_through, is_sample)] = connection.execute(
        "select as_of, known_at, data_through, is_sample from main.publication"
    ).fetchall()
    known = f", as known on {known_at:%Y-%m-%d}" if known_at else ""
    through = f"the latest event is of {data_through:%Y-%m-%d}" if data_through else "no events yet"
    made_up = " **These are made-up events of a sample organisation, not yours.**" if is_sample else ""
    return f"As of {as_of:%Y-%m-%d %H:%M} UTC{known}; {through}.{made_up}"


def as_text(value: object, name: str = "") -> str:
    """A served value for reading, by the name of its column: shares in %, days to a tenth, reasons in words."""
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
    return codes.REASONS.get(str(value), str(value)) if name.endswith("reason") else str(value)


def as_served(value: object, name: str = "") -> str:
    """A served value for comparison with SQL: NULL and codes as they are."""
    if value is None:
        return "NULL"
    return value if isinstance(value, str) else as_text(value, name)


def table(
    result: pa.Table,
    as_words: Callable[[object, str], str] = as_text,
    comments: dict[str, str] | None = None,
    **options: object,
) -> mo.ui.table:
    """Rows to sort, search and download; `comments`, {column: text of its tooltip}."""
    numeric = [f.name for f in result.schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]
    return mo.ui.table(
        result,
        selection=None,
        format_mapping={n: lambda value, n=n: as_words(value, n) for n in result.column_names},
        text_justify_columns=dict.fromkeys(numeric, "right"),
        header_tooltip={n: comments[n] for n in result.column_names if comments and comments.get(n)},
        **{"show_column_summaries": False, "show_data_types": False, "page_size": 10} | options,
    )


def with_interval(result: pa.Table) -> pa.Table:
    """The same rows with the two ends of the median's 95 % interval as one column of text."""
    lower, upper = result["median_lower_days"].to_pylist(), result["median_upper_days"].to_pylist()
    texts = [None if pair == (None, None) else numbers.interval(*pair) for pair in zip(lower, upper, strict=True)]
    position = result.column_names.index("median_lower_days")
    return result.drop_columns(["median_lower_days", "median_upper_days"]).add_column(
        position, "interval_95_days", pa.array(texts, pa.string())
    )


def sentences_html(sentences: list[Sentence]) -> mo.Html:
    """Sentences as on the page; names in them are escaped."""
    parts = [(escape(text), is_strong) for sentence in sentences for text, is_strong in sentence]
    return mo.Html(f"<p>{''.join(f'<strong>{text}</strong>' if strong else text for text, strong in parts)}</p>")


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame, with None for what is missing."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def altair_chart(chart: Chart) -> alt.LayerChart:
    """A chart of the dashboard as an Altair chart."""
    return alt.LayerChart.from_dict(chart)


def interval_chart(curve: pd.DataFrame, width: int = 700, height: int = 300) -> alt.LayerChart:
    """The share that completes an interval by day, with its 95 % band."""
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(curve).encode(x=alt.X("day:Q", title="days since the start"))
    band = base.mark_area(interpolate="step-after", color=PALETTE["blue"], opacity=0.15)
    line = base.mark_line(interpolate="step-after", color=PALETTE["blue"], strokeWidth=2.5)
    share = alt.Y("share_adopted:Q", title=None, scale=scale, axis=alt.Axis(format=".0%"))
    layers = [band.encode(y=alt.Y("lower:Q", title=None, scale=scale), y2="upper:Q"), line.encode(y=share)]
    return alt.layer(*layers).properties(width=width, height=height)


def quarters_chart(quarter_ends: pd.DataFrame, incidence: Row) -> alt.LayerChart:
    """The median of the finished ones by quarter, over the interval of the median of all."""
    is_few = alt.condition(f"datum.finished_count < {MINIMUM_OBSERVED}", alt.value(0.4), alt.value(1))
    base = alt.Chart(quarter_ends.assign(what=FINISHED)).encode(x=alt.X("day:T", title=None))
    y = alt.Y("finished_median:Q", title="days", scale=alt.Scale(zero=True))
    tip = ["day:T", "begun_count", "finished_count", "open_count", alt.Tooltip("finished_median:Q", format=".0f")]
    layers = [
        base.mark_line(color=PALETTE["orange"]).encode(y=y),
        base.mark_point(color=PALETTE["orange"], shape="diamond", size=70).encode(y=y, opacity=is_few, tooltip=tip),
    ]
    median, lower, upper = (incidence[f"median_{end}days"] for end in ("", "lower_", "upper_"))
    if lower is not None:
        top = upper or 1.1 * max(lower, median or 0, quarter_ends["finished_median"].max())
        everyone = alt.Chart(pd.DataFrame([{"lower": lower, "upper": top, "median": median}]))
        layers.insert(0, everyone.mark_rect(color=PALETTE["blue"], opacity=0.12).encode(y="lower:Q", y2="upper:Q"))
        if median is not None:
            layers.insert(1, everyone.mark_rule(color=PALETTE["blue"], strokeWidth=2).encode(y="median:Q"))
    return alt.layer(*layers).properties(width=760, height=260)


def medians_chart(medians: pd.DataFrame, by: str, title: str, width: int = 760) -> alt.LayerChart:
    """The median of the finished ones and that of all with its interval; an arrow where it has no upper end.

    Parameters: `medians`, one row a `by` with finished_median, median, lower, upper, and `few` (finished ones under
    MINIMUM_OBSERVED); where only `lower` is known the median is more than that.
    """
    names = medians[by].tolist()
    highest = medians[["finished_median", "median", "lower", "upper"]].max(axis=None)
    end = 1.1 * highest if pd.notna(highest) else 1
    position = {"scale": alt.Scale(domain=[0, end], nice=False), "title": title}
    tip = [by, "product_count", "finished_count", "finished_median", "median", "lower", "upper"]
    y = alt.Y(f"{by}:N", title=None, sort=names, scale=alt.Scale(domain=names))
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=[FINISHED, EVERYONE], range=[PALETTE["orange"], PALETTE["blue"]]),
        legend=alt.Legend(orient="top", symbolOpacity=1),
    )

    def layer(rows: pd.DataFrame, what: str) -> alt.Chart:
        return alt.Chart(rows.assign(what=what)).encode(y=y, color=colour)

    known = medians[medians["median"].notna() | medians["lower"].notna()]
    known = known.assign(end=known["upper"].fillna(end), start=known["lower"].fillna(0.0))
    line = layer(known, EVERYONE).mark_rule(strokeWidth=3, opacity=0.45)
    arrow = layer(known[known["upper"].isna()], EVERYONE).mark_point(shape="triangle-right", size=60)
    dot = layer(known[known["median"].notna()], EVERYONE).mark_point(size=80)
    diamond = layer(medians[medians["finished_median"].notna()], FINISHED).mark_point(shape="diamond", size=80)
    is_few = alt.condition("datum.few", alt.value(0.4), alt.value(1))
    return alt.layer(
        line.encode(x=alt.X("start:Q", **position), x2="end:Q"),
        arrow.encode(x=alt.X("end:Q", **position)),
        dot.encode(x=alt.X("median:Q", **position), tooltip=tip),
        diamond.encode(x=alt.X("finished_median:Q", **position), opacity=is_few, tooltip=tip),
    ).properties(width=width, height=max(60, 22 * len(names)))


def metric_text(metric: Row, judged: Row) -> mo.Html:
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
