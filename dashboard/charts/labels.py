"""Where the names of the marks of a drawing stand so that none covers another, by a simple, deterministic search.

Belongs here: widths of text, boxes, the search. Does not belong here: what is drawn.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from dashboard.charts.marks import LABEL_HEIGHT
from dashboard.theme import FONT_SIZE

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels
LINES = 7  # above and below a mark, in which its name may stand
WIDE = 1.0  # of the font's size: the width of a Chinese, Japanese or Korean character; and of any other
NARROW = 0.62
GAP = 4.0  # pixels between a mark and its name


@dataclass(frozen=True)
class Label:
    """A name to place: `x`, `y` and `radius` of its mark; `up`, whether lines above are tried before those below."""

    words: str
    x: float
    y: float
    radius: float
    up: bool = True


@dataclass(frozen=True)
class Place:
    """Where a name stands: the left end of its baseline, and the line from its mark to it, where it has one."""

    x: float
    y: float
    leader: tuple[float, float] | None = None  # heights between which it goes, at the middle of the mark


def text_width(words: str, size: float = FONT_SIZE) -> float:
    """About how wide a text is, in pixels; never narrower than usual fonts draw it."""
    return size * sum(WIDE if unicodedata.east_asian_width(c) in "WF" else NARROW for c in words)


def place_labels(labels: list[Label], taken: list[Box], room: Box) -> list[Place | None]:
    """A place for each label within `room`; None where every one of its places is taken. Adds to `taken` what it takes.

    No name covers what is taken (marks), another name or another's line. From right to left, so that the line of a name
    passes by the names that begin further right.
    """
    places: list[Place | None] = [None] * len(labels)
    for number in sorted(range(len(labels)), key=lambda n: (-labels[n].x, labels[n].y)):
        label = labels[number]
        for place in _candidates(label, room):
            boxes = _boxes(label, place)
            if all(_is_within(box, room) and not _touches_any(box, taken) for box in boxes):
                places[number] = place
                taken += boxes
                break
    return places


def _candidates(label: Label, room: Box) -> Iterator[Place]:
    """Right of the mark, then line by line away from it, beginning at the mark or further left; then left of it."""
    width, away = text_width(label.words), label.radius + GAP
    yield Place(label.x + away, label.y + 4)
    for left in dict.fromkeys((label.x - 2, min(label.x - 2, room[2] - width), label.x - width + 2)):
        for line in range(LINES):
            for side in (-1, 1) if label.up else (1, -1):
                y = label.y + side * (away + 2 + LABEL_HEIGHT * line) + (-1 if side < 0 else FONT_SIZE - 2)
                ends = (label.y + side * (label.radius + 1.5), y + (2 if side < 0 else -FONT_SIZE + 1))
                yield Place(left, y, ends if line else None)
    yield Place(label.x - away - width, label.y + 4)


def _boxes(label: Label, place: Place) -> list[Box]:
    width = text_width(label.words)
    boxes = [(place.x, place.y - FONT_SIZE + 1, place.x + width, place.y + 3)]
    if place.leader:
        top, bottom = sorted(place.leader)
        boxes.append((label.x - 0.5, top, label.x + 0.5, bottom))
    return boxes


def _is_within(box: Box, room: Box) -> bool:
    return box[0] >= room[0] and box[1] >= room[1] and box[2] <= room[2] and box[3] <= room[3]


def _touches_any(box: Box, others: list[Box]) -> bool:
    return any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in others)
