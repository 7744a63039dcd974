"""Certainty and ubiquity of data products: at the very edges of the gates, half a year ago, and in plain Python."""

import json

import pytest
from oracles.lives import DAY, Organisation, some_events
from pipeline import attached, build_file, build_well, shared_home, write_events
from shaped import event, instant, rows, shaped

AS_OF = instant(0)
MOMENT = 1 / DAY  # a microsecond, in days
MONTHLY = (1, 31, 61)  # days before as_of; half a year ago it was the same
KEPT = (*MONTHLY, *(days + 182 for days in MONTHLY))


def product(name: str, domain: str | None = "sales", used_by: tuple[str, ...] = (), used: float = 40) -> list[dict]:
    """A data product, deployed 400 days ago and used by these domains `used` days ago."""
    uses = [event("adopted", name, used - number, consumer_domain=user) for number, user in enumerate(used_by)]
    return [event("deployed", name, 400, domain=domain), *uses]


def contract(name: str, *ages: float, activated: float | None = 395, passed: int = 20, failed: int = 0) -> list[dict]:
    """Its contract and checks of these ages, in days."""
    checks = [event("contract_checked", name, age, passed_count=passed, failed_count=failed) for age in ages]
    return checks if activated is None else [event("contract_activated", name, activated), *checks]


def evolution(*parts: list[dict]) -> dict[str, dict]:
    """{data product: its row}."""
    with shaped([e for part in parts for e in part], tables=["product_evolution"]) as db:
        return {row["data_product_id"]: row for row in rows(db, "from authoritative.product_evolution")}


def columns(found: dict[str, dict], *names: str) -> dict[str, tuple]:
    return {product_id: tuple(row[name] for name in names) for product_id, row in found.items()}


def test_all_gates_passed_is_authoritative():
    others = product("leads", domain="risk", used_by=("legal",))
    found = evolution(product("orders", used_by=("finance", "ops")), contract("orders", *KEPT), others)
    activated = found["orders"].pop("contract_activated_at")
    assert activated.timestamp() * 1_000_000 == instant(395)
    assert found["orders"] == {
        "data_product_id": "orders",
        "title": None,
        "domain": "sales",
        "consuming_domains_count": 2,
        "other_domains_count": 4,  # finance, ops, legal, risk
        "ubiquity_share": 0.5,
        "ubiquity_basis": "ever",
        "ubiquity_reason": None,
        "checks_passed_share": 1.0,
        "is_contract_unbroken": True,
        "certainty": "authoritative",
        "position": "on_curve",
        "reason": None,
        "before_certainty": "authoritative",
        "before_ubiquity_share": None,
        "before_consuming_domains_count": None,
        "before_reason": "no_adoption_events",
    }


GATES = {
    # name: (contract events, certainty, reason)
    "no contract": ([], "raw", "no_active_contract"),
    "never activated": (contract("", *KEPT, activated=None), "raw", "no_active_contract"),
    "never checked": (contract(""), "contract_not_kept", "not_checked_lately"),
    "checked nothing": (contract("", *MONTHLY, passed=0), "contract_not_kept", "not_checked_lately"),
    "28 days ago": (contract("", 28, 31, 61), "contract_not_kept", "not_checked_lately"),
    "within 28 days": (contract("", 28 - MOMENT, 31, 61), "authoritative", None),
    "now": (contract("", 0, 31, 61), "authoritative", None),
    "later": (contract("", -MOMENT, 31, 61), "contract_not_kept", "not_checked_lately"),
    "all fail": (contract("", *MONTHLY, passed=0, failed=1), "contract_not_kept", "checks_failing"),
    "94.7 %": (contract("", *MONTHLY, passed=18, failed=1), "contract_not_kept", "checks_failing"),
    "94.9 %": (contract("", *MONTHLY, passed=949, failed=51), "contract_not_kept", "checks_failing"),
    "95 %": (contract("", *MONTHLY, passed=19, failed=1), "curated", "broken_within_90_days"),
    "95 % of huge counts": (
        contract("", *MONTHLY, passed=95 * 10**16, failed=5 * 10**16),
        "curated",
        "broken_within_90_days",
    ),
    "a difference no DOUBLE can see": (
        contract("", *MONTHLY, passed=95 * 10**16 - 1, failed=5 * 10**16 + 1),
        "contract_not_kept",
        "checks_failing",
    ),
    "more than any integer": (contract("", *MONTHLY, 2, 3, passed=2**63 - 1), "authoritative", None),
    "one check after another": (
        [*contract("", 3, passed=0, failed=1), *contract("", *MONTHLY, passed=19)],
        "curated",
        "broken_within_90_days",
    ),
    "failed 90 days ago": (contract("", *MONTHLY) + contract("", 90, passed=9, failed=9), "authoritative", None),
    "failed later": (
        contract("", *MONTHLY) + contract("", 90 - MOMENT, passed=9, failed=9),
        "curated",
        "broken_within_90_days",
    ),
    "active for 90 days": (contract("", *MONTHLY, activated=90), "authoritative", None),
    "active for less": (contract("", *MONTHLY, activated=90 - MOMENT), "curated", "activated_within_90_days"),
    "a month without": (contract("", 1, 61), "curated", "not_checked_each_month"),
    "the edges of the months": (contract("", 0, 30, 60), "authoritative", None),
    "their other edges": (contract("", 1, 60 - MOMENT, 90 - MOMENT), "authoritative", None),
    "the third too early": (contract("", 1, 31, 90), "curated", "not_checked_each_month"),
    "nothing checked in a month": (
        contract("", 1, 61) + contract("", 31, passed=0),
        "curated",
        "not_checked_each_month",
    ),
    "owner unknown": (contract("", *MONTHLY), "contract_not_kept", "owner_unknown"),
}


