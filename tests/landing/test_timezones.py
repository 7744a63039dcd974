"""A time without offset is UTC, or local where its source has declared a timezone; a date is a day of the reports."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from conftest import NOW, make_event, reasons, visible

from orchestration.declared import DeclarationError, home_timezones
from orchestration.landing.conform import conform
from orchestration.landing.quarantine import quarantined, replay
from orchestration.landing.receipts import receipts
from orchestration.landing.times import Clock, Timezones


def at(*parts) -> datetime:
    return datetime(*parts, tzinfo=UTC)


NAIVE = datetime(2026, 8, 22, 12)
NOON, SECOND = at(2026, 8, 22, 12), at(2025, 8, 22, 12)
NEW_YORK, BERLIN, APIA = "America/New_York", "Europe/Berlin", "Pacific/Apia"


@pytest.mark.parametrize(
    ("zone", "summer", "winter"),
    [
        ("America/New_York", at(2026, 8, 31, 16), at(2026, 12, 31, 17)),
        ("Europe/Berlin", at(2026, 8, 31, 10), at(2026, 12, 31, 11)),
        ("Asia/Kolkata", at(2026, 8, 31, 6, 30), at(2026, 12, 31, 6, 30)),
        ("Pacific/Kiritimati", at(2026, 8, 30, 22), at(2026, 12, 30, 22)),
        ("Pacific/Pago_Pago", at(2026, 8, 31, 23), at(2026, 12, 31, 23)),
        ("PST", at(2026, 8, 31, 19), at(2026, 12, 31, 20)),  # a name that DuckDB alone knows
    ],
)
def test_a_date_is_noon_of_that_day_in_the_reporting_timezone(zone, summer, winter):
    days = [date(2026, 8, 31), date(2026, 12, 31)]

    for sent in (list(map(str, days)), pa.array(days), pa.array(days, pa.date64())):
        assert conform(sent, "timestamp", Clock(zone)).values.to_pylist() == [summer, winter]


LOCAL = [
    # local time of Berlin, UTC
    ("2026-08-22T14:00:00", NOON),
    ("2026-12-22T13:00:00", at(2026, 12, 22, 12)),
    ("2026-10-25T01:59:59", at(2026, 10, 24, 23, 59, 59)),
    ("2026-10-25T02:30:00", at(2026, 10, 25, 0, 30)),  # shown twice: the first
    ("2026-10-25T03:00:00", at(2026, 10, 25, 2)),
    ("2026-03-29T01:59:59", at(2026, 3, 29, 0, 59, 59)),
    ("2026-03-29T02:30:00", at(2026, 3, 29, 1, 30)),  # skipped: an hour later, 03:30
    ("2026-03-29T03:00:00", at(2026, 3, 29, 1)),
    ("2026-08-22", at(2026, 8, 22, 10)),
    ("2026-08-22T12:00:00Z", NOON),
    ("2026-08-22T08:00:00-04:00", NOON),
    (1_755_864_000, SECOND),
]


def test_times_without_offset_are_local_times_where_the_source_has_declared_its_timezone():
    clock = Timezones("UTC", {"berlin": BERLIN, "apia": APIA}).clock(pa.array(["berlin"] * len(LOCAL)))

    got = conform([value for value, _ in LOCAL], "timestamp", clock)

    assert got.values.to_pylist() == [expected for _, expected in LOCAL]
    assert got.is_assumed_utc.to_pylist() == [False] * len(LOCAL)
    assert got.is_assumed_time.to_pylist() == [value == "2026-08-22" for value, _ in LOCAL]


def test_each_source_has_its_own_timezone_and_one_without_is_utc():
    zones = Timezones(NEW_YORK, {"berlin": BERLIN, "apia": APIA})
    clock = zones.clock(pa.array(["berlin", "elsewhere", "apia", None, "apia", "elsewhere"]))
    values = [
        "2026-08-22T14:00",
        "2026-08-22T12:00",
        "2026-08-23T01:00",
        "2026-08-22T12:00",
        "2026-08-22",
        "2026-08-22",
    ]

    for sent in (values, pa.array(values)):
        got = conform(sent, "timestamp", clock)
        assert got.values.to_pylist() == [NOON, NOON, NOON, NOON, at(2026, 8, 21, 23), at(2026, 8, 22, 16)]
        assert got.is_assumed_utc.to_pylist() == [False, True, False, True, False, False]


def test_a_typed_time_without_zone_is_a_local_time_of_its_source():
    clock = Timezones("UTC", {"berlin": BERLIN}).clock(pa.array(["berlin", "x"]))

    got = conform(pa.array([NAIVE, NAIVE], pa.timestamp("us")), "timestamp", clock)

    assert (got.values.to_pylist(), got.is_assumed_utc.to_pylist()) == ([at(2026, 8, 22, 10), NOON], [False, True])


def declare(home, text) -> None:
    home.declared.mkdir(exist_ok=True)
    (home.declared / "source_timezones.csv").write_text(f"source,timezone\n{text}\n")


def occurred(home) -> list:
    return [row["occurred_at"] for row in visible(home, "ideas_logged")]


def test_dates_are_days_of_the_reporting_timezone_and_times_those_of_a_declared_source(unchecked, land, home):
    home.settings.write_text("reporting: {timezone: America/New_York}\n")
    declare(home, "jira.example.com,Europe/Berlin")

    receipt = land(
        make_event(occurred_at="2026-08-01T14:00:00", recorded_at="2026-08-01T15:00:00"),
        make_event(event_id="e2", occurred_at="2026-08-01"),
        make_event(event_id="e3", occurred_at="2026-08-01T14:00:00", source="elsewhere"),
        make_event(event_id="e4", occurred_at="2026-08-01", source="elsewhere"),
    )

    assert occurred(home) == [at(2026, 8, 1, hour) for hour in (12, 10, 14, 16)]
    assert visible(home, "ideas_logged")[0]["recorded_at"] == at(2026, 8, 1, 13)
    assert (receipt["assumed_utc_count"], receipt["warnings"]) == (1, '{"assumed_time":2}')


def test_a_date_lands_on_its_own_day_though_its_noon_is_still_to_come(land, home):
    """It is 12:00 UTC on 22 August, and 01:00 of the 23rd in Auckland."""
    home.settings.write_text("reporting: {timezone: Pacific/Auckland}\n")

    land(*(make_event(event_id=day, occurred_at=day) for day in ("2026-08-22", "2026-08-23", "2026-08-24")))

    assert occurred(home) == [at(2026, 8, 22), at(2026, 8, 23)]
    assert reasons(home) == [(3, ["occurred_at_in_the_future"])]


def test_a_local_time_in_the_future_says_that_an_offset_is_missing_and_lands_once_its_timezone_is_declared(land, home):
    sent = ["2026-08-22T14:00:00", "2026-08-22T14:00:00Z", "2026-08-24T14:00:00", "2026-08-22T14:00:00 UTC"]
    land(*(make_event(event_id=time, occurred_at=time, domain="all" if k == 3 else "x") for k, time in enumerate(sent)))

    messages = [row["message"] for row in quarantined(home).to_pylist()]
    future = "An event can't have happened later than ten minutes after it landed."
    assert messages[0] == (
        f"occurred_at: 2026-08-22 14:00:00+00:00 {future} It was sent without an offset and read as UTC. If its source "
        "sends local times, declare the timezone of 'jira.example.com' in declared/source_timezones.csv, and run "
        "`flywheel replay`."
    )
    assert messages[1] == f"occurred_at: 2026-08-22 14:00:00+00:00 {future}"
    assert messages[2] == f"occurred_at: 2026-08-24 14:00:00+00:00 {future}"
    assert messages[3].startswith(f"occurred_at: 2026-08-22 14:00:00+00:00 {future}; domain: 'all'")

    declare(home, "jira.example.com,Europe/Berlin")
    assert replay(home, NOW)["rows_landed"] == 1
    assert occurred(home) == [NOON]


def test_a_timezone_that_does_not_exist_stops_landing_and_is_named_with_its_line(land, home):
    declare(home, "a,Europe/Berlin\nb,europe/berlin\nc,Middle Earth")
    with pytest.raises(DeclarationError) as refused:
        land(make_event())

    path = home.declared / "source_timezones.csv"
    assert str(refused.value) == (
        f"{path} line 3: timezone: 'europe/berlin' is no timezone; write a name such as Europe/Berlin.\n"
        f"{path} line 4: timezone: 'Middle Earth' is no timezone; write a name such as Europe/Berlin or "
        "America/New_York.\nCorrect the file and run again."
    )
    assert receipts(home) == []

    declare(home, "a,Europe/Berlin\na,Europe/Paris")
    with pytest.raises(DeclarationError, match="line 2: source: 'a' is declared twice; keep one row"):
        home_timezones(home)
