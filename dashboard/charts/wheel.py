"""The flywheel as a wheel: four phases that feed each other clockwise around the momentum, drawn as SVG by hand.

Belongs here: the geometry of the wheel. Does not belong here: words. Vega-Lite has no arcs with arrow heads.
"""

import math
from html import escape

from dashboard.charts.marks import wrapped
from dashboard.tables import Row
from dashboard.theme import PALETTE, svg_head, variable

SIZE = 424  # pixels, of the square drawing
OUTER, INNER = 204.0, 98.0  # radii of the ring, in pixels
GAP, TIP = 3.0, 8.0  # degrees between two phases, and by which the arrow of each leads
TEXT_RADIUS = 149.0
LINE = 14  # pixels between two lines
BOLD = ("slower", "faster")  # ends of the line in the middle that matters most
LOOKS = {  # verdict of a phase: (fill, border, colour of its verdict, dashes of its border)
    "gaining": ("band", "blue", "blue", ""),
    "slowing": ("paper", "orange", "orange", ""),
    "steady": ("stage", "bar", "ink", ""),
    "not_enough_data": ("paper", "line", "muted", "4 4"),
}


def wheel(phases: list[Row], hub: list[str], identity: str, title: str, description: str) -> str:
    """The flywheel as inline SVG.

    Parameters: `phases`, four dicts in order, of `code` (their verdict), `flywheel_phase`, `name`, `persona` and
    `tone` (shape and word of the verdict); `hub`, the lines in the middle, the first in bold and the one that ends in
    "slower" or "faster"; the others as those of `theme.svg`. The first phase is at the top right, each feeds the next
    one clockwise.
    """
    parts = [_phase(number, phase) for number, phase in enumerate(phases)]
    middle = _lines(0, 0, [(line, not at or line.endswith(BOLD), "ink") for at, line in enumerate(hub)])
    body = f'<g transform="translate({SIZE / 2:g},{SIZE / 2:g})">{"".join(parts)}{middle}</g></svg>'
    return svg_head(SIZE, SIZE, identity, title, description) + body


def _phase(number: int, phase: Row) -> str:
    """A quarter of the ring that points at the next one, and what it says."""
    fill, border, colour, dashes = LOOKS[phase["code"]]
    start, end = 90 * number + GAP / 2, 90 * (number + 1) - GAP / 2
    radius = (OUTER + INNER) / 2
    path = (
        f"M{_at(OUTER, start)}A{OUTER:g},{OUTER:g} 0 0 1 {_at(OUTER, end)}L{_at(radius, end + TIP)}L{_at(INNER, end)}"
        f"A{INNER:g},{INNER:g} 0 0 0 {_at(INNER, start)}L{_at(radius, start + TIP)}Z"
    )
    look = f'fill="{_colour(fill)}" stroke="{_colour(border)}" stroke-width="2"'
    look += f' stroke-dasharray="{dashes}"' if dashes else ""
    x, y = (float(part) for part in _at(TEXT_RADIUS, (start + end) / 2 + TIP / 2).split(","))
    name = wrapped(f"{phase['flywheel_phase']} {phase['name']}", 15) or []
    lines = [(line, True, "ink") for line in name]
    lines += [(phase["persona"], False, "muted"), (phase["tone"], True, colour)]
    return f'<path d="{path}" {look}/>{_lines(x, y, lines)}'


def _lines(x: float, y: float, lines: list[tuple[str, bool, str]]) -> str:
    """Lines of text around a point: each its words, whether it is bold, its colour."""
    first = y - LINE * (len(lines) - 1) / 2 + 4
    return "".join(
        f'<text x="{x:g}" y="{first + LINE * at:g}" text-anchor="middle" font-size="11.5"'
        f' font-weight="{"bold" if is_bold else "normal"}" fill="{_colour(colour)}">{escape(words)}</text>'
        for at, (words, is_bold, colour) in enumerate(lines)
    )


def _at(radius: float, degrees: float) -> str:
    """A point at this angle, clockwise from the top, as "x,y" to a tenth of a pixel."""
    angle = math.radians(degrees)
    return f"{radius * math.sin(angle):.1f},{-radius * math.cos(angle):.1f}"


def _colour(name: str) -> str:
    return variable(PALETTE[name])
