"""Converts values from the wire into the types a contract promises.

Belongs here: one column at a time, values in, typed values and verdicts out. Does not belong here: which columns there
are and what else they must keep (contracts), reading files (formats.py).

The verdict on a value never depends on its neighbours: the same event gets the same verdict in any file.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contracts.contract import ARROW_TYPES, ContractError

# RFC 3339, and a date alone (midnight); pandas alone would also take "2024" or "20240101"
RFC_3339 = r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})?)?$"
HAS_OFFSET = r"([Zz]|[Tt ].*[+-]\d{2}:?\d{2})$"
FIRST_INSTANT, LAST_INSTANT = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999, in microseconds
MICROSECONDS = {"D": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
MAX_EXACT_FLOAT = float(1 << 53)
MIN_INTEGER, MAX_INTEGER = -(1 << 63), (1 << 63) - 1

# Python's types of JSON values that may become each type; text because that is all CSV has
PYTHON_TYPES = {
    "string": (str,),
    "timestamp": (str,),
    "date": (str,),
    "integer": (int, float, str),
    "number": (int, float, str),
    "boolean": (bool, str),
    "array": (list, str),
}
TYPE_NAMES = {
    "string": "text",
    "timestamp": "an RFC 3339 time, like 2026-08-22T12:00:00Z",
    "date": "a date, like 2026-08-22",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list of texts",
}


@dataclass(frozen=True)
class Conformed:
    """A column after typing; three Arrow arrays of one length."""

    values: pa.Array  # of the contract's type; null where nothing was sent or it is not of the type
    is_wrong: pa.Array  # something was sent that is not of the type
    is_assumed_utc: pa.Array  # a time without offset, read as UTC


def conform(values: list | pa.Array, logical_type: str) -> Conformed:
    """Type one column; `values` are JSON values or an Arrow array. Raises ContractError for a type nobody can send."""
    if logical_type not in PYTHON_TYPES:
        raise ContractError(f"a column can't be of type {logical_type}; use one of {', '.join(PYTHON_TYPES)}")
    if isinstance(values, pa.Array):
        return _conform_array(_plain(values), logical_type, pc.is_valid(values))
    kinds = set(map(type, values)) - {type(None)}
    if len(kinds) <= 1:
        return _conform_kind(values, kinds.pop() if kinds else str, logical_type)
    apart = [
        _conform_kind([v if type(v) is kind else None for v in values], kind, logical_type)
        for kind in sorted(kinds, key=lambda kind: kind.__name__)
    ]
    return Conformed(
        values=pc.coalesce(*[c.values for c in apart]),
        is_wrong=_any([c.is_wrong for c in apart]),
        is_assumed_utc=_any([c.is_assumed_utc for c in apart]),
    )


def _any(verdicts: list[pa.Array]) -> pa.Array:
    is_any = verdicts[0]
    for other in verdicts[1:]:
        is_any = pc.or_(is_any, other)
    return is_any


def _conform_kind(values: list, kind: type, logical_type: str) -> Conformed:
    """Type JSON values of one Python type. Objects never become Arrow structs: each new key would be a column."""
    is_sent = pa.array([value is not None for value in values], pa.bool_())
    if kind not in PYTHON_TYPES[logical_type]:
        array = _nulls(is_sent, logical_type)
    elif kind is list:
        array = pa.array([_text_list(value) for value in values], ARROW_TYPES["array"])
    elif kind is int and logical_type == "number":
        array = pa.array([None if value is None else float(value) for value in values], pa.float64())
    elif kind is int:
        in_range = [None if v is None or not MIN_INTEGER <= v <= MAX_INTEGER else v for v in values]
        array = pa.array(in_range, pa.int64())
    else:
        array = pa.array(values, {str: pa.string(), float: pa.float64(), bool: pa.bool_()}[kind])
    return _conform_array(array, logical_type, is_sent)


def _conform_array(array: pa.Array, logical_type: str, is_sent: pa.Array) -> Conformed:
    is_assumed = pa.repeat(False, len(array))
    if pa.types.is_null(array.type):
        typed = array.cast(ARROW_TYPES[logical_type])
    elif logical_type == "timestamp":
        typed, is_assumed = _instants(array)
        is_assumed = pc.and_(pc.is_valid(typed), pc.fill_null(is_assumed, False))
    else:
        typed = _CONVERTERS[logical_type](array)
    return Conformed(typed, pc.and_(pc.is_null(typed), is_sent), is_assumed)


def _nulls(array: pa.Array, logical_type: str) -> pa.Array:
    return pa.nulls(len(array), ARROW_TYPES[logical_type])


def _plain(array: pa.Array) -> pa.Array:
    """The array without the ways to encode it that mean the same; null where it can't even be read."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:  # text that is not UTF-8: Parquet does not check what it holds
        array = pc.if_else(pa.array([_is_readable(value) for value in array]), array, None)
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    return array.cast(pa.float64()) if pa.types.is_decimal(array.type) else array


def _is_readable(value: pa.Scalar) -> bool:
    try:
        value.as_py()
    except (ValueError, OverflowError, KeyError):
        return False
    return True


