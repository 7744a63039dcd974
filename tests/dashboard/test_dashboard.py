"""The CDO's page in a browser: it says what the serving file says, to everyone, on every screen and on paper.

The inputs are the sample, 36 months of 40 domains, and titles and domains chosen to do harm. test_dashboard_inputs.py
holds the same promises on real events and on next to none.
"""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from browser import A3_LANDSCAPE, Look, chromium, figures, first_paint, look, opened, points, printed, violations
from pages import DRAWN_AT, HOSTILE_DOMAINS, HOSTILE_TITLES, Published, publish

from dashboard.rendering import TITLE_LENGTH, pages_of
from dashboard.tables import read

pytestmark = pytest.mark.slow

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
SECTIONS = ("answer", "north-star", "drivers", "time-to-value", "stages", "queues", "outlook", "domains", "flows")
SECTIONS += ("evolution", "flywheel", "trust", "definitions")
UNFIT = re.compile(
    r"\b(NaN|None|inf|nan|null|NaT|undefined)\b|\{\{|\}\}|\{%|%\}|\( *\)"
    r"|(?<![\d.,/–-])1 (adoptions|ideas|days|domains|months)\b"
)
LAST_COMPLETE = "select month_starting, value, first_adoptions_count, expansion_adoptions_count "
LAST_COMPLETE += "from authoritative.north_star_monthly where is_complete order by month_starting desc limit 1"


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module", params=["sample", pytest.param("many_domains", marks=pytest.mark.soak), "hostile"])
def published(request) -> Published:
    return publish(request.param)


@cache
def look_around(browser, published: Published) -> dict[Path, Look]:
    """A look at a page of each kind; at those of all domains, and of some data products, where any may do harm."""
    pages = published.of_each_kind
    if published.name == "hostile":
        pages += [*published.domains[1:], *(path for path in published.pages if path.parent.name == "products")][:20]
    return {path: look(browser, path) for path in pages}


@pytest.fixture(scope="module")
def looks(browser, published) -> dict[Path, Look]:
    return look_around(browser, published)


# --- Any input ------------------------------------------------------------------------------------


def test_a_page_asks_for_nothing_says_nothing_and_runs_nothing(looks):
    for path, seen in looks.items():
        assert (seen.requests, seen.messages, seen.active_content, seen.policy) == ([], [], [], CSP), path.name


def test_nothing_scrolls_sideways_is_cut_off_or_lies_on_other_text(looks):
    for path, seen in looks.items():
        assert seen.layout_faults == {}, path.name


def test_a_phone_shows_the_page_within_its_height(looks, published):
    """40 domains may take more, and the pages that list data products one by one."""
    pages = [path for path in looks if path == published.index or path.parent.name == "personas"]
    heights = {path.name: looks[path].height_on_a_phone for path in pages}
    assert len(heights) > 1
    assert published.name in ("many_domains", "hostile") or max(heights.values()) <= 6_000, heights


def test_axe_finds_nothing_on_a_phone(browser, published):
    """With all details open, which shows all there is; an axe run takes about a CPU-second."""
    for path in published.of_each_kind[: None if published.name == "sample" else 2]:
        with opened(browser, path, width=390) as view:
            assert violations(view.details(is_open=True)) == [], path.name


def test_axe_finds_nothing_on_a_wide_screen(browser, published):
    for path in published.of_each_kind[: None if published.name == "sample" else 2]:
        with opened(browser, path) as view:
            assert violations(view.details(is_open=True)) == [], path.name


def test_every_chart_is_described_and_has_its_table(looks):
    for path, seen in looks.items():
        assert seen.chart_faults == [], path.name


def test_a_page_reads_like_something_a_person_wrote(looks, published):
    """No value that isn't one, no template left over, no "1 days", no row without a name, whatever people named it."""
    given = "select unnest([title, domain, data_product_id]) as name from curated.data_products"
    given = {name for (name,) in published.query(f"select distinct name from ({given}) where name is not null")}
    given |= {name[: TITLE_LENGTH - 1].rstrip() for name in given}  # a long one is cut
    odd_names = sorted((name for name in given if UNFIT.search(name)), key=len, reverse=True)
    for path, seen in looks.items():
        for text in [seen.words, *seen.attributes]:
            for name in odd_names:
                text = text.replace(name, "·")
            assert [text[max(0, m.start() - 40) : m.end() + 40] for m in UNFIT.finditer(text)] == [], path.name
        assert seen.nameless == [], path.name