@pytest.fixture(scope="module", params=[0, 1, 2], ids="used by {}".format)
def gates(request) -> tuple[int, dict[str, dict]]:
    """(how many domains use each data product, their rows), one data product a gate."""
    users = ("finance", "ops")[: request.param]
    events = [product("another", used_by=("legal",))]
    for name, (sent, _, _) in GATES.items():
        owner = None if name == "owner unknown" else "sales"
        events += [product(name, owner, users), [e | {"data_product_id": name} for e in sent]]
    return request.param, evolution(*events)


def test_certainty_is_that_of_the_first_gate_not_passed_whoever_uses_it(gates):
    """Use says nothing about certainty: the same gates with no, one and two other domains."""
    _, found = gates
    assert {name: (found[name]["certainty"], found[name]["reason"]) for name in GATES} == {
        name: (certainty, reason) for name, (_, certainty, reason) in GATES.items()
    }


def test_position_is_use_by_two_other_domains_against_certainty(gates):
    used, found = gates
    many = used >= 2
    places = {
        "raw": "used_beyond_its_certainty" if many else "on_curve",
        "contract_not_kept": "used_beyond_its_certainty" if many else "on_curve",
        "curated": "on_curve",
        "authoritative": "on_curve" if many else "certain_but_under_used",
    }
    for name, (_, certainty, _) in GATES.items():
        assert found[name]["position"] == (None if name == "owner unknown" else places[certainty]), name


def test_an_active_contract_is_never_raw(gates):
    """So it never stands left of the contract line, and the share of data products with a contract can be counted."""
    _, found = gates
    for name, row in found.items():
        assert (row["certainty"] == "raw") == (row["contract_activated_at"] is None), name


def test_unbroken_is_90_days_with_a_contract_and_without_a_failed_check(gates):
    _, found = gates
    broken = {
        "no contract",
        "never activated",
        "failed later",
        "active for less",
        "all fail",
        "one check after another",
    }
    broken |= {name for name in GATES if "%" in name or "DOUBLE" in name}
    assert {name for name in GATES if not found[name]["is_contract_unbroken"]} == broken


def test_without_any_contract_event_nothing_is_measured():
    for row in evolution(product("orders", used_by=("finance", "ops")), product("leads")).values():
        assert (row["certainty"], row["position"], row["reason"]) == ("not_measured", None, "no_contract_events")
        assert (row["checks_passed_share"], row["is_contract_unbroken"]) == (None, None)
        assert row["ubiquity_share"] is not None


# --- Ubiquity ----------------------------------------------------------------------------------------


def test_used_means_in_the_last_90_days_where_repeated_use_is_sent():
    """Six domains used it ever, two of them lately: 2 where any pair is seen again, 6 where nothing is."""
    used = [
        event("adopted", "orders", age, consumer_domain=f"domain {number}")
        for number, age in enumerate([300, 200, 100, 90, 90 - MOMENT, 5])
    ]
    again = [event("adopted", "leads", age, consumer_domain="finance") for age in (330, 302)]
    for events, count, basis in (([*used, *again], 2, "last_90_days"), ([*used, *again[:1]], 6, "ever")):
        found = evolution(product("orders"), product("leads"), events)["orders"]
        assert (found["consuming_domains_count"], found["ubiquity_basis"]) == (count, basis)
        assert found["ubiquity_share"] == count / 7
    almost = [event("adopted", "leads", 302 + MOMENT, consumer_domain="finance")]  # 28 days, but for a microsecond
    assert evolution(product("orders"), product("leads"), used, again[:1], almost)["orders"]["ubiquity_basis"] == "ever"


def test_a_consumer_that_became_the_owner_is_no_other_domain():
    found = evolution(
        product("orders", used_by=("finance", "ops")), [event("owner_changed", "orders", 10, domain="finance")]
    )
    assert columns(found, "consuming_domains_count", "other_domains_count", "ubiquity_share") == {"orders": (1, 2, 0.5)}


