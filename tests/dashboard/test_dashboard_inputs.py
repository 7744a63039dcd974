"""The same promises for the page of real events, and of next to none: whatever there is to tell, it reads sensibly."""

import pytest
from conftest import SETS, SHOWN_SETS
from pages import Published, publish
from test_dashboard import (  # noqa: F401 - pytest runs them here on this module's inputs
    browser,
    looks,
    test_a_name_from_right_to_left_turns_nothing_around_it,
    test_a_page_asks_for_nothing_says_nothing_and_runs_nothing,
    test_a_page_reads_like_something_a_person_wrote,
    test_a_phone_shows_the_page_within_its_height,
    test_axe_finds_nothing_on_a_phone,
    test_every_chart_is_described_and_has_its_table,
    test_it_prints_on_three_sheets_without_breaking_a_card,
    test_nothing_scrolls_sideways_is_cut_off_or_lies_on_other_text,
    test_the_number_its_chart_and_the_served_row_are_one,
    test_the_page_has_every_section_and_answers_first,
    test_what_domains_gave_and_took_adds_up_to_twelve_months,
)

pytestmark = pytest.mark.slow

MADE_UP = ["nothing", "one_event", "no_adoption", "all_open"]


@pytest.fixture(scope="module", params=[*MADE_UP, *SHOWN_SETS])
def published(request) -> Published:
    name = request.param
    if name in MADE_UP:
        return publish(name)
    return publish(name, request.getfixturevalue("shared") / "datasets" / name / "events.jsonl", SETS[name])
