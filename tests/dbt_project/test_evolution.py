"""Certainty and ubiquity of data products, at the very edges of their gates: the compiled models on made-up events."""

import json
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from pipeline import attached, build_file, build_well, shared_home, write_events
from shaped import compiled

MODELS = {
    "first_events": "curated",
    "contract_states": "curated",
    "domains": "curated",
    "evolving_products": "curated",
    "product_evolution": "authoritative",
}
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
INPUTS = """
create schema curated; create schema authoritative;
create table curated.lifecycle_events (
    source varchar default 's', event_id varchar, event_type varchar, data_product_id varchar, domain varchar,
    consumer_domain varchar, contract_version varchar, occurred_at timestamptz, passed_count bigint,
    failed_count bigint, has_named_consumer boolean);
create table curated.data_products (data_product_id varchar, title varchar, domain varchar, stage varchar);
create table curated.adoptions (data_product_id varchar, consumer_domain varchar);
"""


@pytest.fixture(scope="session")
def models() -> dict[str, str]:
    """{model: compiled SQL}, in the order in which they build."""
    return {name: compiled()[name].sql for name in MODELS}


class Portfolio:
    """Data products, contracts and adoptions to build the models from."""

    def __init__(self, models: dict[str, str]):
        self.models = models
        self.db = duckdb.connect()
        self.db.execute("attach ':memory:' as warehouse; use warehouse; set TimeZone = 'UTC'")
        self.db.execute(INPUTS)

    def product(self, name: str, domain: str | None = "sales", used_by: tuple = (), stage: str = "deployed") -> None:
        """A data product, adopted by these domains a year ago."""
        self.db.execute("insert into curated.data_products values (?, ?, ?, ?)", [name, f"The {name}", domain, stage])
        self.mention("idea_logged", domain=domain)
        for consumer in used_by:
            self.db.execute("insert into curated.adoptions values (?, ?)", [name, consumer])
            self.mention("adopted", consumer=consumer)

    def mention(self, kind: str, domain: str | None = None, consumer: str | None = None, ago=timedelta(365)) -> None:
        """An event of any data product: that is how domains become known."""
        self.db.execute(
            "insert into curated.lifecycle_events (event_type, domain, consumer_domain, occurred_at) "
            "values (?, ?, ?, ?)",
            [kind, domain, consumer, AS_OF - ago],
        )

    def activated(self, name: str, ago: timedelta = timedelta(200), version: str | None = None) -> None:
        self._contract_event("contract_activated", name, ago, version)

    def checked(self, name: str, passed: int, failed: int, ago: timedelta = timedelta(1)) -> None:
        self._contract_event("contract_checked", name, ago, None, passed, failed)

    def _contract_event(self, kind: str, name: str, ago: timedelta, *rest) -> None:
        row = [name, *rest[:1], AS_OF - ago, *(rest[1:] or (None, None))]
        columns = "event_id, event_type, data_product_id, contract_version, occurred_at, passed_count, failed_count"
        values = "(select 'e' || count(*) from curated.lifecycle_events), ?, ?, ?, ?, ?, ?"
        self.db.execute(f"insert into curated.lifecycle_events ({columns}) values ({values})", [kind, *row])

    def build(self) -> dict[str, dict]:
        """{data product: its row of product_evolution}."""
        for name, schema in MODELS.items():
            self.db.execute(f"create or replace table {schema}.{name} as {self.models[name]}")
        found = self.db.execute("from authoritative.product_evolution")
        names = [column[0] for column in found.description]
        return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}

    def judge(self) -> dict[str, tuple]:
        """{data product: (certainty, position, reason)}."""
        return {name: (row["certainty"], row["position"], row["reason"]) for name, row in self.build().items()}


@pytest.fixture
def portfolio(models):
    made = Portfolio(models)
    yield made
    made.db.close()


# --- Certainty ---------------------------------------------------------------------------------------


