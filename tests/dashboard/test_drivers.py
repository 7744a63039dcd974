"""What the driver tree says of each lever, and where it draws it."""

from dataclasses import replace

import pytest
from page_data import month, served

from dashboard.views.north_star import drawn_under
from dashboard.words import verdicts


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
    assert verdicts.evidence_in_words(row) == expected


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
