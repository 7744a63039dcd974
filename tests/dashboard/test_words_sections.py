"""What the sections for engineering, product leaders and the CTO say: word for word of hand-made rows, and of random
rows that each number stands in its row.
"""

import random
from collections.abc import Iterator
from datetime import date

import pytest
from page_data import judged, served
from section_data import (
    BUILT_COMMODITY,
    NEVER_REVIEWED,
    NOT_LASTING,
    NOTHING_DECLARED,
    NOTHING_OWNED,
    UNDECLARED,
    capability,
    cost,
    factory,
    lasts,
    owned,
    owner_change,
    pushes,
    unused,
)
from test_words_templates import any_date, faults, reasons_of, strange, written

from dashboard.views import costs as cost_views
from dashboard.views import factory as factory_views
from dashboard.views import ownership as ownership_views
from dashboard.words import codes, costs, landscape, lasting, liability, momentum, ownership
from dashboard.words import factory as stages
from dashboard.words.phrases import plain_text

KNOWN = {"product_count": 121, "reported_count": 121, "median_days": 5.0, "wait_count": 121}
FIRST = KNOWN | {"median_days": None, "reason": "first_stage"}
TWO_STAGES = {"governed": {"median_days": None, "reason": "no_stage_events"}, "exposed": {"is_bottleneck": False}}


@pytest.mark.parametrize(
    ("rows", "heading", "missing"),
    [
        (
            factory(collected=FIRST, curated=KNOWN, stored=KNOWN, governed={"is_bottleneck": True}, exposed=KNOWN),
            "Data factory: the bottleneck is stored → governed, half take 26 days or more",
            "",
        ),
        (
            factory(collected=FIRST, curated=KNOWN, stored=KNOWN),
            "Data factory: no bottleneck, the longest waits are equal",
            "Not measured: governed and exposed. Send stage_reached events of these stages or contract_activated for "
            "governed or deployed for exposed.",
        ),
        (
            factory(**TWO_STAGES),
            "Data factory: no bottleneck can be named, 1 wait is known",
            "Not measured: collected, curated and stored. Send stage_reached events of these stages.",
        ),
        (
            factory(exposed={"product_count": 423, "reported_count": 0, "median_days": None}),
            "Data factory: not measured yet",
            "Not measured: collected, curated, stored and governed. Send stage_reached events of these stages or "
            "contract_activated for governed. Known so far: 423 data products reached exposed, by their "
            "deployed event.",
        ),
        (
            factory(),
            "Data factory: not measured yet",
            "Not measured: collected, curated, stored, governed and exposed.",
        ),
    ],
)
def test_the_factory_names_its_bottleneck_and_what_to_send(rows, heading, missing):
    assert stages.heading(rows) == heading
    assert stages.missing(rows).startswith(missing) and bool(missing) == bool(stages.missing(rows))
    view = factory_views.factory_section(served(factory=rows))
    assert bool(view["stages"]) == (view["classes"] == ["measured"]) == (len(stages.known(rows)) > 1)
    assert bool(stages.to_act_on(served(factory=rows))) == ("the bottleneck is" in heading)


@pytest.mark.parametrize(
    ("columns", "heading", "acts"),
    [
        ({}, "92% of live data products are owned outside the central team, which agrees with the declared model", 0),
        (
            {"agrees_with_model": False, "governance_model": "centralised"},
            "92% of live data products are owned outside the central team, which the declared model does not "
            "agree with",
            1,
        ),
        ({"agrees_with_model": None}, "92% of live data products are owned outside the central team", 0),
        (NOTHING_DECLARED, "the largest owner has 13% of live data products", 0),
        (NOTHING_OWNED, "not measured", 0),
    ],
)
def test_who_owns_says_what_is_known_and_calls_for_action_only_against_the_model(columns, heading, acts):
    data = served(ownership=[owned(**columns)])
    assert ownership.heading(data.ownership) == f"Who owns: {heading}"
    assert len(ownership.to_act_on(data)) == acts


def test_who_owns_asks_for_each_declaration_that_is_missing_and_gives_the_rule_of_the_model():
    assert ownership.missing([owned()]) == ""
    assert ownership.missing([owned(**NOTHING_DECLARED)]) == (
        "To know more, declare which domains are central (kind in declared/domains.csv), their units (unit in "
        "declared/domains.csv) and the governance model (governance.model in flywheel.yml)."
    )
    rows = [owned(), owned("deployments", agrees_with_model=False), owned("adoptions", agrees_with_model=None)]
    assert ownership.model(rows) == (
        "The declared model is federated: at least half is owned by domains, and the central team owns some. By that "
        "rule live data products agree and first deployments do not agree."
    )
    assert plain_text(ownership.concentration(owned())) == (
        "Take two live data products at random: the chance that one domain owns both is 9% (Herfindahl index 0.09; 1 "
        "is a single owner). The largest domain is marketing with 13%; the largest unit is Insurance with 64%, in Q4 "
        "2025."
    )


