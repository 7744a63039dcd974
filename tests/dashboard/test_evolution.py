"""The S-curve and the wheel: what is drawn is what the rows say, and no mark hides another."""

import random
import re
from itertools import combinations, pairwise

import pytest
from page_data import served

from dashboard import charts
from dashboard.charts.evolution import COLUMNS, SMALLEST, placed
from dashboard.views.evolution import evolution_card
from dashboard.views.flywheel import flywheel_card
from dashboard.words import codes, evolution, flywheel


def cell(certainty: str, share: float, count: int, position="on_curve", **columns) -> dict:
    row = {"certainty": certainty, "ubiquity_share": share, "product_count": count, "position": position}
    return row | {"ubiquity_basis": "last_90_days"} | columns


def move(before: tuple[str, float], now: tuple[str, float], count: int, moved: int, position="on_curve") -> dict:
    row = {"before_certainty": before[0], "before_ubiquity_share": before[1], "moved_count": moved}
    return row | cell(*now, count, position)


CELLS = [
    cell("raw", 0.0, 180),
    cell("raw", 0.5, 8, "used_beyond_its_certainty"),
    cell("contract_not_kept", 0.25, 17),
    cell("curated", 0.25, 45),
    cell("authoritative", 0.0, 12, "certain_but_under_used"),
    cell("authoritative", 0.5, 25),
]
MOVES = [
    move(("raw", 0.0), ("curated", 0.25), 30, 33),
    move(("curated", 0.25), ("authoritative", 0.5), 3, 33),
]
EDGES = [0.0, 130.0, 250.0, 370.0, 510.0]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("a_pixel", [0.004, 0.0004])
def test_marks_do_not_overlap_and_stay_in_their_column(seed, a_pixel):
    chance = random.Random(seed)
    positions = ["on_curve", "used_beyond_its_certainty", "certain_but_under_used"]
    cells = [
        cell(
            chance.choice(list(COLUMNS)), chance.randrange(40) / 39, chance.randrange(1, 400), chance.choice(positions)
        )
        for _ in range(120)
    ]
    marks = placed(cells, EDGES, a_pixel)
    assert sum(m["product_count"] for m in marks) == sum(c["product_count"] for c in cells)
    for mark in marks:
        left, right = EDGES[mark["column"]], EDGES[mark["column"] + 1]
        assert left <= mark["at"] - mark["radius"] and mark["at"] + mark["radius"] <= right
        assert mark["radius"] >= SMALLEST
    for a, b in combinations(marks, 2):
        apart = max(abs(a["at"] - b["at"]), abs(a["ubiquity_share"] - b["ubiquity_share"]) / a_pixel)
        assert apart >= a["radius"] + b["radius"], (a, b)


def test_the_area_of_a_mark_is_its_count():
    radii = {m["product_count"]: m["radius"] for m in placed(CELLS, EDGES, 0.002)}
    assert radii[180] / radii[45] == pytest.approx(2)


def test_a_share_is_drawn_at_its_height_within_five_pixels():
    a_pixel = 0.002
    cells = [cell("raw", share, 1) for share in (0.0, 0.004, 0.02, 0.5)]
    assert sorted(m["ubiquity_share"] for m in placed(cells, EDGES, a_pixel)) == [0.0, 0.02, 0.5]


def test_the_contract_line_stands_at_the_inflection_of_the_curve():
    layers = charts.evolution_chart(CELLS, MOVES)["layer"]
    [line] = [lay for lay in layers if lay["mark"]["type"] == "rule"]
    [curve] = [lay for lay in layers if lay["mark"]["type"] == "line"]
    points = [(p["at"], p["ubiquity_share"]) for p in curve["data"]["values"]]
    contract = line["data"]["values"][0]["at"]
    slopes = [((y2 - y1) / (x2 - x1), (x1 + x2) / 2) for (x1, y1), (x2, y2) in pairwise(points)]
    assert max(slopes)[1] == pytest.approx(contract, abs=points[1][0])
    columns = next(lay for lay in layers if lay["mark"]["type"] == "rect")["data"]["values"]
    assert contract == columns[list(COLUMNS).index("contract_not_kept")]["at"]


def test_a_trail_is_as_thick_as_data_products_moved_and_ends_at_their_mark():
    layers = charts.evolution_chart(CELLS, MOVES)["layer"]
    [trail] = [lay for lay in layers if lay["mark"]["type"] == "trail"]
    (thin, many, _, few) = trail["data"]["values"]
    assert thin["size"] < few["size"] < many["size"]
    curated = next(m for lay in layers if lay["mark"]["type"] == "point" for m in lay["data"]["values"]
                   if (m["column"], m["ubiquity_share"]) == (2, 0.25))  # fmt: skip
    assert (many["at"], many["ubiquity_share"]) == (curated["at"], 0.25)
    assert (thin["ubiquity_share"], thin["at"] < EDGES[1]) == (0.0, True)


def data_of(cells, moves):
    return served(evolution=cells, evolution_moves=moves)


def test_the_text_alternative_and_the_tables_say_what_the_rows_say():
    card = evolution_card(data_of(CELLS, MOVES), {})
    for markup in card["chart"].values():
        said = re.search(r"<desc[^>]*>(.*?)</desc>", markup)[1]
        assert said == (
            "287 data products: 188 raw, 17 contract not kept, 45 curated, 37 authoritative, "
            "8 used beyond their certainty, 12 certain but under-used."
        )
    assert card["coverage"] == (
        "99 of 287 live data products have an active contract: 17 contract not kept, 45 curated and 37 authoritative"
    )
    assert card["demand"] == "the share of other domains with use in the last 90 days"
    assert (
        card["movement"]
        == "33 data products have moved in the last 182 days. Trails, thin where they began, show them."
    )
    assert sum(int(row["count"]) for row in card["table"]) == 287
    assert [row["before"] + " → " + row["now"] for row in card["moves"]] == [
        "Raw, 0% → Curated, 25%",
        "Curated, 25% → Authoritative, 50%",
    ]


