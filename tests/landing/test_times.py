"""Every form of a time with one reading becomes that instant; every other is refused with what to send."""

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import fastparquet
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.landing.conform import conform, why_wrong
from orchestration.landing.formats import read_file


def at(*parts) -> datetime:
    return datetime(*parts, tzinfo=UTC)


REFUSED = "refused"
NOON = at(2026, 8, 22, 12)
SECOND = at(2025, 8, 22, 12)  # 1755864000 seconds since 1970
JSON_VALUES = [
    ("2026-08-22T12:00:00Z", NOON),
    ("2026-08-22t12:00:00z", NOON),
    ("2026-08-22 12:00:00Z", NOON),
    ("2026-08-22T14:00:00+02:00", NOON),
    ("2026-08-22T17:30:00+0530", NOON),
    ("2026-08-21T22:00:00-14:00", NOON),
    ("2026-08-22T12:00:00.5Z", at(2026, 8, 22, 12, 0, 0, 500_000)),
    ("2026-08-22T12:00:00.123456789Z", at(2026, 8, 22, 12, 0, 0, 123_456)),
    ("2026-08-22T12:00Z", NOON),
    # what tools write
    ("2026-08-22 14:00:00+02", NOON),  # Postgres
    ("2026-08-22 12:00:00.123456 UTC", at(2026, 8, 22, 12, 0, 0, 123_456)),  # BigQuery
    ("2026-08-22 12:00:00 UTC", NOON),  # GitLab
    ("2026-08-22T12:00:00.000+0000", NOON),  # Spark
    ("2026-08-22 12:00:00 +0000", NOON),  # git, Ruby
    ("2026-08-22 12:00:00 GMT", NOON),
    ("2026-08-22 12:00:00 Z", NOON),
    ("2026-08-22T14:00:00 +02:00", NOON),
    ("2026-08-22  12:00:00Z", NOON),
    ("2026/08/22 12:00:00Z", NOON),
    ("2026-08-22 14:00:00,123 +02:00", at(2026, 8, 22, 12, 0, 0, 123_000)),  # Python's logging
    ("2026-08-22T14:00+02:00[Europe/Berlin]", NOON),  # Java
    ("2026-08-22T12:00:00+00:00[Europe/Berlin]", NOON),  # the offset wins
    ("2026-08-22T14:00:00[Europe/Berlin]", NOON),
    ("2026-12-22T13:00:00[Europe/Berlin]", at(2026, 12, 22, 12)),
    ("2026-08-22T12:00Z[UTC]", NOON),
    ("2026-08-22 14:00:00.000 Europe/Berlin", NOON),  # Trino
    ("2026-08-22T14:00:00[Europe/Atlantis]", REFUSED),
    ("20260822T120000Z", NOON),
    ("20260822T1400+0200", NOON),
    ("20260822T120000.25Z", at(2026, 8, 22, 12, 0, 0, 250_000)),
    (" 2026-08-22T12:00:00Z ", NOON),
    # dates are noon
    ("2026-08-22", NOON),
    ("2026/08/22", NOON),
    ("20260822", NOON),
    ("2024-02-29", at(2024, 2, 29, 12)),
    ("2026-02-30", REFUSED),
    ("20260230", REFUSED),
    # seconds, milliseconds, microseconds, nanoseconds since 1970
    (1_755_864_000, SECOND),
    (1_755_864_000.5, at(2025, 8, 22, 12, 0, 0, 500_000)),
    (1_755_864_000_123, at(2025, 8, 22, 12, 0, 0, 123_000)),
    (1_755_864_000_123_456, at(2025, 8, 22, 12, 0, 0, 123_456)),
    (1_755_864_000_123_456_789, at(2025, 8, 22, 12, 0, 0, 123_456)),
    ("1755864000", SECOND),
    ("1755864000.123456", at(2025, 8, 22, 12, 0, 0, 123_456)),
    ("1755864000123", at(2025, 8, 22, 12, 0, 0, 123_000)),
    ("1755864000123456", at(2025, 8, 22, 12, 0, 0, 123_456)),
    ("1755864000123456789", at(2025, 8, 22, 12, 0, 0, 123_456)),
    (1_000_000_000, at(2001, 9, 9, 1, 46, 40)),
    (999_999_999, REFUSED),
    (20_260_822, REFUSED),  # a date, or a day in 1970
    (202_608_221_200, REFUSED),
    (20_260_822_120_000, REFUSED),
    (46_256.5, REFUSED),  # a spreadsheet's day
    ("202608221200", REFUSED),
    ("9999999999999999999", REFUSED),
    (2**63 - 1, REFUSED),
    (-1_755_864_000, REFUSED),
    (0, REFUSED),
    (2.0**70, REFUSED),
    # the limits
    ("0001-01-01T00:00:00Z", at(1, 1, 1)),
    ("9999-12-31T23:59:59.999999Z", at(9999, 12, 31, 23, 59, 59, 999_999)),
    ("0000-01-01T00:00:00Z", REFUSED),
    ("0001-01-01T00:00:00+01:00", REFUSED),
    ("9999-12-31T23:59:59-01:00", REFUSED),
    ("10000-01-01T00:00:00Z", REFUSED),
    # a leap second is allowed by RFC 3339; no engine downstream can hold one, and a second later is another year
    ("2016-12-31T23:59:60Z", at(2016, 12, 31, 23, 59, 59)),
    ("2017-01-01T00:59:60.5+01:00", at(2016, 12, 31, 23, 59, 59, 500_000)),
    ("2026-08-22T12:00:60Z", REFUSED),
    ("2026-08-22T24:00:00Z", REFUSED),
    ("2026-02-30T00:00:00Z", REFUSED),
    ("2026-08-22T12:00:00+99:00", REFUSED),
    ("2026-08-22T12:00:00Z\n", REFUSED),
    ("2026-08-22 14:00:00 CEST", REFUSED),
    ("2026-8-22", REFUSED),
    ("2026", REFUSED),
    ("03/04/2026", REFUSED),
    ("22/08/2026", REFUSED),
    ("12:00:00", REFUSED),
    ("yesterday", REFUSED),
    ("", REFUSED),
    (True, REFUSED),
    ([], REFUSED),
]


