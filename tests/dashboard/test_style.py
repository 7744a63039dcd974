"""The look of all pages: colours, light and dark, and what stands in the margins of a sheet."""

import re

import pytest
from markupsafe import escape
from page_data import ADOPTIONS, month

from dashboard import charts
from dashboard.rendering import css_string
from dashboard.theme import DARK, PALETTE, svg


def luminance(colour: str) -> float:
    """Relative luminance of sRGB: WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", [PALETTE, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "desk", "band", "stage"])
@pytest.mark.parametrize("ink", ["ink", "muted", "blue", "link", "orange", "purple"])
def test_text_of_a_chart_can_be_read_on_every_ground(palette, ground, ink):
    """axe looks at HTML only: WCAG AA asks for 4.5 to 1 for text."""
    low, high = sorted([luminance(palette[ink]), luminance(palette[ground])])
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_each_colour_has_one_name_and_its_dark_one():
    assert PALETTE.keys() == DARK.keys()
    assert len({*PALETTE.values()}) == len(PALETTE)


def test_a_chart_has_no_colour_of_its_own():
    markup = svg(
        charts.north_star_chart([month(1, 10.0), month(2, 20.0, verdict="worsening")], ADOPTIONS), "n", "N", "n"
    )
    assert "#" not in re.sub(r"&#\w+;", "", markup)
    with pytest.raises(KeyError):
        svg({"mark": {"type": "bar", "color": "#123456"}, "data": {"values": [{"x": 1}]},
             "encoding": {"x": {"field": "x", "type": "quantitative"}}}, "b", "Bar", "one")  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "North Star: adoptions",
        '</style><script>alert(1)</script> "; } @page { } /* \\ */',
        "&lt;b&gt; &amp;amp; as it was written",
        "line one\nline two\r\x00\x1b",
        "\u202eevil override, مبيعات, 🚀",
    ],
)
def test_a_text_in_the_margin_of_a_sheet_is_one_string_of_css(text):
    string = css_string(text)
    assert re.fullmatch(r'"(?:[A-Za-z0-9 ]|\\[0-9a-f]{1,6} )*"', string)
    read = re.sub(r"\\([0-9a-f]{1,6}) ", lambda found: chr(int(found[1], 16)), string[1:-1])
    assert read == f"\u2068{text}\u2069"


def test_html_of_a_title_is_text_in_the_margin():
    assert css_string(escape("Q&A")) == css_string("Q&A")