def test_all_gates_passed_is_authoritative(portfolio):
    portfolio.product("orders", used_by=("finance", "ops"))
    portfolio.activated("orders", timedelta(200), "1.0")
    portfolio.activated("orders", timedelta(100), "2.0")
    portfolio.checked("orders", 20, 0)
    portfolio.mention("adopted", consumer="legal")
    portfolio.mention("deployed", domain="risk")

    [row] = portfolio.build().values()

    assert row == {
        "data_product_id": "orders",
        "title": "The orders",
        "domain": "sales",
        "consuming_domains_count": 2,
        "other_domains_count": 4,  # finance, ops, legal, risk
        "ubiquity_share": 0.5,
        "ubiquity_reason": None,
        "contract_activated_at": AS_OF - timedelta(200),
        "checks_passed_share": 1.0,
        "is_contract_unbroken": True,
        "certainty": "authoritative",
        "position": "on_curve",
        "reason": None,
    }


@pytest.mark.parametrize(
    ("passed", "failed", "certainty", "reason"),
    [
        (19, 1, "curated", "broken_within_90_days"),
        (18, 1, "raw", "checks_failing"),  # 94.7 %
        (949, 51, "raw", "checks_failing"),
        (950, 50, "curated", "broken_within_90_days"),
        (0, 1, "raw", "checks_failing"),
        (0, 0, "raw", "not_checked_lately"),  # a check that checked nothing
        (95 * 10**16, 5 * 10**16, "curated", "broken_within_90_days"),
        (95 * 10**16 - 1, 5 * 10**16 + 1, "raw", "checks_failing"),  # a difference no DOUBLE can see
        (2**63 - 1, 0, "authoritative", None),
    ],
)
def test_at_least_95_percent_of_the_checks_passed(portfolio, passed, failed, certainty, reason):
    portfolio.product("orders", used_by=("finance", "ops"))
    portfolio.activated("orders")
    portfolio.checked("orders", passed, failed)
    position = "used_beyond_its_certainty" if certainty == "raw" else "on_curve"
    assert portfolio.judge()["orders"] == (certainty, position, reason)


def test_counts_that_together_are_larger_than_any_integer_are_counted(portfolio):
    portfolio.product("orders", used_by=("finance", "ops"))
    portfolio.activated("orders")
    for _ in range(3):
        portfolio.checked("orders", 2**63 - 1, 0)
    assert portfolio.build()["orders"]["checks_passed_share"] == 1.0


def test_checks_count_together_however_they_are_split(portfolio):
    portfolio.product("orders")
    portfolio.activated("orders")
    portfolio.checked("orders", 0, 1, timedelta(3))
    portfolio.checked("orders", 19, 0, timedelta(2))
    assert portfolio.build()["orders"]["checks_passed_share"] == 0.95
    assert portfolio.judge()["orders"][0] == "curated"


def test_only_the_last_28_days_of_checks_count(portfolio):
    for name, age in (("inside", timedelta(28) - MOMENT), ("outside", timedelta(28)), ("now", timedelta(0))):
        portfolio.product(name, used_by=("finance", "ops"))
        portfolio.activated(name)
        portfolio.checked(name, 10, 0, age)
        portfolio.checked(name, 0, 10, timedelta(100))
    assert portfolio.judge() == {
        "inside": ("authoritative", "on_curve", None),
        "outside": ("raw", "used_beyond_its_certainty", "not_checked_lately"),
        "now": ("authoritative", "on_curve", None),
    }


def test_an_event_after_the_analysis_date_does_not_count(portfolio):
    portfolio.product("orders", used_by=("finance", "ops"))
    portfolio.activated("orders", -MOMENT)
    portfolio.mention("adopted", consumer="later", ago=-MOMENT)
    rows = portfolio.build()
    assert rows["orders"]["certainty"] == "not_measured"
    assert rows["orders"]["other_domains_count"] == 2


