"""A Wardley map as SVG, drawn by hand: Vega-Lite places no names.

Belongs here: geometry, marks, axes. Does not belong here: what stands where (`dashboard/maps.py`), words. Each class of
evidence has a shape: measured a filled circle, declared a square half filled; what calls for action has a number and a
colour. A name that finds no room is a letter, and stands under the map.
"""

import math
import re
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise

from dashboard.charts.labels import Box, Label, place_labels, text_width
from dashboard.charts.marks import LABEL_HEIGHT
from dashboard.maps import STAGES, Component, WardleyMap
from dashboard.theme import DARK, FONT, FONT_SIZE, PALETTE, css_variables, svg_head, variable
from dashboard.words.maps import CLASSES, description

UNDER, STAGE_LINE = 46.0, 14  # pixels: under the plot, for the names of the stages; of one line of them
RIGHT = {True: 130.0, False: 8.0}  # right of it: a wide map has room for names there
SMALL, COUNTED, LARGEST = 5.0, 8.5, 17.0  # radii: of a mark with a name, of the smallest and the largest count
FLAG_COLOURS = {1: "orange", 2: "purple"}
WIDE = 900  # pixels; a drawing of less than half has letters for names
WIDE_SIZE = {"data_products": (1360, 400), "capabilities": (1360, 240)}  # pixels: width, height of the plot
MEDIUM_SIZE = {"data_products": (700, 380), "capabilities": (700, 240)}
NARROW_SIZE = {"data_products": (316, 330), "capabilities": (316, 200)}
EDGE = 14  # pixels around a file of its own
BADGE = 6.0  # radius of the number of a flag
SHAPES = {"measured": "●", "declared": "◪", "not_measured": "□"}
SOURCING = {"build": "build", "buy": "buy", "commodity": "use"}


@dataclass(frozen=True)
class _Mark:
    """A component or an anchor on the drawing, in pixels."""

    component: Component
    x: float
    y: float
    radius: float

    @property
    def box(self) -> Box:
        """The square around it."""
        r = self.radius + 1
        return (self.x - r, self.y - r, self.x + r, self.y + r)

    @property
    def words(self) -> str:
        """What stands next to it: its name with its sourcing; nothing at a count, which stands in it."""
        c = self.component
        if c.count is not None:
            return ""
        return f"{_isolated(c.name)} · {SOURCING[c.sourcing]}" if c.sourcing else _isolated(c.name)


def wardley_chart(drawn: WardleyMap, width: int, height: int, identity: str) -> str:
    """The map as inline SVG `width` pixels wide, its plot `height` high; colours are the page's CSS variables.

    `identity` is unique on its page. Returns markup without script or outside reference.
    """
    heading = _in_lines(f"↑ {drawn.height}", width)
    left = max(text_width(tick) for _, tick in drawn.ticks) + 10
    plot = _Plot(left, width - RIGHT[width >= WIDE / 2], LABEL_HEIGHT * len(heading) + 12, height)
    most = max([1, *(c.count or 1 for c in drawn.components)])
    marks = [plot.mark(component, most) for component in drawn.components]
    anchors = [plot.mark(anchor, most) for anchor in drawn.anchors]
    names = _place_names(anchors, marks, plot)
    parts = [
        *_stages(drawn, plot),
        *(_text(0, 10 + LABEL_HEIGHT * n, line, "muted") for n, line in enumerate(heading)),
        *_heights(drawn, plot),
        *_links(marks, anchors),
        *(name.leader for name in names),
        *(_shape(mark, drawn.evidence) for mark in marks),
        *(f'<circle cx="{a.x:.1f}" cy="{a.y:.1f}" r="3" fill="{_colour("ink")}"/>' for a in anchors),
        *(_badge(mark, n, flag) for mark in marks for n, flag in enumerate(mark.component.flags)),
        *(name.text for name in names),
    ]
    key, end = _key(drawn, [(name.letter, name.words) for name in names if name.letter], width, plot.bottom)
    return svg_head(width, end, identity, drawn.title, description(drawn)) + "".join(parts) + key + "</svg>"


def wardley_file(drawn: WardleyMap) -> str:
    """The map as an SVG file of its own: title, colours for light and dark, fonts."""
    width, height = WIDE_SIZE[drawn.name]
    body = wardley_chart(drawn, width, height, drawn.name)
    head, rest = body[: body.index(">") + 1], body[body.index(">") + 1 :]
    [(wide, high)] = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)
    head = head.replace(
        f'"0 0 {wide} {high}"', f'"-{EDGE} -{EDGE + 20} {float(wide) + 2 * EDGE:g} {float(high) + 2 * EDGE + 20:g}"'
    )
    head = head.replace(' style="', f' font-family="{escape(FONT)}" style="background:var(--paper);')
    rest = _text(0, -14, drawn.title, "ink", True) + rest
    look = f":root{{{css_variables(PALETTE)}}}@media (prefers-color-scheme:dark){{:root{{{css_variables(DARK)}}}}}"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<style>{look}</style>{rest}\n'