@pytest.mark.parametrize(
    ("events", "consumers", "others", "reason"),
    [
        (product("orders", domain=None) + product("leads", used_by=("ops",)), None, None, "owner_unknown"),
        (product("orders") + product("leads", domain="ops"), None, 1, "no_adoption_events"),
        (product("orders", used_by=("sales",)), 0, 0, "no_other_domain"),  # its own use
        (product("orders") + product("leads", used_by=("ops",)), 0, 1, None),
    ],
)
def test_a_ubiquity_that_is_unknown_has_a_reason(events, consumers, others, reason):
    row = evolution(events, contract("orders", *MONTHLY))["orders"]
    assert (row["consuming_domains_count"], row["other_domains_count"]) == (consumers, others)
    assert (row["ubiquity_share"], row["ubiquity_reason"]) == (None if reason else 0.0, reason)
    assert row["certainty"] == ("contract_not_kept" if reason == "owner_unknown" else "authoritative")
    assert row["position"] == (None if consumers is None else "certain_but_under_used")


def test_only_deployed_and_open_products_are_on_the_curve():
    names = ("idea_logged", "work_started", "deployed", "adopted", "retired")
    parts = [
        [event("idea_logged", name, 90, domain="sales"), event(name, name, 80, consumer_domain="ops")] for name in names
    ]
    again = [event("deployed", "retired again", 90), event("retired", "retired again", 80)]
    again.append(event("work_started", "retired again", 70))
    assert evolution(*parts, again).keys() == {"deployed", "adopted", "retired again"}


# --- Half a year ago ---------------------------------------------------------------------------------

BEFORE = ("before_certainty", "before_consuming_domains_count", "before_reason")


def test_the_place_half_a_year_ago_is_by_the_events_until_then():
    again = [event("adopted", "earlier", 300, consumer_domain="finance")]
    found = evolution(
        product("earlier", used_by=("finance", "ops"), used=182 + 89) + again,
        contract("earlier", 182 + 29, activated=182),
        product("at the edge", used_by=("finance",), used=182) + contract("at the edge", activated=182 - MOMENT),
        product("no more", used_by=("finance",), used=182 + 90),
        [
            event("deployed", "just live", 182, domain="sales"),
            event("deployed", "younger", 182 - MOMENT, domain="sales"),
        ],
        product("nobody's", domain=None),
        [*product("reopened"), event("retired", "reopened", 150), event("deployed", "reopened", 140)],
    )
    assert columns(found, *BEFORE) == {
        "earlier": ("contract_not_kept", 2, None),
        "at the edge": ("raw", 1, None),
        "no more": ("raw", 0, None),
        "just live": ("raw", 0, None),
        "younger": (None, None, "not_live_yet"),
        "nobody's": ("raw", None, "owner_unknown"),
        "reopened": (None, None, "not_live_yet"),
    }
    assert found["earlier"]["before_ubiquity_share"] == 1.0
    assert {row["consuming_domains_count"] for row in found.values()} == {0, None}
    assert {row["before_ubiquity_share"] for row in found.values() if row["before_reason"]} == {None}


def test_what_nobody_sent_by_then_is_unknown_and_not_none():
    found = evolution(product("orders", used_by=("ops",)), contract("orders", *MONTHLY, activated=100))["orders"]
    assert [found[name] for name in BEFORE] == ["not_measured", None, "no_adoption_events"]


# --- Against plain Python, and through the whole build -----------------------------------------------


@pytest.mark.parametrize(("seed", "has_repeats"), [(1, True), (2, True), (3, False)])
def test_places_are_what_plain_python_says_of_any_organisation(seed, has_repeats):
    made = some_events(seed, AS_OF, has_repeats=has_repeats)
    organisation, before = Organisation(made, AS_OF), AS_OF - 182 * DAY
    found = evolution(made)
    live = {name: since for name in organisation.lives if (since := organisation.live_since(name)) is not None}
    assert found.keys() == live.keys()
    for name, row in found.items():
        assert (row["certainty"], row["reason"]) == organisation.certainty(name, AS_OF), name
        assert row["consuming_domains_count"] == organisation.consumers(name, AS_OF), name
        owner = organisation.lives[name].owner
        assert row["other_domains_count"] == (len(organisation.domains - {owner}) if owner else None), name
        was_live = live[name] <= before
        assert row["before_certainty"] == (organisation.certainty(name, before)[0] if was_live else None), name
        assert row["before_consuming_domains_count"] == (organisation.consumers(name, before) if was_live else None)
    assert len({row["reason"] for row in found.values()}) >= 5
    assert {row["ubiquity_basis"] for row in found.values()} == {"last_90_days" if has_repeats else "ever"}


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
            "checks_passed_28d_count, checks_failed_28d_count, checked_spans_count from curated.contract_states "
            "where evolution_date = 'now'"
        ).fetchall()
        [row] = db.execute(
            "select title, domain, consuming_domains_count, ubiquity_share, certainty, position, reason "
            "from authoritative.product_evolution"
        ).fetchall()
    assert state == ("1.1", 1, 5, None, 9, 0, 1)
    assert row == ("Orders", "sales", 1, 1.0, "curated", "on_curve", "not_checked_each_month")
