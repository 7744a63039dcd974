"""Hand-made series for the tests of influence: a metric, the North Star, and the model that compares them.

Belongs here: series, rows as dbt gives them, what the model says of two. Does not belong here: any expectation.
"""

import csv
from datetime import date

import numpy as np
from conftest import CHECKOUT
from shaped import python_model

LIMITS = CHECKOUT / "dbt_project" / "models" / "curated" / "limits"
SEED_OF_METRICS = CHECKOUT / "dbt_project" / "seeds" / "declared" / "metrics.csv"
LEAST_P = 1 / 2001
MONTH_COUNT = 36
CHANGE_AT = 23  # the sample's declared change, in months


model = python_model(LIMITS / "metric_influences.py")
DECLARED = list(csv.DictReader(SEED_OF_METRICS.open(encoding="utf-8")))


def definition(metric_id: str, parent: str = "cross_domain_adoptions", edge: str = "influence") -> dict:
    return {"metric_id": metric_id, "parent_metric_id": parent, "edge": edge, "role": "leading"}


DEFINITIONS = [definition(metric_id) for metric_id in ("lever", "a", "b", "orders")]
PARTS = [definition(name, edge="component") | {"role": "component"} for name in ("first", "expansion")]


def month_starting(index: int) -> date:
    return date(2023 + index // 12, index % 12 + 1, 1)


def rows_of(values, metric_id="lever", changes=(), **columns) -> list[dict]:
    """A metric's rows of process_limits, a month each from January 2023; a phase starts at each index in `changes`."""
    row = {"metric_id": metric_id, "domain": "all", "period": "month", "is_complete": True, "is_north_star": False}
    row |= {"kind": "flow", "has_limits": True, "own_rule": None, "target": None} | columns
    return [
        row
        | {"month_starting": month_starting(i), "process_phase": 1 + sum(change <= i for change in changes)}
        | {"value": value, "process_value": value}
        for i, value in enumerate(None if value is None else float(value) for value in values)
    ]


def north_star(values, changes=(), **columns) -> list[dict]:
    return rows_of(values, "cross_domain_adoptions", changes, is_north_star=True, **columns)


def found(leading, following, changes=()) -> dict:
    (row,) = model.influences([*rows_of(leading, changes=changes), *north_star(following, changes)], DEFINITIONS)
    return row


def noise(*size: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=size)


def led_by(leading: np.ndarray, lag: int, sign: int = 1) -> np.ndarray:
    """A series that repeats the leading one that many months later, with noise half as large."""
    return sign * np.roll(leading, lag) + 0.5 * noise(len(leading), seed=99)


def evidence_count(pairs, changes=()) -> int:
    return sum(found(*pair, changes)["verdict"] == "evidence" for pair in pairs)


# --- Leads that are there -------------------------------------------------------------------------