@dataclass(frozen=True)
class _Plot:
    """Where the plot is, in pixels."""

    left: float
    right: float
    top: float
    height: float

    @property
    def bottom(self) -> float:
        """Where its stages are named."""
        return self.top + self.height

    def across(self, evolution: float) -> float:
        """The place of an evolution."""
        return self.left + (self.right - self.left) * evolution

    def up(self, visibility: float) -> float:
        """The place of a height."""
        return self.top + self.height * (1 - visibility)

    def mark(self, component: Component, most: int) -> _Mark:
        """A component here; `most`, the largest count on the map."""
        radius = SMALL
        if component.count is not None:
            in_proportion = (LARGEST if self.right >= WIDE / 2 else 0.7 * LARGEST) * math.sqrt(component.count / most)
            radius = max(COUNTED, in_proportion, text_width(f"{component.count:,}") / 2 + 1.5)
        return _Mark(component, self.across(component.evolution), self.up(component.visibility), radius)


@dataclass(frozen=True)
class _Name:
    """The words of a mark where they stand: as text, or behind a letter."""

    words: str
    text: str
    leader: str = ""
    letter: str = ""


def _place_names(anchors: list[_Mark], marks: list[_Mark], plot: _Plot) -> list[_Name]:
    """The words of each mark next to it, or a letter where they have no room; a narrow map has letters only."""
    is_narrow = plot.right < WIDE / 2
    named = [mark for mark in (marks if is_narrow else (*anchors, *marks)) if mark.words]
    labels = [Label(m.words, m.x, m.y, m.radius, not anchors or m in anchors) for m in named]
    taken = [m.box for m in (*anchors, *marks)]
    taken += [_badge_box(m, n) for m in marks for n in range(len(m.component.flags))]
    room = (plot.left, plot.top - 2, plot.right + (0 if is_narrow else RIGHT[True] - 8), plot.bottom - 2)
    places = [None] * len(named) if is_narrow else place_labels(labels, taken, room)
    without = [label for label, place in zip(labels, places, strict=True) if not place]
    letters = {label: _letter(number) for number, label in enumerate(without)}
    short = [replace(label, words=letters[label]) for label in without]
    letter_places = dict(zip(without, place_labels(short, taken, room), strict=True))
    names = []
    for mark, label, place in zip(named, labels, places, strict=True):
        letter, at = letters.get(label, ""), place or letter_places[label]
        leader = _line(label.x, at.leader[0], label.x, at.leader[1], "line") if at and at.leader else ""
        text = _text(at.x, at.y, letter or label.words, "ink", halo=True) if at else ""
        needs = f", for: {_isolated(mark.component.needs[0])}" if is_narrow and mark.component.needs else ""
        names.append(_Name(label.words + needs, text, leader, letter))
    return names


def _letter(number: int) -> str:
    """a to z, then aa, ab and so on."""
    first, second = divmod(number, 26)
    return (chr(96 + first) if first else "") + chr(97 + second)


def _stages(drawn: WardleyMap, plot: _Plot) -> list[str]:
    """The four stages of evolution, apart by dashed lines, and their names under the plot."""
    parts = [_line(plot.left, plot.top, plot.left, plot.bottom, "mark")]
    parts += [_line(plot.left, plot.bottom, plot.right, plot.bottom, "mark")]
    parts += [_line(plot.across(at), plot.top, plot.across(at), plot.bottom, "line", "3 4") for at in STAGES[1:-1]]
    for (start, end), (wardley, ours) in zip(pairwise(STAGES), drawn.stages, strict=True):
        x, room = plot.across(start) + 3, plot.across(end) - plot.across(start)
        size = FONT_SIZE if text_width(wardley) + 6 < room else 9
        parts.append(_text(x, plot.bottom + STAGE_LINE, wardley, "ink", True, size=size))
        lines = [ours] if text_width(ours) <= room else ours.split(" ", 1)
        parts += [_text(x, plot.bottom + STAGE_LINE * (n + 1), line, "muted") for n, line in enumerate(lines, 1)]
    return parts


def _heights(drawn: WardleyMap, plot: _Plot) -> list[str]:
    """A line and a word at each tick of the axis of heights."""
    parts = []
    for at, tick in drawn.ticks:
        parts.append(_line(plot.left, plot.up(at), plot.right, plot.up(at), "grid"))
        parts.append(_text(plot.left - 5, plot.up(at) + 4, tick, "muted", end=True))
    return parts


