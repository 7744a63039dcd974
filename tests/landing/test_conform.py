"""Values as they came on the wire become the contract's types, or are refused, whatever stands beside them."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.contracts.contract import ARROW_TYPES, ContractError
from orchestration.landing.conform import PYTHON_TYPES, conform, why_wrong


def verdicts(values, logical_type):
    """Each value as typed, or "refused"."""
    got = conform(values, logical_type)
    assert {len(array) for array in vars(got).values()} == {len(values)}
    assert got.values.type == ARROW_TYPES[logical_type]
    return [
        "refused" if wrong else v for v, wrong in zip(got.values.to_pylist(), got.is_wrong.to_pylist(), strict=True)
    ]


REFUSED = "refused"
JSON_VALUES = {
    "string": [
        ("a", "a"),
        ("", ""),
        (" a b\t", "a b"),
        ("\u00a0a\u3000", "a"),
        ("a\n", "a\n"),
        ("  ", None),
        ("007", "007"),
        (7, "7"),
        (-7, "-7"),
        (2**64 - 1, "18446744073709551615"),
        (7.0, "7"),
        (2.0**53, "9007199254740992"),
        (2.0**53 + 2, REFUSED),
        (1.5, REFUSED),
        ("2.02E+15", REFUSED),
        ("-1,5e+300", REFUSED),
        ("12e5", "12e5"),
        ("1E10", "1E10"),
        ("a+b", "a+b"),
        (True, REFUSED),
        ([], REFUSED),
        ({"id": 1}, REFUSED),
    ],
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
        ("1.0", 1),
        ("-3.000", -3),
        ("1.5", REFUSED),
        ("1.", REFUSED),
        ("1,0", REFUSED),
        ("1e3", REFUSED),
        ("٣", REFUSED),
        ("", REFUSED),
        (" 1 ", 1),
        (" ", None),
        (True, REFUSED),
        (False, REFUSED),
        ([1], REFUSED),
        ({"n": 1}, REFUSED),
    ],
    "number": [(1, 1.0), (0.5, 0.5), ("0.5", 0.5), ("-3", -3.0), (2**63, 2.0**63), (" 5 ", 5.0), (True, REFUSED)],
    "boolean": [
        (True, True),
        (False, False),
        *((word, True) for word in ("true", "TRUE", " True ", "t", "T", "yes", "Y", "on", "1", "1.0")),
        *((word, False) for word in ("false", "FALSE", "False", "f", "no", "N", "OFF", "0", "0.0")),
        *((word, True) for word in ("WAHR", "VRAI", "VERDADERO", "VERO", "VERDADEIRO", "WAAR", "PRAWDA", "SANT")),
        *((word, False) for word in ("FALSCH", "FAUX", "FALSO", "ONWAAR", "FAŁSZ", "FALSKT")),
        *((word, True) for word in ("SAND", "SANN", "TOSI", "PRAVDA", "IGAZ", "ADEVĂRAT", "DOĞRU", "ИСТИНА", "ΑΛΗΘΗΣ")),
        *((word, False) for word in ("FALSK", "USANN", "EPÄTOSI", "NEPRAVDA", "HAMIS", "FALS", "YANLIŞ", "ЛОЖЬ")),
        (1, True),
        (0, False),
        (1.0, True),
        (0.0, False),
        (2, REFUSED),
        (0.5, REFUSED),
        ("2", REFUSED),
        ("maybe", REFUSED),
        ("", REFUSED),
    ],
    "array": [
        (["a", "b"], ["a", "b"]),
        ([], []),
        ("a | b", ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        ("['a', \"it's\"]", ["a", "it's"]),  # pandas
        ("[a, b c, 'd, e', NULL]", ["a", "b c", "d, e"]),  # DuckDB
        ('{a,"b, c","d\\"e",NULL}', ["a", "b, c", 'd"e']),  # Postgres
        ("{}", []),
        ("{a\nb}", REFUSED),
        ('["a"', REFUSED),
        ("[1]", REFUSED),
        (["a", None], REFUSED),
        (["a", ["b"]], REFUSED),
        ([" a ", ""], ["a", ""]),
        ([1], REFUSED),
        ({"a": 1}, REFUSED),
        (3, REFUSED),
    ],
}
PAIRS = [(kind, value, typed) for kind, pairs in JSON_VALUES.items() for value, typed in pairs]


@pytest.mark.parametrize(("logical_type", "value", "expected"), PAIRS)
def test_a_json_value_becomes_its_type_or_is_refused(logical_type, value, expected):
    assert verdicts([value], logical_type) == [expected]


@pytest.mark.parametrize("logical_type", JSON_VALUES)
def test_values_of_every_kind_fare_in_one_column_as_they_do_alone(logical_type):
    values = [value for pairs in JSON_VALUES.values() for value, _ in pairs] + [None, "NULL", ["a", "nan"]]

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
    assert verdicts([True, 0, "true"], "boolean") == [True, False, True]
    assert verdicts([True, 1, 1.0, "1"], "string") == [REFUSED, "1", "1", "1"]


def test_null_is_neither_a_value_nor_wrong():
    for logical_type in PYTHON_TYPES:
        assert verdicts([None, None], logical_type) == [None, None]
        assert verdicts(pa.nulls(2), logical_type) == [None, None]
        assert verdicts([], logical_type) == []


def test_objects_with_a_thousand_keys_do_not_become_a_thousand_columns():
    sent = [{f"key {i}": i} for i in range(20_000)]

    assert verdicts(sent, "string") == [REFUSED] * 20_000  # as an Arrow struct, 400 million cells


def test_a_list_nested_a_thousand_deep_is_refused():
    deep = []
    for _ in range(1_000):
        deep = [deep]

    assert verdicts([deep, ["a"], "a"], "array") == [REFUSED, ["a"], ["a"]]
    assert verdicts([deep, "a"], "string") == [REFUSED, "a"]


UUIDS = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([UUID(int=42).bytes, None], pa.binary(16)))
ARROW = [
    ("string", pa.array(["a", None]), ["a", None]),
    ("string", pa.array(["a", None], pa.large_string()), ["a", None]),
    ("string", pa.array(["a", None], pa.string_view()), ["a", None]),
    ("string", pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
    ("string", pa.array(["Übersicht".encode(), b"\xff", None]), ["Übersicht", REFUSED, None]),
    ("string", pa.array([b"ab"], pa.binary(2)), ["ab"]),
    ("string", pa.array([b"a"], pa.large_binary()), ["a"]),
    ("string", pa.array([b"a"], pa.binary_view()), ["a"]),
    ("string", pa.array([1, None]), ["1", None]),
    ("string", pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
    ("string", pa.array([4711.0, None, 1.5, 2.0**60]), ["4711", None, REFUSED, REFUSED]),
    ("string", pa.array([7.0], pa.float32()), ["7"]),
    ("string", pa.array([Decimal("5.00"), Decimal("5.50"), None]), ["5", REFUSED, None]),
    ("string", pa.array([Decimal(10**37 + 1)], pa.decimal128(38, 0)), ["1" + "0" * 36 + "1"]),
    ("string", pa.array([Decimal(12300)], pa.decimal128(5, -2)), ["12300"]),
    ("string", pa.array([Decimal(0)], pa.decimal128(38, 38)), ["0"]),
    ("string", pa.array([Decimal("7.00")], pa.decimal32(5, 2)), ["7"]),
    ("string", pa.array([Decimal(10**70)], pa.decimal256(76, 0)), ["1" + "0" * 70]),
    ("string", UUIDS, ["00000000-0000-0000-0000-00000000002a", None]),
    ("string", pa.array([True]), [REFUSED]),
    ("string", pa.array([date(2026, 8, 22)]), [REFUSED]),
    ("string", pa.array([{"a": 1}, None]), [REFUSED, None]),
    ("integer", pa.array([1, None], pa.int8()), [1, None]),
    ("integer", pa.array([2**63 - 1, 2**63], pa.uint64()), [2**63 - 1, REFUSED]),
    ("integer", pa.array([1.0, 1.5, float("nan"), float("inf"), -0.0]), [1, REFUSED, None, REFUSED, 0]),
    ("integer", pa.array([2**62 + 1], pa.int64()).cast(pa.decimal128(38, 0)), [2**62 + 1]),
    ("integer", pa.array([2.0**53, 2.0**53 + 2]), [2**53, REFUSED]),
    ("integer", pa.array([Decimal("5.00"), Decimal("5.50"), None]), [5, REFUSED, None]),
    ("integer", pa.array(["+5", "x"]), [5, REFUSED]),
    ("integer", pa.array([True]), [REFUSED]),
    ("integer", pa.array([date(2026, 8, 22)]), [REFUSED]),
    ("number", pa.array([1, 2], pa.int32()), [1.0, 2.0]),
    ("number", pa.array([0.5, float("nan"), float("-inf")]), [0.5, None, REFUSED]),
    ("boolean", pa.array([True, None]), [True, None]),
    ("boolean", pa.array(["True", "no", "x"]), [True, False, REFUSED]),
    ("boolean", pa.array([1, 0, 2]), [True, False, REFUSED]),
    ("boolean", pa.array([1.0, 0.0, float("nan")]), [True, False, None]),
    ("boolean", pa.array([Decimal(1), Decimal(0)]), [True, False]),
    ("array", pa.array([["a", "b"], [], None]), [["a", "b"], [], None]),
    ("array", pa.array([["a", None], ["b"]]), [REFUSED, ["b"]]),
    ("array", pa.array([["a"]], pa.large_list(pa.large_string())), [["a"]]),
    ("array", pa.array([[1]]), [REFUSED]),
    ("array", pa.array(["a|b"]), [["a", "b"]]),
]


@pytest.mark.parametrize(("logical_type", "array", "expected"), ARROW, ids=lambda v: str(getattr(v, "type", "")))
def test_a_typed_column_becomes_its_type_or_is_refused(logical_type, array, expected):
    assert verdicts(array, logical_type) == expected


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


@pytest.mark.parametrize(
    ("value", "logical_type", "words"),
    [
        ("2.02E+15", "string", "is a number of which the spreadsheet has dropped digits: format the column as text"),
        (2.0**54, "string", "is a number over 9,007,199,254,740,992, which loses digits as a float: send it as text"),
        (2.0**70, "integer", "is a number over 9,007,199,254,740,992, which loses digits as a float: send it as text"),
        (1.5, "string", "is not text"),
        (True, "string", "is not text"),
        ("1.5", "integer", "is not a whole number"),
        ("maybe", "boolean", "is not true or false"),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_to_send(value, logical_type, words):
    assert verdicts([value], logical_type) == [REFUSED]
    assert why_wrong(value, logical_type).startswith(words)
