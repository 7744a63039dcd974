"""Which points are judged: months or quarters, counts, shares and paces; worked out by hand."""

import pyarrow as pa
import pytest
from oracles.limits import month
from shaped import build_models, compiled, empty_warehouse, put_table, rows

METRIC_VALUES = pa.schema(
    [
        ("is_north_star", pa.bool_()),
        ("metric_id", pa.string()),
        ("period", pa.string()),
        ("month_starting", pa.date32()),
        ("domain", pa.string()),
        ("is_complete", pa.bool_()),
        ("process_phase", pa.int32()),
        *((name, pa.int64()) for name in ("process_numerator", "process_denominator", "counted")),
        *((name, pa.int64()) for name in ("numerator", "denominator", "observation_count")),
        ("value", pa.float64()),
        ("reason", pa.string()),
    ]
)


def leading(counts: list, metric_id="first_deployments", of: list | None = None, first=0, complete=None) -> list[dict]:
    """Rows of metric_values by month, January 2020 onwards: counts, or shares `of` something; None is unknown."""
    made = []
    for number, count in enumerate(counts):
        below = of[number] if of else None
        row = {"metric_id": metric_id, "period": "month", "month_starting": month(first + number), "domain": "all"}
        row["is_north_star"] = False
        row |= {"is_complete": number < (len(counts) if complete is None else complete), "process_phase": 1}
        row |= {"process_numerator": count, "process_denominator": below if of else 1}
        row["counted"] = below if of else count
        row |= {"numerator": count, "denominator": below, "observation_count": below if of else count}
        row |= {"value": count if not of else count / below if below else None}
        row["reason"] = "no_ideas" if of and not below else "no_deployment_events" if count is None else None
        made.append(row)
    return made


def process_points(values: list[dict]) -> list[dict]:
    """The rows of process_points made of these metric values, by month."""
    quarters = [
        {"period": "quarter", "month_starting": month(3 * number), "process_phase": 1 + (number >= 4)}
        for number in range(20)
    ]
    schema = pa.schema([("period", pa.string()), ("month_starting", pa.date32()), ("process_phase", pa.int32())])
    with empty_warehouse() as db:
        put_table(db, "metric_values", values, METRIC_VALUES)
        put_table(db, "reporting_periods", quarters, schema)
        build_models(db, compiled(), ["process_points"])
        return rows(db, "select * from curated.process_points order by metric_id, month_starting")


def test_counts_under_two_a_month_are_judged_by_the_quarter():
    sparse, enough = (
        [1, 2, 3, 0, 3, 2, 2, 2, 2, 1, 1, 4],
        [1, 2, 3, 0, 3, 2, 2, 2, 2, 1, 1, 5],
    )  # 23 and 24 in 12 months
    found = process_points(leading(sparse))
    assert {row["limits_period"] for row in found} == {"quarter"}
    assert [row["point_value"] for row in found] == pytest.approx([2] * 3 + [5 / 3] * 3 + [2] * 6)  # means a month
    assert [row["value"] for row in found] == sparse
    assert {row["point_starting"] for row in found} == {month(number) for number in (0, 3, 6, 9)}
    found = process_points(leading(enough))
    assert {row["limits_period"] for row in found} == {"month"}
    assert [row["point_value"] for row in found] == enough
    assert [row["point_starting"] for row in found] == [month(number) for number in range(12)]


def test_a_share_by_quarter_is_one_of_sums_and_skips_a_month_without_any():
    found = process_points(leading([1, 0, 2, 0, 0, 1], "named_consumer_share", of=[1, 1, 3, 0, 0, 2]))
    assert {row["limits_period"] for row in found} == {"quarter"}  # (1 + 1 + 3 + 2) / 4 = 1.75 ideas a month
    assert [row["point_value"] for row in found] == [pytest.approx(3 / 5)] * 3 + [pytest.approx(1 / 2)] * 3
    assert [row["value"] for row in found] == pytest.approx([1, 0, 2 / 3, None, None, 0.5])


def test_a_quarter_is_complete_with_its_last_month_and_takes_its_own_phase():
    found = process_points(leading([1] * 15, complete=14))
    assert [row["is_point_complete"] for row in found] == [True] * 12 + [False] * 3
    assert [row["process_phase"] for row in found] == [1] * 12 + [2] * 3


def test_an_incomplete_month_does_not_decide_between_months_and_quarters():
    assert {row["limits_period"] for row in process_points(leading([2] * 6 + [0], complete=6))} == {"month"}
    assert {row["limits_period"] for row in process_points(leading([1] * 6 + [90], complete=6))} == {"quarter"}


def test_net_flow_is_never_judged_by_the_quarter():
    values = [row | {"counted": None, "process_numerator": -1} for row in leading([0] * 6, "net_flow")]
    assert {(row["limits_period"], row["point_value"]) for row in process_points(values)} == {("month", -1)}


def test_less_than_one_expected_is_no_point():
    values = leading([3, 3, 3], "time_to_value", of=[2, 1, 0])
    for row, expected in zip(values, [2, 1, 0], strict=True):
        row |= {"process_denominator": expected, "counted": 3, "reason": None}
    found = process_points(values)
    assert [row["process_value"] for row in found] == [1.5, 3, None]
    assert [row["point_value"] for row in found] == [1.5, 3, None]
