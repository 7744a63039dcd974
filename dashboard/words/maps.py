"""The words on the Wardley maps: titles, stages, what a height means, what a map leaves out.

Belongs here: words that the drawing, the OWM text and the page share. Does not belong here: positions.
"""

from datetime import date
from typing import TYPE_CHECKING

from dashboard.rows import Row
from dashboard.tables import PageData
from dashboard.words import codes, evolution, numbers
from dashboard.words.phrases import counted, has_or_have, joined

if TYPE_CHECKING:  # it reads these words
    from dashboard.maps import WardleyMap

STAGES = {"genesis": "Genesis", "custom": "Custom", "product": "Product", "commodity": "Commodity"}
CLASSES = {"measured": "Measured", "declared": "Declared", "not_measured": "Not measured"}
CAPABILITY_HEIGHT = "order in the chain: a need, and below it what serves it"
BUILDING = "built though a commodity"
REVIEW_DUE = "not reviewed for a year"
NOT_PLACED = "□ "  # begins a note on what has no place
LISTED = 5  # names in a note
NOT_PUBLISHED = "Nothing is published in {root} yet, so there is nothing to map. Run `flywheel run` first."
NOT_READABLE = "{file} lacks a table, as another version of Flywheel wrote it, or is damaged. Run `flywheel run` first."
NO_PRODUCTS = (
    "The map of the data products has nothing to place: {reason}. Its height needs adopted events, its evolution "
    "contract_activated and contract_checked events."
)
NO_CAPABILITIES = (
    "The map of the capabilities has nothing to place: no capability with its evolution is declared. List them in "
    "declared/capabilities.csv of the home, each with the need it serves, sourcing (build, buy, commodity) and "
    "evolution (genesis, custom, product, commodity), then run `flywheel run`."
)


def product_title(data: PageData) -> str:
    """The title of the map of the data products, with the day of its rows."""
    return f"Data products by use and certainty, {_day(data.publication['as_of_day'])}"


def capability_title(data: PageData) -> str:
    """The title of the map of the capabilities, with the day of its rows."""
    return f"Capabilities as declared, {_day(data.publication['as_of_day'])}"


def product_height(basis: str) -> str:
    """What the height of a data product means."""
    return (
        "share of other domains with use in the last 90 days"
        if basis == "last_90_days"
        else ("share of other domains that ever used it")
    )


def group(count: int, certainty: str, lowest: float, highest: float) -> str:
    """The name of the data products that share a place and are not named."""
    shares = numbers.share(lowest)
    shares = shares if numbers.share(highest) == shares else f"{shares} to {numbers.share(highest)}"
    return f"{count:,} {codes.CERTAINTIES[certainty].lower()}, ubiquity {shares}"


def position(name: str, count: int) -> str:
    """A position off the S-curve, and how many data products are at it."""
    return f"{codes.POSITIONS[name][0]}: {count:,}"


def flagged(words: str, count: int) -> str:
    """What calls for action, and how many capabilities it concerns."""
    return f"{words.capitalize()}: {count:,}"


def product_notes(data: PageData, placed: int, total: int, named: int) -> tuple[str, ...]:
    """What is placed, named, counted and not placed."""
    by_name = f"{named:,} off the S-curve by name, the others counted by place" if named else "counted by place"
    notes = [
        f"{counted(placed, 'data product')} placed: {by_name}",
        "Places within a stage mean nothing; a height says how many use it, not what depends on it",
    ]
    if missing := total - placed:
        notes.append(f"{NOT_PLACED}Not measured, so not placed: {counted(missing, 'data product')} of unknown owner")
    return tuple(notes)


def capability_notes(rows: list[Row], more: dict[str, int]) -> tuple[str, ...]:
    """What is left out of the map of capabilities, with counts."""
    notes = []
    if found := [f"{count:,} at {STAGES[stage].lower()}" for stage, count in more.items() if count > 0]:
        notes.append(f"Left out: {joined(found)}")
    missing = [row["capability"] for row in rows if row["evolution"] is None]
    if missing:
        notes.append(f"{NOT_PLACED}Evolution not declared, so not placed: {_names(missing)}")
    alone = sum(row["need"] is None and row["evolution"] is not None for row in rows)
    if alone:
        notes.append(f"{counted(alone, 'capability', 'capabilities')} {has_or_have(alone)} no declared need")
    notes.append("Places within a stage mean nothing; no arrow: nobody declares where a capability is going")
    return tuple(notes)


def _names(names: list[str]) -> str:
    rest = len(names) - LISTED
    return joined([*names[:LISTED], *([f"{rest:,} more"] if rest > 0 else [])])


def _day(day: date) -> str:
    return f"{day:%-d %b %Y}"


def description(drawn: "WardleyMap") -> str:
    """The map in words, for those who don't see it: its class, how much is in each stage, what calls for action."""
    stages = []
    for (name, _), start, end in zip(drawn.stages, drawn.starts, [*drawn.starts[1:], 1.01], strict=True):
        count = sum(c.count or 1 for c in drawn.components if start <= c.evolution < end)
        stages.append(f"{name} {count:,}")
    words = f"{CLASSES[drawn.evidence]}. {', '.join(stages)}."
    return " ".join([words, *(f"{flag}." for flag in drawn.flags.values()), *(f"{note}." for note in drawn.notes)])


def product_heading(flags: dict[int, str]) -> str:
    """The heading of the section of the data products."""
    counts = [words.rpartition(": ") for words in flags.values()]
    parts = [f"{count} {words[0].lower()}{words[1:]}" for words, _, count in counts]
    return "Map of the data products" + (f": {joined(parts)}" if parts else "")


def missing(data: PageData, name: str) -> str:
    """Why a map has nothing to place, and what to send or declare."""
    if name == "capabilities":
        return NO_CAPABILITIES
    return NO_PRODUCTS.format(reason=codes.reason(evolution.reason_without_positions(data.evolution)))
