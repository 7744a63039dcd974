"""Values as they came on the wire become the contract's types, or are refused, whatever stands beside them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.contracts.contract import ARROW_TYPES, ContractError
from orchestration.landing.conform import PYTHON_TYPES, conform


def verdicts(values, logical_type):
    """Each value as typed, or "refused"."""
    got = conform(values, logical_type)
    assert len(got.values) == len(got.is_wrong) == len(got.is_assumed_utc) == len(values)
    assert got.values.type == ARROW_TYPES[logical_type]
    return [
        "refused" if wrong else v for v, wrong in zip(got.values.to_pylist(), got.is_wrong.to_pylist(), strict=True)
    ]


def at(*parts) -> datetime:
    return datetime(*parts, tzinfo=UTC)


REFUSED = "refused"
JSON_VALUES = {
    "string": [("a", "a"), ("", ""), ("1", "1"), (1, REFUSED), (1.5, REFUSED), (True, REFUSED), ([], REFUSED)],
    "integer": [
        (0, 0),
        (-7, -7),
        (3.0, 3),
        ("12", 12),
        ("+5", 5),
        ("-0", 0),
        ("007", 7),
        ("1755864000000000000", 1_755_864_000_000_000_000),
        (2**63 - 1, 2**63 - 1),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", REFUSED),
        (2**63, REFUSED),
        (2.0**70, REFUSED),
        (1.5, REFUSED),
        ("1.0", REFUSED),
        ("1e3", REFUSED),
        ("٣", REFUSED),
        ("", REFUSED),
        (" 1", REFUSED),
        (True, REFUSED),
        (False, REFUSED),
        ([1], REFUSED),
        ({"n": 1}, REFUSED),
    ],
    "number": [(1, 1.0), (0.5, 0.5), ("0.5", 0.5), ("-3", -3.0), (2**63, 2.0**63), ("nan", REFUSED), (True, REFUSED)],
    "boolean": [
        (True, True),
        (False, False),
        ("true", True),
        ("FALSE", False),
        (1, REFUSED),
        (0, REFUSED),
        ("1", REFUSED),
        ("yes", REFUSED),
        ("", REFUSED),
    ],
    "array": [
        (["a", "b"], ["a", "b"]),
        ([], []),
        ("a | b", ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        ('["a"', REFUSED),
        ("[1]", REFUSED),
        (["a", None], REFUSED),
        (["a", ["b"]], REFUSED),
        ([1], REFUSED),
        ({"a": 1}, REFUSED),
        (3, REFUSED),
    ],
    "timestamp": [
        ("2026-08-22T12:00:00Z", at(2026, 8, 22, 12)),
        ("2026-08-22t12:00:00z", at(2026, 8, 22, 12)),
        ("2026-08-22 12:00:00Z", at(2026, 8, 22, 12)),
        ("2026-08-22T14:00:00+02:00", at(2026, 8, 22, 12)),
        ("2026-08-22T17:30:00+0530", at(2026, 8, 22, 12)),
        ("2026-08-21T22:00:00-14:00", at(2026, 8, 22, 12)),
        ("2026-08-22T12:00:00.5Z", at(2026, 8, 22, 12, 0, 0, 500_000)),
        ("2026-08-22T12:00:00.123456789Z", at(2026, 8, 22, 12, 0, 0, 123_456)),
        ("2026-08-22T12:00Z", at(2026, 8, 22, 12)),
        ("2026-08-22", at(2026, 8, 22)),
        ("2024-02-29", at(2024, 2, 29)),
        ("0001-01-01T00:00:00Z", at(1, 1, 1)),
        ("9999-12-31T23:59:59.999999Z", at(9999, 12, 31, 23, 59, 59, 999_999)),
        ("0000-01-01T00:00:00Z", REFUSED),
        ("0001-01-01T00:00:00+01:00", REFUSED),
        ("9999-12-31T23:59:59-01:00", REFUSED),
        ("10000-01-01T00:00:00Z", REFUSED),
        ("2016-12-31T23:59:60Z", REFUSED),  # a leap second: no engine downstream can hold one
        ("2026-02-30T00:00:00Z", REFUSED),
        ("2026-08-22T24:00:00Z", REFUSED),
        ("2026-08-22T12:00:00+99:00", REFUSED),
        ("2026-08-22T12:00:00Z\n", REFUSED),
        ("20260822", REFUSED),
        ("2026", REFUSED),
        ("1755864000", REFUSED),
        ("yesterday", REFUSED),
        ("", REFUSED),
        (1_755_864_000, REFUSED),
        (1_755_864_000.5, REFUSED),
        (True, REFUSED),
    ],
}
PAIRS = [(kind, value, typed) for kind, pairs in JSON_VALUES.items() for value, typed in pairs]


@pytest.mark.parametrize(("logical_type", "value", "expected"), PAIRS)
def test_a_json_value_becomes_its_type_or_is_refused(logical_type, value, expected):
    assert verdicts([value], logical_type) == [expected]


@pytest.mark.parametrize("logical_type", JSON_VALUES)
def test_values_of_every_kind_fare_in_one_column_as_they_do_alone(logical_type):
    values = [value for pairs in JSON_VALUES.values() for value, _ in pairs] + [None]

    assert verdicts(values, logical_type) == [verdicts([value], logical_type)[0] for value in values]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(JSON, max_size=6), st.sampled_from(sorted(PYTHON_TYPES)))
def test_the_verdict_on_any_json_value_does_not_depend_on_its_neighbours(values, logical_type):
    assert verdicts(values, logical_type) == [verdicts([value], logical_type)[0] for value in values]


def test_a_number_and_a_truth_value_in_one_column_are_told_apart():
    assert verdicts([1.5, True, 2, False, 0.0], "number") == [1.5, REFUSED, 2.0, REFUSED, 0.0]
    assert verdicts([1, True, 2.0], "integer") == [1, REFUSED, 2]
    assert verdicts([True, 1, "true"], "boolean") == [True, REFUSED, True]


def test_null_is_neither_a_value_nor_wrong():
    for logical_type in PYTHON_TYPES:
        assert verdicts([None, None], logical_type) == [None, None]
        assert verdicts(pa.nulls(2), logical_type) == [None, None]
        assert verdicts([], logical_type) == []


def test_only_a_time_without_offset_is_assumed_to_be_utc():
    sent = ["2026-08-22T12:00:00", "2026-08-22", "2026-08-22T12:00:00Z", "2026-08-22T12:00-07:00", "soon", None, 5]

    got = conform(sent, "timestamp")

    assert got.is_assumed_utc.to_pylist() == [True, True, False, False, False, False, False]


def test_objects_with_a_thousand_keys_do_not_become_a_thousand_columns():
    sent = [{f"key {i}": i} for i in range(20_000)]

    assert verdicts(sent, "string") == [REFUSED] * 20_000  # as an Arrow struct, 400 million cells


def test_a_list_nested_a_thousand_deep_is_refused():
    deep = []
    for _ in range(1_000):
        deep = [deep]

    assert verdicts([deep, ["a"], "a"], "array") == [REFUSED, ["a"], ["a"]]
    assert verdicts([deep, "a"], "string") == [REFUSED, "a"]


NAIVE = datetime(2026, 8, 22, 12)
ARROW = [
    ("string", pa.array(["a", None]), ["a", None]),
    ("string", pa.array(["a", None], pa.large_string()), ["a", None]),
    ("string", pa.array(["a", None], pa.string_view()), ["a", None]),
    ("string", pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
    ("string", pa.array([b"a", None]), [REFUSED, None]),
    ("string", pa.array([1, None]), [REFUSED, None]),
    ("string", pa.array([{"a": 1}, None]), [REFUSED, None]),
    ("integer", pa.array([1, None], pa.int8()), [1, None]),
    ("integer", pa.array([2**63 - 1, 2**63], pa.uint64()), [2**63 - 1, REFUSED]),
    ("integer", pa.array([1.0, 1.5, float("nan"), float("inf"), -0.0]), [1, REFUSED, REFUSED, REFUSED, 0]),
    ("integer", pa.array([2.0**53, 2.0**53 + 2]), [2**53, REFUSED]),
    ("integer", pa.array([Decimal("5.00"), Decimal("5.50"), None]), [5, REFUSED, None]),
    ("integer", pa.array(["+5", "x"]), [5, REFUSED]),
    ("integer", pa.array([True]), [REFUSED]),
    ("integer", pa.array([date(2026, 8, 22)]), [REFUSED]),
    ("number", pa.array([1, 2], pa.int32()), [1.0, 2.0]),
    ("number", pa.array([0.5, float("nan"), float("-inf")]), [0.5, REFUSED, REFUSED]),
    ("boolean", pa.array([True, None]), [True, None]),
    ("boolean", pa.array(["True", "no"]), [True, REFUSED]),
    ("boolean", pa.array([1, 0]), [REFUSED, REFUSED]),
    ("array", pa.array([["a", "b"], [], None]), [["a", "b"], [], None]),
    ("array", pa.array([["a", None], ["b"]]), [REFUSED, ["b"]]),
    ("array", pa.array([["a"]], pa.large_list(pa.large_string())), [["a"]]),
    ("array", pa.array([[1]]), [REFUSED]),
    ("array", pa.array(["a|b"]), [["a", "b"]]),
    ("timestamp", pa.array([NAIVE], pa.timestamp("ms", "Europe/Berlin")), [at(2026, 8, 22, 12)]),
    ("timestamp", pa.array([1_755_864_000_123_456_789], pa.timestamp("ns")), [at(2025, 8, 22, 12, 0, 0, 123_456)]),
    ("timestamp", pa.array([1_755_864_000], pa.timestamp("s", "UTC")), [at(2025, 8, 22, 12)]),
    ("timestamp", pa.array([253_402_300_800], pa.timestamp("s", "UTC")), [REFUSED]),  # the year 10000
    ("timestamp", pa.array([2**63 - 1, -(2**63)], pa.timestamp("ms")), [REFUSED, REFUSED]),
    ("timestamp", pa.array([-62_135_596_800_001], pa.timestamp("ms")), [REFUSED]),  # the year 0
    ("timestamp", pa.array([date(2026, 8, 22), None]), [at(2026, 8, 22), None]),
    ("timestamp", pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), [REFUSED]),
    ("timestamp", pa.array([date(2026, 8, 22)], pa.date64()), [at(2026, 8, 22)]),
    ("timestamp", pa.array([1_755_864_000]), [REFUSED]),
    ("timestamp", pa.array(["2026-08-22T12:00:00Z"]), [at(2026, 8, 22, 12)]),
]


@pytest.mark.parametrize(("logical_type", "array", "expected"), ARROW, ids=lambda v: str(getattr(v, "type", "")))
def test_a_typed_column_becomes_its_type_or_is_refused(logical_type, array, expected):
    assert verdicts(array, logical_type) == expected


def test_a_typed_time_without_zone_is_assumed_to_be_utc():
    without = conform(pa.array([NAIVE, None, datetime(1, 1, 1)], pa.timestamp("us")), "timestamp")
    with_zone = conform(pa.array([NAIVE], pa.timestamp("us", "UTC")), "timestamp")

    assert without.is_assumed_utc.to_pylist() == [True, False, True]
    assert with_zone.is_assumed_utc.to_pylist() == [False]


def test_text_that_is_not_utf8_is_refused_where_parquet_let_it_in():
    offsets, data = pa.array([0, 2, 4, 4], pa.int32()).buffers()[1], pa.py_buffer(b"ok\xff\xfe")
    array = pa.StringArray.from_buffers(3, offsets, data)

    assert verdicts(array, "string") == ["ok", REFUSED, ""]


def test_a_type_that_nobody_can_send_is_an_error():
    with pytest.raises(ContractError, match="can't be of type object; use one of string"):
        conform(["{}"], "object")


def test_dates_are_days_that_exist():
    got = conform(["2026-08-22", "2025-02-30", "20260822", "22.08.2026", "", None], "date")
    assert got.values.to_pylist() == [date(2026, 8, 22), None, None, None, None, None]
    assert got.is_wrong.to_pylist() == [False, True, True, True, True, False]
