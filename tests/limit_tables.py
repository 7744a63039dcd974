"""Series of points as curated.process_points, and what the models of limits make of them.

Belongs here: series in, rows of process_limits and series_verdicts out. Does not belong here: any expectation.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb
import pyarrow as pa
from oracles.limits import Point, Series
from shaped import build_models, compiled, empty_warehouse, put_table, rows

JUDGES = ("limit_points", "phase_limits", "signals", "process_limits", "latest_points", "verdict_stretches")
PROCESS_POINTS = pa.schema(
    [
        ("metric_id", pa.string()),
        ("is_north_star", pa.bool_()),
        ("domain", pa.string()),
        ("period", pa.string()),
        ("month_starting", pa.date32()),
        ("value", pa.float64()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("observation_count", pa.int64()),
        ("is_complete", pa.bool_()),
        ("reason", pa.string()),
        ("has_limits", pa.bool_()),
        ("process_value", pa.float64()),
        ("limits_period", pa.string()),
        ("point_starting", pa.date32()),
        ("is_point_complete", pa.bool_()),
        ("process_phase", pa.int32()),
        ("point_value", pa.float64()),
        ("point_numerator", pa.float64()),
        ("point_denominator", pa.float64()),
    ]
)


def series(values: Iterable[float | None], phase: int = 1, of: float = 1.0, **columns) -> Series:
    """A series of complete months in one phase."""
    return Series(tuple(Point(value, phase, of=of) for value in values), **columns)


def then(before: Series, values: Iterable[float | None], phase: int = 2, of: float = 1.0) -> Series:
    """The same with further points, of the next phase unless told."""
    return replace(before, points=before.points + tuple(Point(value, phase, of=of) for value in values))


@contextmanager
def limited(*all_series: Series) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which these series are judged."""
    with empty_warehouse() as db:
        put_table(db, "process_points", [row for one in all_series for row in one.rows()], PROCESS_POINTS)
        build_models(db, compiled(), (*JUDGES, "series_verdicts"))
        yield db


def judged(one: Series) -> list[dict]:
    """The rows of process_limits of one series, by month."""
    with limited(one) as db:
        return rows(db, "select * from curated.process_limits order by month_starting")


def verdicts(*all_series: Series) -> list[dict]:
    """The verdict of each of the series, in their order; they are given a domain each."""
    named = [replace(one, domain=f"domain {number:03}") for number, one in enumerate(all_series)]
    with limited(*named) as db:
        return rows(db, "select * from curated.series_verdicts order by domain")