def test_unbroken_is_90_days_without_a_failed_check_and_with_a_contract(portfolio):
    cases = {
        "long ago": (timedelta(200), timedelta(90), None),
        "just now": (timedelta(200), timedelta(90) - MOMENT, "broken_within_90_days"),
        "old enough": (timedelta(90), timedelta(91), None),
        "too young": (timedelta(90) - MOMENT, timedelta(91), "activated_within_90_days"),
        "young and broken": (timedelta(50), timedelta(60), "broken_within_90_days"),
    }
    for name, (activated, failed, _) in cases.items():
        portfolio.product(name, used_by=("finance", "ops"))
        portfolio.activated(name, activated)
        portfolio.checked(name, 99, 1, failed)
        portfolio.checked(name, 5, 0)
    rows = portfolio.build()
    assert {name: row["reason"] for name, row in rows.items()} == {name: why for name, (_, _, why) in cases.items()}
    for row in rows.values():
        assert row["is_contract_unbroken"] == (row["reason"] is None)
        assert row["certainty"] == ("authoritative" if row["reason"] is None else "curated")


def test_a_contract_that_was_never_activated_is_none(portfolio):
    portfolio.product("orders")
    portfolio.checked("orders", 10, 0)
    row = portfolio.build()["orders"]
    assert (row["certainty"], row["reason"]) == ("raw", "no_active_contract")
    assert (row["contract_activated_at"], row["is_contract_unbroken"]) == (None, False)


def test_without_any_contract_event_nothing_is_measured(portfolio):
    portfolio.product("orders", used_by=("finance", "ops"))
    portfolio.product("leads")
    for row in portfolio.build().values():
        assert (row["certainty"], row["position"], row["reason"]) == ("not_measured", None, "no_contract_events")
        assert (row["checks_passed_share"], row["is_contract_unbroken"]) == (None, None)
        assert row["ubiquity_share"] is not None


def test_one_contract_of_another_product_makes_all_measurable(portfolio):
    portfolio.product("orders")
    portfolio.product("leads", used_by=("finance",))
    portfolio.activated("leads")
    assert portfolio.judge()["orders"] == ("raw", "on_curve", "no_active_contract")


# --- Ubiquity and position ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used_by", "certainty", "position", "reason"),
    [
        ((), "curated", "certain_but_under_used", "too_few_consumers"),
        (("finance",), "curated", "certain_but_under_used", "too_few_consumers"),
        (("finance", "ops"), "authoritative", "on_curve", None),
    ],
)
def test_two_other_domains_make_a_certain_product_authoritative(portfolio, used_by, certainty, position, reason):
    portfolio.product("orders", used_by=used_by)
    portfolio.product("leads", used_by=("legal",))
    portfolio.activated("orders")
    portfolio.checked("orders", 10, 0)
    assert portfolio.judge()["orders"] == (certainty, position, reason)


@pytest.mark.parametrize(
    ("used_by", "position"),
    [((), "on_curve"), (("finance",), "on_curve"), (("finance", "ops"), "used_beyond_its_certainty")],
)
def test_two_other_domains_use_a_raw_product_beyond_its_certainty(portfolio, used_by, position):
    portfolio.product("orders", used_by=used_by)
    portfolio.product("leads", used_by=("legal",))
    portfolio.activated("leads")
    assert portfolio.judge()["orders"] == ("raw", position, "no_active_contract")


def test_a_consumer_that_became_the_owner_is_no_other_domain(portfolio):
    portfolio.product("orders", domain="finance", used_by=("finance", "ops"))  # adopted when it was sales'
    portfolio.mention("idea_logged", domain="sales")
    row = portfolio.build()["orders"]
    assert (row["consuming_domains_count"], row["other_domains_count"]) == (1, 2)
    assert row["ubiquity_share"] == 0.5


def test_an_unknown_owner_keeps_a_product_raw_and_its_ubiquity_unknown(portfolio):
    portfolio.product("orders", domain=None)
    portfolio.product("leads", used_by=("ops",))
    portfolio.activated("orders")
    portfolio.checked("orders", 10, 0)
    row = portfolio.build()["orders"]
    assert (row["certainty"], row["position"], row["reason"]) == ("raw", None, "owner_unknown")
    assert (row["consuming_domains_count"], row["other_domains_count"], row["ubiquity_share"]) == (None, None, None)
    assert row["ubiquity_reason"] == "owner_unknown"