def _links(marks: list[_Mark], anchors: list[_Mark]) -> list[str]:
    by_name = {anchor.component.name: anchor for anchor in anchors}
    pairs = [(by_name[need], mark) for mark in marks for need in mark.component.needs]
    return [_line(need.x, need.y, mark.x, mark.y - mark.radius, "limit") for need, mark in pairs]


def _shape(mark: _Mark, evidence: str) -> str:
    """The mark in the shape of its class; a count inside where it has room."""
    colour = _colour(FLAG_COLOURS[mark.component.flags[0]] if mark.component.flags else "mark")
    x, y, r = mark.x, mark.y, mark.radius
    if evidence == "declared":
        square = f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r:g}" height="{2 * r:g}"'
        half = f'<path d="M{x - r:.1f},{y - r:.1f}h{2 * r:g}l{-2 * r:g},{2 * r:g}Z" fill="{colour}"/>'
        return f'{square} fill="{_colour("paper")}" stroke="{colour}" stroke-width="1.5"/>{half}'
    count = ""
    if mark.component.count is not None:
        count = _text(x, y + 4, f"{mark.component.count:,}", "paper", middle=True)
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{colour}"/>{count}'


def _badge_box(mark: _Mark, number: int) -> Box:
    """The room of the number of a flag, at the upper right of a mark."""
    x, y = mark.x + mark.radius * 0.7 + 6 + 11 * number, mark.y - mark.radius * 0.7 - 4
    return (x - BADGE, y - BADGE, x + BADGE, y + BADGE)


def _badge(mark: _Mark, number: int, flag: int) -> str:
    left, top, _, _ = _badge_box(mark, number)
    x, y, colour = left + BADGE, top + BADGE, _colour(FLAG_COLOURS[flag])
    ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{BADGE:g}" fill="{_colour("paper")}" stroke="{colour}"/>'
    return f'{ring}<text x="{x:.1f}" y="{y + 3.2:.1f}" text-anchor="middle" font-size="9" fill="{colour}">{flag}</text>'


def _key(drawn: WardleyMap, lettered: list[tuple[str, str]], width: int, bottom: float) -> tuple[str, float]:
    """What shapes, numbers and letters mean, what the map leaves out; and where the drawing ends."""
    what = "a number counts data products" if drawn.evidence == "measured" else "a line goes to the need that it serves"
    first = [(f"{SHAPES[drawn.evidence]} {CLASSES[drawn.evidence]}: {what}", "ink")]
    first += [(f"{number} {words}", FLAG_COLOURS[number]) for number, words in drawn.flags.items()]
    x, y, parts = 0.0, bottom + (UNDER if drawn.stages[0][1] else UNDER / 2) + LABEL_HEIGHT, []
    for row in (first, [(f"{letter} {words}", "ink") for letter, words in lettered]):
        for words, colour in row:
            if x and x + text_width(words) > width:
                x, y = 0.0, y + LABEL_HEIGHT
            for number, line in enumerate(_in_lines(words, width)):
                x, y = (0.0, y + LABEL_HEIGHT) if number else (x, y)
                parts.append(_text(x, y, line, colour))
            x += text_width(words) + 18
        x, y = (0.0, y + LABEL_HEIGHT) if x else (x, y)
    for line in (line for note in drawn.notes for line in _in_lines(f"{note}.", width)):
        parts.append(_text(0, y, line, "muted"))
        y += LABEL_HEIGHT
    return "".join(parts), y - LABEL_HEIGHT + 6


def _in_lines(words: str, width: float) -> list[str]:
    """The words in lines of at most `width` pixels; a longer word has a line of its own."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "") -> str:
    look = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}" stroke="{_colour(colour)}" fill="none"{look}/>'


def _text(
    x: float,
    y: float,
    words: str,
    colour: str,
    bold: bool = False,
    middle: bool = False,
    end: bool = False,
    halo: bool = False,
    size: float = FONT_SIZE,
) -> str:
    anchor = ' text-anchor="middle"' if middle else ' text-anchor="end"' if end else ""
    weight = ' font-weight="bold"' if bold else ""
    around = f' stroke="{_colour("paper")}" stroke-width="3" paint-order="stroke"' if halo else ""
    look = f'font-size="{size:g}" fill="{_colour(colour)}"{anchor}{weight}{around}'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'


def _isolated(name: str) -> str:
    """A name that turns nothing around it, whichever way it is written."""
    return name if name.isascii() else f"\u2068{name}\u2069"


def _colour(name: str) -> str:
    return variable(PALETTE[name])