def test_a_name_from_right_to_left_turns_nothing_around_it(looks):
    for path, seen in looks.items():
        assert seen.direction_faults == [], path.name


def test_the_page_has_every_section_and_answers_first(looks, published):
    index = looks[published.index]
    assert set(SECTIONS) - set(index.ids) == set()
    assert min(SECTIONS, key=index.ids.index) == "answer"
    assert "html[lang]=en" in index.attributes


def test_the_number_its_chart_and_the_served_row_are_one(browser, published):
    rows = published.query(LAST_COMPLETE)
    with opened(browser, published.index) as view:
        shown = figures(view)
        if not rows or rows[0][1] is None:
            assert {shown.get(name) for name in ("north_star", "first_adoptions", "expansion_adoptions")} == {None}
            return
        [(month, value, first, expansion)] = rows
        assert (shown["north_star"], shown["first_adoptions"], shown["expansion_adoptions"]) == (
            value,
            first,
            expansion,
        )
        assert first + expansion == value
        assert view("() => document.querySelector('[data-figure=north_star]').innerText") == f"{value:g}"
        for width in (390, 768, 1440):
            view.resize(width)
            [point] = [point for point in points(view, "north_star") if point.label.startswith(f"{month:%B %Y}:")]
            assert re.match(rf"{month:%B %Y}: {value:g}\b", point.label)
            assert point.value == pytest.approx(value, abs=2 * point.pixel)


def test_what_domains_gave_and_took_adds_up_to_twelve_months(browser, published):
    [(twelve,)] = published.query(
        "select sum(value) from (from authoritative.north_star_monthly where is_complete "
        "order by month_starting desc limit 12)"
    )
    with opened(browser, published.index) as view:
        shown = figures(view)
        assert {shown.get(name) for name in ("twelve_months", "gave_total", "took_total")} == {twelve}
        for name in ("gave", "took"):
            cells = view(
                """name => [...document.querySelectorAll(`#domains tbody [data-figure=${name}]`)]
                    .map(data => data.hasAttribute('value') ? Number(data.getAttribute('value')) : null)""",
                name,
            )
            assert sum(cell or 0 for cell in cells) == (twelve or 0)
            assert twelve is not None or set(cells) <= {None}


def test_it_prints_on_three_sheets_without_breaking_a_card(browser, published):
    with opened(browser, published.index) as view:
        headings = view("() => [...document.querySelectorAll('h1, h2')].map(heading => heading.innerText)")
        paper = printed(view)
    assert 1 <= len(paper.sizes) <= 3
    assert all(size == pytest.approx(A3_LANDSCAPE, abs=1) for size in paper.sizes)
    [(as_of, is_sample)] = published.query("select as_of, is_sample from main.publication")
    for number, sheet in enumerate(paper.texts, 1):
        margins = ["North Star: ", f"As of {as_of:%-d %b %Y, %H:%M} UTC", f"Page {number} of {len(paper.texts)}"]
        margins += ["SAMPLE DATA: every number is invented"] if is_sample else []
        assert [words for words in margins if squeezed(words) not in squeezed(sheet)] == []
    assert {card: sheets for card, sheets in paper.sheets_of_card.items() if len(sheets) != 1} == {}
    text = squeezed(" ".join(paper.texts))
    assert [heading for heading in headings if heading.isascii() and squeezed(heading) not in text] == []


# --- The sample -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> Published:
    return publish("sample")


def test_what_decides_is_seen_without_scrolling(browser, sample):
    with opened(browser, sample.index) as view:
        for name in ("answer", "north-star", "drivers"):
            assert view("id => document.getElementById(id).getBoundingClientRect().bottom", name) <= 900, name


def test_axe_finds_nothing_while_the_details_are_closed(browser, sample):
    for path in sample.of_each_kind:
        with opened(browser, path) as view:
            assert violations(view) == [], path.name


def test_axe_finds_nothing_in_the_dark(browser, sample):
    with opened(browser, sample.index) as view:
        view.page.emulate_media(color_scheme="dark")
        assert view("() => getComputedStyle(document.body).color") == "rgb(231, 235, 243)"
        assert violations(view.details(is_open=True)) == []
        view.page.emulate_media(media="print")
        assert view("() => getComputedStyle(document.body).color") == "rgb(22, 33, 62)"


