"""What the driver tree says of each lever, where it draws it, and what it does with metrics that are not known."""

from dataclasses import replace

import pytest
from page_data import changed, judged, month, served, unjudged

from dashboard.views.main import main_page
from dashboard.views.north_star import drawn_under, drivers_tree
from dashboard.words import drivers


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {
                "verdict": "evidence",
                "lag": 2,
                "correlation": 0.91,
                "reason": None,
                "outcome_metric_id": "first_adoptions",
            },
            "evidence: leads first adoptions by 2 months (r 0.91)",
        ),
        (
            {
                "verdict": "evidence",
                "lag": 1,
                "correlation": -0.5,
                "reason": None,
                "outcome_metric_id": "any_north_star",
            },
            "evidence: leads the North Star by 1 month, in the opposite direction (r -0.50)",
        ),
        ({"verdict": "not_enough_evidence", "reason": None}, "tested: no evidence so far"),
        ({"verdict": "not_enough_evidence", "reason": "not_monthly"}, "untested: known by quarter only"),
        (
            {"verdict": "not_enough_evidence", "reason": "part_of_north_star"},
            "untested: it counts adoptions",
        ),
    ],
)
def test_an_influence_is_believed_until_there_is_evidence(row, expected):
    assert drivers.evidence_in_words(row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"verdict": "evidence", "outcome_metric_id": "expansion_adoptions"}, "expansion_adoptions"),
        ({"verdict": "evidence", "outcome_metric_id": "sustained_adoptions"}, "cross_domain_adoptions"),
        ({"verdict": "not_enough_evidence", "outcome_metric_id": "expansion_adoptions"}, "first_adoptions"),
        (None, "first_adoptions"),
    ],
)
def test_a_lever_is_drawn_under_what_it_has_evidence_of_leading(row, expected):
    definition = {"metric_id": "build_time", "parent_metric_id": "first_adoptions", "edge": "influence"}
    data = replace(served(month(3, 12.0)), evidence={"build_time": row} if row else {})
    assert drawn_under(data, definition) == expected


def leading(metric: str, value, **columns) -> dict:
    """December 2025 of a leading metric."""
    counts = {"numerator": 30, "denominator": 40, "pace_index": None}
    return month(12, value, metric_id=metric, **counts | columns)


def test_a_metric_without_a_value_is_no_card_but_in_the_line_of_what_is_not_known():
    rows = [
        leading("named_consumer_share", 0.75),
        leading("retained_adoption", None, reason="no_repeat_use_events"),
        leading("contract_checks_passed", None, reason="no_contract_events"),
    ]
    tree = drivers_tree(served(month(12, 12.0), leading=rows, verdicts=[judged()]))
    assert [card["id"] for card in tree["cards"]] == ["named_consumer_share"]
    assert tree["unknown"][0].startswith(
        "Not known: contract checks passed and retained adoption (2). To know them, send"
    )
    assert "An adopted event for each later use: for retained adoption (whether use lasts)." in tree["unknown"]


def test_a_metric_that_was_known_before_keeps_its_card():
    """In December no idea was logged, so there is nothing to divide by; November's share is still drawn."""
    metric = "named_consumer_share"
    data = served(month(12, 12.0), leading=[leading(metric, None, reason="no_ideas")])
    before = leading(metric, 0.5, month_starting=month(11, 0)["month_starting"])
    data.leading["all", metric].insert(0, before)
    tree = drivers_tree(data)
    [card] = tree["cards"]
    assert (card["value"], card["reason"], tree["unknown"]) == ("–", "no idea was logged", [])


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (unjudged("nothing_started_or_finished", metric_id="net_flow"), "Not enough data yet"),
        (changed("worsened", metric_id="net_flow"), "Higher since Dec 2024, steady now"),
        (judged(metric_id="net_flow"), "No change"),
    ],
)
def test_a_metric_has_one_verdict_in_every_section(verdict, expected):
    """An old verdict once stood beside a new value: the flywheel said "no change", the drivers "not enough data"."""
    score = {"metric_id": "net_flow", "flywheel_phase": "II", "persona": "Engineering", "value": 0.0, "reason": None}
    score |= {"flywheel_phase_verdict": "steady", "verdict": "no_change", "verdict_since": None, "lower": None}
    score |= {"upper": None, "evidence_class": "measured", "month_starting": verdict["month_starting"]}
    data = served(
        month(12, 12.0),
        leading=[leading("net_flow", 0.0)],
        verdicts=[judged(), verdict],
        flywheel=[score],
        intervals={},
    )
    page = main_page(data)
    [card] = page["drivers"]["cards"]
    [phase] = page["flywheel"]["phases"]
    assert [card["verdict"]["words"], phase["rows"][0]["verdict"]["words"]] == [expected, expected]


def test_a_part_is_marked_by_its_own_verdict():
    """The North Star rose; first adoptions did not, although their average did."""
    first = judged(metric_id="first_adoptions", center=5.9, previous_center=4.7, process_phase=2)
    rows = [leading("first_adoptions", 6.0), leading("expansion_adoptions", 11.0)]
    risen = changed(metric_id="expansion_adoptions")
    tree = drivers_tree(served(month(12, 17.0), leading=rows, verdicts=[changed(), first, risen]))
    assert [(block["id"], block["verdict"]["words"]) for block in tree["blocks"]] == [
        ("first_adoptions", "No change"),
        ("expansion_adoptions", "Higher since Dec 2024, steady now"),
    ]