def test_a_quarter_that_goes_on_is_shown_only_where_no_other_is_known():
    going_on = owned(quarter=4, is_complete=False)
    assert ownership.period(ownership.latest([owned(quarter=3), going_on])["products"]) == "Q3 2025"
    assert ownership.period(ownership.latest([going_on])["products"]) == "Q4 2025 (so far)"


@pytest.mark.parametrize(
    ("changes", "heading", "calls"),
    [
        ([], "Hand-overs: none", []),
        ([owner_change()], "Hand-overs: none, and 6 data products of a domain that ended", ["6"]),
        (
            [owner_change("handed_over", 12), owner_change("owner_gone", 1)],
            "Hand-overs: 12, and 1 data product of a domain that is gone",
            ["1"],
        ),
    ],
)
def test_hand_overs_name_the_data_products_that_nobody_may_look_after(changes, heading, calls):
    data = served(ownership=[owned()], ownership_changes=changes, domains=[{"domain": "legal"}])
    assert ownership.hand_overs_heading(changes) == heading
    assert [clause.words.split()[3] for clause in ownership.to_act_on(data)] == calls
    view = ownership_views.hand_overs_section(data)
    assert len(view["lists"]) == len(changes)
    assert all(row["slug"] for block in view["lists"] for row in block["rows"])


def test_the_landscape_lists_what_calls_for_action_first():
    rows = [
        capability("A"),
        capability("B", **NEVER_REVIEWED),
        capability("C", **UNDECLARED),
        capability("D", **BUILT_COMMODITY),
    ]
    assert [row["capability"] for row in landscape.in_order(rows)] == ["D", "B", "A", "C"]
    assert landscape.heading(rows) == (
        "Landscape: of 4 capabilities 1 is built though the market has a commodity and 1 was not reviewed for a year"
    )
    assert [landscape.flags(row) for row in landscape.in_order(rows)[:2]] == [["builds a commodity"], ["review is due"]]
    assert landscape.unknown(rows).startswith("Sourcing or evolution of 1 capability is not declared")
    assert [clause.words for clause in landscape.to_act_on(served(capabilities=rows))] == [
        "Stop building 1 capability: the market has it as a commodity.",
        "Review 1 capability: nobody has done so for a year.",
    ]
    assert landscape.heading(rows[:1]) == "Landscape: 1 capability, none to act on"
    view = ownership_views.landscape_section(served())
    assert (view["title"], view["classes"], view["rows"]) == ("Landscape: not declared", ["not_measured"], [])


@pytest.mark.parametrize(
    ("columns", "heading", "missing"),
    [
        ({}, "85 of 286 live data products (30%) deployed and unused for a year", ""),
        ({"live_count": 9, "unused_count": 1}, "1 of 9 live data products deployed and unused for a year", ""),
        (
            {"unused_count": None, "unused_reason": "no_adoption_events"},
            "unused data products are not measured",
            "Not measured: unused data products (send adopted events).",
        ),
        (
            {"retired_count": None, "retired_reason": "no_retirement_events"},
            "85 of 286 live data products (30%) deployed and unused for a year",
            "Not measured: retired data products (send retired events).",
        ),
        (
            {"live_count": 0, "unused_count": 0, "unused_share": None, "unused_reason": "no_products"},
            "no data product is live",
            "",
        ),
    ],
)
def test_code_as_a_liability_says_what_nobody_used_and_what_to_send(columns, heading, missing):
    rows = [unused(**columns)]
    assert liability.heading(rows) == f"Code is a liability: {heading}"
    assert liability.missing(rows) == missing
    assert bool(liability.to_act_on(served(liability=rows))) == bool(rows[0]["unused_count"])


@pytest.mark.parametrize(
    ("rows", "heading", "missing"),
    [
        (
            [lasts(90), lasts(180)],
            "Lasting value: 71% of adoptions are still in use after 180 days (95% interval 67% to 76%)",
            "",
        ),
        (
            [lasts(90), lasts(365, **NOT_LASTING, reason="too_recent")],
            "Lasting value: 71% of adoptions are still in use after 90 days (95% interval 67% to 76%)",
            "Not known yet after 365 days: not all have been observed for long enough yet.",
        ),
        (
            [lasts(day, **NOT_LASTING, reason="no_repeat_use_events") for day in (90, 180)],
            "Lasting value: not measured yet",
            lasting.SEND["no_repeat_use_events"],
        ),
        ([], "Lasting value: not measured yet", lasting.SEND["no_adoption_events"]),
    ],
)
def test_what_lasts_is_the_longest_time_that_is_known(rows, heading, missing):
    assert (lasting.heading(rows), lasting.missing(rows)) == (heading, missing)


