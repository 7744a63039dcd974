"""The two Wardley maps, from served rows: the live data products (measured), the capabilities (declared).

Belongs here: what stands where on a map, what is named, what is only counted. Does not belong here: how a map is drawn
(`charts/wardley.py`) or written (`owm.py`), sentences (`words/maps.py`). Positions are fractions of the map: height,
0 (invisible to users) to 1; evolution, 0 (genesis) to 1 (commodity).
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dashboard.charts.marks import round_ticks
from dashboard.rows import Row, grouped
from dashboard.tables import PageData
from dashboard.words import codes, maps, products

# where genesis, custom, product and commodity begin, and the map ends: as OnlineWardleyMaps has them
STAGES = (0.0, 0.175, 0.4, 0.7, 1.0)
CERTAINTIES = ("raw", "contract_not_kept", "curated", "authoritative")  # one in each stage, in this order
EVOLUTIONS = ("genesis", "custom", "product", "commodity")
LOWEST, HIGHEST = 0.14, 0.92  # heights between which data products stand
BANDS = 10  # heights that are nearer to each other than a tenth of the axis are counted together
NAMED = 5  # data products of each position off the S-curve that are named
IN_NARROW = 2  # capabilities of a stage on a narrow drawing
PER_STAGE = 6  # capabilities of a stage that are drawn
NEED, CAPABILITY = 0.86, 0.34  # heights: a need, and what serves it
LONGEST_NAME = 60  # characters
# number: (column of a capability, words)
CAPABILITY_FLAGS = {1: ("is_building_a_commodity", maps.BUILDING), 2: ("is_review_due", maps.REVIEW_DUE)}


@dataclass(frozen=True)
class Component:
    """Something on a map. `count`: the data products that it stands for; None for one that has a name of its own."""

    name: str
    visibility: float
    evolution: float
    count: int | None = None
    sourcing: str = ""  # build, buy or commodity
    flags: tuple[int, ...] = ()  # numbers of WardleyMap.flags
    needs: tuple[str, ...] = ()  # names of the anchors that it serves


@dataclass(frozen=True)
class WardleyMap:
    """A map: what `owm.py` writes and `charts/wardley.py` draws."""

    name: str  # of its file
    title: str
    evidence: str  # the class of every component: measured or declared
    stages: tuple[tuple[str, str], ...]  # Wardley's name of each stage, and ours; "" where it is the same
    height: str  # what the height of a component means
    ticks: tuple[tuple[float, str], ...] = ()  # (height, words)
    anchors: tuple[Component, ...] = ()
    components: tuple[Component, ...] = ()
    flags: dict[int, str] = field(default_factory=dict)  # {number: words}
    notes: tuple[str, ...] = ()  # what the map leaves out, with counts, and what it can't say
    starts: tuple[float, ...] = STAGES[:-1]  # where the stages begin


def all_maps(data: PageData, is_narrow: bool = False) -> dict[str, WardleyMap | None]:
    """The maps by name, with fewer names where a drawing of them is narrow; None where there is nothing to place."""
    if is_narrow:
        return {"data_products": product_map(data, 0), "capabilities": capability_map(data, IN_NARROW)}
    return {"data_products": product_map(data), "capabilities": capability_map(data)}


def product_map(data: PageData, most_named: int = NAMED) -> WardleyMap | None:
    """The live data products: height by the share of other domains that use them, evolution by certainty.

    Of each position off the S-curve up to `most_named` are named. All others are counted by place, so that the counts
    and the named ones add up to those that are placed. None where certainty or use of none is known.
    """
    cells = [row for row in data.evolution if row["position"] and row["ubiquity_share"] is not None]
    if not cells:
        return None
    examples = grouped(data.evolution_examples, "position")
    named = [row for name in codes.POSITIONS for row in examples.get(name, [])[:most_named]]
    ticks = [t for t in round_ticks(0, max(0.1, *(float(r["ubiquity_share"]) for r in cells))) if t <= 1]
    top = max(ticks[-1], *(float(row["ubiquity_share"]) for row in cells))
    placed = sum(row["product_count"] for row in cells)
    total = sum(row["product_count"] for row in data.evolution)
    counts = {name: sum(r["product_count"] for r in cells if r["position"] == name) for name in codes.POSITIONS}
    flags = {number: name for number, name in enumerate(codes.POSITIONS, 1) if counts[name]}
    numbers = {name: number for number, name in flags.items()}
    return WardleyMap(
        "data_products",
        maps.product_title(data),
        "measured",
        tuple((maps.STAGES[stage], codes.CERTAINTIES[c]) for stage, c in zip(EVOLUTIONS, CERTAINTIES, strict=True)),
        maps.product_height(cells[0]["ubiquity_basis"]),
        tuple((_height(tick, top), f"{tick:.0%}") for tick in ticks),
        components=_spread(unique([*_groups(cells, named, top, numbers), *_named(named, top, numbers)])),
        flags={number: maps.position(name, counts[name]) for number, name in flags.items()},
        notes=maps.product_notes(data, placed, total, len(named)),
    )


def _height(share: float, top: float) -> float:
    """The height of a share of the other domains, on an axis that ends at `top`."""
    return LOWEST + (HIGHEST - LOWEST) * float(share) / top


def _at(certainty: str) -> float:
    return STAGES[CERTAINTIES.index(certainty)]


def _named(rows: list[Row], top: float, numbers: dict[str, int]) -> list[Component]:
    return [
        Component(
            tidy(products.title_of(row)) or tidy(row["data_product_id"]) or "unnamed",
            _height(row["ubiquity_share"], top),
            _at(row["certainty"]),
            flags=(numbers[row["position"]],),
        )
        for row in rows
    ]


def _groups(cells: list[Row], named: list[Row], top: float, numbers: dict[str, int]) -> list[Component]:
    """A component for each certainty, band of heights and position, of its data products that are not named."""
    lowest = _bands([float(row["ubiquity_share"]) for row in cells], top)
    counts: dict[tuple[str, float, str], int] = {}
    highest: dict[tuple[str, float, str], float] = {}
    for row in cells:
        share = float(row["ubiquity_share"])
        key = (row["certainty"], lowest[share], row["position"])
        counts[key] = counts.get(key, 0) + row["product_count"]
        highest[key] = max(share, highest.get(key, 0.0))
    for row in named:
        key = (row["certainty"], lowest[float(row["ubiquity_share"])], row["position"])
        counts[key] -= 1
    return [
        Component(
            maps.group(count, certainty, share, highest[certainty, share, position]),
            _height(share, top),
            _at(certainty),
            count,
            flags=(numbers[position],) if position in numbers else (),
        )
        for (certainty, share, position), count in sorted(counts.items())
        if count
    ]


def _bands(shares: list[float], top: float) -> dict[float, float]:
    """{share: the lowest share that is counted with it}."""
    bands: dict[float, float] = {}
    level = -1.0
    for share in sorted(set(shares)):
        level = share if share - level >= top / BANDS else level
        bands[share] = level
    return bands


def capability_map(data: PageData, per_stage: int = PER_STAGE) -> WardleyMap | None:
    """The declared capabilities under the needs that they serve; evolution as declared. None where none is placed.

    Of a stage `per_stage` are drawn: the flagged ones first, then the others by name. The rest is counted.
    """
    rows = sorted(data.capabilities, key=lambda row: (not _is_flagged(row), row["capability"]))
    by_stage = {stage: [row for row in rows if row["evolution"] == stage] for stage in EVOLUTIONS}
    drawn = [row for stage in EVOLUTIONS for row in sorted(by_stage[stage][:per_stage], key=_by_need)]
    if not drawn:
        return None
    needs = _needs(drawn)
    named = unique([_capability(row, needs) for row in drawn], [need.name for need in needs.values()])
    components = _spread(named)
    return WardleyMap(
        "capabilities",
        maps.capability_title(data),
        "declared",
        tuple((maps.STAGES[stage], "") for stage in EVOLUTIONS),
        maps.CAPABILITY_HEIGHT,
        ((NEED, "need"),),
        anchors=_above(list(needs.values()), components),
        components=tuple(components),
        flags={
            number: maps.flagged(words, count)
            for number, (column, words) in CAPABILITY_FLAGS.items()
            if (count := sum(bool(row[column]) for row in rows))
        },
        notes=maps.capability_notes(rows, {stage: len(found) - per_stage for stage, found in by_stage.items()}),
    )


def _is_flagged(row: Row) -> bool:
    return any(row[column] for column, _ in CAPABILITY_FLAGS.values())


def _by_need(row: Row) -> tuple[str, str]:
    return (row["need"] or "", row["capability"])


def _needs(rows: list[Row]) -> dict[str, Component]:
    """{declared need: its anchor}, in the order in which capabilities serve them."""
    declared = dict.fromkeys(row["need"] for row in rows if row["need"])
    anchors = unique([Component(tidy(need) or "need", NEED, 0.0) for need in declared])
    return dict(zip(declared, anchors, strict=True))


def _capability(row: Row, needs: dict[str, Component]) -> Component:
    flags = [number for number, (column, _) in CAPABILITY_FLAGS.items() if row[column]]
    return Component(
        tidy(row["capability"]) or "capability",
        CAPABILITY,
        STAGES[EVOLUTIONS.index(row["evolution"])],
        sourcing=row["sourcing"] or "",
        flags=tuple(flags),
        needs=(needs[row["need"]].name,) if row["need"] else (),
    )


def _above(needs: list[Component], components: Iterable[Component]) -> tuple[Component, ...]:
    """The anchors, each above the middle of what serves it, in that order, apart from each other."""
    served = {need.name: [c.evolution for c in components if need.name in c.needs] for need in needs}
    middles = sorted((sum(at) / len(at), name) for name, at in served.items())
    gap = min(0.03, 0.9 / len(middles)) if middles else 0.0
    placed: list[Component] = []
    for number, (middle, name) in enumerate(middles):
        latest = placed[-1].evolution + gap if placed else 0.02
        room = 0.98 - gap * (len(middles) - 1 - number)
        placed.append(Component(name, NEED, round(min(max(middle, latest), room), 3)))
    return tuple(placed)


def _spread(components: Iterable[Component]) -> tuple[Component, ...]:
    """The components with their place in the stage that they begin at: those at about one height side by side.

    A place within a stage means nothing. Heights and places are rounded to a thousandth.
    """
    rows: dict[tuple[float, int], list[Component]] = {}
    for component in components:
        rows.setdefault((component.evolution, round(component.visibility * BANDS)), []).append(component)
    spread = []
    for (start, _), row in sorted(rows.items(), key=lambda item: (item[0][0], -item[0][1])):
        end = STAGES[STAGES.index(start) + 1]
        for number, c in enumerate(row, 1):
            at = round(start + (end - start) * (number - 0.5) / len(row), 3)
            spread.append(replace(c, visibility=round(c.visibility, 3), evolution=at))
    return tuple(spread)


def tidy(name: str) -> str:
    """A name in one line, without control characters and marks of direction, at most LONGEST_NAME characters."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Zs", "Zl", "Zp") else c for c in name or "")
    kept = "".join(c for c in kept if c in "\u200c\u200d" or unicodedata.category(c) not in ("Cf", "Cs", "Cn"))
    kept = " ".join(kept.split())
    return kept if len(kept) <= LONGEST_NAME else kept[: LONGEST_NAME - 1].rstrip() + "…"


def unique(components: Iterable[Component], taken: Iterable[str] = ()) -> list[Component]:
    """The same components; a name that another one has, whatever its case and spaces, gets a number."""
    used = {name.casefold() for name in taken}
    found = []
    for component in components:
        name, number = component.name, 1
        while name.casefold() in used:
            number += 1
            name = f"{component.name}, no. {number}"
        used.add(name.casefold())
        found.append(replace(component, name=name))
    return found
