"""What every served table keeps, whatever the programme: parts add up, nothing is NaN, every NULL has its reason."""

import math
from datetime import timedelta

import pytest
from conftest import examples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from shaped import event, rows, shaped

from orchestration.contracts.odcs import load_layer

DOMAINS = ["sales", "finance", "risk", "legal"]
CONTRACTS = load_layer("authoritative")
# the columns whose NULL a reason beside them explains
EXPLAINED = [
    ("north_star_monthly", "value", "reason"),
    ("leading_metrics_monthly", "value", "reason"),
    ("time_to_value", "median_days", "reason"),
    ("metric_verdicts", "value", "reason"),
    ("north_star_target", "capability", "capability_reason"),
    ("north_star_target", "year_value", "year_reason"),
    ("queues", "moved_on_p85_days", "reason"),
    ("queues", "older_count", "reason"),
    ("queues", "moved_on_count", "reason"),
    ("source_activity", "is_silent", "silent_reason"),
    ("open_ideas", "chance_of_adoption_90d", "chance_reason"),
    ("domain_scorecard", "median_days", "reason"),
    ("outlook", "expected_value", "reason"),
    ("influence_evidence", "correlation", "reason"),
    ("product_evolution", "ubiquity_share", "ubiquity_reason"),
    ("product_evolution", "consuming_domains_count", "ubiquity_reason"),
    ("product_evolution", "before_ubiquity_share", "before_reason"),
    ("flywheel_scorecard", "value", "reason"),
    ("north_star_target", "year_target", "year_reason"),
    ("north_star_target", "total_chance_of_target", "chance_reason"),
    ("factory_stages", "product_count", "count_reason"),
    ("factory_stages", "median_days", "reason"),
    ("factory_stages", "is_bottleneck", "bottleneck_reason"),
    ("ownership_shares", "outside_share", "reason"),
    ("ownership_shares", "herfindahl_index", "concentration_reason"),
    ("ownership_shares", "largest_unit", "unit_reason"),
    ("ownership_shares", "agrees_with_model", "agreement_reason"),
    ("product_costs", "amount_per_product_in_use", "in_use_reason"),
    ("product_costs", "amount_per_adoption", "adoption_reason"),
    ("capabilities", "is_building_a_commodity", "building_reason"),
    ("liability_quarterly", "unused_share", "unused_reason"),
    ("liability_quarterly", "retired_count", "retired_reason"),
    ("purpose", "statement", "statement_reason"),
    ("purpose", "outcome", "outcome_reason"),
    ("belt_initiatives", "ideas_count", "ideas_reason"),
    ("belt_initiatives", "deployed_count", "deployed_reason"),
    ("belt_initiatives", "in_use_count", "use_reason"),
    ("belt_initiatives", "median_days", "median_reason"),
    ("belt_initiatives", "kpi_value", "kpi_reason"),
    ("belt_slips", "age_days", "age_reason"),
    ("quick_wins", "quick_wins_share", "reason"),
    ("adoption_survival", "share_in_use", "reason"),
    ("tenet_evidence", "figure_value", "figure_reason"),
    ("tenet_evidence", "assessed_level", "assessment_reason"),
    ("pulse_results", "mean_level", "reason"),
]


@st.composite
def programmes(draw) -> list[dict]:
    """A programme of 1 to 60 data products over up to four years; anything may be missing or out of order."""
    chance = draw(st.randoms(use_true_random=False))
    events = []
    for number in range(draw(st.integers(1, 60))):
        product, owner, age = f"p{number}", chance.choice([*DOMAINS, None]), chance.uniform(0, 1400)
        events += _life(chance, product, owner, age)
    return events


