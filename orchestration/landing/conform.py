"""Converts values from the wire into the types a contract promises.

Belongs here: one column at a time, values in, typed values and verdicts out. Does not belong here: which columns there
are and what else they must keep (contracts), forms of times (times.py), which texts stand for no value
(contracts/null_markers.py), reading files (formats.py).

The verdict on a value never depends on its neighbours: the same event gets the same verdict in any file.
Surrounding spaces are no part of any value: exports of fixed width pad ids with them, and one data product would
become two. Text of spaces only is no value.
"""

import csv
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contracts.contract import ARROW_TYPES, ContractError
from orchestration.contracts.null_markers import NULL_MARKERS
from orchestration.landing.times import Clock, instants, may_hold, why_no_instant

MAX_EXACT_FLOAT = float(1 << 53)
MIN_INTEGER, MAX_INTEGER = -(1 << 63), (1 << 63) - 1
SPACES = " \t\u00a0\u2007\u202f\u3000"  # a line break in an id stays, and is refused by its pattern
# What a spreadsheet shows of a long number. Its plus sign tells it from a hexadecimal id, such as 12e5.
SCIENTIFIC = r"^-?\d+([.,]\d+)?[eE]\+\d{1,3}$"
UUID_BYTES = 16

# TRUE and FALSE of spreadsheets in German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Norwegian,
# Finnish, Polish, Czech, Hungarian, Romanian, Catalan, Turkish, Russian, Ukrainian and Greek
TRUE_WORDS = frozenset(
    {
        *("true", "t", "yes", "y", "1", "1.0", "on", "wahr", "vrai", "verdadero", "vero", "verdadeiro", "waar"),
        *("sant", "sand", "sann", "tosi", "prawda", "pravda", "igaz", "adevărat", "cert", "doğru", "истина"),
        *("істина", "αληθησ", "αληθης"),
    }
)
FALSE_WORDS = frozenset(
    {
        *("false", "f", "no", "n", "0", "0.0", "off", "falsch", "faux", "falso", "onwaar", "falskt", "falsk"),
        *("usann", "epätosi", "fałsz", "nepravda", "hamis", "fals", "yanlış", "yanliş", "ложь", "хибність", "ψευδησ"),
        *("ψευδης"),
    }
)