def verdicts(values):
    """Each time as UTC, or "refused"."""
    got = conform(values, "timestamp")
    return [
        REFUSED if wrong else value
        for value, wrong in zip(got.values.to_pylist(), got.is_wrong.to_pylist(), strict=True)
    ]


@pytest.mark.parametrize(("value", "expected"), JSON_VALUES, ids=str)
def test_a_time_on_the_wire_becomes_its_instant_or_is_refused(value, expected):
    assert verdicts([value]) == [expected]


def test_every_form_in_one_column_becomes_what_it_is_alone():
    assert verdicts([value for value, _ in JSON_VALUES]) == [expected for _, expected in JSON_VALUES]
    texts = [(value, expected) for value, expected in JSON_VALUES if isinstance(value, str)]
    assert verdicts(pa.array([value for value, _ in texts])) == [expected for _, expected in texts]


NAIVE = datetime(2026, 8, 22, 12)
ARROW = [
    (pa.array([NAIVE], pa.timestamp("ms", "Europe/Berlin")), [NOON]),
    (pa.array([1_755_864_000_123_456_789], pa.timestamp("ns")), [at(2025, 8, 22, 12, 0, 0, 123_456)]),
    (pa.array([1_755_864_000], pa.timestamp("s", "UTC")), [SECOND]),
    (pa.array([253_402_300_800], pa.timestamp("s", "UTC")), [REFUSED]),  # the year 10000
    (pa.array([2**63 - 1, -(2**63)], pa.timestamp("ms")), [REFUSED, REFUSED]),
    (pa.array([-62_135_596_800_001], pa.timestamp("ms")), [REFUSED]),  # the year 0
    (pa.array([date(2026, 8, 22), None]), [NOON, None]),
    (pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), [REFUSED]),
    (pa.array([date(2026, 8, 22)], pa.date64()), [NOON]),
    (pa.array([1_755_864_000, None]), [SECOND, None]),
    (pa.array([1_755_864_000], pa.uint32()), [SECOND]),
    (pa.array([1_755_864_000_000, 2**64 - 1], pa.uint64()), [SECOND, REFUSED]),
    (pa.array([1_755_864_000.0, float("nan")]), [SECOND, None]),
    (pa.array([Decimal("1755864000000"), Decimal("1755864000000.5")]), [SECOND, REFUSED]),
    (pa.array([b"2026-08-22T12:00:00Z"]), [NOON]),
    (pa.array(["2026-08-22T12:00:00Z"]).dictionary_encode(), [NOON]),
    (pa.array([True]), [REFUSED]),
]


@pytest.mark.parametrize(("array", "expected"), ARROW, ids=lambda v: str(getattr(v, "type", "")))
def test_a_typed_column_becomes_instants_or_is_refused(array, expected):
    assert verdicts(array) == expected


SENT = [
    # value, assumed to be UTC, assumed to be noon
    ("2026-08-22T12:00:00", True, False),
    ("2026-08-22 12:00", True, False),
    ("2026-08-22T00:00:00", True, False),
    ("20260822T120000", True, False),
    ("2026-08-22", False, True),
    ("20260822", False, True),
    ("2026-08-22T12:00:00Z", False, False),
    ("2026-08-22T12:00-07:00", False, False),
    ("2026-08-22 12:00:00 UTC", False, False),
    ("2026-08-22T12:00:00[Europe/Berlin]", False, False),
    (1_755_864_000, False, False),
    ("1755864000", False, False),
    ("soon", False, False),
    (None, False, False),
    (5, False, False),
]


