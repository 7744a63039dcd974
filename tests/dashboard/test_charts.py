"""What the charts' marks mean, in the drawing itself."""

import re
from datetime import date

import pytest
from page_data import ADOPTIONS, month
from section_data import owned, unused

from dashboard import charts
from dashboard.theme import PALETTE, svg


def drawn(*months: dict, definition: dict = ADOPTIONS) -> dict[str, str]:
    """{what a point is called: its SVG element} of the North Star's chart of these months."""
    chart = charts.north_star_chart(list(months), definition)
    found = re.findall(r"<path [^>]*>", svg(chart, "n", "Adoptions", "by month"))
    return {label[1]: path for path in found if (label := re.search(r'aria-label="([^"]*)"', path))}


def is_up(path: str) -> bool:
    """A triangle's first corner is its tip."""
    return bool(re.search(r' d="M0,-', path))


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_signal_points_the_way_the_value_went_and_is_hollow_where_that_is_bad(direction):
    up, down = ("better", "worse") if direction == "up" else ("worse", "better")
    definition = ADOPTIONS | {"good_direction": direction}
    routine, higher, lower = drawn(
        month(1, 10.0), month(2, 20.0, signal=up), month(3, 2.0, signal=down), definition=definition
    ).values()
    assert (is_up(higher), is_up(lower)) == (True, False)
    good, bad = (higher, lower) if direction == "up" else (lower, higher)
    assert 'fill="var(--blue)" stroke="var(--blue)"' in good
    assert 'fill="var(--paper)" stroke="var(--orange)"' in bad
    assert 'fill="var(--mark)"' in routine
    assert "L" not in re.search(r' d="([^"]*)"', routine)[1]  # a circle has no straight side


def test_36_complete_months_are_drawn_and_what_follows_them():
    months = [month(1, float(n), month_starting=date(2020 + n // 12, n % 12 + 1, 1)) for n in range(40)]
    months[-1]["is_complete"] = False
    points = list(drawn(*months))
    assert len(points) == 37
    assert (points[0], points[-1]) == ("April 2020: 3", "April 2023: 39 so far")


def limits_behind(months: list[dict]) -> tuple[float, float]:
    """From where to where the band of limits is drawn; a month is 1 wide, the first one from -0.5 to 0.5."""
    chart = charts.north_star_chart(months, ADOPTIONS)
    [band] = [span for layer in chart["layer"] if layer["mark"]["type"] == "rect" for span in layer["data"]["values"]]
    return band["at"], band["end"]


def test_months_before_the_limits_and_the_one_that_goes_on_have_no_limits_behind_them():
    without = {"center": None, "lower_limit": None, "upper_limit": None, "signal": None}
    older = [month(n, 9.0, signal_reason="before_the_limits", **without) for n in (1, 2)]
    judged = [month(n, 11.0) for n in (3, 4, 5)]
    goes_on = month(6, 3.0, is_complete=False, so_far="3 in 6 of 30 days", signal=None, signal_reason="incomplete")
    months = [*older, *judged, goes_on]
    assert limits_behind(months) == (1.5, 4.5)
    points = drawn(*months)
    assert "lower limit 5" in svg(charts.north_star_chart(months, ADOPTIONS), "n", "Adoptions", "by month")
    assert [*points] == [
        "January 2025: 9",
        "February 2025: 9",
        "March 2025: 11",
        "April 2025: 11",
        "May 2025: 11",
        "June 2025: 3 in 6 of 30 days",
    ]
    assert 'fill="var(--paper)"' in points["June 2025: 3 in 6 of 30 days"]
    assert 'fill="var(--mark)"' in points["January 2025: 9"]


def test_limits_of_an_earlier_phase_are_not_named_as_those_of_today():
    """Where quarters are judged, the first months of a phase belong to a quarter that began before the change."""
    young = {"process_phase": 2, "center": None, "lower_limit": None, "upper_limit": None, "signal": None}
    months = [month(n, 9.0) for n in range(1, 4)] + [month(4, 9.0, process_phase=2)]
    months += [month(n, 20.0, signal_reason="too_few_points", **young) for n in (5, 6)]
    assert limits_behind(months) == (-0.5, 3.5)
    assert "lower limit" not in svg(charts.north_star_chart(months, ADOPTIONS), "n", "Adoptions", "by month")


def test_a_drawing_paints_no_background_over_its_card():
    markup = svg(charts.north_star_chart([month(1, 10.0)], ADOPTIONS), "n", "Adoptions", "by month")
    assert 'height="260" fill="var(--paper)"' not in markup
    assert not re.match(r"<svg[^>]*><title.*?</title><desc.*?</desc><rect", markup)


def test_the_curve_from_deployment_says_so_and_counts_data_products():
    rows = [
        {"interval_id": "deployed_to_adopted", "day": day, "share_adopted": share, "share_closed": 0.0, "lower": share}
        | {"upper": share, "at_risk_count": 40 - day}
        for day, share in ((0, 0.0), (10, 0.25), (30, 0.5))
    ]
    drawing = svg(charts.time_to_value_chart(rows, {"deployed_to_adopted": 30.0}), "c", "Share", "by day")
    assert "days since deployment; below: data products still open when the curve steps there" in drawing
    assert "median 30 days" in drawing and "50%" in drawing and "since the idea" not in drawing


def test_who_owns_is_drawn_of_complete_quarters_and_names_the_last_share_that_is_known():
    rows = [owned(m, q) for m in ("products", "deployments") for q in (1, 2)]
    rows += [owned("deployments", 3, outside_share=None), owned("products", 3, outside_share=0.5)]
    rows += [owned("products", 4, outside_share=0.1, is_complete=False)]
    drawing = svg(charts.ownership_chart(rows, "outside_share"), "o", "Who owns", "50% in Q3")
    assert re.findall(r">((?:products|deployments|adoptions) \d+%)<", drawing) == ["products 50%", "deployments 92%"]
    assert re.findall(r">(Q\d)<", drawing) == ["Q1", "Q2", "Q3"]


def test_a_quarter_before_the_first_retirement_has_no_count_of_them():
    rows = [unused(1, unused_count=0, retired_count=None), unused(2, unused_count=7, retired_count=0), unused(3)]
    drawing = svg(charts.liability_chart(rows), "l", "Unused", "85 in Q3")
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", drawing)
    assert [text for text in texts if text in ("7", "85")] == ["7", "85"]  # 0 has no label over it
    assert texts[texts.index("retired in the quarter:") + 1 :] == ["0", "2"]


def test_amounts_stand_in_their_month_of_twelve():
    chart = charts.amounts_chart([(11, 5.0), (3, None), (2, 8.0), (0, 10.0)])
    [bars] = [layer["data"]["values"] for layer in chart["layer"]]
    assert [(bar["at"], bar["amount"]) for bar in bars] == [(-11, 5.0), (-2, 8.0), (0, 10.0)]
    assert [bar["colour"] == PALETTE["blue"] for bar in bars] == [False, False, True]
