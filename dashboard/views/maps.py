"""The sections of the persona pages with a Wardley map: `templates/persona/map.html` and a part of the landscape's.

Belongs here: what a template prints of a map. Does not belong here: what stands where (`dashboard/maps.py`).
"""

from itertools import pairwise

from markupsafe import Markup

from dashboard import maps
from dashboard.charts.wardley import MEDIUM_SIZE, NARROW_SIZE, WIDE_SIZE, wardley_chart
from dashboard.maps import STAGES, Component, WardleyMap
from dashboard.tables import PageData
from dashboard.views.parts import View
from dashboard.words import maps as words

FOLDER = "maps"  # of the OWM texts, next to the pages


def map_section(data: PageData) -> View:
    """The map of the data products, or why there is none."""
    wide, narrow = maps.product_map(data), maps.product_map(data, 0)
    if not wide or not narrow:
        return {
            "title": words.product_heading({}),
            "classes": ["not_measured"],
            "missing": words.missing(data, "data_products"),
            "map": None,
        }
    shown = wardley_view(wide, narrow)
    return {"title": words.product_heading(wide.flags), "classes": ["measured"], "missing": "", "map": shown}


def capability_map(data: PageData) -> View | None:
    """The map of the capabilities for the section of the landscape; None where there is nothing to place."""
    wide, narrow = maps.capability_map(data), maps.capability_map(data, maps.IN_NARROW)
    return wardley_view(wide, narrow) if wide and narrow else None


def wardley_view(wide: WardleyMap, narrow: WardleyMap) -> View:
    """A map for each width of the page, its components as a table, and where its OWM text is."""
    return {
        "name": wide.name,
        "label": wide.title,
        "file": f"{FOLDER}/{wide.name}.owm",
        "chart": {
            size: Markup(wardley_chart(drawn, *sizes[drawn.name], f"{drawn.name.replace('_', '-')}-map-{size}"))
            for size, drawn, sizes in (
                ("wide", wide, WIDE_SIZE),
                ("medium", wide, MEDIUM_SIZE),
                ("narrow", narrow, NARROW_SIZE),
            )
        },
        "rows": [_row(wide, component) for component in (*wide.anchors, *wide.components)],
    }


def _row(drawn: WardleyMap, component: Component) -> View:
    """A component in words: its stage, its place on the map, and what calls for action."""
    is_anchor = component in drawn.anchors
    flags = [drawn.flags[number].partition(":")[0] for number in component.flags]
    return {
        "name": component.name,
        "stage": "–" if is_anchor else _stage(drawn, component),
        "height": f"{component.visibility:.3f}",
        "evolution": "–" if is_anchor else f"{component.evolution:.3f}",
        "flags": "; ".join(flags) or "–",
    }


def _stage(drawn: WardleyMap, component: Component) -> str:
    number = next(n for n, (start, end) in enumerate(pairwise(STAGES)) if start <= component.evolution < end)
    wardley, ours = drawn.stages[number]
    return f"{wardley}: {ours.lower()}" if ours else wardley