def _instants(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """(UTC instants, which of them had no offset)."""
    if pa.types.is_date(array.type):
        days = array.cast(pa.date32(), safe=False).cast(pa.int32()).cast(pa.int64())
        return _utc(days, "D"), pc.is_valid(array)
    if pa.types.is_timestamp(array.type):
        ticks, unit = array.cast(pa.int64()), array.type.unit
        typed = _utc(pc.divide(ticks, 1_000), "us") if unit == "ns" else _utc(ticks, unit)
        return typed, pa.repeat(array.type.tz is None, len(array))
    if not pa.types.is_string(array.type):
        return _nulls(array, "timestamp"), pa.repeat(False, len(array))
    # a run without new rows does not need it, and it takes 0.4 CPU-seconds to import
    import pandas as pd

    readable = pc.if_else(pc.match_substring_regex(array, RFC_3339), array, None)
    # longer fractions would switch the whole column to nanoseconds, where the year 9999 does not fit
    texts = pc.utf8_upper(pc.replace_substring_regex(readable, r"(\.\d{6})\d+", r"\1"))
    parsed = pd.to_datetime(pd.Series(texts.to_pandas(), dtype="str"), format="ISO8601", utc=True, errors="coerce")
    typed = _utc(pa.array(parsed.dt.as_unit("us"), from_pandas=True).cast(pa.int64()), "us")
    return typed, pc.invert(pc.match_substring_regex(array, HAS_OFFSET))


def _utc(ticks: pa.Array, unit: str) -> pa.Array:
    """UTC instants of ticks since 1970; null outside the years 1 to 9999, which most engines can't show."""
    each = MICROSECONDS[unit]
    fits = pc.and_(pc.greater_equal(ticks, FIRST_INSTANT // each), pc.less_equal(ticks, LAST_INSTANT // each))
    return pc.multiply(pc.if_else(fits, ticks, None), each).cast(ARROW_TYPES["timestamp"])


def _strings(array: pa.Array) -> pa.Array:
    return array if pa.types.is_string(array.type) else _nulls(array, "string")


def _numbers(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        array = pc.if_else(pc.match_substring_regex(array, r"^[+-]?\d{1,18}(\.\d{1,15})?$"), array, None)
        return array.cast(pa.float64())
    is_number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type)
    numbers = array.cast(pa.float64(), safe=False) if is_number else _nulls(array, "number")
    return pc.if_else(pc.is_finite(numbers), numbers, None)


def _integers(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        digits = pc.if_else(pc.match_substring_regex(array, r"^[+-]?\d{1,19}$"), array, None)
        array = digits.cast(pa.decimal128(19, 0))  # Arrow's own integers know no plus sign, and overflow
        fits = pc.and_(pc.greater_equal(array, MIN_INTEGER), pc.less_equal(array, MAX_INTEGER))
        return pc.if_else(fits, array, None).cast(pa.int64())
    if pa.types.is_uint64(array.type):
        array = pc.if_else(pc.less_equal(array, pa.scalar(MAX_INTEGER, pa.uint64())), array, None)
    if pa.types.is_floating(array.type):
        array = array.cast(pa.float64())
        whole = pc.and_(pc.equal(array, pc.floor(array)), pc.less_equal(pc.abs(array), MAX_EXACT_FLOAT))
        return pc.if_else(whole, array, None).cast(pa.int64())
    return array.cast(pa.int64()) if pa.types.is_integer(array.type) else _nulls(array, "integer")


def _booleans(array: pa.Array) -> pa.Array:
    if pa.types.is_boolean(array.type):
        return array
    if not pa.types.is_string(array.type):
        return _nulls(array, "boolean")
    words = pc.utf8_lower(array)
    return pc.if_else(pc.is_in(words, pa.array(["true", "false"])), pc.equal(words, "true"), None)


def _dates(array: pa.Array) -> pa.Array:
    if pa.types.is_date(array.type):
        return array.cast(pa.date32(), safe=False)
    if not pa.types.is_string(array.type):
        return _nulls(array, "date")
    return pa.array([_date(value) for value in array.to_pylist()], pa.date32())


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text and len(text) == len("2026-08-22") else None
    except ValueError:
        return None


def _text_lists(array: pa.Array) -> pa.Array:
    if array.type == ARROW_TYPES["array"] and not array.flatten().null_count:
        return array
    item = array.type if pa.types.is_string(array.type) else getattr(array.type, "value_type", None)
    if item not in (pa.string(), pa.large_string(), pa.string_view()):
        return _nulls(array, "array")
    return pa.array([_text_list(value) for value in array.to_pylist()], ARROW_TYPES["array"])


def _text_list(value: Any) -> list[str] | None:
    """A list of texts from a list, its JSON text, or texts separated by | as CSV has them; None for anything else."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value) if value.startswith("[") else [part.strip() for part in value.split("|")]
        except orjson.JSONDecodeError:
            return None
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


_CONVERTERS = {
    "string": _strings,
    "integer": _integers,
    "number": _numbers,
    "boolean": _booleans,
    "date": _dates,
    "array": _text_lists,
}
