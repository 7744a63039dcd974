"""A Wardley map as OWM text, the language of onlinewardleymaps.com.

Belongs here: the language's lines and what its parser can't read in a name. Does not belong here: what stands where
(`maps.py`). The parser splits lines at marks, without a way to escape them: so a name has look-alikes in their place.
"""

import re

from dashboard.charts.labels import Label, place_labels
from dashboard.maps import Component, WardleyMap
from dashboard.words import maps

LOOK_ALIKES = str.maketrans(
    {"[": "［", "]": "］", "(": "（", ")": "）", "{": "｛", "}": "｝", ";": "；", '"': "”", "\\": "＼"}
)
COMMENT = re.compile(r"/(?=[/*])|(?<=\*)/")  # begins or ends a comment, wherever it stands
ARROW = re.compile(r"->|\+(?=[<>'])")
SWITCHES = re.compile(r"build|buy|outsource|inertia|label|evolve")  # read anywhere in the line of a component
# a link that begins with one of these is no link to the parser, unless it is quoted
KEYWORDS = re.compile(
    "accelerator|anchor|annotation|build|buy|component|deaccelerator|ecosystem|evolution|evolve|link|market|note"
    "|outsource|pioneers|pipeline|settlers|size|style|submap|title|townplanners|url|y-axis",
    re.IGNORECASE,
)
DECORATORS = {"build": "build", "buy": "buy", "commodity": "outsource"}
SIZE = (1100, 620)  # pixels of the canvas
FONT_SIZE = 13 / 11  # of the canvas, of that of our drawings


def owm_text(drawn: WardleyMap) -> str:
    """The map as OWM text, which ends with a line break; the same map gives the same bytes.

    Components keep their height and evolution to a thousandth; links go from a need to what serves it.
    """
    labels = _labels(drawn)
    lines = [
        f"title {owm_name(drawn.title)}",
        "style wardley",
        f"size [{SIZE[0]}, {SIZE[1]}]",
        "evolution " + "->".join(_stage(*stage) for stage in drawn.stages),
        f"// {maps.CLASSES[drawn.evidence]}. Height: {drawn.height}.",
        *(f"// Height {at:.3f}: {words}" for at, words in drawn.ticks),
        *(f"// {owm_name(note)}." for note in drawn.notes),
        "",
        *(f"anchor {owm_name(anchor.name)} {_place(anchor)}" for anchor in drawn.anchors),
        *(f"component {owm_name(c.name)} {_place(c)}{_decorator(c)}{labels[c.name]}" for c in drawn.components),
        *(f"{_end(need)}->{_end(c.name)}" for c in drawn.components for need in c.needs),
        "",
        *_annotations(drawn),
        *(f"note {owm_name(words)} [{0.02 + 0.04 * n:.2f}, 0.01]" for n, words in enumerate(_notes(drawn))),
    ]
    return "\n".join(lines) + "\n"


def owm_name(name: str) -> str:
    """A name as the parser of OWM reads it back; the same where nothing in it means anything to the parser.

    Brackets, quotes, slashes of comments and semicolons become look-alikes; an arrow becomes →; words that switch
    something on get a capital letter.
    """
    plain = COMMENT.sub("∕", ARROW.sub(_arrow, name.translate(LOOK_ALIKES)))
    return SWITCHES.sub(lambda found: found[0].capitalize(), plain)


def _arrow(found: re.Match[str]) -> str:
    return "→" if found[0] == "->" else "＋"


def _stage(wardley: str, ours: str) -> str:
    return f"{wardley}: {ours.lower()}" if ours else wardley


def _place(component: Component) -> str:
    return f"[{component.visibility:.3f}, {component.evolution:.3f}]"


def _decorator(component: Component) -> str:
    return f" ({DECORATORS[component.sourcing]})" if component.sourcing else ""


def _labels(drawn: WardleyMap) -> dict[str, str]:
    """{name of a component: where its name stands, from its mark in pixels}, so that no name covers another."""
    width, height = SIZE[0] / FONT_SIZE, SIZE[1] / FONT_SIZE
    labels = [Label(owm_name(c.name), width * c.evolution, height * (1 - c.visibility), 6) for c in drawn.components]
    anchors = [(width * a.evolution, height * (1 - a.visibility)) for a in drawn.anchors]
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in [*((label.x, label.y) for label in labels), *anchors]]
    found = zip(drawn.components, labels, place_labels(labels, taken, (0, 0, width, height)), strict=True)
    offsets = {c.name: (place.x - label.x, place.y - label.y) for c, label, place in found if place}
    words = {name: f" label [{x * FONT_SIZE:.0f}, {y * FONT_SIZE:.0f}]" for name, (x, y) in offsets.items()}
    return {c.name: words.get(c.name, "") for c in drawn.components}


def _end(name: str) -> str:
    """A name at an end of a link."""
    plain = owm_name(name)
    return f'"{plain}"' if KEYWORDS.match(plain) else plain


def _annotations(drawn: WardleyMap) -> list[str]:
    """Each flag, at the components that have it, and the place of their box."""
    lines = []
    for number, words in drawn.flags.items():
        places = ",".join(_place(c) for c in drawn.components if number in c.flags)
        if places:
            lines.append(f"annotation {number} [{places}] {owm_name(words)}")
    return [*lines, "annotations [0.98, 0.72]"] if lines else []


def _notes(drawn: WardleyMap) -> list[str]:
    """The class of the map with its first note, and what has no place."""
    return [
        f"{maps.CLASSES[drawn.evidence]}: {drawn.notes[0]}",
        *(note for note in drawn.notes[1:] if note.startswith(maps.NOT_PLACED)),
    ]