# Python's types of JSON values that may become each type; text because that is all CSV has
PYTHON_TYPES = {
    "string": (str, int, float),
    "timestamp": (str, int, float),
    "date": (str,),
    "integer": (int, float, str),
    "number": (int, float, str),
    "boolean": (bool, str, int, float),
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
UTC_ONLY = Clock()


@dataclass(frozen=True)
class Conformed:
    """A column after typing; Arrow arrays of one length."""

    values: pa.Array  # of the contract's type; null where nothing was sent or it is not of the type
    is_wrong: pa.Array  # something was sent that is not of the type
    is_null_marker: pa.Array  # it is text that stands for no value, not-a-number, or a list with such an item
    is_assumed_utc: pa.Array  # a time without offset, read as UTC
    is_assumed_time: pa.Array  # a date without time, read as noon


def conform(
    values: list | pa.Array, logical_type: str, clock: Clock = UTC_ONLY, allowed_text: tuple[str, ...] = ()
) -> Conformed:
    """Type one column; `values` are JSON values or an Arrow array. Raises ContractError for a type nobody can send.

    `clock` holds the timezones of times without offset; `allowed_text` are NULL markers that are values here.
    """
    if logical_type not in PYTHON_TYPES:
        raise ContractError(f"a column can't be of type {logical_type}; use one of {', '.join(PYTHON_TYPES)}")
    if isinstance(values, pa.Array):
        return _conform_array(_plain(values), logical_type, pc.is_valid(values), clock, allowed_text)
    kinds = sorted(set(map(type, values)) - {type(None)}, key=lambda kind: kind.__name__) or [str]
    apart = []
    for kind in kinds:
        mine = values if len(kinds) == 1 else [v if type(v) is kind else None for v in values]
        apart.append(_conform_kind(mine, kind, logical_type, clock, allowed_text))
    if len(apart) == 1:
        return apart[0]
    verdicts = ("is_wrong", "is_null_marker", "is_assumed_utc", "is_assumed_time")
    return Conformed(
        pc.coalesce(*[c.values for c in apart]), *[_any([getattr(c, name) for c in apart]) for name in verdicts]
    )


def _any(verdicts: list[pa.Array]) -> pa.Array:
    is_any = verdicts[0]
    for other in verdicts[1:]:
        is_any = pc.or_(is_any, other)
    return is_any


def _conform_kind(
    values: list, kind: type, logical_type: str, clock: Clock, allowed_text: tuple[str, ...]
) -> Conformed:
    """Type JSON values of one Python type. Objects never become Arrow structs: each new key would be a column."""
    is_sent = pa.array([value is not None for value in values], pa.bool_())
    if kind not in PYTHON_TYPES[logical_type]:
        array = _nulls(is_sent, logical_type)
    elif kind is list:
        array = pa.array([_text_list(value) for value in values], ARROW_TYPES["array"])
    elif kind is int and logical_type == "number":
        array = pa.array([None if value is None else float(value) for value in values], pa.float64())
    elif kind is int and logical_type == "string":
        array = pa.array([None if value is None else str(value) for value in values], pa.string())
    elif kind is int:
        in_range = [None if v is None or not MIN_INTEGER <= v <= MAX_INTEGER else v for v in values]
        array = pa.array(in_range, pa.int64())
    else:
        array = pa.array(values, {str: pa.string(), float: pa.float64(), bool: pa.bool_()}[kind])
    return _conform_array(array, logical_type, is_sent, clock, allowed_text)


def _conform_array(
    array: pa.Array, logical_type: str, is_sent: pa.Array, clock: Clock, allowed_text: tuple[str, ...]
) -> Conformed:
    no = pa.repeat(False, len(array))
    is_marker, is_assumed_utc, is_assumed_time = no, no, no
    if pa.types.is_string(array.type):
        array, is_marker, is_blank = _without_markers(array, allowed_text)
        is_sent = pc.and_(is_sent, pc.invert(pc.or_(is_marker, is_blank)))
    elif pa.types.is_floating(array.type):
        is_marker = pc.fill_null(pc.is_nan(array), False)
        is_sent = pc.and_(is_sent, pc.invert(is_marker))
    if pa.types.is_null(array.type):
        typed = array.cast(ARROW_TYPES[logical_type])
    elif logical_type == "timestamp":
        times = instants(_digits(array) if pa.types.is_decimal(array.type) else array, clock)
        typed, is_assumed_utc, is_assumed_time = times.values, times.is_assumed_utc, times.is_assumed_time
    elif logical_type == "array":
        typed, has_marker, is_wrong = _lists(array, allowed_text)
        return Conformed(typed, pc.and_(is_wrong, is_sent), pc.or_(is_marker, has_marker), no, no)
    else:
        typed = _CONVERTERS[logical_type](array)
    return Conformed(typed, pc.and_(pc.is_null(typed), is_sent), is_marker, is_assumed_utc, is_assumed_time)


def _nulls(array: pa.Array, logical_type: str) -> pa.Array:
    return pa.nulls(len(array), ARROW_TYPES[logical_type])


def _without_markers(array: pa.Array, allowed_text: tuple[str, ...]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """(texts without surrounding spaces, which are NULL markers, which are spaces only); those are null."""
    trimmed, is_blank = pc.utf8_trim(array, SPACES), pa.repeat(False, len(array))
    if pc.sum(pc.binary_length(trimmed)).as_py() != pc.sum(pc.binary_length(array)).as_py():
        is_blank = pc.fill_null(pc.and_(pc.equal(trimmed, ""), pc.not_equal(array, "")), False)
        trimmed = pc.if_else(is_blank, None, trimmed)
    is_marker = pc.is_in(pc.ascii_lower(trimmed), _words(NULL_MARKERS))
    if allowed_text:
        is_marker = pc.and_(is_marker, pc.invert(pc.is_in(trimmed, pa.array(allowed_text, pa.string()))))
    if pc.any(is_marker).as_py():
        trimmed = pc.if_else(is_marker, None, trimmed)
    return trimmed, is_marker, is_blank


def _plain(array: pa.Array) -> pa.Array:
    """The array without the ways to encode it that mean the same; null where it can't even be read."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    is_uuid = isinstance(array.type, pa.UuidType)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:  # text that is not UTF-8: Parquet does not check what it holds
        array = pc.if_else(pa.array([_is_readable(value) for value in array]), array, None)
    if is_uuid:
        return _uuid_texts(array)
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float64())
    return _binary_texts(array) if _is_binary(array.type) else array


def _is_binary(kind: pa.DataType) -> bool:
    checks = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
    return any(check(kind) for check in checks)


def _is_readable(value: pa.Scalar) -> bool:
    try:
        value.as_py()
    except (ValueError, OverflowError, KeyError):
        return False
    return True


def _binary_texts(array: pa.Array) -> pa.Array:
    """Binary values as text where they are UTF-8, else null."""
    array = array.cast(pa.binary())
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_utf8(value) for value in array.to_pylist()], pa.string())


def _utf8(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _uuid_texts(array: pa.Array) -> pa.Array:
    """UUIDs as text, 8-4-4-4-12, of their bytes."""
    given = pc.fill_null(array, bytes(UUID_BYTES)).cast(pa.binary())
    digits = np.frombuffer(b"".join(given.to_pylist()).hex().encode(), "S1").reshape(len(array), 2 * UUID_BYTES)
    texts = np.insert(digits, [8, 12, 16, 20], b"-", axis=1)
    return pc.if_else(pc.is_valid(array), pa.array(texts.reshape(-1).view(f"S{texts.shape[1]}").astype(str)), None)


def _digits(array: pa.Array) -> pa.Array:
    """Decimals without fraction as their digits; null for one with a fraction."""
    texts = array.cast(pa.string())
    if may_hold(texts, b"E"):  # Arrow's text of a scale that is negative or large
        texts = pa.array([None if value is None else f"{value:f}" for value in array.to_pylist()], pa.string())
    whole = pc.if_else(pc.match_substring_regex(texts, r"^-?\d+(\.0*)?$"), texts, None)
    return pc.replace_substring_regex(whole, r"\.0*$", "")


def _whole_floats(array: pa.Array) -> pa.Array:
    """Floats that are whole numbers and hold all their digits, as integers; null for others."""
    array = array.cast(pa.float64())
    whole = pc.and_(pc.equal(array, pc.floor(array)), pc.less_equal(pc.abs(array), MAX_EXACT_FLOAT))
    return pc.if_else(whole, array, None).cast(pa.int64())


def _strings(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        return _without_scientific(array)
    if pa.types.is_decimal(array.type):
        return _digits(array)
    if pa.types.is_floating(array.type):
        array = _whole_floats(array)
    return array.cast(pa.string()) if pa.types.is_integer(array.type) else _nulls(array, "string")


def _without_scientific(array: pa.Array) -> pa.Array:
    """Null where a spreadsheet has written a number in scientific notation: its last digits are gone."""
    if not may_hold(array, b"+"):
        return array
    return pc.if_else(pc.match_substring_regex(array, SCIENTIFIC), None, array)


def _numbers(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        array = pc.if_else(pc.match_substring_regex(array, r"^[+-]?\d{1,18}(\.\d{1,15})?$"), array, None)
        return array.cast(pa.float64())
    is_number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)
    numbers = array.cast(pa.float64(), safe=False) if is_number else _nulls(array, "number")
    return pc.if_else(pc.is_finite(numbers), numbers, None)


def _integers(array: pa.Array) -> pa.Array:
    if pa.types.is_decimal(array.type):
        array = _digits(array)
    if pa.types.is_string(array.type):
        digits = pc.if_else(pc.match_substring_regex(array, r"^[+-]?\d{1,19}(\.0{1,18})?$"), array, None)
        digits = pc.replace_substring_regex(digits, r"\.0+$", "")
        array = digits.cast(pa.decimal128(19, 0))  # Arrow's own integers know no plus sign, and overflow
        fits = pc.and_(pc.greater_equal(array, MIN_INTEGER), pc.less_equal(array, MAX_INTEGER))
        return pc.if_else(fits, array, None).cast(pa.int64())
    if pa.types.is_uint64(array.type):
        array = pc.if_else(pc.less_equal(array, pa.scalar(MAX_INTEGER, pa.uint64())), array, None)
    if pa.types.is_floating(array.type):
        return _whole_floats(array)
    return array.cast(pa.int64()) if pa.types.is_integer(array.type) else _nulls(array, "integer")


def _booleans(array: pa.Array) -> pa.Array:
    if pa.types.is_boolean(array.type):
        return array
    words = pc.utf8_lower(array) if pa.types.is_string(array.type) else _strings(array)
    is_true = pc.is_in(words, _words(TRUE_WORDS))
    return pc.if_else(pc.or_(is_true, pc.is_in(words, _words(FALSE_WORDS))), is_true, None)


@cache  # not when this module is imported: for an array of Python values pyarrow imports pandas
def _words(words: frozenset[str]) -> pa.Array:
    return pa.array(sorted(words), pa.string())


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


def _lists(array: pa.Array, allowed_text: tuple[str, ...]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """(lists of texts, which of them held a NULL marker, which are none); null where no item is left."""
    lists = _text_lists(array)
    is_wrong, no = pc.is_null(lists), pa.repeat(False, len(array))
    items = lists.flatten().unique()
    trimmed, is_marker, _ = _without_markers(items, allowed_text)
    if not pc.any(pc.or_(is_marker, pc.fill_null(pc.not_equal(trimmed, items), True))).as_py():
        return lists, no, is_wrong
    kept = dict(zip(items.to_pylist(), trimmed.to_pylist(), strict=True))
    markers = set(items.filter(is_marker).to_pylist())
    rows = lists.to_pylist()
    has_marker = pa.array([any(item in markers for item in row or ()) for row in rows], pa.bool_())
    left = [row and ([kept[item] for item in row if kept[item] is not None] or None) for row in rows]
    return pa.array(left, ARROW_TYPES["array"]), has_marker, is_wrong


def _text_lists(array: pa.Array) -> pa.Array:
    if array.type == ARROW_TYPES["array"] and not array.flatten().null_count:
        return array
    item = array.type if pa.types.is_string(array.type) else getattr(array.type, "value_type", None)
    if item not in (pa.string(), pa.large_string(), pa.string_view()):
        return _nulls(array, "array")
    return pa.array([_text_list(value) for value in array.to_pylist()], ARROW_TYPES["array"])


def _text_list(value: Any) -> list[str] | None:
    """A list of texts from a list, or from its text as CSV has it; None for anything else."""
    items = list(_items(value)) if isinstance(value, str) else value
    return items if isinstance(items, list) and all(isinstance(item, str) for item in items) else None


@lru_cache(maxsize=10_000)
def _items(text: str) -> tuple:
    """The items of JSON, of an array of Postgres ({a,"b c"}), of a list of pandas or DuckDB ([a, 'b c']), or of a|b.

    (None,) for text that is none of these.
    """
    if text.startswith("{") and text.endswith("}"):
        with suppress(csv.Error):
            return tuple(next(csv.reader([text[1:-1]], doublequote=False, escapechar="\\"), ()))
        return (None,)
    if not text.startswith("["):
        return tuple(part.strip() for part in text.split("|"))
    with suppress(orjson.JSONDecodeError):
        return tuple(orjson.loads(text))
    [[items]] = duckdb.execute("select try_cast($1 as varchar[])", [text]).fetchall()
    return (None,) if items is None else tuple(item for item in items if item is not None)


def why_wrong(value: Any, logical_type: str) -> str:
    """What is wrong with a value that is not of its type, and what to send; it continues "event_id: 1.5 …"."""
    is_float = isinstance(value, float)
    if logical_type == "string" and isinstance(value, str) and re.match(SCIENTIFIC, value.strip()):
        return "is a number of which the spreadsheet has dropped digits: format the column as text and export it again"
    if logical_type in ("string", "integer") and is_float and abs(value) > MAX_EXACT_FLOAT:
        return "is a number over 9,007,199,254,740,992, which loses digits as a float: send it as text"
    words = why_no_instant(value) if logical_type == "timestamp" else None
    return words or f"is not {TYPE_NAMES[logical_type]}"


_CONVERTERS = {
    "string": _strings,
    "integer": _integers,
    "number": _numbers,
    "boolean": _booleans,
    "date": _dates,
}
