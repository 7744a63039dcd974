"""Reads instants: texts, numbers and typed columns of times become UTC.

Belongs here: every form of a time or date on the wire, timezones, what to say about a time that is refused. Does not
belong here: other types (conform.py), which columns are times (contracts), where a source's timezone is declared
(declared.py).

Forms, each with one reading:
- RFC 3339 and ISO 8601, extended or basic, with an offset, `UTC`, or the name of a timezone.
- Seconds, milliseconds, microseconds or nanoseconds since 1970: numbers of 10, 13, 16 or 19 digits, so from
  2001-09-09 on. Fewer digits are refused: as a number, 20260822 could be a date or a day in 1970. As text, eight digits
  are a date of ISO 8601.
- A date is noon of that day: no timezone of a reader puts that into another day's month.
"""

import re
from dataclasses import dataclass, field
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contracts.contract import ARROW_TYPES
from orchestration.settings import timezones

# the forms that need no rewriting; pandas alone would also take "2024"
RFC_3339 = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})?$"
HAS_OFFSET = r"([Zz]|[Tt ].*[+-]\d{2}:?\d{2})$"
# BigQuery, GitLab and Postgres separate the offset; Java ends in [Europe/Berlin], Trino in Europe/Berlin
_ZONE = (
    r"\s*(?P<offset>(?i:z|utc|gmt)|[+-]\d{2}(?::?\d{2})?)?"
    r"(?:\s*\[!?(?P<zone>[^\]]+)\]|\s+(?P<area>[A-Za-z]+/[A-Za-z_/+-]+\d*))?$"
)
_FRACTION = r"(?:[.,](?P<fraction>\d+))?"
_FORMS = (
    r"^(?P<year>\d{4})[-/](?P<month>\d{2})[-/](?P<day>\d{2})(?:[Tt]|\s+)"
    r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})" + _FRACTION + ")?" + _ZONE,
    r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})[Tt ]"
    r"(?P<hour>\d{2})(?P<minute>\d{2})(?:(?P<second>\d{2})" + _FRACTION + ")?" + _ZONE,
)
_DATE = r"^(?P<year>\d{4})(?:-(?P<month>\d{2})-(?P<day>\d{2})|/(?P<m2>\d{2})/(?P<d2>\d{2})|(?P<m3>\d{2})(?P<d3>\d{2}))$"
_EPOCH_INTEGER, _EPOCH_DECIMAL = r"^(\d{10}|\d{13}|\d{16}|[1-8]\d{18})$", r"^(\d{10}|\d{13})\.\d{1,9}$"