def _life(chance, product: str, owner: str | None, age: float) -> list[dict]:
    def after(days: float) -> float:
        return age - chance.choice([days * chance.random(), days * chance.random(), 0, -3])

    events = []
    if chance.random() < 0.9:
        events.append(event("idea_logged", product, age, domain=owner, has_named_consumer=chance.random() < 0.5))
        events[-1]["initiative"] = chance.choice([None, "one view", "faster claims"])
    if chance.random() < 0.5:
        events.append(event("work_started", product, after(40)))
    if chance.random() < 0.8:
        events.append(event("deployed", product, after(150), domain=chance.choice([None, None, *DOMAINS])))
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        events.append(event("owner_changed", product, after(500), domain=chance.choice(DOMAINS)))
    for stage in chance.choice([(), (), ("collected", "curated", "stored"), ("curated", "governed"), ("exposed",)]):
        events.append(event("stage_reached", product, after(200), stage=stage))
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        events.append(event("adopted", product, after(500), consumer_domain=chance.choice(DOMAINS)))
    if chance.random() < 0.2:
        events.append(event(chance.choice(["withdrawn", "retired"]), product, after(600)))
    for _ in range(chance.choice([0, 0, 3])):
        events.append(event("contract_activated", product, after(200)))
        counts = {"passed_count": chance.randrange(50), "failed_count": chance.choice([0, 0, 1])}
        events.append(event("contract_checked", product, after(300), **counts))
    return [e for e in events if e["occurred_at"] <= event("", "", 0)["occurred_at"]]


HAND_MADE = {
    "nothing": [],
    "one_event": [event("idea_logged", "p", 3, domain="sales")],
    "one_adoption": [event("adopted", "p", 3, consumer_domain="sales")],
    "no_adoption": [
        e
        for n in range(30)
        for e in (event("idea_logged", f"p{n}", 900 - 20 * n, domain="sales"), event("deployed", f"p{n}", 880 - 20 * n))
    ],
    "all_open": [event("idea_logged", f"p{n}", 900 - 20 * n, domain=DOMAINS[n % 4]) for n in range(40)],
    "one_domain": [
        e
        for n in range(20)
        for e in (
            event("idea_logged", f"p{n}", 700 - 20 * n, domain="sales"),
            event("adopted", f"p{n}", 690 - 20 * n, consumer_domain="sales"),
        )
    ],
    "huge_counts": [
        event("idea_logged", "p", 90, domain="sales"),
        *[event("contract_checked", "p", 50 - n, passed_count=2**63 - 1, failed_count=2**63 - 1) for n in range(3)],
    ],
}


@pytest.mark.parametrize("name", sorted(HAND_MADE))
def test_every_promise_holds_on(name):
    check(HAND_MADE[name])


