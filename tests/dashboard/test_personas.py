"""The pages of the four personas: what calls for action, the tenets, purpose, belt, slips and quick wins.

Belongs here: hand-made rows, what the views and words make of them, and the drawn page. Does not belong here: the
sections of other areas.
"""

import random
from datetime import date
from itertools import product

import pytest
from page_data import (
    HIDDEN,
    NO_INITIATIVE,
    aim,
    initiative,
    judged,
    month,
    pulse,
    purpose,
    queue,
    quick_win,
    served,
    slip,
    tenet,
)
from pages import DRAWN_AT
from test_words_templates import faults, figure, strange, written

from dashboard.rendering import pages_of
from dashboard.views import belt as views
from dashboard.views.persona import CALLS, MOST_CALLS, calls, persona_page
from dashboard.words import belt, codes, persona
from dashboard.words.persona import PERSONAS

NOTHING = initiative("none", **NO_INITIATIVE)
UNKNOWN = initiative("none", **NO_INITIATIVE | {"reason": "no_initiatives"})
BELT = [
    initiative(),
    initiative("paperless intake", title="Intake without paper", product_count=4, in_use_count=0),
    NOTHING,
]
OPEN = slip("open_idea_without_initiative", 88, id="p", title="Elasticity", domain="pricing", age_days=1078.4)
SERVING = slip("adopted_without_initiative", 1, id="q", title=None, domain="claims", age_days=None)
SAMPLE = {"initiatives": BELT, "slips": [slip(), OPEN, SERVING], "purpose": purpose(), "quick_wins": [quick_win()]}


LEADING = month(12, 0.2, numerator=3, denominator=15, pace_index=None)  # without its metric


def drawn(phase: str, **rows) -> str:
    """The HTML of a persona's page with these rows and nothing else."""
    name = f"personas/{PERSONAS[phase].slug}.html"
    data = served(*rows.pop("months", [month(12, 12.0)]), **rows)
    data.publication.update(settings="{}", timezone="UTC", run_id="r")
    [page] = [page for page in pages_of(data, None, None) if page.name == name]
    return page.draw(DRAWN_AT, "some run")


def of(html: str, section: str) -> str:
    """The part of a page from a section's id to the next section."""
    return html.partition(f'<section class="card" id="{section}"')[2].partition("<section")[0]


# --- What to act on -----------------------------------------------------------------------------------


def test_the_cdo_is_asked_about_the_belt_first():
    said = [(clause.text, clause.proof) for clause in calls(served(**SAMPLE), "cdo")]
    assert said == [
        (
            "Intake without paper has had nothing in use for 281 days, with 4 data products: ask its sponsor what it"
            " waits for.",
            "#belt",
        ),
        ("88 open ideas serve no initiative, the oldest for 1,078 days: link or close them.", "#slips"),
        ("1 adopted data product serves no initiative: link it.", "#slips"),
    ]


def test_what_calls_for_action_comes_in_turn_and_no_more_than_five():
    worse = [judged("worsening", metric_id=name, value=0.2) for name in ("named_consumer_share", "initiative_share")]
    rows = {"verdicts": [judged("worsening"), *worse], "leading": [LEADING | row for row in worse]}
    rows |= {"target": aim(target=30.0, capability="misses_reliably")}
    found = calls(served(month(12, 12.0), **rows, **SAMPLE), "cdo")
    assert len(found) == MOST_CALLS
    assert [clause.proof for clause in found] == [
        "#belt",
        "../metrics/cross_domain_adoptions.html",
        "../metrics/named_consumer_share.html",
        "#slips",
        "#purpose",
    ]
    assert found[1].text == "Cross-domain adoptions: worsening, 12 adoptions in December 2025."


def test_the_queue_that_is_late_is_named_to_product_leaders():
    rows = [queue("in_build", 9, 2), queue("deployed_unused", 106, 92)]
    [clause] = persona.late(served(queues=rows))
    assert clause.text == "Of 106 unused products 92 have waited longer than usual: finish or close them."
    assert persona.late(served(queues=[queue("in_build", 9, 0), queue(older_count=None)])) == []


@pytest.mark.parametrize("phase", PERSONAS)
def test_where_nothing_calls_for_action_the_page_says_so(phase):
    assert "Nothing on this page calls for action." in of(drawn(phase), "act")


# --- Tenets -------------------------------------------------------------------------------------------


def test_a_tenet_has_its_class_its_figure_and_who_assessed_it():
    judgement = judged(metric_id="time_to_value", value=643.0)
    html = drawn("I", tenets=[tenet()], verdicts=[judgement], leading=[LEADING | judgement])
    for words in ("■</span> Measured", "643 days</b> in December 2025", "No change", "level 3 of 5 on 15 Dec 2025"):
        assert words in html, words
    assert 'href="https://wiki.example.com/tenets"' in html and 'href="../metrics/time_to_value.html"' in html