def test_currencies_stand_apart_and_the_heading_says_of_how_many_the_cost_is_known():
    rows = [cost("CHF"), cost("EUR", amount=6_600.0), cost("kWh", measure="energy", coverage_share=0.1)]
    assert costs.heading(rows) == "Cost in December 2025: 28,025 CHF and 6,600 EUR, known of 49% of live data products"
    assert "Currencies are not added up or converted." in costs.about(rows)
    assert costs.missing(rows) == "Not declared: carbon. Fill in co2_kg in declared/product_costs.csv."
    assert [row["unit"] for row in costs.latest([*rows, cost("CHF", is_complete=False)])] == ["CHF", "EUR", "kWh"]
    old = cost("EUR", month_starting=date(2024, 12, 1))  # thirteen months with December 2025
    assert [row["unit"] for months in costs.series([old, cost("CHF", 1), cost("CHF")]) for row in months] == ["CHF"] * 2
    many = [cost(f"X{n:02}") for n in range(20)]
    assert costs.heading(many).startswith("Cost in December 2025: 28,025 X00, 28,025 X01, 28,025 X02 and 17 more,")
    assert len(cost_views.costs_section(served(costs=many))["rows"]) == cost_views.UNITS_LISTED


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "Cost, energy and carbon: not declared"),
        ([cost(is_complete=False)], "Cost, energy and carbon: no month with figures is complete yet"),
        ([cost("kg", measure="carbon", amount=0.0042)], "Carbon in December 2025: 0.0042 kg, known of 49% of"),
        (
            [cost(amount=None, reason="no_known_products", left_out_count=3)],
            "Cost, energy and carbon in December 2025: no event knows the data products of these figures",
        ),
    ],
)
def test_the_heading_of_costs_says_why_there_is_no_cost(rows, expected):
    assert costs.heading(rows).startswith(expected)


@pytest.mark.parametrize(
    ("row", "heading", "is_call"),
    [
        (pushes(), "Momentum: every push gets easier", False),
        (pushes(11.6, -5.0, 31.2), "Momentum: it is not certain that a push gets easier", False),
        (pushes(-3.0, -9.0, 0.0), "Momentum: it is not certain that a push gets easier", False),
        (pushes(20.0, 4.0, 31.2), "Momentum: every push gets harder", True),
        (pushes(None, None, None, reason="not_enough_data"), "Momentum: not known yet", False),
    ],
)
def test_every_push_gets_easier_only_where_the_whole_interval_says_so(row, heading, is_call):
    data = served(flywheel=[row])
    assert momentum.heading(data.flywheel) == heading
    assert bool(momentum.to_act_on(data)) == is_call


def test_effort_is_the_build_time_and_the_cost_of_an_adoption_or_what_to_send():
    build = judged(metric_id="build_time", value=77.3)
    view = cost_views.momentum_section(served(verdicts=[build], costs=[cost()], flywheel=[pushes()]))
    assert [(row["name"], row["value"], row["classes"]) for row in view["effort"]] == [
        ("Build time", "77 days", ["measured"]),
        ("Cost per adoption, CHF", "7,006", ["declared", "measured"]),
    ]
    assert view["missing"] == ""
    unknown = cost_views.momentum_section(served(flywheel=[pushes()]))
    assert unknown["effort"] == []
    assert unknown["missing"] == (
        "Effort not measured: build time (send work_started and deployed events) and cost per "
        "adoption (declare costs in declared/product_costs.csv)."
    )


@pytest.mark.parametrize("seed", range(20))
def test_each_number_of_a_section_stands_in_its_rows(seed):
    chance = random.Random(seed)
    for text, *allowed in (
        *factory_sentences(chance),
        *owner_sentences(chance),
        *unused_sentences(chance),
        *lasting_sentences(chance),
        *cost_sentences(chance),
        *momentum_sentences(chance),
    ):
        assert (strange(text, *allowed, {"90", "365", "28", "10"}), faults(text)) == ([], []), text


def factory_sentences(chance: random.Random) -> Iterator[tuple]:
    counts = ("product_count", "reported_count", "open_count", "lost_count", "wait_count", "out_of_order_count")
    by_stage = {
        name: {count: chance.randrange(9_000) for count in counts} | {"median_days": chance.uniform(0, 900)}
        for name in chance.sample([*codes.FACTORY_STAGES], chance.randrange(6))
    }
    rows = factory(**by_stage)
    if by_stage:
        chance.choice([row for row in rows if row["product_count"] is not None])["is_bottleneck"] = True
    known = [written(row, "") for row in rows] + [{"1", "2", "3", "4", "5", "0"}]
    for text in (stages.heading(rows), *stages.notes(rows), stages.missing(rows)):
        yield text, *known
    for row in stages.known(rows):
        yield stages.wait(row), written(row, "")
        yield stages.left(row), written(row, "")