FIRST_INSTANT, LAST_INSTANT = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999, in microseconds
MICROSECONDS = {"D": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
HALF_A_DAY = 43_200_000_000  # microseconds
# how many microseconds one is, by the smallest number of so many digits
EPOCH_UNITS = {10**9: 1_000_000.0, 10**12: 1_000.0, 10**15: 1.0, 10**18: 0.001}

# A local time that a clock shows twice is the first of both; one that it skips is as much later as the clock skips:
# both follow from the offset before the change (RFC 5545). DuckDB alone takes the second. Months are cut by DuckDB's
# timezones too.
_LOCAL_TO_UTC = """
    with readings as (
        select
            make_timestamp(local_us) as local_time,
            timezone($zone, local_time) as after_change,
            timezone($zone, local_time - interval 3 hours) + interval 3 hours as before_change
        from locals
    )
    select epoch_us(
        case when timezone($zone, before_change) = local_time then least(before_change, after_change)
        else after_change end
    ) as utc_us
    from readings
"""


@dataclass(frozen=True)
class Clock:
    """The timezones of values without offset: of each row's source, where declared, and of dates."""

    reporting: str = "UTC"
    zones: pa.Array | None = None  # names, one a row; null where the source has declared none


@dataclass(frozen=True)
class Timezones:
    """The timezones of a home: that of its reports, and those declared for sources."""

    reporting: str = "UTC"
    sources: dict[str, str] = field(default_factory=dict)

    def clock(self, sources: pa.Array) -> Clock:
        """The timezones of rows, by their sources."""
        if not self.sources:
            return Clock(self.reporting)
        places = pc.index_in(sources, pa.array(self.sources, pa.string()))
        return Clock(self.reporting, pa.array(self.sources.values(), pa.string()).take(places))


@dataclass(frozen=True)
class Instants:
    """A column of times; three Arrow arrays of one length."""

    values: pa.Array  # UTC, microseconds; null where it can't be read
    is_assumed_utc: pa.Array  # a time without offset and timezone, read as UTC
    is_assumed_time: pa.Array  # a date, read as its noon


def may_hold(texts: pa.Array, byte: bytes) -> bool:
    """Whether a text of an array may hold a byte; looks at all texts at once, twenty times faster than at each."""
    data = texts.buffers()[2]
    return data is not None and byte in data.to_pybytes()


def instants(array: pa.Array, clock: Clock) -> Instants:
    """The instants of an Arrow array of any type."""
    if pa.types.is_string(array.type):
        return _of_texts(array, clock)
    if pa.types.is_date(array.type):
        days = _ticks(array.cast(pa.date32(), safe=False).cast(pa.int32()).cast(pa.int64()), "D")
        return _placed(pc.add(days, HALF_A_DAY), None, pa.repeat(True, len(array)), clock)
    if pa.types.is_timestamp(array.type):
        ticks, unit = array.cast(pa.int64()), array.type.unit
        ticks = _ticks(pc.divide(ticks, 1_000), "us") if unit == "ns" else _ticks(ticks, unit)
        if array.type.tz is None:
            return _placed(ticks, None, pa.repeat(False, len(array)), clock)
        return _known(ticks)
    return _known(_epochs(array))


def _known(ticks: pa.Array) -> Instants:
    """Instants about which nothing is assumed, of microseconds since 1970."""
    no = pa.repeat(False, len(ticks))
    return Instants(_ticks(ticks, "us").cast(ARROW_TYPES["timestamp"]), no, no)


def _ticks(ticks: pa.Array, unit: str) -> pa.Array:
    """Microseconds since 1970; null outside the years 1 to 9999, which most engines can't show."""
    each = MICROSECONDS[unit]
    fits = pc.and_(pc.greater_equal(ticks, FIRST_INSTANT // each), pc.less_equal(ticks, LAST_INSTANT // each))
    return pc.multiply(pc.if_else(fits, ticks, None), each)


def _placed(local: pa.Array, zones: pa.Array | None, is_day: pa.Array, clock: Clock) -> Instants:
    """The instants of local times, in microseconds; a zone that a value names itself comes first."""
    missing = pa.nulls(len(local), pa.string())
    named = pc.coalesce(missing if zones is None else zones, missing if clock.zones is None else clock.zones)
    is_utc = pc.and_(pc.is_null(named), pc.invert(is_day))
    used = pc.fill_null(pc.if_else(is_day, pc.fill_null(named, clock.reporting), named), "UTC")
    ticks = local
    for zone in used.unique().to_pylist():
        if zone != "UTC":
            mask = pc.equal(used, zone)
            ticks = pc.replace_with_mask(ticks, mask, _to_utc(ticks.filter(mask), zone))
    values = _ticks(ticks, "us").cast(ARROW_TYPES["timestamp"])
    is_valid = pc.is_valid(values)
    return Instants(values, pc.and_(is_valid, is_utc), pc.and_(is_valid, is_day))


def _to_utc(local: pa.Array, zone: str) -> pa.Array:
    """UTC of local times in a timezone, microseconds; null in a timezone that does not exist."""
    if zone not in timezones():
        return pa.nulls(len(local), pa.int64())
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.register("locals", pa.table({"local_us": local}))
        placed = db.sql(_LOCAL_TO_UTC, params={"zone": zone}).to_arrow_table()["utc_us"]
    return pa.concat_arrays(placed.chunks)


def _epochs(array: pa.Array) -> pa.Array:
    """Microseconds since 1970 of numbers, by their count of digits; null for any other, and for other types."""
    if pa.types.is_uint64(array.type):
        array = pc.if_else(pc.less(array, pa.scalar(1 << 63, pa.uint64())), array, None)
    is_float = pa.types.is_floating(array.type)
    if not is_float and not pa.types.is_integer(array.type):
        return pa.nulls(len(array), pa.int64())
    kind = pa.float64() if is_float else pa.int64()
    numbers = array.cast(kind)
    ticks = pa.nulls(len(array), pa.int64())
    for smallest, each in EPOCH_UNITS.items():
        end = min(smallest * 10, (1 << 63) - 1024)  # the last unit ends where 64 bits do
        low, end = (pa.scalar(float(bound) if is_float else bound, kind) for bound in (smallest, end))
        is_unit = pc.and_(pc.greater_equal(numbers, low), pc.less(numbers, end))
        mine = pc.if_else(is_unit, numbers, None)
        if is_float:
            mine = pc.round(pc.multiply(mine, each)).cast(pa.int64())
        else:
            mine = pc.multiply(mine, int(each)) if each >= 1 else pc.divide(mine, 1_000)
        ticks = pc.coalesce(ticks, mine)
    return ticks


def _of_texts(texts: pa.Array, clock: Clock) -> Instants:
    is_odd = pc.fill_null(pc.invert(pc.match_substring_regex(texts, RFC_3339)), False)
    zones, epochs, is_day = None, None, pa.repeat(False, len(texts))
    if pc.any(is_odd).as_py():
        odd = texts.filter(is_odd).dictionary_encode()  # a column of dates has few
        rewritten, odd_zones, odd_epochs, odd_days = (each.take(odd.indices) for each in _rewritten(odd.dictionary))
        texts = pc.replace_with_mask(texts, is_odd, rewritten)
        zones = pc.replace_with_mask(pa.nulls(len(texts), pa.string()), is_odd, odd_zones)
        epochs = pc.replace_with_mask(pa.nulls(len(texts), pa.int64()), is_odd, odd_epochs)
        is_day = pc.replace_with_mask(is_day, is_odd, odd_days)
    ticks = _parsed(texts)
    has_offset = pc.fill_null(pc.ends_with(texts, "Z"), True)
    if not pc.all(has_offset).as_py():
        has_offset = pc.fill_null(pc.match_substring_regex(texts, HAS_OFFSET), True)
    if pc.all(has_offset).as_py():
        return _known(ticks if epochs is None else pc.coalesce(ticks, epochs))
    placed = _placed(pc.if_else(has_offset, None, ticks), zones, is_day, clock)
    known = _known(pc.if_else(has_offset, ticks, None) if epochs is None else pc.coalesce(ticks, epochs))
    return Instants(pc.if_else(has_offset, known.values, placed.values), placed.is_assumed_utc, placed.is_assumed_time)


def _parsed(texts: pa.Array) -> pa.Array:
    """Microseconds since 1970 of RFC 3339 texts, one without offset as if it were UTC; null for what is no time."""
    # a run without new rows does not need it, and it takes 0.4 CPU-seconds to import
    import pandas as pd

    if may_hold(texts, b"."):
        # longer fractions would switch the whole column to nanoseconds, where the year 9999 does not fit
        texts = pc.replace_substring_regex(texts, r"(\.\d{6})\d+", r"\1")
    if may_hold(texts, b"t") or may_hold(texts, b"z"):
        texts = pc.utf8_upper(texts)
    parsed = pd.to_datetime(pd.Series(texts.to_pandas(), dtype="str"), format="ISO8601", utc=True, errors="coerce")
    typed = pa.array(parsed.dt.as_unit("us"), from_pandas=True).cast(pa.int64())
    if typed.null_count > texts.null_count:
        is_leap = pc.fill_null(pc.and_(pc.is_null(typed), pc.match_substring_regex(texts, r"\d:\d{2}:60")), False)
        if pc.any(is_leap).as_py():
            typed = pc.replace_with_mask(typed, is_leap, _leap_seconds(texts.filter(is_leap)))
    return typed


def _leap_seconds(texts: pa.Array) -> pa.Array:
    """RFC 3339 allows second 60 at the end of June and December UTC. No engine holds one: it is the second before."""
    before = _parsed(pc.replace_substring_regex(texts, r"(\d:\d{2}):60", r"\1:59"))
    days = pc.strftime(before.cast(pa.timestamp("us")), "%m-%dT%H:%M")
    return pc.if_else(pc.is_in(days, pa.array(["06-30T23:59", "12-31T23:59"])), before, None)


def _rewritten(odd: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
    """(RFC 3339 texts, timezones that they name, microseconds since 1970 of numbers, whether they are dates).

    Null where a text is none of that.
    """
    times, zones = pa.nulls(len(odd), pa.string()), pa.nulls(len(odd), pa.string())
    for form in _FORMS:
        if not times.null_count:
            break
        parts = pc.extract_regex(odd, form)
        times = pc.coalesce(times, _time_text(parts))
        named = [pc.struct_field(parts, name) for name in ("zone", "area")]
        zones = pc.coalesce(zones, *[pc.if_else(pc.not_equal(each, ""), each, None) for each in named])
    days = _day_texts(pc.extract_regex(odd, _DATE)) if times.null_count else pa.nulls(len(odd), pa.string())
    integers = pc.if_else(pc.match_substring_regex(odd, _EPOCH_INTEGER), odd, None).cast(pa.int64())
    decimals = pc.if_else(pc.match_substring_regex(odd, _EPOCH_DECIMAL), odd, None).cast(pa.float64())
    return pc.coalesce(times, days), zones, pc.coalesce(_epochs(integers), _epochs(decimals)), pc.is_valid(days)


def _joined(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _time_text(parts: pa.Array) -> pa.Array:
    part = {field.name: pc.struct_field(parts, field.name) for field in parts.type}
    second = pc.if_else(pc.equal(part["second"], ""), "00", part["second"])
    fraction = pc.if_else(pc.equal(part["fraction"], ""), "", _joined(".", part["fraction"]))
    is_utc = pc.match_substring_regex(part["offset"], r"^[A-Za-z]")
    is_short = pc.equal(pc.utf8_length(part["offset"]), len("+01"))
    offset = pc.if_else(is_utc, "Z", pc.if_else(is_short, _joined(part["offset"], ":00"), part["offset"]))
    day = _joined(part["year"], "-", part["month"], "-", part["day"])
    return _joined(day, "T", part["hour"], ":", part["minute"], ":", second, fraction, offset)


def _day_texts(parts: pa.Array) -> pa.Array:
    part = {field.name: pc.struct_field(parts, field.name) for field in parts.type}
    month, day = (_joined(part[a], part[b], part[c]) for a, b, c in (("month", "m2", "m3"), ("day", "d2", "d3")))
    return _joined(part["year"], "-", month, "-", day, "T12:00:00")


_DAY_AND_MONTH = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)")


def why_no_instant(value: object) -> str | None:
    """What is wrong with a time that is refused, and what to send; None where there is nothing more to say than that.

    The sentence continues "occurred_at: '03/04/2026' …".
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "is not a time: only numbers of 10, 13, 16 or 19 digits are read, as seconds to nanoseconds since 1970"
    if not isinstance(value, str):
        return None
    if match := _DAY_AND_MONTH.match(value.strip()):
        return _readings(*map(int, match.groups()))
    if re.search(r"[T ]24:?00", value):
        return "has an hour 24, which RFC 3339 does not know: send 23:59:59 of that day, or 00:00:00 of the next"
    if re.search(r"\d ?[A-Z]{3,5}$", value):
        return "names its timezone by letters that several timezones share: send an offset, like +02:00"
    return None


def _readings(first: int, second: int, year: int) -> str | None:
    days = []
    for day, month in ((first, second), (second, first)):
        try:
            days.append(date(year, month, day))
        except ValueError:
            continue
    words = [f"{day.day} {day:%B}" for day in dict.fromkeys(days)]
    if len(words) == 2:
        sent = " or ".join(f"{day} for {word}" for day, word in zip(days, words, strict=True))
        return f"can be {words[0]} or {words[1]}: send {sent}"
    return f"is not an RFC 3339 time: send {days[0]}, year first" if days else None