UNKNOWN_VALUE = {"figure_value": None}


@pytest.mark.parametrize(
    ("columns", "said", "hidden"),
    [
        (
            {"evidence_class": "declared", "figure_value": None, "figure_reason": "not_enough_data"},
            "◪</span> Declared",
            "643",
        ),
        (
            {"evidence_class": "not_measured", "figure_value": None, "assessed_level": None},
            "□</span> Not measured",
            "◪",
        ),
        ({"figure_value": None, "assessed_level": None}, "Needed: Send idea_logged and adopted events.", "level 3"),
        ({"assessment_link": "javascript:alert(1)"}, "level 3 of 5", "javascript"),
        ({"assessment_note": "<script>alert(1)</script>"}, "&lt;script&gt;", "<script>alert"),
    ],
)
def test_a_class_differs_by_shape_and_word_and_nothing_is_blended(columns, said, hidden):
    html = drawn("I", tenets=[tenet(**columns)]).partition('id="tenets"')[2].partition('id="metrics"')[0]
    assert said in html and hidden not in html


def test_only_the_groups_of_a_survey_that_may_be_shown_are_on_the_page():
    rows = [pulse(), pulse("Platform", **HIDDEN), pulse("all", **HIDDEN | {"reason": "would_reveal_a_group"})]
    html = drawn("II", pulse=rows, tenets=[tenet(flywheel_phase="II", figure=None, figure_value=None)])
    assert "3.6 (12% low, 8 answers)" in html and "Platform" not in html
    assert "1 group with too few answers is not shown; the total is not shown" in html


# --- Purpose, belt, slips, quick wins -----------------------------------------------------------------


def test_the_belt_has_a_row_for_each_initiative_and_last_those_that_serve_none():
    section = views.belt_section(served(**SAMPLE))
    assert [row["name"] for row in section["rows"]] == [
        "Claims settled faster",
        "Intake without paper",
        "No initiative",
    ]
    first, second, none = section["rows"]
    assert [first[name] for name in ("ideas", "deployed", "adopted", "in_use", "domains")] == [
        "42",
        "33",
        "19",
        "10",
        "11",
    ]
    assert (first["median"], first["interval"]) == ("643", "154 or more")
    assert (first["kpi"], first["target"], first["value"]) == (
        "Days from report to payment",
        "12 days",
        "16 days on 31 Dec 2025",
    )
    assert (second["is_unused"], none["is_unused"]) == (True, False)
    assert section["title"] == "The belt: 2 initiatives, 1 without a data product in use"


NOT_KNOWN = "not known: there is no current adoption event"


@pytest.mark.parametrize(
    ("columns", "name", "said"),
    [
        ({"median_days": None, "median_reason": "not_reached"}, "interval", "fewer than half complete it, 154 or more"),
        ({"kpi_value": None, "kpi_reason": "not_measured_yet"}, "value", "no figure of it is declared yet"),
        ({"kpi_target": 90.0, "kpi_unit": "% of documents"}, "target", "90% of documents"),
        ({"kpi_target": None}, "target", "not declared"),
        ({"in_use_count": None, "use_reason": "no_adoption_events"}, "in_use", NOT_KNOWN),
        ({"title": "  "}, "name", "faster claims"),
    ],
)  # fmt: skip
def test_what_is_not_known_of_an_initiative_has_its_reason(columns, name, said):
    section = views.belt_section(served(initiatives=[initiative(**columns), NOTHING]))
    assert section["rows"][0][name] == said


def test_where_nothing_is_declared_each_part_says_what_to_declare_and_has_no_table():
    html = drawn("I", initiatives=[UNKNOWN], quick_wins=[quick_win(quick_wins_share=None, reason="no_initiatives")])
    own = html.partition('id="purpose"')[2]
    assert "<table" not in own and own.count("□</span> Not measured") == 4
    for words in (
        "To declare in flywheel.yml: purpose.statement, purpose.owner, north_star.outcome",
        "Declare initiatives in declared/initiatives.csv",
        "It is known once an initiative is declared",
        "To measure them, send idea_logged events with initiative",
    ):
        assert words in own, words
    data = served(month(12, 12.0), initiatives=[UNKNOWN])
    line = views.purpose_line(data)
    assert line["ask"].endswith("purpose.statement in flywheel.yml.") and not line["statement"]
    assert line["belt"] == "The belt: no initiative is known. Declare one in declared/initiatives.csv"