# no shrinking: every try builds 60 tables
@pytest.mark.slow
@settings(max_examples=examples(8), deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(programmes())
def test_every_promise_holds_on_any_programme(events):
    check(events)


def check(events: list[dict]) -> None:
    """Build everything from these events and hold every promise against it."""
    with shaped(events, changes=[("2024-06-10", "a change")]) as db:
        holds_on(db)


def holds_on(db) -> None:
    """Hold every promise against the served tables."""
    served = {name: rows(db, f"from authoritative.{name}") for name in CONTRACTS}
    counted = {
        "adoptions": db.execute("select count(*) from curated.adoptions").fetchone()[0],
        "open": db.execute(
            "select count(*) from curated.data_products where stage in ('idea', 'started', 'deployed')"
        ).fetchone()[0],
    }
    is_as_its_contract_says(served)
    is_explained(served)
    the_north_star_adds_up(served, counted)
    domains_add_up_to_everyone(served)
    the_scorecards_are_the_tables(served, counted)


def is_as_its_contract_says(served: dict[str, list[dict]]) -> None:
    for name, contract in CONTRACTS.items():
        keys = [tuple(row[column] for column in contract.grain) for row in served[name]]
        assert len(set(keys)) == len(keys), name
        for row in served[name]:
            for value in row.values():
                assert not isinstance(value, float) or math.isfinite(value), (name, row)
            for column in contract.properties:
                value = row[column.name]
                assert value is not None or not column.required, (name, column.name, row)
                assert value is None or _is_allowed(column, value), (name, column.name, value)
    defined = {row["metric_id"] for row in served["metric_definitions"]}
    for name, table in served.items():
        assert {row["metric_id"] for row in table if "metric_id" in row} <= defined, name


def _is_allowed(column, value) -> bool:
    rules = [rule for rule in column.quality if rule.get("metric") == "invalidValues"]
    return all(value in rule["arguments"]["validValues"] for rule in rules)


def is_explained(served: dict[str, list[dict]]) -> None:
    for table, column, reason in EXPLAINED:
        for row in served[table]:
            assert row[column] is not None or row[reason] is not None, (table, column, row)
    for row in served["leading_metrics_monthly"] + served["north_star_monthly"]:
        assert (row["signal"] is None) == (row["signal_reason"] is not None), row
        assert row["is_complete"] or row["signal"] is None, row
    for row in served["metric_verdicts"]:
        assert (row["verdict"] == "not_enough_data") == (row["verdict_reason"] is not None), row
        is_changed = row["verdict"] in ("improving", "worsening", "improved", "worsened")
        for column in ("verdict_since", "rule", "signal_starting", "signal_value"):
            assert (row[column] is not None) == is_changed, (column, row)
        assert not is_changed or row["process_phase_starting"] <= row["signal_starting"] <= row["judged_starting"], row


def the_north_star_adds_up(served: dict[str, list[dict]], counted: dict) -> None:
    months = served["north_star_monthly"]
    for row in months:
        if row["value"] is not None:
            assert row["value"] == row["first_adoptions_count"] + row["expansion_adoptions_count"]
    assert sum(row["value"] or 0 for row in months) == counted["adoptions"]
    values = {row["month_starting"]: row["value"] for row in months}
    for metric in ("first_adoptions", "expansion_adoptions"):
        part = metric + "_count"
        parts = {row["month_starting"]: row[part] for row in months}
        assert {r["month_starting"]: r["value"] for r in led(served, metric)} == parts, metric
    ideas = led(served, "initiative_share")
    belt = {row["initiative_id"]: row["ideas_count"] or 0 for row in served["belt_initiatives"]}
    assert sum(row["denominator"] or 0 for row in ideas) == sum(belt.values())
    assert sum(row["numerator"] or 0 for row in ideas) == sum(belt.values()) - belt["none"]
    for row in led(served, "expansion_share"):
        assert row["value"] is None or row["denominator"] == values[row["month_starting"]]


def domains_add_up_to_everyone(served: dict[str, list[dict]]) -> None:
    for metric in ("first_adoptions", "expansion_adoptions"):
        for row in led(served, metric):
            parts = [
                r["value"]
                for r in served["leading_metrics_monthly"]
                if r["metric_id"] == metric and r["domain"] != "all" and r["month_starting"] == row["month_starting"]
            ]
            assert row["value"] is None or sum(parts) == row["value"]
    for row in served["time_to_value"]:
        if row["observed_count"] is not None:
            assert row["product_count"] == row["observed_count"] + row["open_count"] + row["closed_count"], row
    totals = {}
    for row in served["time_to_value"]:
        if row["domain"] == "all" and row["estimator"] == "incidence":
            counts = totals.setdefault(row["interval_id"], {"all": 0, "cohorts": 0})
            counts["all" if row["cohort"] == "all" else "cohorts"] += row["product_count"]
    assert all(counts["all"] == counts["cohorts"] for counts in totals.values())


def the_scorecards_are_the_tables(served: dict[str, list[dict]], counted: dict) -> None:
    complete = sorted((r for r in served["north_star_monthly"] if r["is_complete"]), key=lambda r: r["month_starting"])
    total = sum(row["value"] or 0 for row in complete[-12:])
    if served["domain_scorecard"] and served["domain_scorecard"][0]["gave_count"] is not None:
        for side in ("gave_count", "took_count"):
            assert sum(row[side] for row in served["domain_scorecard"]) == total, side
    the_queues_are_what_is_open(served, counted)
    series = {(row["metric_id"], row["domain"]) for row in served["leading_metrics_monthly"]}
    series |= {(row["metric_id"], "all") for row in served["north_star_monthly"]}
    assert {(row["metric_id"], row["domain"]) for row in served["metric_verdicts"]} == series
    for row in served["open_ideas"]:
        assert row["days_in_queue"] >= 0
    judged = {row["metric_id"]: row for row in served["metric_verdicts"] if row["domain"] == "all"}
    for row in served["flywheel_scorecard"]:
        if row["metric_id"] in judged:
            for column in ("month_starting", "value", "verdict", "verdict_since"):
                assert row[column] == judged[row["metric_id"]][column], (column, row)
    [target] = served["north_star_target"]
    known = [row["value"] for row in complete if row["value"] is not None]
    this_year = (
        [row["value"] for row in complete if row["month_starting"] >= target["year_starting"]] if complete else []
    )
    assert target["year_period_count"] == len([value for value in this_year if value is not None])
    assert (target["year_value"] or 0) == sum(value or 0 for value in this_year) <= sum(known)
    outlook = [row["month_starting"] for row in served["outlook"]]
    if outlook:
        assert min(outlook) > complete[-1]["month_starting"] + timedelta(days=27)


def the_queues_are_what_is_open(served: dict[str, list[dict]], counted: dict) -> None:
    assert len(served["open_ideas"]) == counted["open"]
    assert sum(row["open_count"] for row in served["queues"] if row["domain"] == "all") == counted["open"]
    sizes = {(row["queue"], row["domain"]): row["open_count"] for row in served["queues"]}
    for row in served["open_ideas"]:
        for domain in {"all", row["domain"]} - {None}:
            sizes[row["queue"], domain] -= 1
    assert set(sizes.values()) <= {0}
    flows = served["adoption_flows"]
    assert sum(row["total_adoption_count"] for row in flows) == counted["adoptions"]
    for flow, side in (("owner_domain", "gave_count"), ("consumer_domain", "took_count")):
        for row in served["domain_scorecard"]:
            total = sum(pair["adoption_count"] for pair in flows if pair[flow] == row["domain"])
            assert row[side] in (total, None), (side, row)


def led(served: dict[str, list[dict]], metric: str) -> list[dict]:
    """The rows of one leading metric over the whole organisation."""
    return [r for r in served["leading_metrics_monthly"] if (r["metric_id"], r["domain"]) == (metric, "all")]


def test_what_was_never_sent_is_unknown_and_not_none():
    """Nobody named consumers; adoptions were sent only from 400 days ago, long after the first deployments."""
    events = [e for e in HAND_MADE["no_adoption"] if e["data_product_id"] != "p29"]
    events += [event("adopted", f"p{n}", 400 - n, consumer_domain="risk") for n in range(3)]
    with shaped(events) as db:
        found = {
            metric: rows(
                db, f"from authoritative.leading_metrics_monthly where metric_id = '{metric}' and domain = 'all'"
            )
            for metric in ("named_consumer_share", "adopted_90d", "net_flow", "first_deployments")
        }
    assert {(row["value"], row["reason"]) for row in found["named_consumer_share"]} == {(None, "no_named_consumers")}
    by_quarter = [
        (row["value"], row["reason"]) for row in sorted(found["adopted_90d"], key=lambda r: r["month_starting"])
    ]
    assert by_quarter[:3] == [(None, "no_adoption_events")] * 3
    assert (None, "too_recent") in by_quarter and (0.0, None) in by_quarter
    assert {row["reason"] for row in found["net_flow"]} == {"no_adoption_events", None}
    assert {row["reason"] for row in found["first_deployments"]} == {"no_deployment_events", None}