def test_a_look_back_says_so_in_sight_and_fits_on_every_screen(browser, sample, tmp_path):
    path = tmp_path / "index.html"
    main = pages_of(read(sample.serving), archive=None, pdf=None, looks_back=True)[0]
    path.write_text(main.draw(DRAWN_AT, "some run"))
    seen = look(browser, path)
    said = "Looks back: as of 7 Jan 2026, 00:00 UTC; drawn 7 Jan 2026, 09:30 UTC from everything known until then."
    assert seen.words.startswith(said)
    assert seen.layout_faults == {}
    with opened(browser, path, width=390) as view:
        assert violations(view) == []


def test_the_incomplete_month_is_drawn_hollow_and_says_so_far(browser, sample):
    with opened(browser, sample.index) as view:
        *_, last, incomplete = points(view, "north_star")
        assert (last.label, incomplete.label) == ("December 2025: 12", "January 2026: 3 in 6 of 31 days")
        assert incomplete.fill in ("rgb(255, 255, 255)", "none", "rgba(0, 0, 0, 0)") != last.fill
        assert "so far" in view("() => document.getElementById('north-star').innerText")


def test_the_pages_of_the_personas_fit_are_described_and_axe_finds_nothing(browser, sample):
    pages = sorted((sample.folder / "personas").glob("*.html"))
    assert len(pages) == 4
    for path in pages:
        seen = look(browser, path)
        assert (seen.layout_faults, seen.chart_faults, seen.nameless, seen.messages) == ({}, [], [], []), path.name
        assert seen.height_on_a_phone <= 6_000, path.name
        with opened(browser, path) as view:
            assert violations(view.details(is_open=True)) == [], path.name


@pytest.mark.soak
def test_the_incomplete_month_is_in_no_verdict_average_or_limit(browser, sample):
    """Taking its events away changes none of them."""
    seen = []
    for published in (sample, publish("sample_before_this_month")):
        with opened(browser, published.index) as view:
            verdicts = view(
                "() => [...document.querySelectorAll('#north-star, #drivers, #flywheel')].flatMap(section =>"
                " [...section.querySelectorAll('.verdict')].map(v => [section.id, v.dataset.verdict, v.innerText]))"
            )
            levels = view(
                "() => [...document.querySelectorAll('#north-star svg text')].map(t => t.textContent)"
                ".filter(text => /average|limit/.test(text))"
            )
            seen.append((verdicts, levels, figures(view)))
    assert seen[0] == seen[1]
    assert len(seen[0][0]) > 10
    assert len(seen[0][1]) >= 3


def test_a_build_is_the_same_bytes_in_any_process(sample):
    code = """
import json, sys
from datetime import datetime
from pathlib import Path
from dashboard.rendering import TITLE_LENGTH, pages_of
from dashboard.tables import read
pages = pages_of(read(Path(sys.argv[1])), None, None)
print(json.dumps({page.name: page.draw(datetime.fromisoformat(sys.argv[2]), "some run") for page in pages}))
"""
    command = [sys.executable, "-c", code, str(sample.serving), DRAWN_AT.isoformat()]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONHASHSEED": "1"}, check=True)
    files = {path.relative_to(sample.folder).as_posix(): path for path in sample.folder.rglob("*") if path.is_file()}
    assert json.loads(done.stdout) == {name: path.read_text() for name, path in files.items()}


# --- Much of it, and worse ------------------------------------------------------------------------


@pytest.mark.soak
def test_36_months_of_40_domains_are_light_and_seen_within_a_second(browser):
    index = publish("many_domains").index
    assert index.stat().st_size < 300_000
    paints = []
    for _ in range(3):
        with opened(browser, index) as view:
            paints.append(first_paint(view))
    assert min(paints) < 1000


def test_hostile_names_are_told_letter_by_letter(browser):
    said = "".join(seen.text for seen in look_around(browser, publish("hostile")).values())
    assert [domain for domain in HOSTILE_DOMAINS if domain not in said] == []
    assert [title for title in HOSTILE_TITLES if squeezed(title)[:80] not in squeezed(said)] == []


def squeezed(text: str) -> str:
    """Without white space, which paper sets as it likes, in one case, as a heading may be set in capitals."""
    return re.sub(r"\s+", "", text).casefold()