def test_what_has_no_owner_is_counted_and_not_drawn():
    card = evolution_card(data_of([*CELLS, cell("raw", None, 3, None)], []), {})
    assert card["coverage"].startswith("99 of 290 live data products")
    assert card["not_drawn"] == "Not drawn: 3 data products of unknown owner."
    assert card["movement"] == "No data product has moved in the last 182 days."


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([], "no_products"),
        ([cell("not_measured", 0.5, 9, None)], "no_contract_events"),
        ([cell("raw", None, 9, None)], "no_adoption_events"),
    ],
)
def test_without_certainty_or_use_there_is_no_chart_and_the_reason(cells, reason):
    card = evolution_card(data_of(cells, []), {})
    assert (card["chart"], card["reason"]) == (None, codes.REASONS[reason])


@pytest.mark.parametrize(
    ("count", "basis", "expected"),
    [
        (6, "ever", "ever used by 6 other domains"),
        (0, "ever", "never used by another domain"),
        (1, "last_90_days", "used by 1 other domain in the last 90 days"),
        (0, "last_90_days", "used by no other domain in the last 90 days"),
    ],
)
def test_used_by_names_its_scope(count, basis, expected):
    assert evolution.used_by({"consuming_domains_count": count, "ubiquity_basis": basis}) == expected


# --- The wheel ------------------------------------------------------------------------------------

METRICS = {
    "I": ("CDO", "north_star_target"),
    "II": ("Engineering", "build_time"),
    "III": ("Product leaders", "adoption_lag"),
    "IV": ("CTO", "momentum"),
}


def scorecard(*verdicts: str, momentum=(11.6, -3.0, 28.2)) -> list[dict]:
    """One metric a phase; only momentum has a value."""
    rows = []
    for (phase, (persona, metric)), verdict in zip(METRICS.items(), verdicts, strict=True):
        value, lower, upper = momentum if metric == "momentum" else (None, None, None)
        reason = "no_target" if metric == "north_star_target" else "not_enough_data" if value is None else None
        row = {"flywheel_phase": phase, "persona": persona, "metric_id": metric, "value": value, "lower": lower}
        row |= {"upper": upper, "flywheel_phase_verdict": verdict, "reason": reason, "month_starting": None}
        rows.append(row | {"verdict": "no_change", "verdict_since": None, "evidence_class": "derived", "rule": None})
    return rows


def card_of(rows: list[dict]) -> dict:
    return flywheel_card(served(flywheel=rows))


VERDICTS = ("gaining", "slowing", "steady", "not_enough_data")


def test_the_wheel_says_each_phase_in_shape_word_and_colour():
    markup = card_of(scorecard(*VERDICTS))["chart"]
    texts = re.findall(r'<text [^>]*fill="([^"]*)">(.*?)</text>', markup)
    said = {words: colour for colour, words in texts}
    assert (said["▲ Gaining"], said["▽ Slowing"]) == ("var(--blue)", "var(--orange)")
    assert {"○ Steady", "… Not known", "11.6% slower", "95% interval −3 to +28.2%", "Product leaders"} < set(said)
    assert [words[0] for _, words in texts if words.startswith("I")] == ["I"] * 4
    assert re.search(r"<desc[^>]*>(.*?)</desc>", markup)[1] == (
        "I Clarity of purpose, CDO: gaining; II Challenge and landscape, Engineering: slowing; "
        "III Next best action, Product leaders: steady; IV Long-term value, CTO: not known. "
        "Momentum: each doubling of adopted data products: 11.6% slower, 95% interval −3 to +28.2%."
    )


def test_the_phases_follow_each_other_clockwise_from_the_top_right():
    markup = card_of(scorecard(*VERDICTS))["chart"]
    placed = re.findall(r'<text x="([-\d.]+)" y="([-\d.]+)"[^>]*>(I|II|III|IV) ', markup)
    assert [(phase, float(x) > 0, float(y) < 0) for x, y, phase in placed] == [
        ("I", True, True),
        ("II", True, False),
        ("III", False, False),
        ("IV", False, True),
    ]


@pytest.mark.parametrize(
    ("momentum", "expected"),
    [
        (
            (-7.5, -12.0, -3.0),
            "Momentum: each doubling of adopted data products: 7.5% faster, 95% interval −12 to −3%.",
        ),
        (
            (0.0, -2.0, 2.0),
            "Momentum: each doubling of adopted data products: as fast as before, 95% interval −2 to +2%.",
        ),
        ((None, None, None), "Momentum is not known: not enough data yet."),
    ],
)
def test_momentum_says_slower_or_faster(momentum, expected):
    rows = scorecard(*VERDICTS, momentum=momentum)
    assert flywheel.momentum(rows) == expected


def test_what_is_not_known_is_one_line():
    card = card_of(scorecard(*VERDICTS))
    assert [phase["rows"] for phase in card["phases"][:3]] == [[], [], []]
    assert card["unknown"] == [
        "Not known yet: target (no target is declared); build time and adoption lag (not enough data yet)."
    ]