def test_a_time_without_offset_is_utc_and_a_date_is_noon():
    got = conform([value for value, _, _ in SENT], "timestamp")

    assert got.is_assumed_utc.to_pylist() == [is_utc for _, is_utc, _ in SENT]
    assert got.is_assumed_time.to_pylist() == [is_noon for _, _, is_noon in SENT]


@pytest.mark.parametrize(
    ("array", "is_assumed_utc", "is_assumed_time"),
    [
        (pa.array([NAIVE, None, datetime(1, 1, 1)], pa.timestamp("us")), [True, False, True], [False] * 3),
        (pa.array([NAIVE], pa.timestamp("us", "UTC")), [False], [False]),
        (pa.array([date(2026, 8, 22), None]), [False, False], [True, False]),
    ],
    ids=["without zone", "with zone", "dates"],
)
def test_a_typed_time_says_what_was_assumed(array, is_assumed_utc, is_assumed_time):
    got = conform(array, "timestamp")

    assert (got.is_assumed_utc.to_pylist(), got.is_assumed_time.to_pylist()) == (is_assumed_utc, is_assumed_time)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("03/04/2026", "can be 3 April or 4 March: send 2026-04-03 for 3 April or 2026-03-04 for 4 March"),
        ("3.4.2026 14:00", "can be 3 April or 4 March: send 2026-04-03 for 3 April or 2026-03-04 for 4 March"),
        ("04-04-2026", "is not an RFC 3339 time: send 2026-04-04, year first"),
        ("22/08/2026", "is not an RFC 3339 time: send 2026-08-22, year first"),
        ("08/22/2026", "is not an RFC 3339 time: send 2026-08-22, year first"),
        ("45/45/2026", "is not an RFC 3339 time, like 2026-08-22T12:00:00Z"),
        (
            "2026-08-22T24:00:00Z",
            "has an hour 24, which RFC 3339 does not know: send 23:59:59 of that day",
        ),
        ("2026-08-22 14:00 CEST", "names its timezone by letters that several timezones share: send an offset"),
        (20_260_822, "is not a time: only numbers of 10, 13, 16 or 19 digits are read, as seconds to nanoseconds"),
        ("soon", "is not an RFC 3339 time, like 2026-08-22T12:00:00Z"),
        (True, "is not an RFC 3339 time, like 2026-08-22T12:00:00Z"),
    ],
)
def test_a_refused_time_says_how_it_could_be_read_and_what_to_send(value, words):
    assert why_wrong(value, "timestamp").startswith(words)


# --- What tools write -----------------------------------------------------------------------------------

MOMENT, DAY = datetime(2026, 8, 1, 10, 30), date(2026, 8, 1)


def _duckdb(path, options) -> None:
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'Europe/Berlin'")
        columns = "timestamptz '2026-08-01 12:30:00+02' as occurred_at, date '2026-08-01' as recorded_at"
        db.execute(f"copy (select {columns}) to '{path}' ({options})")


def _frame(library, moment):
    return library.DataFrame({"occurred_at": [moment], "recorded_at": [DAY]})


WRITERS = {
    "duckdb.csv": lambda path: _duckdb(path, "header"),  # 2026-08-01 12:30:00+02
    "duckdb.json": lambda path: _duckdb(path, "format json"),
    "duckdb.parquet": lambda path: _duckdb(path, "format parquet"),
    "pandas.csv": lambda path: _frame(pd, MOMENT.replace(tzinfo=UTC)).to_csv(path, index=False),
    "pandas.json": lambda path: _frame(pd, MOMENT).to_json(path, orient="records", date_unit="s", date_format="iso"),
    "epoch.json": lambda path: pd.DataFrame({"occurred_at": [MOMENT]}).to_json(
        path, orient="records", date_format="epoch"
    ),
    "polars.csv": lambda path: _frame(pl, MOMENT.replace(tzinfo=UTC)).write_csv(path),
    "polars.parquet": lambda path: _frame(pl, MOMENT.replace(tzinfo=UTC)).write_parquet(path),
    "polars.ndjson": lambda path: _frame(pl, MOMENT).write_ndjson(path),
    "fastparquet.parquet": lambda path: fastparquet.write(str(path), _frame(pd, MOMENT)[["occurred_at"]]),
    "int96.parquet": lambda path: pq.write_table(
        pa.table({"occurred_at": pa.array([MOMENT], pa.timestamp("ns"))}), path, use_deprecated_int96_timestamps=True
    ),
}


WITHOUT_DAY = {"epoch.json", "fastparquet.parquet", "int96.parquet"}


@pytest.mark.parametrize("name", WRITERS)
def test_times_and_dates_are_the_same_instants_whoever_wrote_the_file(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)

    [chunk] = read_file(path, {"occurred_at", "recorded_at"})

    assert verdicts(chunk.columns["occurred_at"]) == [at(2026, 8, 1, 10, 30)]
    day = {"pandas.json": at(2026, 8, 1)}.get(name, at(2026, 8, 1, 12))  # which writes a date as its midnight
    assert verdicts(chunk.columns["recorded_at"]) == [day if name not in WITHOUT_DAY else None]
