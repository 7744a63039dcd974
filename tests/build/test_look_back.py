"""A look back has dates and a folder of its own, and counts only what was recorded by then."""

import pytest
from deliveries import AS_OF, event
from pipeline import publish_well, query, run_well, served, shared_home, write_events

pytestmark = pytest.mark.slow


def test_known_at_counts_only_what_had_been_recorded_by_then(tmp_path):
    rows = [
        event(1, "idea_logged", "p1", 0, domain="d1", recorded_at="2026-01-02T00:00:00Z"),
        event(2, "deployed", "p1", 10, recorded_at="2026-01-12T00:00:00Z"),
        event(3, "adopted", "p1", 20, consumer_domain="c1", recorded_at="2026-01-22T00:00:00Z"),
        # told late: it happened in January and was recorded in April
        event(4, "adopted", "p1", 25, consumer_domain="c2", recorded_at="2026-04-01T00:00:00Z"),
        # corrected in April: the first adoption was by another domain
        {**event(3, "adopted", "p1", 20, consumer_domain="c9", recorded_at="2026-04-01T00:00:00Z"), "revision": 1},
    ]
    home = shared_home().empty()
    consumers = "select consumer_domain from curated.adoptions order by 1"
    statuses = (
        "select current_count::int, superseded_count::int, not_yet_known_count::int from authoritative.event_accounting"
    )
    last_pass_rate = (
        "select value, reason from authoritative.leading_metrics_monthly where metric_id = 'contract_pass_rate' "
        "order by month_starting desc limit 1"
    )
    publish_well(home, write_events(tmp_path / "events.jsonl", rows), as_of=AS_OF)
    now = served(home)
    assert query(home, last_pass_rate) == [(1, None)]
    assert query(home, consumers) == [("c2",), ("c9",)]
    assert query(home, statuses) == [(4, 1, 0)]
    run_well(home, as_of=AS_OF, known_at="2026-03-31")
    then = home / "as_of" / "2026-06-01-known-2026-03-31"
    assert query(then, consumers) == [("c1",)]
    assert query(then, statuses) == [(3, 0, 2)]
    assert query(then, last_pass_rate) == [(None, "nothing_landed")]  # the file landed on the day of as_of
    assert query(then, "select strftime(known_at, '%Y-%m-%d') from main.publication") == [("2026-03-31",)]
    assert served(home) == now


def test_each_look_back_has_a_folder_named_by_its_dates(home, monkeypatch):
    monkeypatch.setattr("orchestration.home.current_time", lambda: parse("2026-06-01T12:30:00Z"))
    names = {
        ("2026-03-31", ""): "2026-03-31",
        ("2026-03-31T09:05:00+02:00", ""): "2026-03-31T070500Z",
        ("2026-03-31", "2026-04-15"): "2026-03-31-known-2026-04-15",
        ("", "2026-04-15"): "2026-06-01-known-2026-04-15",
    }
    for (as_of, known_at), name in names.items():
        dates = home.dates(as_of, known_at)
        assert home.folder_for(dates).root == home.root / "as_of" / name
        assert home.folder_for(dates).archive is None
    assert home.folder_for(home.dates()) is home


@pytest.mark.parametrize("option", ["as_of", "known_at"])
def test_a_date_to_come_is_refused(home, option, monkeypatch):
    monkeypatch.setattr("orchestration.home.current_time", lambda: parse("2026-06-01"))
    with pytest.raises(ValueError, match="2026-06-02 00:00 UTC is in the future, it is 2026-06-01 00:00 UTC now"):
        home.dates(**{option: "2026-06-02"})
    assert home.dates(**{option: "2026-06-01"}).name


def test_a_sample_home_alone_has_a_date_of_its_own(home, monkeypatch):
    monkeypatch.setattr("orchestration.home.current_time", lambda: parse("2026-06-01"))
    assert home.dates().as_of == parse("2026-06-01")
    home.remember_sample(parse("2026-01-07"), ["events.csv"], [])
    assert home.dates().as_of == parse("2026-01-07")
    assert home.dates().name is None


def parse(text: str):
    from orchestration.home import parse_instant

    return parse_instant(text)
