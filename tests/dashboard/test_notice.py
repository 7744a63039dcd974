"""The trust line on the main page, without a browser: what makes it appear, where it stands, that it is escaped."""

import re
from dataclasses import replace

import pytest
from page_data import NOW, refused, served, source

from dashboard.rendering import pages_of
from dashboard.words.phrases import plain_text
from dashboard.words.trust import trust_line

LISTS = "The command flywheel quarantine lists them, with what to do."


def main_page(waits: dict) -> str:
    """The HTML of the main page of nothing but what waits."""
    page = pages_of(replace(served(waits=waits), time_to_value={}), archive=None, pdf=None)[0]
    return page.draw(NOW, "a run")


def test_what_was_refused_stands_before_the_answer_and_names_the_files():
    html = main_page(refused(25, ["<b>notes</b>.txt"]))
    [line] = re.findall(r'<section class="card" id="trust-line".*?</section>', html)
    assert re.sub(r"</?(bdi|strong|p|section)[^>]*>", "", line).strip() == (
        "25 of 1,000 rows read (2.5%) are refused and in quarantine. "
        f'1 file could not be read: &lt;b&gt;notes&lt;/b&gt;.txt. {LISTS}  <a href="#trust">All counts</a>'
    )
    assert html.index('id="trust-line"') < html.index('id="answer"')


@pytest.mark.parametrize("waiting", [0, 10])
def test_up_to_one_percent_refused_is_no_trust_line(waiting):
    assert 'id="trust-line"' not in main_page(refused(waiting))


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        (refused(), ""),
        (refused(10), ""),  # 1 % is not more than 1 %
        (refused(11), f"11 of 1,000 rows read (1.1%) are refused and in quarantine. {LISTS}"),
        (refused(253), f"253 of 1,000 rows read (25%) are refused and in quarantine. {LISTS}"),
        (refused(1, read=1), f"1 of 1 row read (100%) is refused and in quarantine. {LISTS}"),
        (refused(1, ["notes.txt"]), f"1 file could not be read: notes.txt. {LISTS}"),
        (
            refused(1_234, ["a.gz", "b.gz", "c.gz", "d.gz", "e.gz"], read=5_000),
            "1,234 of 5,000 rows read (25%) are refused and in quarantine. "
            f"5 files could not be read: a.gz, b.gz, c.gz and 2 more. {LISTS}",
        ),
    ],
)
def test_more_than_one_percent_refused_is_said_at_the_top(waits, expected):
    assert plain_text(trust_line(served(waits=waits))) == expected


def test_a_silent_source_is_named_with_since_when():
    sends, few = source("sends", is_silent=False), source("few", is_silent=None, silent_reason="too_few_events")
    assert plain_text(trust_line(served(sources=[sends, source(), few]))) == (
        "our-jira has sent nothing since 3 March 2025 (310 days; in the year before at most 12)."
    )
    many = [source(f"s{n}", days_silent=300.0 - n) for n in range(5)]
    words = plain_text(trust_line(served(sources=many)))
    assert words.startswith("s4 has sent nothing since") and words.endswith(" 2 more sources are silent.")
    assert trust_line(served(sources=[sends, few])) == []