def owner_sentences(chance: random.Random) -> Iterator[tuple]:
    shares = {name: chance.random() for name in ("outside_share", "largest_domain_share", "largest_unit_share")}
    row = owned(**shares, herfindahl_index=chance.random(), agrees_with_model=chance.choice([True, False, None]))
    row = chance.choice([row, row | NOTHING_DECLARED, NOTHING_OWNED | {"measure": "products"} | dates(chance)])
    row |= {"governance_model": chance.choice([None, *codes.GOVERNANCE_MODELS])} | dates(chance)
    row |= {"agreement_reason": "no_model_declared"}
    index = {f"{row['herfindahl_index']:.2f}"} if row["herfindahl_index"] is not None else set()
    for text in (ownership.heading([row]), plain_text(ownership.concentration(row)), ownership.model([row])):
        yield text, written(row, "share"), written(row, ""), index, {"1"}
    for text in (ownership.missing([row]), ownership.agreement(row)):
        yield text, set()
    change = owner_change(chance.choice([*codes.OWNERSHIP_CHANGES]), chance.randrange(1, 9_999))
    yield ownership.hand_overs_heading([change]), written(change, "")
    yield ownership.list_title([change]), written(change, ""), {"1"}
    review = capability(days_since_review=chance.uniform(0, 900), reviewed_on=any_date(chance))
    yield landscape.review(review), written(review, ""), {"1"}  # the day of the month


def dates(chance: random.Random) -> dict:
    return {"month_starting": date(chance.randrange(2019, 2027), chance.choice((1, 4, 7, 10)), 1), "is_complete": True}


def unused_sentences(chance: random.Random) -> Iterator[tuple]:
    row = unused(live_count=chance.randrange(1, 4_000), unused_count=chance.randrange(4_000), **dates(chance))
    row |= {"unused_share": chance.random(), "use_basis": chance.choice(["last_365_days", "ever"])}
    row |= {"retired_count": chance.choice([None, chance.randrange(90)]), "retired_reason": "no_retirement_events"}
    gone = {"unused_count": None, "unused_reason": "no_adoption_events"}
    for case in (row, row | gone):
        for text in (liability.heading([case]), liability.about([case]), liability.missing([case])):
            yield text, written(case, "share"), written(case, "")
        yield liability.unused(case), written(case, "share"), written(case, "")


def lasting_sentences(chance: random.Random) -> Iterator[tuple]:
    low, middle, high = sorted(chance.random() for _ in range(3))
    row = lasts(chance.choice((90, 180, 365)), share_in_use=middle, adoption_count=chance.randrange(9_000))
    row |= chance.choice([{"lower": low, "upper": high}, {"lower": None, "upper": None}])
    for text in (lasting.heading([row]), lasting.scope([row]), lasting.interval(row)):
        yield text, written(row, "share"), written(row, "")
    unknown = row | NOT_LASTING | {"reason": chance.choice(["too_recent", "not_enough_data"])}
    yield lasting.missing([row, unknown]), written(unknown, ""), reasons_of(unknown["reason"])


def cost_sentences(chance: random.Random) -> Iterator[tuple]:
    size = chance.choice((0.01, 1, 90, 1e6))
    amounts = ("amount", "amount_per_product_in_use", "amount_per_adoption")
    row = cost(chance.choice(("CHF", "EUR")), chance.randrange(1, 13))
    row |= {name: chance.uniform(0, size) for name in amounts} | {"coverage_share": chance.random()}
    row |= {"in_use_count": chance.randrange(1, 900), "adoption_count": chance.randrange(1, 900)}
    row |= {"left_out_count": chance.randrange(3)}
    known = {costs.amount(row[name]) for name in amounts}
    for text in (costs.heading([row]), costs.about([row]), costs.total(row), costs.missing([row])):
        yield text, known, written(row, "share"), written(row, ""), {"2"}  # co2_kg
    for text in (*costs.per_product(row), *costs.per_adoption(row)):
        yield text, known, written(row, "")
    for clause in costs.to_act_on(served(costs=[row])):
        yield clause.words, written(row, "share"), written(row, "")


def momentum_sentences(chance: random.Random) -> Iterator[tuple]:
    low, middle, high = sorted(chance.uniform(-60, 90) for _ in range(3))
    row = pushes(middle, low, high)
    for text in (momentum.in_words(row), momentum.finished_only(row)):
        yield text, written(row, "")
    yield momentum.in_words(row | {"value": None, "reason": "not_enough_data"}), set()
    for clause in momentum.to_act_on(served(flywheel=[row])):
        yield clause.words, written(row, "")