def test_without_any_adoption_nobody_can_say_how_much_a_product_is_used(portfolio):
    portfolio.product("orders")
    portfolio.product("leads", domain="ops")
    portfolio.activated("orders")
    portfolio.checked("orders", 10, 0)
    rows = portfolio.build()
    assert [rows["orders"][name] for name in ("certainty", "position", "reason")] == [
        "curated",
        None,
        "no_adoption_events",
    ]
    assert (rows["orders"]["consuming_domains_count"], rows["orders"]["ubiquity_share"]) == (None, None)
    assert rows["orders"]["ubiquity_reason"] == "no_adoption_events"
    assert (rows["leads"]["reason"], rows["leads"]["position"]) == ("no_active_contract", None)


def test_the_only_domain_there_is_has_no_ubiquity(portfolio):
    portfolio.product("orders")
    portfolio.mention("adopted", consumer="sales")  # its own use
    row = portfolio.build()["orders"]
    assert (row["consuming_domains_count"], row["other_domains_count"]) == (0, 0)
    assert (row["ubiquity_share"], row["ubiquity_reason"]) == (None, "no_other_domain")


def test_only_deployed_and_open_products_are_on_the_curve(portfolio):
    for stage_ in ("idea", "started", "deployed", "adopted", "closed"):
        portfolio.product(stage_, stage=stage_)
    assert portfolio.build().keys() == {"deployed", "adopted"}


# --- From events, through the whole build ------------------------------------------------------------


def sent(number, kind, product, month, **columns) -> dict:
    return {
        "event_id": f"e{number}",
        "source": "catalog.example.com",
        "event_type": kind,
        "data_product_id": product,
        "occurred_at": f"2026-{month:02}-15T08:00:00Z",
        "recorded_at": "2026-05-30T00:00:00Z",
        **columns,
    }


@pytest.mark.slow
def test_corrected_repeated_and_retracted_checks_count_as_the_last_says(tmp_path):
    fails = {"passed_count": 0, "failed_count": 7, "contract_version": "1.1"}
    passes = {"passed_count": 3, "failed_count": 0, "contract_version": "1.1"}
    rows = [
        sent(1, "idea_logged", "orders", 1, domain="sales", title="Orders"),
        sent(2, "deployed", "orders", 1),
        sent(3, "adopted", "orders", 2, consumer_domain="finance"),
        sent(4, "contract_activated", "orders", 1, contract_version="1.0"),
        sent(5, "contract_checked", "orders", 5, **fails),
        sent(5, "contract_checked", "orders", 5, **passes, revision=1),
        sent(6, "contract_checked", "orders", 5, **fails),
        sent(6, "contract_checked", "orders", 5, **fails, revision=1, is_retracted=True),
        sent(7, "contract_checked", "orders", 5, **passes),
        sent(7, "contract_checked", "orders", 5, **passes),
    ]
    first = write_events(tmp_path / "first.jsonl", rows)
    again = write_events(tmp_path / "again.jsonl", rows[-1:])
    two_on_one_line = [
        sent(8, "contract_checked", "orders", 5, **fails),
        sent(8, "contract_checked", "orders", 5, **passes, revision=1),
    ]
    line = tmp_path / "line.json"
    line.write_text(json.dumps(two_on_one_line))
    home = shared_home().empty()
    build_well(home, first, again, line, as_of="2026-06-01T00:00:00Z")
    with attached(build_file(home)) as db:
        [state] = db.execute(
            "select contract_version, month(activated_at), month(last_checked_at), last_failed_at, "
            "checks_passed_28d_count, checks_failed_28d_count from curated.contract_states"
        ).fetchall()
        [row] = db.execute(
            "select title, domain, consuming_domains_count, ubiquity_share, certainty, position, reason "
            "from authoritative.product_evolution"
        ).fetchall()
    assert state == ("1.1", 1, 5, None, 9, 0)
    assert row == ("Orders", "sales", 1, 1.0, "curated", "certain_but_under_used", "too_few_consumers")