def test_the_main_page_begins_with_the_purpose_and_the_belt_in_a_line():
    line = views.purpose_line(served(month(12, 12.0), **SAMPLE))
    assert (line["statement"], line["owner"], line["outcome"]) == tuple(
        purpose()[name] for name in ("statement", "owner", "outcome")
    )
    assert line["target"] == "16 adoptions a month by 31 Dec 2026"
    assert line["belt"] == (
        "The belt: 2 initiatives, 1 without a data product in use; 88 open ideas without an initiative"
    )


def test_quick_wins_are_those_of_the_latest_quarter_that_is_known():
    rows = [quick_win(1), quick_win(2, quick_wins_share=None, quick_wins_count=None, reason="too_recent")]
    section = views.quick_wins_section(served(quick_wins=rows))
    assert section["title"] == "Quick wins: 4 of 24 first adoptions in Q1 2025"
    assert [(row["quarter"], row["share"], row["length"]) for row in section["rows"]] == [("Q1 2025", "17%", "100.0%")]


@pytest.mark.parametrize("name", ["<b>x</b>", "</title><script>alert(1)</script>", "\u202etfel", "W" * 300])
def test_what_people_declare_becomes_no_markup(name):
    row = initiative(name, title=name, sponsor=name, unit=name, kpi=name, kpi_unit=name)
    declared = purpose(statement=name, owner=name, outcome=name)
    rows = {"initiatives": [row, NOTHING], "slips": [slip(id=name, title=name, domain=name)], "purpose": declared}
    html = drawn("I", **rows)
    assert "<script>" not in html and "<b>x" not in html


# --- Every sentence, with random rows -----------------------------------------------------------------


def any_initiative(chance: random.Random) -> dict:
    counts = ("product", "ideas", "deployed", "adopted", "in_use", "consuming_domains")
    row = initiative(chance.choice(["a", "b"]), title=chance.choice([None, "An initiative"]))
    row |= {f"{name}_count": chance.choice([0, 1, chance.randrange(9_000)]) for name in counts}
    for name in ("median_days", "median_lower_days", "median_upper_days", "kpi_target", "kpi_value"):
        row[name] = chance.choice([None, figure(chance, "")])
    row["kpi_unit"] = chance.choice([None, "% of calls", "days"])
    row["kpi_measured_on"] = date(2025, chance.randrange(1, 13), chance.randrange(1, 29))
    return row | {"median_reason": "not_reached", "kpi_reason": "not_measured_yet"}


@pytest.mark.parametrize("seed", range(20))
def test_every_sentence_of_the_belt_says_what_is_in_its_row(seed):
    chance = random.Random(seed)
    rows = [any_initiative(chance), NOTHING | {"product_count": chance.randrange(9_000)}]
    quarter = quick_win(
        chance.randrange(1, 5), quick_wins_count=chance.randrange(9), adopted_count=chance.randrange(99)
    )
    slips = [
        slip(kind, chance.choice([1, chance.randrange(2, 9_000)]), age_days=chance.choice([None, figure(chance, "")]))
        for kind in codes.BELT_SLIPS
    ]
    data, whole = served(initiatives=rows, slips=slips), sum(row["product_count"] for row in rows)
    known = [{f"{rows[0]['product_count']:,}", f"{whole:,}"}, *(written(row, "") for row in [*rows, *slips, quarter])]
    known.append({f"{rows[0]['kpi_measured_on']:%-d %b %Y}"})
    texts = [belt.heading(data), belt.in_one_line(data), belt.share_that_serves(rows), *belt.time_to_value(rows[0])]
    texts += [belt.kpi_value(rows[0]), belt.kpi_target(rows[0]), belt.quick_wins_heading([quarter])]
    texts += [clause.text for clause in belt.to_act_on(data)]
    for text in texts:
        assert (strange(text, *known), faults(text)) == ([], []), text
        assert len(text.split()) <= 25, text


@pytest.mark.parametrize(("slug", "of_area"), [(slug, at) for slug in CALLS for at in range(len(CALLS[slug]))])
def test_nothing_calls_for_action_where_there_are_no_rows(slug, of_area):
    assert CALLS[slug][of_area](served()) == []


def test_every_page_of_a_persona_has_its_own_rows_only():
    data = served(month(12, 12.0), tenets=[tenet(), tenet(flywheel_phase="II")], **SAMPLE)
    for phase, other in product("I", ("II", "III", "IV")):
        assert data.of_persona(phase).initiatives and not data.of_persona(other).initiatives
    assert [len(data.of_persona(phase).tenets) for phase in PERSONAS] == [1, 1, 0, 0]
    assert persona_page(data.of_persona("II"), "II")["phase"]["name"] == "Challenge and landscape"
