"""The notice about refused rows on the main page, without a browser: where it stands, and that it is escaped."""

import csv
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from page_data import refused, served
from shaped import DBT_PROJECT

from dashboard.rendering import pages_of
from dashboard.words.phrases import plain_text
from dashboard.words.refused import refused_notice

NOW = datetime(2026, 1, 7, tzinfo=UTC)
COUNTS = ("batch", "landed", "quarantined", "current", "superseded", "duplicate", "retracted", "not_yet_known")


def main_page(waits: dict) -> str:
    """The HTML of the main page of nothing but what waits."""
    with (DBT_PROJECT / "seeds" / "declared" / "metrics.csv").open() as file:
        definitions = {row["metric_id"]: row | {"definition_version": 1} for row in csv.DictReader(file)}
    data = replace(
        served(waits=waits),
        definitions=definitions,
        publication={"is_sample": False, "as_of": NOW, "known_at": None, "data_through": None},
        accounting=dict.fromkeys((f"{name}_count" for name in COUNTS), 0) | {"read_count": waits["read_count"]},
        time_to_value={},
    )
    [page] = pages_of(data, archive=None, pdf=None)
    return page.draw(NOW, "a run")


def test_what_was_refused_stands_before_the_answer_and_names_the_files():
    html = main_page(refused(25, ["<b>notes</b>.txt"]))
    [notice] = re.findall(r'<section class="card" id="refused" aria-label="Refused rows"><p>(.*?)</p></section>', html)
    assert notice.strip() == (
        "<strong>25 of 1,000 rows read (2.5%) are refused</strong> and in quarantine. "
        "<strong>1 file could not be read</strong>: &lt;b&gt;notes&lt;/b&gt;.txt. "
        "The command flywheel quarantine lists them, with what to do."
    )
    assert html.index('id="refused"') < html.index('id="answer"')


@pytest.mark.parametrize("waiting", [0, 10])
def test_up_to_one_percent_refused_is_no_notice(waiting):
    assert 'id="refused"' not in main_page(refused(waiting))


LISTS = "The command flywheel quarantine lists them, with what to do."


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        (refused(), ""),
        (refused(10), ""),  # 1 % is not more than 1 %
        (refused(11), f"11 of 1,000 rows read (1.1%) are refused and in quarantine. {LISTS}"),
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
    assert plain_text(refused_notice(served(waits=waits))) == expected
